# SPDX-License-Identifier: Apache-2.0
"""The Stripe adapter against the simulator, by the contract; and both against Stripe's own package."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any, ClassVar

import httpx
import pytest
import stripe

from tests.contracts.outside import SimulatorOutside
from tests.contracts.processes import simulator_at_work
from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.kernel.outcomes import OutcomeUnknown, Rejected, Unavailable
from tsuzuku.orders.models import Order
from tsuzuku.payments.actions import start_payment
from tsuzuku.payments.adapters.stripe import RealAccount, SimulatedAccount, StripeProvider
from tsuzuku.payments.adapters.stripe.calls import new_stripe
from tsuzuku.payments.adapters.stripe.webhook import EVENT_TYPES, parse_body
from tsuzuku.payments.models import Payment
from tsuzuku.payments.ports import EventKind, FailureReason, RefundRequest, StartedPayment, WebhookForged, WebhookStale
from tsuzuku.payments.queries import balances
from tsuzuku.payments.registry import using_provider
from tsuzuku.testing.contracts.payment_disputed_money import DisputedMoneyContract
from tsuzuku.testing.contracts.payment_disputes import DisputesContract
from tsuzuku.testing.contracts.payment_kept import KeptMethodsContract, a_charge, keep
from tsuzuku.testing.contracts.payment_money import NAME, PaymentMoneyContract, deliver, start, state
from tsuzuku.testing.contracts.payment_provider import (
    PaymentProviderContract,
    a_payment,
    a_refund,
    essence,
    hear,
    names,
    read,
    take,
)
from tsuzuku.testing.factories import make_card, make_plan
from tsuzuku.testing.house import House, open_house
from tsuzuku.testing.processes import SandboxProcess
from tsuzuku.testing.receiver import WebhookReceiver
from tsuzuku.testing.simulators.merchant_secrets import control_headers

GOOD = "4242424242424242"
DECLINES = {
    FailureReason.NETWORK: "4000000000000119",
    FailureReason.LIMIT: "4000000000009995",
    FailureReason.REFUSED: "4000000000000002",
}


#: Kinds and statuses that say what another event says too.
TOLD_TWICE = {
    ("refund.updated", "failed"),
    ("charge.dispute.funds_withdrawn", "needs_response"),
    ("charge.dispute.funds_reinstated", "won"),
}


class StripeOutside(SimulatorOutside):
    """The simulator as the contract wants to hold it."""

    something_else = "payout.paid"
    beginning: ClassVar[Mapping[str, object]] = {"refund_seconds": 60}

    def use_card(self, reference: str, number: str, **fields: object) -> dict[str, Any]:
        return self.told("/control/pay", payment=reference, card=number, **fields)

    def pay(self, reference: str, *, times: int = 1, amount: Money | None = None) -> None:
        taken = {"amount": amount.amount_minor, "currency": amount.currency.lower()} if amount else {}
        for _ in range(times):
            # With this one refunds are accepted first, and done later.
            self.use_card(reference, "4000000000007726", **taken)

    def decline(self, reference: str, reason: FailureReason) -> None:
        self.use_card(reference, DECLINES[reason])

    def decline_next_charge(self, reason: FailureReason) -> None:
        self.control(next_charges=[DECLINES[reason]])

    def open_dispute(self, reference: str) -> None:
        self.control(open_dispute={"payment": reference})

    def close_dispute(self, reference: str, *, is_won: bool) -> None:
        self.control(close_dispute={"payment": reference, "is_won": is_won})

    def next_refund_fails(self) -> None:
        self.control(next_refunds=["fail"])

    def says_something(self, body: bytes) -> bool:
        """Not what says nothing new."""
        kind = json.loads(body)["type"]
        is_quiet = kind in EVENT_TYPES and parse_body(body, now=clock.now()).kind is EventKind.UNKNOWN
        return not is_quiet and (kind, json.loads(body)["data"]["object"].get("status")) not in TOLD_TWICE


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory, receiver: WebhookReceiver) -> Iterator[SandboxProcess]:
    """A simulator that tells the receiver."""
    with simulator_at_work("stripe", tmp_path_factory.mktemp("home"), webhook=receiver.url) as process:
        yield process


@pytest.fixture
def outside(process: SandboxProcess, receiver: WebhookReceiver) -> StripeOutside:
    """The simulator, whose refunds wait to be ended. What a test before has left is told and forgotten."""
    outside = StripeOutside(process, receiver)
    outside.begin_anew()
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


class TestKeptCards(KeptMethodsContract):
    """Cards that are charged while their payers are away."""


class TestDisputes(DisputesContract):
    """Payments that banks take back."""


@pytest.mark.django_db(transaction=True)
class TestStripesMoney(PaymentMoneyContract):
    """The adapter, the process and our ledger."""


@pytest.mark.django_db(transaction=True)
class TestStripesDisputedMoney(DisputedMoneyContract):
    """The same, when a payer's bank takes money back."""


class TestPaying:
    """What only Stripe does."""

    @pytest.mark.parametrize("method", ["card", "apple_pay"])
    def test_a_page_takes_a_card_after_another_was_declined(
        self, provider: StripeProvider, outside: StripeOutside, method: str
    ) -> None:
        request = a_payment(provider, method=method)
        started = provider.start_payment(request)
        for card, kind in (("4000000000000002", EventKind.FAILED), (GOOD, EventKind.CAPTURED)):
            press(started.redirect_url, do="pay", card=card)
            told = hear(provider, outside)
            assert told.kind is kind
            assert names(told, request, started.reference)

    def test_who_chose_apple_pay_begins_with_its_sheet(self, provider: StripeProvider) -> None:
        sheets = ("apple_pay", True), ("card", False)
        for method, is_sheet in sheets:
            url = provider.start_payment(a_payment(provider, method=method)).redirect_url
            page = httpx.get(url).text
            assert (('name="card" value="apple_pay"' in page), (f'value="{GOOD}"' in page)) == (is_sheet, not is_sheet)
            assert f'value="{GOOD}"' in httpx.get(f"{url}?step=card").text

    @pytest.mark.parametrize(("answer", "kind"), [("bank-yes", EventKind.CAPTURED), ("bank-no", EventKind.FAILED)])
    def test_the_bank_may_ask_first(
        self, provider: StripeProvider, outside: StripeOutside, answer: str, kind: EventKind
    ) -> None:
        started = provider.start_payment(a_payment(provider))
        press(started.redirect_url, do="pay", card="4000000000003220")
        assert provider.find_payment(started.reference) == ()
        press(started.redirect_url, do=answer)
        (told,) = read(provider, outside.webhooks())
        assert told.kind is kind

    def test_a_card_in_a_wallet_is_a_card(
        self, provider: StripeProvider, outside: StripeOutside, client: stripe.StripeClient
    ) -> None:
        started = provider.start_payment(a_payment(provider, method="apple_pay"))
        press(started.redirect_url, do="pay", card="apple_pay")
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
            provider.start_payment(a_payment(provider, method="cheque"))

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


class TestElsewhere:
    """What is not paid on Stripe's page."""

    @pytest.mark.parametrize("method", ["alipay", "paypay"])
    @pytest.mark.parametrize(
        ("do", "kind", "status"), [("pay", EventKind.CAPTURED, "succeeded"), ("refuse", EventKind.FAILED, "failed")]
    )
    def test_a_wallet_sends_everybody_back(
        self,
        provider: StripeProvider,
        outside: StripeOutside,
        method: str,
        do: str,
        kind: EventKind,
        status: str,
    ) -> None:
        request = a_payment(provider, method=method)
        started = provider.start_payment(request)
        address = press(started.redirect_url, do=do)
        assert address.startswith(f"{request.return_url}&payment_intent={started.reference}&")
        assert address.endswith(f"&redirect_status={status}")
        assert method in provider.capabilities.returns_everybody
        told = hear(provider, outside)
        assert (told.kind, names(told, request, started.reference)) == (kind, True)
        press(started.redirect_url, do="pay")
        assert [event.kind for event in provider.find_payment(started.reference)] == [kind]

    def test_wechat_is_a_code_that_whoever_scans_it_pays(
        self, provider: StripeProvider, outside: StripeOutside
    ) -> None:
        started = provider.start_payment(a_payment(provider, method="wechat_pay"))
        assert started.instructions is not None
        lives = started.instructions.expires_at - clock.now()
        assert timedelta(minutes=59) < lives <= timedelta(hours=1)
        press(started.instructions.qr_text, do="pay")
        assert hear(provider, outside).kind is EventKind.CAPTURED

    @pytest.mark.parametrize(("do", "reason"), [("refuse", FailureReason.REFUSED), ("run-out", FailureReason.EXPIRED)])
    def test_a_code_is_refused_or_runs_out(
        self, provider: StripeProvider, outside: StripeOutside, do: str, reason: FailureReason
    ) -> None:
        started = provider.start_payment(a_payment(provider, method="wechat_pay"))
        assert started.instructions is not None
        press(started.instructions.qr_text, do=do)
        told = hear(provider, outside)
        assert (told.kind, told.failure) == (EventKind.FAILED, reason)
        assert [essence(event) for event in provider.find_payment(started.reference)] == [essence(told)]

    @pytest.mark.parametrize("method", ["konbini", "wechat_pay"])
    def test_a_webhook_tells_the_instructions_too(
        self, provider: StripeProvider, outside: StripeOutside, method: str
    ) -> None:
        request = a_payment(provider, method=method)
        started = provider.start_payment(request)
        (told,) = read(provider, outside.webhooks())
        assert (told.kind, told.instructions) == (EventKind.INSTRUCTED, started.instructions)
        assert names(told, request, started.reference)
        assert [essence(event) for event in provider.find_payment(started.reference)] == [essence(told)]

    def test_a_slip_names_four_stores_and_the_last_second_of_the_third_day_in_japan(
        self, provider: StripeProvider
    ) -> None:
        # A quarter past midnight in Japan, when it is still the day before in Greenwich.
        asked_at = clock.now().replace(hour=15, minute=15) - timedelta(days=1)
        started = provider.start_payment(replace(a_payment(provider, method="konbini"), created_at=asked_at))
        instructions = started.instructions
        assert instructions is not None
        assert [slip.store for slip in instructions.slips] == ["familymart", "lawson", "ministop", "seicomart"]
        assert all(slip.payment_number.isdigit() and slip.confirmation_number.isdigit() for slip in instructions.slips)
        expected = (asked_at + timedelta(days=4)).replace(hour=14, minute=59, second=59, microsecond=0)
        assert instructions.expires_at == expected
        page = httpx.get(instructions.page_url).text
        assert [slip.payment_number in page for slip in instructions.slips] == [True] * 4

    @pytest.mark.parametrize(
        ("do", "kind", "reason"),
        [("pay", EventKind.CAPTURED, None), ("run-out", EventKind.FAILED, FailureReason.EXPIRED)],
    )
    def test_a_slip_is_paid_at_a_till_or_runs_out(
        self,
        provider: StripeProvider,
        outside: StripeOutside,
        do: str,
        kind: EventKind,
        reason: FailureReason | None,
    ) -> None:
        request = a_payment(provider, method="konbini")
        started = provider.start_payment(request)
        assert started.instructions is not None
        press(started.instructions.page_url, do=do)
        told = hear(provider, outside)
        assert (told.kind, told.failure, names(told, request, started.reference)) == (kind, reason, True)
        press(started.instructions.page_url, do="pay")
        assert [essence(event) for event in provider.find_payment(started.reference)] == [essence(told)]

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"amount": Money(119, "JPY")}, "konbini-amount"),
            ({"amount": Money(300_001, "JPY")}, "konbini-amount"),
            ({"amount": Money(1180, "USD")}, "konbini-currency"),
            ({"payer_email": ""}, "konbini-email-missing"),
        ],
    )
    def test_what_no_till_takes_is_refused_before_it_is_asked_for(
        self, provider: StripeProvider, changes: dict[str, Any], code: str
    ) -> None:
        with pytest.raises(Rejected) as raised:
            provider.start_payment(replace(a_payment(provider, method="konbini"), **changes))
        assert raised.value.code == code

    @pytest.mark.parametrize("amount", [120, 300_000])
    def test_what_a_till_takes_at_least_and_at_most(self, provider: StripeProvider, amount: int) -> None:
        assert provider.start_payment(a_payment(provider, method="konbini", amount_minor=amount)).instructions

    def test_what_is_canceled_in_the_dashboard_is_over(
        self, provider: StripeProvider, outside: StripeOutside, client: stripe.StripeClient
    ) -> None:
        request = a_payment(provider, method="konbini")
        reference = provider.start_payment(request).reference
        client.v1.payment_intents.cancel(reference)
        told = hear(provider, outside)
        assert (told.kind, told.failure) == (EventKind.FAILED, FailureReason.EXPIRED)
        assert names(told, request, reference)
        assert [essence(event) for event in provider.find_payment(reference)] == [essence(told)]

    def test_a_refund_of_cash_waits_for_its_payers_bank_account(
        self, provider: StripeProvider, outside: StripeOutside
    ) -> None:
        taken = take(provider, outside, method="konbini")
        refund = a_refund(taken, 600)
        started = provider.refund(refund)
        assert (started.is_done, json.loads(started.raw)["status"]) == (False, "requires_action")
        assert [event.kind for event in provider.find_payment(taken.reference)] == [EventKind.CAPTURED]
        outside.end_refunds()
        told = hear(provider, outside)
        assert (told.kind, told.refund_key) == (EventKind.REFUNDED, refund.key)

    @pytest.mark.parametrize("method", ["alipay", "wechat_pay", "paypay"])
    def test_a_refund_to_a_wallet_is_done_later(
        self, provider: StripeProvider, outside: StripeOutside, method: str
    ) -> None:
        taken = take(provider, outside, method=method)
        refund = a_refund(taken, 600)
        started = provider.refund(refund)
        assert (started.is_done, json.loads(started.raw)["status"]) == (False, "pending")
        outside.end_refunds()
        told = hear(provider, outside)
        assert (told.kind, told.refund_key, told.amount) == (EventKind.REFUNDED, refund.key, refund.amount)
        assert names(told, taken.request, taken.reference)


class TestCardsThatAreKept:
    """What only Stripe does with them."""

    def test_their_owner_knows_them_again(self, provider: StripeProvider, outside: StripeOutside) -> None:
        request = replace(a_payment(provider), keep=True)
        reference = provider.start_payment(request).reference
        outside.use_card(reference, "5555555555554444")
        kept = hear(provider, outside).kept
        assert kept is not None
        assert kept.label == "Mastercard ···· 4444"
        assert [part.partition("_")[0] for part in kept.reference.split("/")] == ["cus", "pm"]

    def test_a_bank_that_asks_every_time_declines_who_is_away(
        self, provider: StripeProvider, outside: StripeOutside
    ) -> None:
        started = provider.start_payment(replace(a_payment(provider), keep=True))
        press(started.redirect_url, do="pay", card="4000000000003220")
        press(started.redirect_url, do="bank-yes")
        kept = hear(provider, outside).kept
        assert kept is not None
        charge = provider.start_payment(a_charge(provider, kept))
        assert json.loads(charge.raw)["last_payment_error"]["code"] == "authentication_required"
        assert hear(provider, outside).failure is FailureReason.REFUSED

    @pytest.mark.parametrize("reference", ["cus_x/pm_nobodys", "nobodys", "/", "cus_x/"])
    def test_what_was_never_kept_is_refused(self, provider: StripeProvider, reference: str) -> None:
        with pytest.raises(Rejected):
            provider.start_payment(replace(a_payment(provider), kept_reference=reference))

    def test_a_charge_is_found_after_its_key_was_forgotten(
        self, provider: StripeProvider, outside: StripeOutside, process: SandboxProcess
    ) -> None:
        kept = keep(provider, outside)
        request = replace(a_charge(provider, kept), created_at=clock.now() - timedelta(hours=30))
        first = provider.start_payment(request)
        outside.stop()
        forget_keys(process.folder / "books.jsonl")
        outside.start()
        assert provider.start_payment(request).reference == first.reference
        assert provider.start_payment(replace(request, key=token_hex(16))).reference != first.reference


class TestCardsThatAreDisputed:
    """What only Stripe does with them."""

    def test_a_test_card_opens_a_dispute_once_it_is_paid(
        self, provider: StripeProvider, outside: StripeOutside
    ) -> None:
        reference = provider.start_payment(a_payment(provider)).reference
        outside.use_card(reference, "4000000000000259")
        # Webhooks come in any order.
        kinds = sorted(event.kind for event in read(provider, outside.webhooks(2)))
        assert kinds == [EventKind.CAPTURED, EventKind.DISPUTE_OPENED]
        assert [event.kind for event in provider.find_payment(reference)] == kinds

    def test_what_is_charged_without_a_page_is_disputed_as_well(
        self, provider: StripeProvider, outside: StripeOutside
    ) -> None:
        started = provider.start_payment(a_charge(provider, keep(provider, outside)))
        capture = hear(provider, outside)
        outside.open_dispute(started.reference)
        told = hear(provider, outside)
        assert (told.kind, told.capture_reference) == (EventKind.DISPUTE_OPENED, capture.capture_reference)


@pytest.mark.django_db(transaction=True)
class TestSlipsAndOurOrders:
    """A slip for a store, our ledger and our order."""

    @pytest.fixture
    def house(self, provider: StripeProvider) -> Iterator[House]:
        with open_house() as house, using_provider(NAME, provider):
            make_plan("GB-1-3D", price_minor=300)
            yield house

    @pytest.fixture
    def order(self, house: House) -> Order:
        return house.order(make_card(), "GB-1-3D")

    def test_its_order_waits_for_the_till(
        self, house: House, provider: StripeProvider, outside: StripeOutside, order: Order
    ) -> None:
        payment = started_payment(order)
        assert payment.shown is not None
        house.settle_down()
        order.refresh_from_db()
        assert order.expires_at == payment.shown.expires_at + timedelta(minutes=30)
        press(payment.shown.page_url, do="pay")
        deliver(outside.webhooks(2))
        house.settle_down()
        assert (state(order), balances()) == ("paid", {"customers": 0, f"provider:{NAME}": 300, "revenue": -300})

    def test_a_slip_that_ran_out_leaves_the_order_to_another_method(
        self, house: House, provider: StripeProvider, outside: StripeOutside, order: Order
    ) -> None:
        payment = started_payment(order)
        assert payment.shown is not None
        press(payment.shown.page_url, do="run-out")
        deliver(outside.webhooks(2))
        payment.refresh_from_db()
        assert (payment.state, payment.failure, payment.next_attempt_at) == ("failed", "expired", None)
        assert state(order) == "awaiting_payment"
        outside.pay(start(order, provider))
        deliver(outside.webhooks())
        house.settle_down()
        assert state(order) == "paid"


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

    def test_it_reads_what_a_payer_has_to_do_next(self, provider: StripeProvider, client: stripe.StripeClient) -> None:
        found: dict[str, tuple[StartedPayment, Any]] = {}
        for method in ("konbini", "alipay", "wechat_pay", "paypay"):
            started = provider.start_payment(a_payment(provider, method=method))
            intent: Any = client.v1.payment_intents.retrieve(started.reference, {"expand": ["payment_method"]})
            assert (intent.status, intent.payment_method.type) == ("requires_action", method)
            found[method] = (started, intent.next_action)
        slip, code = found["konbini"][0].instructions, found["wechat_pay"][0].instructions
        assert slip is not None
        assert code is not None
        details = found["konbini"][1].konbini_display_details
        assert slip.slips[1].payment_number == details.stores.lawson.payment_code
        assert slip.slips[3].confirmation_number == details.stores.seicomart.confirmation_number
        assert int(slip.expires_at.timestamp()) == details.expires_at
        assert code.qr_text == found["wechat_pay"][1].wechat_pay_display_qr_code.data
        assert found["alipay"][0].redirect_url == found["alipay"][1].alipay_handle_redirect.url
        assert found["paypay"][0].redirect_url == found["paypay"][1].redirect_to_url.url

    def test_a_charge_that_is_declined_is_its_card_error(
        self, provider: StripeProvider, outside: StripeOutside, client: stripe.StripeClient
    ) -> None:
        customer, method = keep(provider, outside).reference.split("/")
        params: Any = {
            "amount": 300,
            "currency": "jpy",
            "confirm": True,
            "off_session": True,
            "customer": customer,
            "payment_method": method,
        }
        outside.decline_next_charge(FailureReason.LIMIT)
        with pytest.raises(stripe.CardError) as raised:
            client.v1.payment_intents.create(params)
        assert raised.value.code == "card_declined"
        assert raised.value.error is not None
        assert raised.value.error.decline_code == "insufficient_funds"
        assert raised.value.error.payment_intent is not None
        assert raised.value.error.payment_intent.status == "requires_payment_method"
        assert client.v1.payment_methods.retrieve(method).card is not None
        assert client.v1.customers.retrieve(customer).object == "customer"

    def test_it_reads_disputes(
        self, provider: StripeProvider, outside: StripeOutside, client: stripe.StripeClient
    ) -> None:
        taken = take(provider, outside)
        outside.open_dispute(taken.reference)
        outside.close_dispute(taken.reference, is_won=True)
        (dispute,) = client.v1.disputes.list({"payment_intent": taken.capture.capture_reference or ""}).data
        assert (dispute.amount, dispute.currency, dispute.reason, dispute.status) == (1000, "jpy", "fraudulent", "won")
        kinds = [event.type for event in client.v1.events.list({"limit": 4}).data]
        assert kinds == [
            "charge.dispute.funds_reinstated",
            "charge.dispute.closed",
            "charge.dispute.funds_withdrawn",
            "charge.dispute.created",
        ]

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


def press(url: str, **pressed: str) -> str:
    """Presses a button of a page, as a browser without scripts would; where it leads."""
    answer = httpx.post(url, data=pressed)
    assert answer.status_code == 303
    return answer.headers["Location"]


def started_payment(order: Order) -> Payment:
    """The payment of an order by a slip."""
    return start_payment(
        purpose=order.number,
        amount=order.price,
        provider=NAME,
        method="konbini",
        description="a plan",
        order_number=order.number,
        return_url=f"https://shop.example/o/{order.number}?back=1",
        cancel_url=f"https://shop.example/o/{order.number}",
        language="ja",
        expires_at=order.expires_at,
        payer_email=order.email,
        now=clock.now(),
    )


def forget_keys(books: Path) -> None:
    """What Stripe does with idempotency keys after a day."""
    records = [json.loads(line) for line in books.read_text(encoding="utf-8").splitlines()]
    forgotten = [{**record, "replies": {}} if record["is"] == "change" else record for record in records]
    books.write_text("".join(json.dumps(record) + "\n" for record in forgotten), encoding="utf-8")
