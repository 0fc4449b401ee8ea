# SPDX-License-Identifier: Apache-2.0
"""The PayPal adapter against the simulator, by the contract; and the simulator against PayPal's own package."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from paypalserversdk.configuration import Configuration, Environment, Server
from paypalserversdk.exceptions.error_exception import ErrorException
from paypalserversdk.http.auth.o_auth_2 import ClientCredentialsAuthCredentials
from paypalserversdk.models.amount_with_breakdown import AmountWithBreakdown
from paypalserversdk.models.money import Money as TheirMoney
from paypalserversdk.models.order_request import OrderRequest
from paypalserversdk.models.payment_source import PaymentSource
from paypalserversdk.models.paypal_wallet import PaypalWallet
from paypalserversdk.models.paypal_wallet_experience_context import PaypalWalletExperienceContext
from paypalserversdk.models.purchase_unit_request import PurchaseUnitRequest
from paypalserversdk.models.refund_request import RefundRequest as RefundRequestOfTheirs
from paypalserversdk.paypal_serversdk_client import PaypalServersdkClient

from tests.contracts.outside import SimulatorOutside
from tests.contracts.processes import simulator_at_work
from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.kernel.outcomes import Rejected, Unavailable, Unsupported
from tsuzuku.orders.models import Order
from tsuzuku.payments.adapters.paypal import PayPalProvider, SimulatedAccount
from tsuzuku.payments.models import Capture, Payment
from tsuzuku.payments.ports import EventKind, FailureReason, WebhookForged
from tsuzuku.testing.contracts.payment_disputed_money import DisputedMoneyContract
from tsuzuku.testing.contracts.payment_money import PaymentMoneyContract, deliver, start, state
from tsuzuku.testing.contracts.payment_provider import (
    PaymentProviderContract,
    a_payment,
    a_refund,
    read,
    take,
)
from tsuzuku.testing.house import House
from tsuzuku.testing.processes import SandboxProcess
from tsuzuku.testing.receiver import WebhookReceiver
from tsuzuku.testing.simulators.merchant_secrets import control_headers

DECLINES = {
    FailureReason.NETWORK: "5920",
    FailureReason.LIMIT: "TRANSACTION_LIMIT_EXCEEDED",
    FailureReason.REFUSED: "INSTRUMENT_DECLINED",
}


class PayPalOutside(SimulatorOutside):
    """The simulator as the contract wants to hold it. That a payer agreed is heard here, and the adapter asked then."""

    something_else = "PAYMENT.PAYOUTSBATCH.SUCCESS"
    beginning: ClassVar[Mapping[str, object]] = {
        "refunds": "done",
        "refund_seconds": 60,
        "review_seconds": 60,
        "token_seconds": 32_400,
    }

    def __init__(self, process: SandboxProcess, receiver: WebhookReceiver) -> None:
        super().__init__(process, receiver)
        self.merchant = PayPalProvider(SimulatedAccount(process.folder))

    def agree(self, reference: str, funding: str = "good", **fields: object) -> None:
        self.told("/control/pay", order=reference, funding=funding, **fields)

    def pay(self, reference: str, *, times: int = 1, amount: Money | None = None) -> None:
        taken = None
        if amount:
            value = str(amount.amount_minor) if amount.currency == "JPY" else f"{amount.amount_minor / 100:.2f}"
            taken = {"currency_code": amount.currency, "value": value}
        for _ in range(times):
            self.agree(reference, amount=taken)
            self.merchant.find_payment(reference)

    def decline(self, reference: str, reason: FailureReason) -> None:
        self.agree(reference, DECLINES[reason])

    def next_refund_fails(self) -> None:
        self.control(next_refunds=["fail"])

    def open_dispute(self, reference: str) -> None:
        self.control(dispute={"capture": self.part_of(reference, "capture")})

    def close_dispute(self, reference: str, *, is_won: bool) -> None:
        dispute = self.part_of(self.part_of(reference, "capture"), "dispute")
        self.control(
            resolve={"dispute": dispute, "outcome": "RESOLVED_SELLER_FAVOUR" if is_won else "RESOLVED_BUYER_FAVOUR"}
        )

    def part_of(self, object_id: str, kind: str) -> str:
        objects = self.audit()["objects"]
        (found,) = [str(each["_id"]) for each in objects if each.get("_of") == object_id and each["_kind"] == kind]
        return found

    def says_something(self, body: bytes) -> bool:
        """That somebody agreed is asked about at once, and a dispute's end told a second time."""
        return kind(body) not in {"CHECKOUT.ORDER.APPROVED", "PAYMENT.CAPTURE.REVERSED"}


def kind(body: bytes) -> str:
    """What a webhook tells."""
    return str(json.loads(body)["event_type"])


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory, receiver: WebhookReceiver) -> Iterator[SandboxProcess]:
    """A simulator that tells the receiver."""
    with simulator_at_work("paypal", tmp_path_factory.mktemp("home"), webhook=receiver.url) as process:
        yield process


@pytest.fixture
def outside(process: SandboxProcess, receiver: WebhookReceiver) -> PayPalOutside:
    """The simulator, whose refunds wait to be ended. What a test before has left is told and forgotten."""
    outside = PayPalOutside(process, receiver)
    outside.begin_anew()
    return outside


@pytest.fixture
def provider(process: SandboxProcess) -> PayPalProvider:
    return PayPalProvider(SimulatedAccount(process.folder))


class TestPayPalProvider(PaymentProviderContract):
    """The adapter and the process."""

    tells_declines = False
    tells_failed_refunds = False


@pytest.mark.django_db(transaction=True)
class TestPayPalsMoney(PaymentMoneyContract):
    """The adapter, the process and our ledger."""

    tells_declines = False
    tells_failed_refunds = False

    def test_that_a_payer_agreed_is_told_and_the_money_then_taken(
        self, house: House, outside: PayPalOutside, provider: PayPalProvider, order: Order
    ) -> None:
        outside.agree(start(order, provider))
        assert deliver(outside.receiver.take()) == [200]
        house.settle_down()
        assert (state(order), Capture.objects.get().outcome) == ("paid", "accepted")
        deliver(outside.webhooks())
        house.settle_down()
        assert Capture.objects.count() == 1

    def test_a_declined_payer_is_not_charged_by_our_asking(
        self, house: House, outside: PayPalOutside, provider: PayPalProvider, order: Order
    ) -> None:
        reference = start(order, provider)
        outside.agree(reference, "INSTRUMENT_DECLINED")
        for _ in range(3):
            Payment.objects.update(next_attempt_at=clock.now())
            house.settle_down()
        assert (state(order), Payment.objects.get().failure) == ("awaiting_payment", "refused")
        outside.agree(reference)
        Payment.objects.update(next_attempt_at=clock.now())
        house.settle_down()
        assert state(order) == "paid"


@pytest.mark.django_db(transaction=True)
class TestPayPalsDisputedMoney(DisputedMoneyContract):
    """The same with payers who complain."""


class TestPaying:
    """What only PayPal does."""

    def test_that_a_payer_agreed_is_an_event_of_its_own(self, provider: PayPalProvider, outside: PayPalOutside) -> None:
        reference = provider.start_payment(a_payment(provider)).reference
        outside.agree(reference)
        (told,) = read(provider, outside.receiver.take())
        assert (told.kind, told.payment_reference) == (EventKind.APPROVED, reference)

    def test_a_payer_comes_back_from_the_page(self, provider: PayPalProvider, outside: PayPalOutside) -> None:
        request = a_payment(provider)
        started = provider.start_payment(request)
        answer = httpx.post(started.redirect_url, data={"do": "good"})
        back = urlsplit(answer.headers["Location"])
        assert answer.status_code == 303
        assert f"{back.scheme}://{back.netloc}{back.path}" == request.return_url.partition("?")[0]
        assert parse_qs(back.query) == {"step": ["2"], "token": [started.reference], "PayerID": ["QYR5Z8XDVJNXQ"]}
        assert [event.kind for event in provider.find_payment(started.reference)] == [EventKind.CAPTURED]

    def test_who_agreed_is_sent_to_the_same_page_again(self, provider: PayPalProvider, outside: PayPalOutside) -> None:
        request = a_payment(provider)
        started = provider.start_payment(request)
        outside.pay(started.reference)
        assert provider.start_payment(request).redirect_url == started.redirect_url

    def test_a_declined_payment_can_be_paid_on_the_same_page(
        self, provider: PayPalProvider, outside: PayPalOutside
    ) -> None:
        reference = provider.start_payment(a_payment(provider)).reference
        outside.decline(reference, FailureReason.LIMIT)
        assert [event.kind for event in provider.find_payment(reference)] == [EventKind.FAILED]
        outside.agree(reference)
        assert [event.kind for event in provider.find_payment(reference)] == [EventKind.CAPTURED]

    def test_a_capture_that_a_bank_declined_is_told(self, provider: PayPalProvider, outside: PayPalOutside) -> None:
        request = a_payment(provider)
        reference = provider.start_payment(request).reference
        outside.agree(reference, "5120")
        provider.find_payment(reference)
        (told,) = read(provider, outside.webhooks())
        assert (told.kind, told.failure, told.payment_key) == (EventKind.FAILED, FailureReason.LIMIT, request.key)

    @pytest.mark.parametrize(
        ("funding", "kinds"),
        [
            ("reviewed", [EventKind.UNKNOWN, EventKind.CAPTURED]),
            ("reviewed-in-vain", [EventKind.UNKNOWN, EventKind.FAILED]),
        ],
    )
    def test_money_that_is_looked_at_first_is_nothing_until_then(
        self, provider: PayPalProvider, outside: PayPalOutside, funding: str, kinds: list[EventKind]
    ) -> None:
        outside.control(review_seconds=0.3)
        reference = provider.start_payment(a_payment(provider)).reference
        outside.agree(reference, funding)
        assert provider.find_payment(reference) == ()
        assert [event.kind for event in read(provider, outside.webhooks(2))] == kinds
        assert [event.kind for event in provider.find_payment(reference)] == kinds[1:]

    def test_an_order_that_ended_is_refused(self, provider: PayPalProvider, outside: PayPalOutside) -> None:
        reference = provider.start_payment(a_payment(provider)).reference
        outside.control(expire=reference)
        with pytest.raises(Rejected):
            provider.find_payment(reference)

    def test_a_method_that_it_does_not_have_is_refused(self, provider: PayPalProvider) -> None:
        with pytest.raises(Rejected):
            provider.start_payment(replace(a_payment(provider), method="card"))

    def test_an_agreement_of_hours_ago_is_not_used(
        self, provider: PayPalProvider, outside: PayPalOutside, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reference = provider.start_payment(a_payment(provider)).reference
        outside.agree(reference)
        later = clock.now() + timedelta(hours=5, minutes=1)
        with monkeypatch.context() as patched:
            patched.setattr(clock, "now", lambda: later)
            (found,) = provider.find_payment(reference)
        assert (found.kind, found.failure) == (EventKind.FAILED, FailureReason.EXPIRED)
        assert [each for each in outside.audit()["objects"] if each.get("_of") == reference] == []

    def test_after_a_slow_look_nothing_is_taken_this_time(
        self, provider: PayPalProvider, outside: PayPalOutside, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reference = provider.start_payment(a_payment(provider)).reference
        outside.agree(reference)
        with monkeypatch.context() as patched:
            patched.setattr("tsuzuku.payments.adapters.paypal.adapter.WHOLE_SECONDS", -1.0)
            with pytest.raises(Unavailable):
                provider.find_payment(reference)
        assert [each for each in outside.audit()["objects"] if each.get("_of") == reference] == []
        assert [event.kind for event in provider.find_payment(reference)] == [EventKind.CAPTURED]

    def test_it_keeps_no_methods(self, provider: PayPalProvider) -> None:
        for asked in (replace(a_payment(provider), keep=True), replace(a_payment(provider), kept_reference="x")):
            with pytest.raises(Unsupported):
                provider.start_payment(asked)

    def test_a_slow_capture_is_given_up_and_the_next_try_finds_it(
        self, provider: PayPalProvider, outside: PayPalOutside
    ) -> None:
        reference = provider.start_payment(a_payment(provider)).reference
        outside.agree(reference)
        outside.control(next_calls=[{"fault": "slow-answer", "seconds": 5.5}])
        with pytest.raises(Unavailable):
            provider.find_payment(reference)
        assert [event.kind for event in provider.find_payment(reference)] == [EventKind.CAPTURED]
        assert len([each for each in outside.audit()["objects"] if each.get("_of") == reference]) == 1

    def test_never_started_it_is_unavailable(self, tmp_path: Path) -> None:
        provider = PayPalProvider(SimulatedAccount(tmp_path / "paypal-sandbox"))
        assert (provider.capabilities.methods, provider.capabilities.redirect_origins) == ((), ())
        with pytest.raises(Unavailable):
            provider.start_payment(replace(a_payment(provider), method="paypal"))

    def test_a_token_is_fetched_once_and_again_when_it_ends(
        self, provider: PayPalProvider, outside: PayPalOutside
    ) -> None:
        tokens = {self.token(provider) for _ in range(2)}
        assert len(tokens) == 1
        outside.control(token_seconds=61)
        short_lived = PayPalProvider(SimulatedAccount(outside.process.folder))
        self.token(short_lived)
        assert short_lived._calls._token is not None
        assert short_lived._calls._token[2] - time.monotonic() < 1.5

    def test_a_token_that_ended_early_is_given_up(self, provider: PayPalProvider) -> None:
        provider.start_payment(a_payment(provider))
        assert provider._calls._token is not None
        known, _, until = provider._calls._token
        provider._calls._token = (known, "A21AA.0.0", until)
        with pytest.raises(Unavailable):
            provider.start_payment(a_payment(provider))
        assert provider.start_payment(a_payment(provider)).reference

    def test_a_wrong_secret_is_our_mistake_and_may_be_mended(self, process: SandboxProcess) -> None:
        class WrongSecret(SimulatedAccount):
            def credentials(self) -> tuple[str, str]:
                return "simulated", "wrong"

        provider = PayPalProvider(WrongSecret(process.folder))
        with pytest.raises(Unavailable):
            provider.start_payment(a_payment(provider))

    @staticmethod
    def token(provider: PayPalProvider) -> str:
        provider.start_payment(a_payment(provider))
        assert provider._calls._token is not None
        return provider._calls._token[1]


class TestRefundsAndDisputes:
    """Refunds that end at once or were made by hand, and payers who complain."""

    def test_done_at_once(self, provider: PayPalProvider, outside: PayPalOutside) -> None:
        taken = take(provider, outside)
        outside.control(next_refunds=["at-once"])
        assert provider.refund(a_refund(taken, 1000)).is_done
        kinds = [event.kind for event in provider.find_payment(taken.reference)]
        assert kinds == [EventKind.CAPTURED, EventKind.REFUNDED]

    def test_a_refund_made_by_hand_names_no_key_of_ours(self, provider: PayPalProvider, outside: PayPalOutside) -> None:
        taken = take(provider, outside)
        provider._calls.post(f"/v2/payments/captures/{taken.capture.capture_reference}/refund", {}, key=token_hex(8))
        outside.end_refunds()
        (told,) = read(provider, outside.webhooks())
        assert (told.kind, told.payment_key, told.refund_key) == (EventKind.REFUNDED, None, None)
        assert told.capture_reference == taken.capture.capture_reference

    @pytest.mark.parametrize(
        ("outcome", "kind"),
        [
            ("RESOLVED_SELLER_FAVOUR", EventKind.DISPUTE_WON),
            ("RESOLVED_WITH_PAYOUT", EventKind.DISPUTE_WON),
            ("CANCELED_BY_BUYER", EventKind.DISPUTE_WON),
            ("RESOLVED_BUYER_FAVOUR", EventKind.DISPUTE_LOST),
            ("ACCEPTED", EventKind.DISPUTE_LOST),
        ],
    )
    def test_a_dispute_is_told_and_how_it_ended(
        self, provider: PayPalProvider, outside: PayPalOutside, outcome: str, kind: EventKind
    ) -> None:
        taken = take(provider, outside)
        reference = outside.control(dispute={"capture": taken.capture.capture_reference})["dispute_id"]
        told = read(provider, outside.webhooks())
        outside.control(resolve={"dispute": reference, "outcome": outcome})
        told += read(provider, outside.webhooks())
        assert [event.kind for event in told] == [EventKind.DISPUTE_OPENED, kind]
        for event in told:
            assert (event.dispute_reference, event.dispute_reason) == (reference, "UNAUTHORISED")
            assert (event.capture_reference, event.amount) == (taken.capture.capture_reference, Money(1000, "JPY"))
            assert event.payment_key == taken.request.key


class TestAgainstPayPalsOwnPackage:
    """The simulator, held against software that is not ours: it takes our simulator for PayPal."""

    @pytest.fixture
    def client(self, process: SandboxProcess) -> PaypalServersdkClient:
        class Simulated(Configuration):  # type: ignore[misc]  # the package has no types
            environments = {Environment.SANDBOX: {Server.DEFAULT: process.url}}

        secret = control_headers(process.folder)["Authorization"].removeprefix("Bearer ")
        credentials = ClientCredentialsAuthCredentials("simulated", secret)
        return PaypalServersdkClient(config=Simulated(client_credentials_auth_credentials=credentials))

    def test_it_creates_captures_and_refunds(self, client: PaypalServersdkClient, outside: PayPalOutside) -> None:
        key = token_hex(16)
        first, again = self.create(client, key), self.create(client, key)
        assert (first.status_code, again.status_code) == (201, 200)
        order = first.body
        assert (order.status, again.body.id) == ("PAYER_ACTION_REQUIRED", order.id)
        assert [link.rel for link in order.links] == ["self", "payer-action"]
        outside.agree(order.id)
        captured = client.orders.capture_order({"id": order.id, "prefer": "return=representation"}).body
        (capture,) = captured.purchase_units[0].payments.captures
        assert (captured.status, capture.status, capture.amount.value) == ("COMPLETED", "COMPLETED", "1180")
        assert client.payments.get_captured_payment({"capture_id": capture.id}).body.custom_id == "key-1"
        outside.control(next_refunds=["at-once"])
        body = RefundRequestOfTheirs(amount=TheirMoney(currency_code="JPY", value="180"), custom_id="key-1:key-2")
        refund = client.payments.refund_captured_payment(
            {"capture_id": capture.id, "body": body, "prefer": "return=representation"}
        ).body
        assert (refund.status, refund.custom_id, refund.amount.value) == ("COMPLETED", "key-1:key-2", "180")
        found = client.orders.get_order({"id": order.id}).body
        assert [each.status for each in found.purchase_units[0].payments.captures] == ["PARTIALLY_REFUNDED"]
        assert [each.id for each in found.purchase_units[0].payments.refunds] == [refund.id]

    def test_it_reads_refusals(self, client: PaypalServersdkClient, outside: PayPalOutside) -> None:
        order = self.create(client, token_hex(16)).body
        assert self.refused(lambda: client.orders.capture_order({"id": order.id})) == (422, "ORDER_NOT_APPROVED")
        outside.agree(order.id, "INSTRUMENT_DECLINED")
        for _ in range(2):
            refused = self.refused(lambda: client.orders.capture_order({"id": order.id, "paypal_request_id": "k"}))
            assert refused == (422, "INSTRUMENT_DECLINED")
        outside.agree(order.id)
        again = self.refused(lambda: client.orders.capture_order({"id": order.id, "paypal_request_id": "k"}))
        assert again == (422, "INSTRUMENT_DECLINED")
        capture = client.orders.capture_order({"id": order.id, "prefer": "return=representation"}).body
        capture_id = capture.purchase_units[0].payments.captures[0].id
        assert self.refused(lambda: client.orders.capture_order({"id": order.id})) == (422, "ORDER_ALREADY_CAPTURED")
        for amount, issue in (
            (TheirMoney(currency_code="JPY", value="1181"), "REFUND_AMOUNT_EXCEEDED"),
            (TheirMoney(currency_code="USD", value="1.00"), "REFUND_CAPTURE_CURRENCY_MISMATCH"),
            (TheirMoney(currency_code="JPY", value="1.00"), "DECIMALS_NOT_SUPPORTED"),
        ):
            asked = {"capture_id": capture_id, "body": RefundRequestOfTheirs(amount=amount)}
            assert self.refused(partial(client.payments.refund_captured_payment, asked)) == (422, issue)
        nobodys = {"id": "0AB12345CD678901E"}
        assert self.refused(partial(client.orders.get_order, nobodys)) == (404, "INVALID_RESOURCE_ID")

    def test_a_minimal_answer_is_asked_for_by_saying_nothing(self, client: PaypalServersdkClient) -> None:
        order = self.create(client, token_hex(16), prefer="return=minimal").body
        assert order.status == "PAYER_ACTION_REQUIRED"
        assert not hasattr(order, "purchase_units")

    @staticmethod
    def create(client: PaypalServersdkClient, key: str, prefer: str = "return=representation") -> Any:  # noqa: ANN401  # untyped
        context = PaypalWalletExperienceContext(
            return_url="https://shop.example/back", cancel_url="https://shop.example/left", locale="ja-JP"
        )
        body = OrderRequest(
            intent="CAPTURE",
            purchase_units=[
                PurchaseUnitRequest(
                    amount=AmountWithBreakdown(currency_code="JPY", value="1180"), custom_id="key-1", invoice_id=key
                )
            ],
            payment_source=PaymentSource(paypal=PaypalWallet(experience_context=context)),
        )
        return client.orders.create_order({"body": body, "paypal_request_id": key, "prefer": prefer})

    @staticmethod
    def refused(call: Callable[[], object]) -> tuple[int, str]:
        with pytest.raises(ErrorException) as raised:
            call()
        return raised.value.response_code, raised.value.details[0].issue


class TestCertificates:
    """Who may say that they are PayPal."""

    def test_a_new_certificate_under_a_new_address_is_believed_beside_the_old(
        self, provider: PayPalProvider, outside: PayPalOutside
    ) -> None:
        told = []
        for _ in range(2):
            outside.pay(provider.start_payment(a_payment(provider)).reference)
            told += outside.webhooks()
            outside.control(renew_certificate=True)
        assert len({headers["PayPal-Cert-Url"] for headers, _ in told}) == 2
        assert len(read(provider, told)) == 2

    def test_a_webhook_of_another_listener_is_forged(self, outside: PayPalOutside, provider: PayPalProvider) -> None:
        class OtherWebhook(SimulatedAccount):
            def webhook_ids(self) -> tuple[str, ...]:
                return ("0EH40505U7160970P",)

        outside.pay(provider.start_payment(a_payment(provider)).reference)
        ((headers, body),) = outside.webhooks()
        with pytest.raises(WebhookForged):
            PayPalProvider(OtherWebhook(outside.process.folder)).read_webhook(
                headers=headers, body=body, now=clock.now()
            )

    def test_a_certificate_that_has_ended_is_not_believed(
        self, provider: PayPalProvider, outside: PayPalOutside
    ) -> None:
        outside.pay(provider.start_payment(a_payment(provider)).reference)
        ((headers, body),) = outside.webhooks()
        read(provider, [(headers, body)])
        for now in (clock.now() + timedelta(days=366), clock.now() - timedelta(days=3)):
            for each in (provider, PayPalProvider(SimulatedAccount(outside.process.folder))):
                with pytest.raises(WebhookForged):
                    each.read_webhook(headers=headers, body=body, now=now)
