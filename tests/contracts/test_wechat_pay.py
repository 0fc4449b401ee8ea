# SPDX-License-Identifier: Apache-2.0
"""The adapter of WeChat Pay against the simulator, by the contract; and both against another's package."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import ClassVar
from uuid import uuid4

import httpx
import pytest
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.utils import rsa_sign

from tests.contracts.outside import SimulatorOutside
from tests.contracts.processes import simulator_at_work
from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.kernel.outcomes import OutcomeUnknown, Rejected, Unavailable, Unsupported
from tsuzuku.kernel.rsa import is_signed, private_key
from tsuzuku.payments.adapters.wechat_pay import SimulatedAccount, WeChatPayProvider
from tsuzuku.payments.adapters.wechat_pay.signing import authorization, decrypted
from tsuzuku.payments.ports import EventKind, FailureReason, WebhookForged, WebhookStale
from tsuzuku.testing.contracts.payment_money import PaymentMoneyContract
from tsuzuku.testing.contracts.payment_provider import (
    PaymentProviderContract,
    a_payment,
    a_refund,
    read,
    take,
)
from tsuzuku.testing.processes import SandboxProcess
from tsuzuku.testing.receiver import WebhookReceiver

NOTIFY_URL = "https://shop.example/inbound/payments/wechat_pay"


class WeChatOutside(SimulatorOutside):
    """The simulator as the contract wants to hold it."""

    something_else = "PAYSCORE.USER_PAID"
    beginning: ClassVar[Mapping[str, object]] = {"refund_seconds": 60}

    def use_app(self, reference: str, **fields: object) -> None:
        self.told("/control/pay", out_trade_no=reference, **fields)

    def pay(self, reference: str, *, times: int = 1, amount: Money | None = None) -> None:
        taken = {"total": amount.amount_minor, "currency": amount.currency} if amount else {}
        for _ in range(times):
            self.use_app(reference, **taken)

    def decline(self, reference: str, reason: FailureReason) -> None:
        self.use_app(reference, decline=reason)

    def next_refund_fails(self) -> None:
        self.control(next_refunds=["closed"])


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory, receiver: WebhookReceiver) -> Iterator[SandboxProcess]:
    """A simulator that tells the receiver."""
    with simulator_at_work("wechat_pay", tmp_path_factory.mktemp("home"), webhook=receiver.url) as process:
        yield process


@pytest.fixture
def outside(process: SandboxProcess, receiver: WebhookReceiver) -> WeChatOutside:
    """The simulator, whose refunds wait to be ended. What a test before has left is told and forgotten."""
    outside = WeChatOutside(process, receiver)
    outside.begin_anew()
    return outside


@pytest.fixture
def provider(process: SandboxProcess) -> WeChatPayProvider:
    return WeChatPayProvider(SimulatedAccount(process.folder, notify_url=NOTIFY_URL))


class TestWeChatPayProvider(PaymentProviderContract):
    """The adapter and the process."""

    told_declines = ()


@pytest.mark.django_db(transaction=True)
class TestWeChatPaysMoney(PaymentMoneyContract):
    """The adapter, the process and our ledger."""

    told_declines = ()


class TestPaying:
    """What only WeChat Pay does."""

    def test_its_code_is_shown_on_our_page_and_paid_in_the_app(
        self, provider: WeChatPayProvider, outside: WeChatOutside
    ) -> None:
        request = a_payment(provider)
        started = provider.start_payment(request)
        assert started.instructions is not None
        assert started.instructions.qr_text.startswith("weixin://wxpay/bizpayurl?pr=")
        assert started.instructions.expires_at == request.expires_at.replace(microsecond=0)
        for pressed in ({"decline": "limit"}, {"trouble": "none"}):
            assert httpx.post(started.instructions.page_url, data=pressed).status_code == 303
        (told,) = read(provider, outside.webhooks())
        assert (told.kind, told.payment_reference) == (EventKind.CAPTURED, started.reference)

    def test_a_key_of_ours_is_its_number(self, provider: WeChatPayProvider) -> None:
        key = uuid4()
        started = provider.start_payment(replace(a_payment(provider), key=str(key)))
        assert started.reference == key.hex

    def test_a_code_is_good_as_long_as_the_order_within_what_is_possible(self, provider: WeChatPayProvider) -> None:
        request = a_payment(provider)
        for minutes, good_minutes in ((60, 60), (1, 15), (600, 120)):
            expires_at = request.created_at + timedelta(minutes=minutes)
            started = provider.start_payment(replace(request, key=token_hex(16), expires_at=expires_at))
            assert started.instructions is not None
            good = started.instructions.expires_at - request.created_at.replace(microsecond=0)
            assert good == timedelta(minutes=good_minutes)

    def test_a_code_that_nobody_paid_ends(self, provider: WeChatPayProvider, outside: WeChatOutside) -> None:
        request = a_payment(provider)
        reference = provider.start_payment(request).reference
        outside.control(close=reference)
        (found,) = provider.find_payment(reference)
        assert (found.kind, found.payment_reference, found.failure) == (
            EventKind.FAILED,
            reference,
            FailureReason.EXPIRED,
        )
        with pytest.raises(Rejected) as raised:
            provider.start_payment(request)
        assert raised.value.code == "ORDER_CLOSED"

    def test_what_was_paid_is_not_another_payment(self, provider: WeChatPayProvider, outside: WeChatOutside) -> None:
        request = a_payment(provider)
        reference = provider.start_payment(request).reference
        outside.pay(reference)
        again = provider.start_payment(request)
        assert (again.reference, again.redirect_url, again.instructions) == (reference, "", None)

    def test_only_its_method_and_nothing_kept(self, provider: WeChatPayProvider) -> None:
        assert provider.capabilities.methods == ("wechat_pay",)
        with pytest.raises(Rejected):
            provider.start_payment(replace(a_payment(provider), method="card"))
        with pytest.raises(Unsupported):
            provider.start_payment(replace(a_payment(provider), keep=True))

    def test_a_long_description_is_cut_between_characters(
        self, provider: WeChatPayProvider, outside: WeChatOutside
    ) -> None:
        started = provider.start_payment(replace(a_payment(provider), description="続" * 100))
        (found,) = [each for each in outside.audit()["objects"] if each["out_trade_no"] == started.reference]
        assert found["_asked"]["description"] == "続" * 42

    def test_never_started_it_is_unavailable(self, tmp_path: Path) -> None:
        provider = WeChatPayProvider(SimulatedAccount(tmp_path, notify_url=NOTIFY_URL))
        assert provider.capabilities.methods == ()
        with pytest.raises(Unavailable):
            provider.start_payment(replace(a_payment(provider), method="wechat_pay"))
        with pytest.raises(WebhookForged):
            provider.read_webhook(headers={}, body=b"{}", now=clock.now())


class TestRefunds:
    """Refunds that end in another way."""

    @pytest.mark.parametrize("end", ["abnormal", "closed"])
    def test_one_that_fails_is_found_by_asking_too(
        self, provider: WeChatPayProvider, outside: WeChatOutside, end: str
    ) -> None:
        taken = take(provider, outside)
        refund = a_refund(taken, 400)
        outside.control(next_refunds=[end])
        assert not provider.refund(refund).is_done
        outside.end_refunds()
        (told,) = read(provider, outside.webhooks())
        assert (told.kind, told.refund_key) == (EventKind.REFUND_FAILED, refund.key)
        found = provider.find_payment(taken.reference)
        assert [event.kind for event in found] == [EventKind.CAPTURED, EventKind.REFUND_FAILED]

    def test_refunds_that_cannot_be_listed_are_no_word_on_the_payment(
        self, provider: WeChatPayProvider, outside: WeChatOutside
    ) -> None:
        taken = take(provider, outside)
        provider.refund(a_refund(taken, 400))
        outside.control(next_lookups=[{"fault": "slow-answer", "seconds": 0}, "refuse"])
        with pytest.raises(Unavailable):
            provider.find_payment(taken.reference)

    def test_done_at_once(self, provider: WeChatPayProvider, outside: WeChatOutside) -> None:
        taken = take(provider, outside)
        outside.control(next_refunds=["at-once"])
        assert provider.refund(a_refund(taken, 1000)).is_done

    def test_too_low_a_balance_is_no_last_word(self, provider: WeChatPayProvider, outside: WeChatOutside) -> None:
        taken = take(provider, outside)
        refund = a_refund(taken, 1000)
        outside.control(next_refunds=["not-enough"])
        with pytest.raises(Unavailable) as raised:
            provider.refund(refund)
        assert raised.value.code == "NOT_ENOUGH"
        assert provider.refund(refund).reference


class TestBelieving:
    """Answers and notifications that are not what they seem."""

    @pytest.mark.parametrize(
        ("signing", "code"),
        [("none", "answer-forged"), ("wrong", "answer-forged"), ("probe", "answer-forged"), ("old", "answer-stale")],
    )
    def test_an_answer_without_its_signature_is_none(
        self, provider: WeChatPayProvider, outside: WeChatOutside, signing: str, code: str
    ) -> None:
        request = a_payment(provider)
        outside.control(next_answers=[signing])
        with pytest.raises(OutcomeUnknown) as unknown:
            provider.start_payment(request)
        reference = provider.start_payment(request).reference
        outside.control(next_answers=[signing])
        with pytest.raises(Unavailable) as unavailable:
            provider.find_payment(reference)
        assert (unknown.value.code, unavailable.value.code) == (code, code)

    def test_a_probe_is_refused_and_what_it_said_comes_again(
        self, provider: WeChatPayProvider, outside: WeChatOutside
    ) -> None:
        outside.control(next_notices=["probe"])
        outside.pay(provider.start_payment(a_payment(provider)).reference)
        (probe, genuine) = outside.webhooks(2)
        assert probe[0]["Wechatpay-Signature"].startswith("WECHATPAY/SIGNTEST/")
        with pytest.raises(WebhookForged):
            read(provider, [probe])
        assert [event.kind for event in read(provider, [genuine])] == [EventKind.CAPTURED]

    def test_a_certificate_and_a_public_key_are_valid_side_by_side(
        self, provider: WeChatPayProvider, outside: WeChatOutside
    ) -> None:
        outside.change_secret()
        ids = [each["id"] for each in outside.secrets()["platform_keys"]]
        assert sorted(key_id.startswith("PUB_KEY_ID_") for key_id in ids) == [False, True]
        outside.pay(provider.start_payment(a_payment(provider)).reference)
        ((headers, body),) = outside.webhooks()
        assert headers["Wechatpay-Serial"] == ids[0]
        # Serial numbers are also written with zeros in front and in small letters.
        spelt = headers | {"Wechatpay-Serial": ids[0] if ids[0].startswith("PUB") else f"0{ids[0].lower()}"}
        assert len(provider.read_webhook(headers=spelt, body=body, now=clock.now())) == 1
        for other in (ids[1], "", "PUB_KEY_ID_0", "00"):
            with pytest.raises(WebhookForged):
                provider.read_webhook(headers=headers | {"Wechatpay-Serial": other}, body=body, now=clock.now())

    def test_what_is_encrypted_for_somebody_else_is_kept_and_means_nothing(
        self, provider: WeChatPayProvider, outside: WeChatOutside, tmp_path: Path
    ) -> None:
        outside.pay(provider.start_payment(a_payment(provider)).reference)
        ((headers, body),) = outside.webhooks()
        for changed in ({"api_v3_key": "0" * 32}, {"mchid": "1600000000"}):
            for name in ("address.json", "secrets.json"):
                shared = json.loads((outside.process.folder / name).read_text())
                (tmp_path / name).write_text(json.dumps(shared | changed))
            other = WeChatPayProvider(SimulatedAccount(tmp_path, notify_url=NOTIFY_URL))
            (event,) = other.read_webhook(headers=headers, body=body, now=clock.now())
            assert (event.kind, event.amount) == (EventKind.UNKNOWN, None)

    def test_a_wrong_key_of_ours_may_be_mended(
        self, provider: WeChatPayProvider, outside: WeChatOutside, tmp_path: Path
    ) -> None:
        for name in ("address.json", "secrets.json"):
            shared = json.loads((outside.process.folder / name).read_text())
            (tmp_path / name).write_text(json.dumps(shared | {"merchant_serial": "00"}))
        with pytest.raises(Unavailable) as raised:
            WeChatPayProvider(SimulatedAccount(tmp_path, notify_url=NOTIFY_URL)).start_payment(a_payment(provider))
        assert raised.value.code == "SIGN_ERROR"


class TestAgainstPublishedVectors:
    """What WeChat Pay itself has published."""

    def test_a_notification_of_its_own_library_is_decrypted(self) -> None:
        """From the tests of wechatpay-apiv3/wechatpay-go, utils/aes_test.go. Read: 2026-11-21."""
        resource = {
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": "FsdXzxryWfKwvLJKf8LG/ToRPTRh8RN9wROC",
            "associated_data": "Dl56FrqWQJF1t9LtC3vEUsniZKvbqdR8",
            "nonce": "wCq51qZv4Yfg",
        }
        assert decrypted(resource, api_v3_key=b"testAPIv3Key0000") == b"Hello World"
        for changed in ({"nonce": "wCq51qZv4Yfh"}, {"associated_data": ""}, {"algorithm": "AEAD_SM4_GCM"}):
            with pytest.raises(ValueError, match="encrypted"):
                decrypted(resource | changed, api_v3_key=b"testAPIv3Key0000")

    def test_what_is_signed_of_a_request_is_its_example(
        self, provider: WeChatPayProvider, outside: WeChatOutside, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As in https://pay.weixin.qq.com/doc/v3/merchant/4012365336, under a key of ours. Read: 2026-11-21."""
        nonce = "593BEC0C930BF1AFEB40B4A08C8FB242"
        monkeypatch.setattr("tsuzuku.payments.adapters.wechat_pay.signing.token_hex", lambda _: nonce)
        merchant = SimulatedAccount(outside.process.folder, notify_url=NOTIFY_URL).merchant()
        assert merchant is not None
        header = authorization(
            merchant,
            method="GET",
            target="/v3/certificates",
            body=b"",
            now=datetime.fromtimestamp(1554208460, UTC),
        )
        scheme, _, told = header.partition(" ")
        fields = dict(re.findall(r'(\w+)="([^"]*)"', told))
        assert (scheme, fields["timestamp"], fields["nonce_str"]) == (
            "WECHATPAY2-SHA256-RSA2048",
            "1554208460",
            nonce,
        )
        signed = f"GET\n/v3/certificates\n1554208460\n{nonce}\n\n".encode()
        assert is_signed(merchant.private_key.public_key(), signed, fields["signature"])


class TestAgainstAnotherImplementation:
    """The simulator and our signatures, held against the package wechatpayv3."""

    @pytest.fixture
    def package(self, outside: WeChatOutside) -> WeChatPay:
        """The package as the simulator's merchant, in the way of public keys, pointed at the simulator."""
        while not outside.secrets()["platform_keys"][0]["id"].startswith("PUB_KEY_ID_"):
            outside.change_secret()
        shared = outside.secrets()
        package = WeChatPay(
            wechatpay_type=WeChatPayType.NATIVE,
            mchid=shared["mchid"],
            private_key=shared["merchant_private_key"],
            cert_serial_no=shared["merchant_serial"],
            appid=shared["appid"],
            apiv3_key=shared["api_v3_key"],
            notify_url=NOTIFY_URL,
            public_key=shared["platform_keys"][0]["pem"],
            public_key_id=shared["platform_keys"][0]["id"],
        )
        package._core._gate_way = outside.process.url
        return package

    def test_its_calls_are_taken_and_it_believes_the_answers(
        self, provider: WeChatPayProvider, outside: WeChatOutside, package: WeChatPay
    ) -> None:
        reference = provider.start_payment(a_payment(provider)).reference
        path = f"/v3/global/transactions/out-trade-no/{reference}?mchid={outside.secrets()['mchid']}"
        status, text = package._core.request(path)
        assert (status, json.loads(text)["trade_state"]) == (200, "NOTPAY")
        outside.control(next_answers=["wrong"])
        with pytest.raises(Exception, match="failed to verify the signature"):
            package._core.request(path)

    def test_it_reads_the_simulators_notifications(
        self, provider: WeChatPayProvider, outside: WeChatOutside, package: WeChatPay
    ) -> None:
        taken_request = a_payment(provider)
        reference = provider.start_payment(taken_request).reference
        outside.pay(reference)
        ((headers, body),) = outside.webhooks()
        told = package.callback(headers, body)
        assert (told["event_type"], told["resource"]["out_trade_no"]) == ("TRANSACTION.SUCCESS", reference)
        assert told["resource"]["amount"]["total"] == taken_request.amount.amount_minor
        assert package.callback(headers, body + b" ") is None

    @pytest.mark.parametrize("seconds", [0, -299, -301, 299, 301])
    def test_we_believe_what_its_signing_signs(
        self, provider: WeChatPayProvider, outside: WeChatOutside, seconds: int
    ) -> None:
        outside.pay(provider.start_payment(a_payment(provider)).reference)
        ((headers, body),) = outside.webhooks()
        own = json.loads((outside.process.folder / "platform-keys.json").read_text())
        now = clock.now()
        moment = str(int((now + timedelta(seconds=seconds)).timestamp()))
        signed = f"{moment}\nnonce\n{body.decode()}\n"
        headers |= {
            "Wechatpay-Timestamp": moment,
            "Wechatpay-Nonce": "nonce",
            "Wechatpay-Signature": rsa_sign(private_key(own[headers["Wechatpay-Serial"]]), signed),
        }
        if abs(seconds) > 300:
            with pytest.raises(WebhookStale):
                provider.read_webhook(headers=headers, body=body, now=now)
        else:
            (event,) = provider.read_webhook(headers=headers, body=body, now=now)
            assert event.kind is EventKind.CAPTURED
