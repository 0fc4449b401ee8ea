# SPDX-License-Identifier: Apache-2.0
"""Money on its way to an order, and everything that can come in between."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.orders.errors import OrderNotPayable
from tsuzuku.orders.keeping import KEPT_AT_MOST
from tsuzuku.orders.links import LINKS_LAST
from tsuzuku.payments.errors import PaymentNotStarted
from tsuzuku.payments.models import Capture, Payment, ProviderNotice, Refund
from tsuzuku.payments.ports import (
    EventKind,
    FailureReason,
    Instructions,
    PaymentRequest,
    RefundRequest,
    StartedPayment,
    StartedRefund,
)
from tsuzuku.payments.queries import balances, latest_payment
from tsuzuku.payments.registry import using_provider
from tsuzuku.project.audit import findings
from tsuzuku.renewals.actions import cancel_renewal
from tsuzuku.testing.factories import make_card, make_plan
from tsuzuku.testing.fakes import FakeProvider, Outcome
from tsuzuku.testing.house import House, Story

GB = 1_000_000_000


def test_a_webhook_three_times_counts_once(house: House) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    order = house.order(card, "GB-1-3D")
    events = house.provider.pay(house.start_payment(order))

    for _ in range(3):
        house.deliver(*events)
        house.settle_down()

    assert house.allowance(card).remaining_bytes == GB
    assert balances()["provider:fake"] == 300


def test_a_lost_webhook_is_asked_for(house: House, story: Story) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    order = house.order(card, "GB-1-3D")
    house.provider.pay(house.start_payment(order))

    with story.after(minutes=1):
        house.settle_down()

    assert house.renewal(order).state == "active"


def test_a_payment_that_was_declined_is_asked_about_until_nobody_can_pay_it(house: House, story: Story) -> None:
    make_plan("GB-1-3D")
    order = house.order(make_card(), "GB-1-3D")
    house.decline(order, FailureReason.REFUSED)
    reference = house.payment_reference(order)
    with story.after(minutes=1):
        house.settle_down()
        assert Payment.objects.get().next_attempt_at is not None
    with story.after(hours=2):
        house.provider.decline(reference, FailureReason.EXPIRED)
        house.settle_down()

    payment = Payment.objects.get()
    assert (payment.state, payment.failure, payment.next_attempt_at) == ("failed", "refused", None)
    assert house.facts() == ["payment-failed"]


def test_paying_twice_gives_one_back(house: House) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    order = house.order(card, "GB-1-3D")

    house.pay(order, times=2)
    refund = Refund.objects.get()
    house.deliver(house.provider.finish_refund(str(refund.key)))

    assert house.allowance(card).remaining_bytes == GB
    assert [capture.outcome for capture in Capture.objects.order_by("pk")] == ["accepted", "surplus"]
    assert balances() == {"customers": 0, "provider:fake": 300, "revenue": -300}


def test_another_amount_is_held_and_never_settled(house: House) -> None:
    card = make_card()
    make_plan("GB-1-3D", price_minor=300)
    order = house.order(card, "GB-1-3D")

    house.pay(order, amount=Money(200, "JPY"))

    order.refresh_from_db()
    assert (order.state, house.renewal(order).state) == ("held", "ordered")
    assert house.carrier.requests == []
    assert house.facts() == ["payment-captured", "order-held"]


def test_another_currency_is_held(house: House) -> None:
    card = make_card()
    make_plan("GB-1-3D", price_minor=300)
    order = house.order(card, "GB-1-3D")

    house.pay(order, amount=Money(300, "USD"))

    order.refresh_from_db()
    assert order.state == "held"


def test_a_failed_payment_keeps_the_order_for_another_try(house: House) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    order = house.order(card, "GB-1-3D")

    house.decline(order, FailureReason.LIMIT)

    failed = latest_payment(order.number)
    assert failed is not None
    assert (failed.state, failed.failure) == ("failed", "limit")
    house.pay(order)
    assert house.renewal(order).state == "active"


def test_a_double_click_starts_one_payment(house: House) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    order = house.order(card, "GB-1-3D")

    assert house.start_payment(order) == house.start_payment(order)
    assert len(house.provider.payments) == 1


def test_late_money_still_renews(house: House, story: Story) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    order = house.order(card, "GB-1-3D")
    reference = house.start_payment(order)
    with story.after(hours=3):
        house.settle_down()
        order.refresh_from_db()
        assert order.state == "expired"

        house.deliver(*house.provider.pay(reference))
        house.settle_down()

    order.refresh_from_db()
    assert (order.state, house.renewal(order).state) == ("paid", "active")


def test_money_for_a_cancelled_order_goes_back(house: House) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    order = house.order(card, "GB-1-3D")
    reference = house.start_payment(order)
    cancel_renewal(number=order.number, actor="customer:1", now=clock.now())

    house.deliver(*house.provider.pay(reference))
    house.settle_down()
    house.deliver(house.provider.finish_refund(str(Refund.objects.get().key)))

    assert house.renewal(order).state == "withdrawn"
    assert balances() == {"customers": 0, "provider:fake": 0}


def test_a_paid_order_cannot_be_cancelled(house: House) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    order = house.order(card, "GB-1-3D")
    house.pay(order)

    with pytest.raises(OrderNotPayable):
        cancel_renewal(number=order.number, actor="customer:1", now=clock.now())


def test_a_refund_whose_answer_is_lost_is_sent_once(house: House, story: Story) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    order = house.order(card, "GB-1-3D")
    reference = house.start_payment(order)
    captured = house.provider.pay(reference, times=2)
    house.provider.script.add(Outcome.DONE_UNANSWERED)
    house.deliver(*captured)
    house.settle_down()

    with story.after(minutes=5):
        house.settle_down()

    assert len(house.provider.refunds) == 1
    assert Refund.objects.get().state == "sent"


def test_a_refund_whose_webhook_is_lost_is_asked_about(house: House, story: Story) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    house.pay(house.order(card, "GB-1-3D"), times=2)
    house.provider.finish_refund(str(Refund.objects.get().key))

    with story.after(minutes=2):
        house.settle_down()

    assert Refund.objects.get().state == "done"
    assert balances() == {"customers": 0, "provider:fake": 300, "revenue": -300}


def test_a_refund_made_by_hand_at_the_provider_is_no_error(house: House) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    order = house.order(card, "GB-1-3D")
    house.pay(order)
    (captured,) = house.provider.find_payment(house.payment_reference(order))

    house.deliver(replace(captured, event_id="by-hand", kind=EventKind.REFUNDED, refund_key="dashboard-1"))

    assert ProviderNotice.objects.get(event_id="by-hand").problem == "refund-unknown"


def test_money_that_a_bank_sends_back_after_a_refund_is_owed_again(house: House) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    house.pay(house.order(card, "GB-1-3D"), times=2)
    key = str(Refund.objects.get().key)
    done = house.provider.finish_refund(key)
    house.deliver(done)

    for event in (house.provider.fail_refund(key), done):
        house.deliver(event)
        house.settle_down()

    assert Refund.objects.get().state == "failed"
    assert balances() == {"customers": -300, "provider:fake": 600, "revenue": -300}
    assert house.facts()[-2:] == ["refund-done", "refund-failed"]
    assert findings() == []


def test_an_order_past_its_time_cannot_be_cancelled(house: House, story: Story) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    order = house.order(card, "GB-1-3D")
    with story.after(hours=3), pytest.raises(OrderNotPayable):
        cancel_renewal(number=order.number, actor="customer:1", now=clock.now())


def test_a_payment_that_was_declined_while_it_was_started_leads_nobody_to_pay_it(house: House) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    order = house.order(card, "GB-1-3D")

    class RefusesTheTwin(FakeProvider):
        """The twin of a double click is refused while this one is on its way."""

        def start_payment(self, request: PaymentRequest) -> StartedPayment:
            Payment.objects.update(state="failed")
            return super().start_payment(request)

    with using_provider("fake", RefusesTheTwin()), pytest.raises(PaymentNotStarted):
        house.start_payment(order)


def test_a_capture_that_is_told_before_the_start_was_answered_ends_the_payment_when_it_is_asked_about(
    house: House,
) -> None:
    make_plan("GB-1-3D")
    order = house.order(make_card(), "GB-1-3D")

    class TellsAtOnce(FakeProvider):
        """Charges a method that needs no payer, whose webhook overtakes the answer."""

        def start_payment(self, request: PaymentRequest) -> StartedPayment:
            started = super().start_payment(request)
            told = [
                replace(event, payment_reference="", payment_key=request.key) for event in self.pay(started.reference)
            ]
            house.deliver(*told)
            return started

    with using_provider("fake", TellsAtOnce()):
        house.start_payment(order)
        assert Payment.objects.get().state == "started"
        Payment.objects.update(next_attempt_at=clock.now())
        house.settle_down()
    payment = Payment.objects.get()
    assert (payment.state, payment.next_attempt_at, Capture.objects.count()) == ("captured", None, 1)


def test_who_comes_back_to_a_code_that_has_run_out_gets_another_and_the_first_can_still_pay(
    house: House, story: Story
) -> None:
    make_plan("GB-1-3D")
    order = house.order(make_card(), "GB-1-3D")

    class ShowsCodes(FakeProvider):
        """Gives codes that live for an hour."""

        def start_payment(self, request: PaymentRequest) -> StartedPayment:
            started = super().start_payment(request)
            expires_at = request.created_at + timedelta(hours=1)
            code = Instructions(expires_at=expires_at, qr_text=started.reference)
            return replace(started, instructions=code)

    provider = ShowsCodes()
    with using_provider("fake", provider):
        first = house.start_payment(order)
        with story.after(minutes=59):
            assert house.start_payment(order) == first
        with story.after(minutes=61):
            second = house.start_payment(order)
            assert second != first
            payments = Payment.objects.order_by("pk").values_list("reference", "state", "failure")
            assert list(payments) == [(first, "failed", "expired"), (second, "started", "")]
            house.deliver(*provider.pay(first))
            house.settle_down()
    order.refresh_from_db()
    assert order.state == "paid"


def test_new_numbers_and_codes_do_not_keep_an_order_for_ever(house: House, story: Story) -> None:
    """Its price, and the use of its coupon, would be kept as long."""
    make_plan("GB-1-3D")
    order = house.order(make_card(), "GB-1-3D")
    kept_for = []
    for asked_after, lasts in ((1, 1), (2, 22), (23, 72), (90, 72)):
        method = f"after {asked_after} hours"
        with story.after(hours=asked_after):
            told = Instructions(expires_at=clock.now() + timedelta(hours=lasts), qr_text="code")
            house.provider.methods, house.provider.instructions = (method,), {method: told}
            house.start_payment(order, method=method)
            house.settle_down()
        order.refresh_from_db()
        kept_for.append(round((order.expires_at - order.created_at) / timedelta(hours=1), 1))
    assert kept_for == [2.5, 24.5, 95.5, 95.5]


def test_no_provider_has_an_order_kept_beyond_its_links(house: House) -> None:
    make_plan("GB-1-3D")
    order = house.order(make_card(), "GB-1-3D")
    house.provider.instructions = {"fake": Instructions(expires_at=clock.now() + timedelta(days=3650), qr_text="code")}
    house.start_payment(order)
    house.settle_down()
    order.refresh_from_db()
    assert order.expires_at == order.created_at + KEPT_AT_MOST
    assert KEPT_AT_MOST < LINKS_LAST


def test_a_provider_that_breaks_over_one_refund_does_not_keep_back_the_others(house: House, story: Story) -> None:
    make_plan("GB-1-3D")
    for _ in range(2):
        house.deliver(*house.provider.pay(house.start_payment(house.order(make_card(), "GB-1-3D")), times=2))

    class BreaksOnce(FakeProvider):
        broken: RefundRequest | None = None

        def refund(self, request: RefundRequest) -> StartedRefund:
            if self.broken in {None, request}:
                self.broken = request
                raise AttributeError("an adapter's mistake")
            return house.provider.refund(request)

    with using_provider("fake", BreaksOnce()):
        house.settle_down()
        assert sorted(Refund.objects.values_list("state", flat=True)) == ["requested", "sent"]
    with story.after(minutes=6):
        house.settle_down()

    assert sorted(Refund.objects.values_list("state", flat=True)) == ["sent", "sent"]
