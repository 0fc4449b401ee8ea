# SPDX-License-Identifier: Apache-2.0
"""The Stripe adapter against the simulator, by the contract; and both against Stripe's own package."""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
import stripe

from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.kernel.outcomes import OutcomeUnknown, Rejected, Unavailable
from tsuzuku.payments.adapters.stripe import RealAccount, SimulatedAccount, StripeProvider
from tsuzuku.payments.adapters.stripe.calls import new_stripe
from tsuzuku.payments.ports import EventKind, FailureReason, RefundRequest, WebhookForged, WebhookStale
from tsuzuku.testing.contracts.payment_money import PaymentMoneyContract
from tsuzuku.testing.contracts.payment_provider import (
    PaymentProviderContract,
    Webhook,
    a_payment,
    a_refund,
    names,
    read,
    take,
)
from tsuzuku.testing.fakes import Outcome
from tsuzuku.testing.processes import SandboxProcess
from tsuzuku.testing.receiver import WebhookReceiver, receiving
from tsuzuku.testing.simulators.faults import FaultKind
from tsuzuku.testing.simulators.merchant_secrets import control_headers

FAULTS = {
    Outcome.REFUSED: FaultKind.REFUSE,
    Outcome.UNAVAILABLE: FaultKind.FAIL,
    Outcome.DONE_UNANSWERED: FaultKind.NO_ANSWER,
    Outcome.LOST: FaultKind.LOSE,
}
GOOD = "4242424242424242"
DECLINES = {
    FailureReason.NETWORK: "4000000000000119",
    FailureReason.LIMIT: "4000000000009995",
    FailureReason.REFUSED: "4000000000000002",
}


class StripeOutside:
    """The simulator as the contract wants to hold it."""

    takes_twice = False

    def __init__(self, process: SandboxProcess, receiver: WebhookReceiver) -> None:
        self.process = process
        self.receiver = receiver

    def control(self, **fields: object) -> None:
        self.process.post("/control", fields, **control_headers(self.process.folder))

    def use_card(self, reference: str, number: str, **fields: object) -> dict[str, Any]:
        sent = {"session": reference, "card": number, **fields}
        return self.process.post("/control/pay", sent, **control_headers(self.process.folder))

    def next_call(self, outcome: Outcome) -> None:
        self.control(next_calls=[FAULTS[outcome]])

    def fail_next_lookup(self) -> None:
        self.control(next_lookups=["lose"])

    def stop(self) -> None:
        self.process.kill()

    def start(self) -> None:
        self.process.start()
        self.control(refund_seconds=60)

    def pay(self, reference: str, *, times: int = 1, amount: Money | None = None) -> None:
        taken = {"amount": amount.amount_minor, "currency": amount.currency.lower()} if amount else {}
        for _ in range(times):
            # With this one refunds are accepted first, and done later.
            self.use_card(reference, "4000000000007726", **taken)

    def decline(self, reference: str, reason: FailureReason) -> None:
        self.use_card(reference, DECLINES[reason])

    def next_refund_fails(self) -> None:
        self.control(next_refunds=["fail"])

    def end_refunds(self) -> None:
        self.control(end_refunds=True)

    def webhooks(self, count: int = 1) -> list[Webhook]:
        """As many as asked for, without the first of the two that tell of a failed refund."""
        found: list[Webhook] = []
        while len(found) < count:
            ((headers, body),) = self.receiver.take()
            told = json.loads(body)
            if (told["type"], told["data"]["object"].get("status")) != ("refund.updated", "failed"):
                found.append((headers, body))
        return found

    def deliver_again(self, event_id: str) -> None:
        self.control(redeliver={"event": event_id})

    def tell_something_else(self) -> None:
        self.control(emit="payout.paid")

    def change_secret(self) -> None:
        self.control(rotate_webhook_secret=True)

    def audit(self) -> dict[str, list[dict[str, Any]]]:
        return self.process.get("/audit", **control_headers(self.process.folder))


@pytest.fixture(scope="module")
def receiver() -> Iterator[WebhookReceiver]:
    """Our end of the webhooks."""
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory, receiver: WebhookReceiver) -> Iterator[SandboxProcess]:
    """A simulator that tells the receiver."""
    home = tmp_path_factory.mktemp("home")
    process = SandboxProcess(
        [sys.executable, "-m", "tsuzuku.project.cli", "simulator", "stripe", "--webhook", receiver.url],
        folder=home / "stripe-sandbox",
        env={"TSUZUKU_HOME": str(home)},
    )
    process.start()
    yield process
    process.kill()


@pytest.fixture
def outside(process: SandboxProcess, receiver: WebhookReceiver) -> StripeOutside:
    """The simulator, whose refunds wait to be ended. What a test before has left is told and forgotten."""
    outside = StripeOutside(process, receiver)
    outside.end_refunds()
    while outside.audit()["owed_deliveries"]:
        time.sleep(0.02)
    receiver.forget()
    outside.control(refund_seconds=60)
    return outside


@pytest.fixture
def provider(process: SandboxProcess) -> StripeProvider:
    return StripeProvider(SimulatedAccount(process.folder))


@pytest.fixture
def client(process: SandboxProcess) -> stripe.StripeClient:
    """Stripe's own package, pointed at the simulator."""
    key = control_headers(process.folder)["Authorization"].removeprefix("Bearer ")
    return new_stripe(api_key=key, api_url=process.url, through_proxy=False)


class TestStripeProvider(PaymentProviderContract):
    """The adapter and the process."""


@pytest.mark.django_db(transaction=True)
class TestStripesMoney(PaymentMoneyContract):
    """The adapter, the process and our ledger."""


class TestPaying:
    """What only Stripe does."""

    @pytest.mark.parametrize("method", ["card", "alipay", "wechat_pay", "paypay"])
    def test_every_method_is_paid_and_declined_on_its_page(
        self, provider: StripeProvider, outside: StripeOutside, method: str
    ) -> None:
        request = replace(a_payment(provider), method=method)
        started = provider.start_payment(request)
        refused, paid = {"card": ("4000000000000002", GOOD)}.get(method, ("", ""))
        for card, do, kind in (
            (refused, "pay" if refused else "refuse", EventKind.FAILED),
            (paid, "pay", EventKind.CAPTURED),
        ):
            self.press(started.redirect_url, do=do, card=card)
            (told,) = read(provider, outside.webhooks())
            assert told.kind is kind
            assert names(told, request, started.reference)

    @pytest.mark.parametrize(("answer", "kind"), [("bank-yes", EventKind.CAPTURED), ("bank-no", EventKind.FAILED)])
    def test_the_bank_may_ask_first(
        self, provider: StripeProvider, outside: StripeOutside, answer: str, kind: EventKind
    ) -> None:
        started = provider.start_payment(a_payment(provider))
        self.press(started.redirect_url, do="pay", card="4000000000003220")
        assert provider.find_payment(started.reference) == ()
        self.press(started.redirect_url, do=answer)
        (told,) = read(provider, outside.webhooks())
        assert told.kind is kind

    def test_a_card_in_a_wallet_is_a_card(
        self, provider: StripeProvider, outside: StripeOutside, client: stripe.StripeClient
    ) -> None:
        started = provider.start_payment(a_payment(provider))
        self.press(started.redirect_url, do="pay", card="apple_pay")
        (told,) = read(provider, outside.webhooks())
        assert told.capture_reference is not None
        intent = client.v1.payment_intents.retrieve(told.capture_reference, {"expand": ["latest_charge"]}).to_dict()
        assert intent["latest_charge"]["payment_method_details"]["card"]["wallet"] == {"type": "apple_pay"}

    def test_a_declined_payment_can_be_paid_on_the_same_page(
        self, provider: StripeProvider, outside: StripeOutside
    ) -> None:
        request = a_payment(provider)
        reference = provider.start_payment(request).reference
        outside.decline(reference, FailureReason.REFUSED)
        outside.pay(reference)
        assert [event.kind for event in read(provider, outside.webhooks(2))] == [EventKind.FAILED, EventKind.CAPTURED]
        assert [event.kind for event in provider.find_payment(reference)] == [EventKind.CAPTURED]

    def test_a_page_that_nobody_used_ends(self, provider: StripeProvider, outside: StripeOutside) -> None:
        reference = provider.start_payment(a_payment(provider)).reference
        outside.control(expire=reference)
        (told,) = read(provider, outside.webhooks())
        assert (told.kind, told.payment_reference, told.failure) == (EventKind.FAILED, reference, FailureReason.EXPIRED)
        assert [event.failure for event in provider.find_payment(reference)] == [FailureReason.EXPIRED]
        outside.pay(reference)
        assert [event.kind for event in provider.find_payment(reference)] == [EventKind.FAILED]

    def test_a_page_is_open_as_long_as_the_order_but_at_least_half_an_hour(
        self, provider: StripeProvider, outside: StripeOutside
    ) -> None:
        request = a_payment(provider)
        for expires_at, seconds in ((request.expires_at, 7200), (request.created_at, 2700)):
            started = provider.start_payment(replace(request, key=token_hex(16), expires_at=expires_at))
            assert json.loads(started.raw)["expires_at"] == int(request.created_at.timestamp()) + seconds

    def test_a_method_that_it_does_not_have_is_refused(self, provider: StripeProvider) -> None:
        with pytest.raises(Rejected):
            provider.start_payment(replace(a_payment(provider), method="konbini"))

    def test_a_slow_answer_is_given_up_and_the_next_try_finds_the_payment(
        self, provider: StripeProvider, outside: StripeOutside
    ) -> None:
        request = a_payment(provider)
        outside.control(next_calls=[{"fault": "slow-answer", "seconds": 5.5}])
        with pytest.raises(OutcomeUnknown):
            provider.start_payment(request)
        started = provider.start_payment(request)
        found = [
            each["id"] for each in outside.audit()["objects"] if each.get("client_reference_id") == request.order_number
        ]
        assert found == [started.reference]

    def test_never_started_it_is_unavailable(self, tmp_path: Path) -> None:
        provider = StripeProvider(SimulatedAccount(tmp_path / "stripe-sandbox"))
        assert (provider.capabilities.methods, provider.capabilities.redirect_origins) == ((), ())
        with pytest.raises(Unavailable):
            provider.start_payment(a_payment(provider))
        with pytest.raises(WebhookForged):
            provider.read_webhook(headers={"Stripe-Signature": "t=0,v1="}, body=b"{}", now=clock.now())

    def test_a_wrong_key_is_our_mistake_and_may_be_mended(self, process: SandboxProcess) -> None:
        class WrongKey(SimulatedAccount):
            def api_key(self) -> str:
                return "sk_test_wrong"

        provider = StripeProvider(WrongKey(process.folder))
        with pytest.raises(Unavailable):
            provider.start_payment(a_payment(provider))

    @staticmethod
    def press(url: str, **pressed: str) -> None:
        """Presses a button of the page, as a browser without scripts would."""
        import httpx

        assert httpx.post(url, data=pressed).status_code == 303


class TestRefunds:
    """Refunds that end later, in another way, or were forgotten."""

    def test_done_at_once(self, provider: StripeProvider, outside: StripeOutside) -> None:
        request = a_payment(provider)
        reference = provider.start_payment(request).reference
        outside.use_card(reference, GOOD)
        (capture,) = read(provider, outside.webhooks())
        assert capture.capture_reference is not None
        refund = RefundRequest(
            key=token_hex(16),
            payment_key=request.key,
            capture_reference=capture.capture_reference,
            amount=request.amount,
        )
        assert provider.refund(refund).is_done
        assert [event.kind for event in provider.find_payment(reference)] == [EventKind.CAPTURED, EventKind.REFUNDED]

    def test_done_and_then_sent_back_by_the_bank(self, provider: StripeProvider, outside: StripeOutside) -> None:
        taken = take(provider, outside)
        outside.control(next_refunds=["returned"])
        refund = a_refund(taken, 1000)
        assert provider.refund(refund).is_done
        outside.end_refunds()
        (told,) = read(provider, outside.webhooks())
        assert (told.kind, told.refund_key) == (EventKind.REFUND_FAILED, refund.key)

    def test_a_refund_is_found_after_its_key_was_forgotten(
        self, provider: StripeProvider, outside: StripeOutside, process: SandboxProcess
    ) -> None:
        taken = take(provider, outside)
        refund = a_refund(taken, 400)
        first = provider.refund(refund)
        outside.stop()
        forget_keys(process.folder / "books.jsonl")
        outside.start()
        assert provider.refund(refund).reference == first.reference
        with pytest.raises(Rejected):
            provider.refund(replace(refund, amount=Money(500, "JPY")))

    def test_more_refunds_than_a_charge_tells_at_once(self, provider: StripeProvider, outside: StripeOutside) -> None:
        taken = take(provider, outside)
        keys = set()
        for _ in range(12):
            refund = a_refund(taken, 10)
            provider.refund(refund)
            keys.add(refund.key)
        outside.end_refunds()
        outside.webhooks(12)
        assert {event.refund_key for event in provider.find_payment(taken.reference)} == {None, *keys}

    def test_a_refund_made_by_hand_names_no_key_of_ours(
        self, provider: StripeProvider, outside: StripeOutside, client: stripe.StripeClient
    ) -> None:
        taken = take(provider, outside)
        client.v1.refunds.create({"payment_intent": taken.capture.capture_reference or ""})
        outside.end_refunds()
        (told,) = read(provider, outside.webhooks())
        assert (told.kind, told.payment_key, told.refund_key) == (EventKind.REFUNDED, None, None)
        assert told.capture_reference == taken.capture.capture_reference


class TestAgainstStripesOwnPackage:
    """The simulator and our reading of signatures, held against an implementation that is not ours."""

    def test_it_verifies_the_simulators_webhooks_under_each_secret(
        self, provider: StripeProvider, outside: StripeOutside, process: SandboxProcess
    ) -> None:
        outside.change_secret()
        outside.pay(provider.start_payment(a_payment(provider)).reference)
        ((headers, body),) = outside.webhooks()
        secrets = json.loads((process.folder / "secrets.json").read_text())["webhook_secrets"]
        assert len(secrets) == 2
        for secret in secrets:
            event = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], secret)
            assert event.type == "payment_intent.succeeded"
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body, headers["Stripe-Signature"], "whsec_wrong")

    @pytest.mark.parametrize("seconds", [0, -299, -301, 299, 301])
    def test_we_believe_what_it_signs(self, seconds: int) -> None:
        now = clock.now()
        body = '{"id": "evt_1", "object": "event", "created": 1763700000, "type": "x", "data": {"object": {"名": 1}}}'
        signed_at = int((now + timedelta(seconds=seconds)).timestamp())
        header = stripe.WebhookSignature.generate_signature_header(body, "whsec_a", signed_at)
        provider = StripeProvider(RealAccount(key="sk_test_x", secrets=("whsec_a", "whsec_b")))
        headers = {"Stripe-Signature": header}
        if abs(seconds) > 300:
            with pytest.raises(WebhookStale):
                provider.read_webhook(headers=headers, body=body.encode(), now=now)
        else:
            (event,) = provider.read_webhook(headers=headers, body=body.encode(), now=now)
            assert (event.event_id, event.kind) == ("evt_1", EventKind.UNKNOWN)
        other = StripeProvider(RealAccount(key="sk_test_x", secrets=("whsec_c",)))
        with pytest.raises(WebhookForged):
            other.read_webhook(headers=headers, body=body.encode(), now=now)

    def test_a_key_used_for_something_else_is_its_idempotency_error(self, client: stripe.StripeClient) -> None:
        params: Any = {
            "mode": "payment",
            "line_items": [
                {"quantity": 1, "price_data": {"currency": "jpy", "unit_amount": 300, "product_data": {"name": "1 GB"}}}
            ],
            "success_url": "https://shop.example/?s={CHECKOUT_SESSION_ID}",
            "cancel_url": "https://shop.example/",
        }
        key = token_hex(16)
        first = client.v1.checkout.sessions.create(params, {"idempotency_key": key})
        again = client.v1.checkout.sessions.create(params, {"idempotency_key": key})
        assert again.id == first.id
        assert again.last_response is not None
        assert again.last_response.headers["Idempotent-Replayed"] == "true"
        with pytest.raises(stripe.IdempotencyError):
            client.v1.checkout.sessions.create(params | {"locale": "ja"}, {"idempotency_key": key})

    def test_what_stripe_no_longer_takes_is_refused(self, client: stripe.StripeClient) -> None:
        params: Any = {"mode": "payment", "payment_method_types": ["card"]}
        with pytest.raises(stripe.InvalidRequestError) as raised:
            client.v1.checkout.sessions.create(params)
        assert raised.value.code == "payment_method_types_no_longer_supported"

    def test_it_reads_sessions_refunds_and_events(
        self, provider: StripeProvider, outside: StripeOutside, client: stripe.StripeClient
    ) -> None:
        taken = take(provider, outside)
        provider.refund(a_refund(taken, 300))
        session = client.v1.checkout.sessions.retrieve(taken.reference)
        assert (session.status, session.payment_status, session.url) == ("complete", "paid", None)
        (refund,) = client.v1.refunds.list({"payment_intent": taken.capture.capture_reference or ""}).data
        assert (refund.amount, refund.currency, refund.status) == (300, "jpy", "pending")
        kinds = [event.type for event in client.v1.events.list({"limit": 5}).data]
        assert kinds == [
            "charge.refunded",
            "refund.created",
            "checkout.session.completed",
            "payment_intent.succeeded",
            "charge.succeeded",
        ]
        with pytest.raises(stripe.InvalidRequestError) as raised:
            client.v1.refunds.create({"payment_intent": taken.capture.capture_reference or "", "amount": 701})
        assert raised.value.param == "amount"


def forget_keys(books: Path) -> None:
    """What Stripe does with idempotency keys after a day."""
    records = [json.loads(line) for line in books.read_text(encoding="utf-8").splitlines()]
    forgotten = [{**record, "replies": {}} if record["is"] == "change" else record for record in records]
    books.write_text("".join(json.dumps(record) + "\n" for record in forgotten), encoding="utf-8")
