# SPDX-License-Identifier: Apache-2.0
"""The adapter of Alipay against the simulator, by the contract; and both against another's package."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from urllib.parse import parse_qsl, urlencode
from uuid import uuid4

import httpx
import pytest
from alipay import AliPay
from alipay.exceptions import AliPayValidationError
from django.test import Client

from tests.contracts.outside import SimulatorOutside
from tests.contracts.processes import simulator_at_work
from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.kernel.outcomes import OutcomeUnknown, Rejected, Unavailable, Unsupported
from tsuzuku.payments.adapters.alipay import AlipayProvider, SimulatedAccount
from tsuzuku.payments.adapters.alipay.calls import CHINA, stamp
from tsuzuku.payments.adapters.alipay.signing import signed_fields
from tsuzuku.payments.ports import EventKind, FailureReason, WebhookForged, WebhookStale
from tsuzuku.payments.registry import using_provider
from tsuzuku.testing.contracts.payment_money import PaymentMoneyContract
from tsuzuku.testing.contracts.payment_provider import (
    PaymentProviderContract,
    a_payment,
    a_refund,
    read,
    take,
)
from tsuzuku.testing.processes import SandboxProcess
from tsuzuku.testing.receiver import WebhookReceiver, receiving

NOTIFY_URL = "https://shop.example/inbound/payments/alipay"


class AlipayOutside(SimulatorOutside):
    """The simulator as the contract wants to hold it."""

    something_else = "dut_user_sign"

    def use_app(self, reference: str, **fields: object) -> None:
        number = reference.partition(".")[0]
        self.told("/control/pay", out_trade_no=number, **fields)

    def pay(self, reference: str, *, times: int = 1, amount: Money | None = None) -> None:
        taken = {}
        if amount is not None:
            units = amount.amount_minor if amount.currency == "JPY" else f"{amount.amount_minor / 100:.2f}"
            taken = {"total_amount": str(units), "currency": amount.currency}
        for _ in range(times):
            self.use_app(reference, **taken)

    def decline(self, reference: str, reason: FailureReason) -> None:
        self.use_app(reference, decline=reason)

    def next_refund_fails(self) -> None:
        self.control(next_refunds=["finished"])

    def end_refunds(self) -> None:
        """They have ended within their calls."""

    def alipays_key(self) -> str:
        """What it shares with nobody."""
        own: dict[str, str] = json.loads((self.process.folder / "alipay-keys.json").read_text())
        return own["private_key"]


@pytest.fixture(scope="module")
def receiver() -> Iterator[WebhookReceiver]:
    """Our end of the notifications."""
    with receiving() as receiver:
        receiver.reply = b"success"
        yield receiver


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory, receiver: WebhookReceiver) -> Iterator[SandboxProcess]:
    """A simulator that tells the receiver."""
    with simulator_at_work("alipay", tmp_path_factory.mktemp("home"), webhook=receiver.url) as process:
        yield process


@pytest.fixture
def outside(process: SandboxProcess, receiver: WebhookReceiver) -> AlipayOutside:
    """The simulator. What a test before has left is told and forgotten."""
    outside = AlipayOutside(process, receiver)
    outside.begin_anew()
    return outside


@pytest.fixture
def provider(process: SandboxProcess) -> AlipayProvider:
    return AlipayProvider(SimulatedAccount(process.folder, notify_url=NOTIFY_URL))


class TestAlipayProvider(PaymentProviderContract):
    """The adapter and the process."""

    told_declines = ()
    signs_in_headers = False
    lists_refunds = False


@pytest.mark.django_db(transaction=True)
class TestAlipaysMoney(PaymentMoneyContract):
    """The adapter, the process and our ledger."""

    told_declines = ()
    signs_in_headers = False
    lists_refunds = False


class TestPaying:
    """What only Alipay does."""

    def test_its_code_is_an_address_that_a_phone_opens(self, provider: AlipayProvider, outside: AlipayOutside) -> None:
        request = a_payment(provider)
        started = provider.start_payment(request)
        assert started.instructions is not None
        code = started.instructions.qr_text
        assert started.instructions.page_url == code
        assert started.instructions.expires_at == request.expires_at.replace(microsecond=0)
        for pressed in ({"decline": "limit"}, {"trouble": "none"}):
            assert httpx.post(code, data=pressed).status_code == 303
        (told,) = read(provider, outside.webhooks())
        assert (told.kind, told.payment_key) == (EventKind.CAPTURED, request.key)

    def test_a_key_of_ours_is_its_number(self, provider: AlipayProvider, outside: AlipayOutside) -> None:
        key = uuid4()
        started = provider.start_payment(replace(a_payment(provider), key=str(key)))
        assert started.reference.partition(".")[0] == key.hex
        outside.pay(started.reference)
        (told,) = read(provider, outside.webhooks())
        assert told.payment_key == key.hex

    def test_a_trade_is_there_once_its_code_was_scanned(self, provider: AlipayProvider, outside: AlipayOutside) -> None:
        request = a_payment(provider)
        reference = provider.start_payment(request).reference
        assert provider.find_payment(reference) == ()
        outside.use_app(reference, decline="refused")
        assert provider.find_payment(reference) == ()
        number, _, expires_at = reference.partition(".")
        assert int(expires_at) == int(request.expires_at.timestamp())
        # The same of a code whose time has long been over.
        (found,) = provider.find_payment(f"{token_hex(16)}.{int(expires_at) - 86_400}")
        assert (found.kind, found.failure) == (EventKind.FAILED, FailureReason.EXPIRED)
        for malformed in (number, f"{number}.", f"{number}.x", f"{number}.-1", f".{expires_at}", ""):
            with pytest.raises(Rejected):
                provider.find_payment(malformed)

    def test_a_trade_that_nobody_paid_ends(self, provider: AlipayProvider, outside: AlipayOutside) -> None:
        request = a_payment(provider)
        reference = provider.start_payment(request).reference
        outside.use_app(reference, decline="refused")
        outside.control(end=reference.partition(".")[0])
        (told,) = read(provider, outside.webhooks())
        (found,) = provider.find_payment(reference)
        for event in (told, found):
            assert (event.kind, event.payment_key, event.failure) == (
                EventKind.FAILED,
                request.key,
                FailureReason.EXPIRED,
            )
        with pytest.raises(Rejected) as raised:
            provider.start_payment(request)
        assert raised.value.code == "ACQ.TRADE_HAS_CLOSE"

    def test_what_was_paid_is_not_another_payment(self, provider: AlipayProvider, outside: AlipayOutside) -> None:
        request = a_payment(provider)
        reference = provider.start_payment(request).reference
        outside.pay(reference)
        again = provider.start_payment(request)
        assert (again.reference, again.redirect_url, again.instructions) == (reference, "", None)

    def test_what_went_back_whole_was_paid_once(self, provider: AlipayProvider, outside: AlipayOutside) -> None:
        taken = take(provider, outside)
        provider.refund(a_refund(taken, 1000))
        (found,) = provider.find_payment(taken.reference)
        assert (found.kind, found.amount) == (EventKind.CAPTURED, taken.request.amount)

    def test_only_its_method_and_nothing_kept(self, provider: AlipayProvider) -> None:
        assert provider.capabilities.methods == ("alipay",)
        with pytest.raises(Rejected):
            provider.start_payment(replace(a_payment(provider), method="card"))
        with pytest.raises(Unsupported):
            provider.start_payment(replace(a_payment(provider), keep=True))

    def test_a_description_has_no_signs_that_it_does_not_take(
        self, provider: AlipayProvider, outside: AlipayOutside
    ) -> None:
        request = a_payment(provider)
        for description, subject in (("1 GB/day & more = fun", "1 GB day more fun"), ("/", request.order_number)):
            started = provider.start_payment(replace(request, key=token_hex(16), description=description))
            number = started.reference.partition(".")[0]
            (found,) = [each for each in outside.audit()["objects"] if each["out_trade_no"] == number]
            assert found["_asked"]["subject"] == subject

    def test_never_started_it_is_unavailable(self, tmp_path: Path) -> None:
        provider = AlipayProvider(SimulatedAccount(tmp_path, notify_url=NOTIFY_URL))
        assert provider.capabilities.methods == ()
        with pytest.raises(Unavailable):
            provider.start_payment(replace(a_payment(provider), method="alipay"))
        with pytest.raises(WebhookForged):
            provider.read_webhook(headers={}, body=b"a=1", now=clock.now())


class TestRefunds:
    """Refunds end within their call."""

    def test_done_at_once_and_told_too(self, provider: AlipayProvider, outside: AlipayOutside) -> None:
        taken = take(provider, outside)
        refund = a_refund(taken, 400)
        assert provider.refund(refund).is_done
        assert provider.refund(refund).is_done
        (told,) = read(provider, outside.webhooks())
        assert (told.kind, told.refund_key, told.amount) == (EventKind.REFUNDED, refund.key, None)

    def test_too_low_a_balance_is_no_last_word(self, provider: AlipayProvider, outside: AlipayOutside) -> None:
        taken = take(provider, outside)
        refund = a_refund(taken, 1000)
        outside.control(next_refunds=["not-enough"])
        with pytest.raises(Unavailable) as raised:
            provider.refund(refund)
        assert raised.value.code == "ACQ.SELLER_BALANCE_NOT_ENOUGH"
        assert provider.refund(refund).is_done

    def test_one_that_changed_nothing_is_asked_about(self, provider: AlipayProvider, outside: AlipayOutside) -> None:
        taken = take(provider, outside)
        refund = a_refund(taken, 1000)
        outside.control(next_refunds=["unclear"])
        with pytest.raises(OutcomeUnknown) as raised:
            provider.refund(refund)
        assert raised.value.code == "refund-unclear"
        assert provider.refund(refund).is_done


class TestBelieving:
    """Answers and notifications that are not what they seem."""

    @pytest.mark.parametrize("signing", ["none", "wrong"])
    def test_an_answer_without_its_signature_is_none(
        self, provider: AlipayProvider, outside: AlipayOutside, signing: str
    ) -> None:
        request = a_payment(provider)
        outside.control(next_answers=[signing])
        with pytest.raises(OutcomeUnknown) as unknown:
            provider.start_payment(request)
        reference = provider.start_payment(request).reference
        outside.pay(reference)
        outside.control(next_answers=[signing])
        with pytest.raises(Unavailable) as unavailable:
            provider.find_payment(reference)
        assert (unknown.value.code, unavailable.value.code) == ("answer-forged", "answer-forged")

    def test_every_field_is_signed_and_none_may_be_added(
        self, provider: AlipayProvider, outside: AlipayOutside
    ) -> None:
        outside.pay(provider.start_payment(a_payment(provider)).reference)
        ((_, body),) = outside.webhooks()
        fields = dict(parse_qsl(body.decode()))
        changes: list[dict[str, str]] = [{name: f"{value}0"} for name, value in fields.items()]
        for change in [*changes, {"more": "1"}, {"sign_type": "RSA"}]:
            with pytest.raises(WebhookForged):
                provider.read_webhook(headers={}, body=urlencode(fields | change).encode(), now=clock.now())
        # Twice the same name: who signed meant one of them.
        with pytest.raises(WebhookForged):
            provider.read_webhook(headers={}, body=body + b"&total_amount=1", now=clock.now())
        shuffled = urlencode(dict(sorted(fields.items(), reverse=True))).encode()
        assert len(provider.read_webhook(headers={}, body=shuffled, now=clock.now())) == 1

    def test_what_is_about_another_merchant_is_kept_and_means_nothing(
        self, provider: AlipayProvider, outside: AlipayOutside, tmp_path: Path
    ) -> None:
        outside.pay(provider.start_payment(a_payment(provider)).reference)
        ((headers, body),) = outside.webhooks()
        for changed in ({"app_id": "2021000000000000"}, {"seller_id": "2088000000000000"}):
            for name in ("address.json", "secrets.json"):
                shared = json.loads((outside.process.folder / name).read_text())
                (tmp_path / name).write_text(json.dumps(shared | changed))
            other = AlipayProvider(SimulatedAccount(tmp_path, notify_url=NOTIFY_URL))
            (event,) = other.read_webhook(headers=headers, body=body, now=clock.now())
            assert (event.kind, event.amount) == (EventKind.UNKNOWN, None)

    def test_a_trade_without_a_currency_is_in_yuan(self, provider: AlipayProvider, outside: AlipayOutside) -> None:
        """So that an order in yen is never taken for paid by a contract that knows no yen, nor the other way round."""
        package = alipays_side(outside)
        fields = a_notice(outside)
        body = urlencode(fields | {"sign_type": "RSA2", "sign": package._sign(joined(fields))}).encode()
        (event,) = provider.read_webhook(headers={}, body=body, now=clock.now())
        assert event.amount == Money(118000, "CNY")

    def test_a_wrong_key_of_ours_may_be_mended(
        self, provider: AlipayProvider, outside: AlipayOutside, tmp_path: Path
    ) -> None:
        for name in ("address.json", "secrets.json"):
            shared = json.loads((outside.process.folder / name).read_text())
            (tmp_path / name).write_text(json.dumps(shared | {"app_private_key": outside.alipays_key()}))
        with pytest.raises(Unavailable) as raised:
            AlipayProvider(SimulatedAccount(tmp_path, notify_url=NOTIFY_URL)).start_payment(a_payment(provider))
        assert raised.value.code == "isv.invalid-signature"

    @pytest.mark.django_db
    def test_it_is_answered_with_the_one_word_it_takes(self, provider: AlipayProvider, outside: AlipayOutside) -> None:
        outside.pay(provider.start_payment(a_payment(provider)).reference)
        ((headers, body),) = outside.webhooks()
        with using_provider("alipay", provider):
            content_type = headers["Content-Type"]
            answer = Client().post("/inbound/payments/alipay", data=body, content_type=content_type)
            refusal = Client().post("/inbound/payments/alipay", data=body + b"0", content_type=content_type)
        assert (answer.status_code, answer.content) == (200, b"success")
        assert (refusal.status_code, b"success" in refusal.content) == (400, False)


class TestAgainstAnotherImplementation:
    """The simulator and our signatures, held against the package python-alipay-sdk."""

    def test_its_calls_are_taken_and_it_believes_the_answers(
        self, provider: AlipayProvider, outside: AlipayOutside
    ) -> None:
        reference = provider.start_payment(a_payment(provider)).reference
        outside.pay(reference)
        package = merchants_side(outside)
        asked = {"out_trade_no": reference.partition(".")[0]}
        # It would write the time of this machine's zone.
        trade = package.server_api("alipay.trade.query", asked, timestamp=stamp(clock.now()))
        assert (trade["trade_status"], trade["trans_currency"]) == ("TRADE_SUCCESS", "JPY")
        outside.control(next_answers=["wrong"])
        with pytest.raises(AliPayValidationError):
            package.server_api("alipay.trade.query", asked, timestamp=stamp(clock.now()))

    def test_it_reads_the_simulators_notifications(self, provider: AlipayProvider, outside: AlipayOutside) -> None:
        outside.pay(provider.start_payment(a_payment(provider)).reference)
        ((_, body),) = outside.webhooks()
        fields = dict(parse_qsl(body.decode()))
        signature = fields.pop("sign")
        assert merchants_side(outside).verify(dict(fields), signature)
        assert not merchants_side(outside).verify(fields | {"total_amount": "1"}, signature)

    @pytest.mark.parametrize("seconds", [0, -299, -302, 299, 302])
    def test_we_believe_what_it_signs(self, provider: AlipayProvider, outside: AlipayOutside, seconds: int) -> None:
        package = alipays_side(outside)
        now = clock.now().replace(microsecond=0)
        fields = a_notice(outside) | {"notify_time": stamp(now + timedelta(seconds=seconds)), "subject": "続く & 続く"}
        body = urlencode(fields | {"sign_type": "RSA2", "sign": package._sign(joined(fields))}).encode()
        if abs(seconds) > 300:
            with pytest.raises(WebhookStale):
                provider.read_webhook(headers={}, body=body, now=now)
        else:
            (event,) = provider.read_webhook(headers={}, body=body, now=now)
            assert (event.event_id, event.kind) == (fields["notify_id"], EventKind.CAPTURED)

    def test_it_signs_as_we_do(self, provider: AlipayProvider, outside: AlipayOutside) -> None:
        app = SimulatedAccount(outside.process.folder, notify_url=NOTIFY_URL).app()
        assert app is not None
        fields = {"app_id": app.app_id, "biz_content": '{"subject":"続く"}', "timestamp": "2026-11-21 12:00:00"}
        assert signed_fields(fields, key=app.private_key)["sign"] == merchants_side(outside)._sign(joined(fields))


def merchants_side(outside: AlipayOutside) -> AliPay:
    """The package as the simulator's merchant, pointed at the simulator."""
    shared = outside.secrets()
    package = AliPay(
        appid=shared["app_id"],
        app_private_key_string=shared["app_private_key"],
        alipay_public_key_string=shared["alipay_public_keys"][0],
    )
    package._gateway = f"{outside.process.url}/gateway.do"
    return package


def alipays_side(outside: AlipayOutside) -> AliPay:
    """The package in Alipay's place."""
    shared = outside.secrets()
    return AliPay(
        appid=shared["app_id"],
        app_private_key_string=outside.alipays_key(),
        alipay_public_key_string=shared["alipay_public_keys"][0],
    )


def a_notice(outside: AlipayOutside) -> dict[str, str]:
    """What tells of a trade of 1180, in no currency."""
    shared, now = outside.secrets(), stamp(clock.now().astimezone(CHINA))
    return {
        "app_id": shared["app_id"],
        "seller_id": shared["seller_id"],
        "notify_id": token_hex(16),
        "notify_time": now,
        "notify_type": "trade_status_sync",
        "trade_no": "2026112122000000000000000001",
        "out_trade_no": token_hex(16),
        "trade_status": "TRADE_SUCCESS",
        "total_amount": "1180.00",
        "gmt_payment": now,
    }


def joined(fields: dict[str, str]) -> str:
    """What is signed of fields."""
    return "&".join(f"{name}={value}" for name, value in sorted(fields.items()))
