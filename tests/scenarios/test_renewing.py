# SPDX-License-Identifier: Apache-2.0
"""A renewal from order to online, and everything that can come in between."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tsuzuku.allowances.actions import draw
from tsuzuku.cards.actions import block_card
from tsuzuku.cards.models import Blocked, Card
from tsuzuku.carriers.ports import Activation, ActivationRequest
from tsuzuku.carriers.registry import using_carrier
from tsuzuku.catalog.actions import withdraw_plan
from tsuzuku.catalog.terms import LotKind
from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.messaging.models import Message
from tsuzuku.orders.errors import OrderNotPayable
from tsuzuku.payments.errors import PaymentNotStarted
from tsuzuku.payments.models import Capture, Payment, ProviderNotice, Refund
from tsuzuku.payments.ports import (
    EventKind,
    FailureReason,
    PaymentRequest,
    RefundRequest,
    StartedPayment,
    StartedRefund,
)
from tsuzuku.payments.queries import balances, latest_payment
from tsuzuku.payments.registry import using_provider
from tsuzuku.renewals import activation
from tsuzuku.renewals.actions import cancel_renewal, order_renewal, settle_renewals
from tsuzuku.renewals.activation import GIVE_UP_AFTER, LEASE, activate_renewals
from tsuzuku.renewals.errors import KeyReused, QuoteChanged
from tsuzuku.renewals.quotes import Caution, quote_renewal
from tsuzuku.testing.factories import make_card, make_plan
from tsuzuku.testing.fakes import FakeCarrier, FakeProvider, Outcome
from tsuzuku.testing.house import House, Story

GB = 1_000_000_000


def test_a_card_is_renewed_and_its_payer_told(house: House) -> None:
    card = make_card()
    make_plan("GB-1-3D", price_minor=300)
    order = house.order(card, "GB-1-3D")

    house.pay(order)

    order.refresh_from_db()
    assert (order.state, house.renewal(order).state) == ("paid", "active")
    assert house.allowance(card).remaining_bytes == GB
    assert [each.request.iccid for each in house.carrier.history] == [card.iccid]
    assert balances() == {"customers": 0, "provider:fake": 300, "revenue": -300}
    assert house.facts() == ["payment-captured", "order-paid", "renewal-activated"]
    assert house.subjects() == [f"Your card is renewed · order {order.number}"]
    assert "You now have 1\N{NO-BREAK SPACE}GB and are online until" in house.gateway.sent[0].message.text


def test_a_carrier_that_confirms_at_once_is_not_called(house: House) -> None:
    house.carrier.confirms_at_once = True
    card = make_card()
    make_plan("GB-1-3D")
    order = house.order(card, "GB-1-3D")

    house.pay(order)

    assert house.renewal(order).state == "active"
    assert house.allowance(card).remaining_bytes == GB
    assert house.carrier.requests == []


def test_the_lot_counts_from_the_carriers_credit(house: House, story: Story) -> None:
    card = make_card()
    make_plan("GB-1-3D", days=3)
    order = house.order(card, "GB-1-3D")
    house.carrier.is_down = True
    house.deliver(*house.provider.pay(house.start_payment(order)))
    house.settle_down()
    house.carrier.is_down = False

    with story.after(minutes=10):
        house.settle_down()

        credited_at = house.carrier.history[0].activation.credited_at
        assert credited_at >= story.start + timedelta(minutes=10)
        assert house.allowance(card).online_until == credited_at + timedelta(days=3)


def test_the_same_key_gives_the_same_order(house: House) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    make_plan("GB-2-3D")

    first = house.order(card, "GB-1-3D", key="k1")

    assert house.order(card, "GB-1-3D", key="k1") == first
    with pytest.raises(KeyReused):
        house.order(card, "GB-2-3D", key="k1")


def test_a_price_that_changed_is_shown_and_asked_again(house: House) -> None:
    card = make_card()
    make_plan("GB-1-3D", price_minor=300)
    seen = quote_renewal(card, "GB-1-3D", channel="web", now=clock.now())
    make_plan("GB-1-3D", price_minor=350)

    with pytest.raises(QuoteChanged) as changed:
        order_renewal(
            card=card,
            plan_code="GB-1-3D",
            digest=seen.digest,
            actor="customer:1",
            key="k1",
            payer=None,
            email="",
            language="en",
            channel="web",
            now=clock.now(),
        )

    assert changed.value.quote.price == Money(350, "JPY")


def test_a_quote_outlives_time_but_not_another_renewal(house: House, story: Story) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    seen = quote_renewal(card, "GB-1-3D", channel="web", now=clock.now())

    with story.after(hours=1):
        assert quote_renewal(card, "GB-1-3D", channel="web", now=clock.now()).digest == seen.digest
        house.pay(house.order(card, "GB-1-3D"))
        assert quote_renewal(card, "GB-1-3D", channel="web", now=clock.now()).digest != seen.digest


def test_a_sold_price_and_terms_stay_as_they_were_sold(house: House) -> None:
    card = make_card()
    make_plan("GB-1-3D", price_minor=300, data_bytes=GB)
    order = house.order(card, "GB-1-3D")
    make_plan("GB-1-3D", price_minor=900, data_bytes=9 * GB)
    withdraw_plan(code="GB-1-3D", now=clock.now())

    house.pay(order)

    assert house.allowance(card).remaining_bytes == GB
    assert balances()["revenue"] == -300


# -- money -------------------------------------------------------------------------------------------------------------


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


# -- the carrier ----------------------------------------------------------------------------------------------------


def test_an_activation_without_an_answer_is_found_in_the_history(house: House, story: Story) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    order = house.order(card, "GB-1-3D")
    house.carrier.script.add(Outcome.DONE_UNANSWERED)

    house.pay(order)
    with story.after(minutes=1):
        house.settle_down()

    assert len(house.carrier.requests) == 1
    assert house.renewal(order).state == "active"
    assert house.allowance(card).remaining_bytes == GB


def test_a_lost_request_is_sent_again_only_when_the_history_is_final(house: House, story: Story) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    order = house.order(card, "GB-1-3D")
    house.carrier.settles_within_seconds = 600
    house.carrier.script.add(Outcome.LOST)

    house.pay(order)
    with story.after(minutes=9):
        house.settle_down()
        assert len(house.carrier.requests) == 1
    with story.after(minutes=16):
        house.settle_down()

    assert len(house.carrier.requests) == 2
    assert house.renewal(order).state == "active"


def test_a_history_read_before_it_was_final_does_not_count_as_final(house: House, story: Story) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    order = house.order(card, "GB-1-3D")
    house.carrier.settles_within_seconds = 60
    house.carrier.script.add(Outcome.ARRIVES_LATER)
    house.pay(order)
    final_at = house.renewal(order).history_final_at
    assert final_at is not None

    class SlowHistory(FakeCarrier):
        """Is read just before the end of its time; the request arrives while the answer is on its way."""

        def find_activation(self, *, iccid: str, reference: str) -> Activation | None:
            found = house.carrier.find_activation(iccid=iccid, reference=reference)
            house.carrier.arrive()
            return found

    with clock.travel_to(final_at - timedelta(seconds=1)), using_carrier("sandbox", SlowHistory()):
        calls = activation._claim(now=clock.now())
        answers = [activation._call(call) for call in calls]
    with clock.travel_to(final_at + timedelta(seconds=1)):
        activation._record(answers, now=clock.now())
        house.settle_down()

    assert len(house.carrier.history) == 1
    assert house.renewal(order).state == "active"


def test_what_arrives_late_is_not_sent_again(house: House, story: Story) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    order = house.order(card, "GB-1-3D")
    house.carrier.script.add(Outcome.ARRIVES_LATER)

    house.pay(order)
    house.carrier.arrive()
    with story.after(minutes=5):
        house.settle_down()

    assert len(house.carrier.history) == 1
    assert house.renewal(order).state == "active"


def test_a_worker_that_died_while_sending_is_followed_by_one_that_asks(house: House, story: Story) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    order = house.order(card, "GB-1-3D")

    class Killed(BaseException):
        """As a SIGKILL: nothing after it runs."""

    class DyingWithIt(FakeCarrier):
        def activate(self, request: ActivationRequest) -> Activation:
            house.carrier.activate(request)
            raise Killed

    with using_carrier("sandbox", DyingWithIt()), pytest.raises(Killed):
        house.pay(order)

    house.settle_down()
    assert house.renewal(order).state == "activating"
    with story.after(seconds=LEASE.total_seconds() + 1):
        house.settle_down()

    assert len(house.carrier.history) == 1
    assert house.renewal(order).state == "active"


def test_an_adapter_that_breaks_over_one_card_does_not_keep_back_the_others(house: House, story: Story) -> None:
    make_plan("GB-1-3D")
    cards = [make_card() for _ in range(3)]
    orders = [house.order(card, "GB-1-3D") for card in cards]

    class BreaksOverOne(FakeCarrier):
        def activate(self, request: ActivationRequest) -> Activation:
            if request.iccid == cards[1].iccid:
                raise AttributeError("an adapter's mistake")
            return house.carrier.activate(request)

        def find_activation(self, *, iccid: str, reference: str) -> Activation | None:
            return house.carrier.find_activation(iccid=iccid, reference=reference)

    with using_carrier("sandbox", BreaksOverOne()):
        for order in orders:
            house.deliver(*house.provider.pay(house.start_payment(order)))
        house.settle_down()
        assert [house.renewal(order).state for order in orders] == ["active", "activating", "active"]
    with story.after(minutes=5):
        house.settle_down()

    assert [house.renewal(order).state for order in orders] == ["active", "active", "active"]


def test_a_carrier_that_is_not_installed_keeps_back_only_its_cards(house: House) -> None:
    make_plan("GB-1-3D")
    here, gone = make_card(), make_card()
    orders = [house.order(card, "GB-1-3D") for card in (here, gone)]
    for order in orders:
        house.deliver(*house.provider.pay(house.start_payment(order)))
    Card.objects.filter(pk=gone.pk).update(carrier="gone")

    house.settle_down()

    assert [house.renewal(order).state for order in orders] == ["active", "ordered"]
    Card.objects.filter(pk=gone.pk).update(carrier="sandbox")
    with clock.travel_to(clock.now() + timedelta(minutes=10)):
        house.settle_down()
    assert house.renewal(orders[1]).state == "active"


def test_a_refusal_gives_the_money_back_by_itself(house: House) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    order = house.order(card, "GB-1-3D")
    house.carrier.script.add(Outcome.REFUSED)

    house.pay(order)
    house.deliver(house.provider.finish_refund(str(Refund.objects.get().key)))

    renewal = house.renewal(order)
    assert (renewal.state, renewal.refusal) == ("withdrawn", "refused-on-demand")
    assert [move.target for move in renewal.moves.order_by("pk")] == ["activating", "refused", "withdrawn"]
    assert balances() == {"customers": 0, "provider:fake": 0}
    assert house.subjects() == [f"We could not renew your card · order {order.number}"]
    assert house.allowance(card).lots == ()


def test_a_carrier_that_stays_down_is_given_up_after_a_day(house: House, story: Story) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    order = house.order(card, "GB-1-3D")
    house.carrier.is_down = True

    house.pay(order)
    with story.after(hours=23):
        house.settle_down()
        assert house.renewal(order).state == "activating"
    with story.after(seconds=GIVE_UP_AFTER.total_seconds() + 1):
        house.settle_down()

    assert (house.renewal(order).state, house.renewal(order).refusal) == ("withdrawn", "carrier-unavailable")


def test_one_card_has_one_open_activation_at_a_time(house: House, story: Story) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    first, second = house.order(card, "GB-1-3D", key="k1"), house.order(card, "GB-1-3D", key="k2")
    house.carrier.script.add(Outcome.ARRIVES_LATER)

    house.pay(first)
    house.pay(second)
    assert (house.renewal(first).state, house.renewal(second).state) == ("activating", "ordered")
    house.carrier.arrive()
    with story.after(minutes=5):
        house.settle_down()

    assert (house.renewal(first).state, house.renewal(second).state) == ("active", "active")
    assert house.allowance(card).remaining_bytes == 2 * GB


def test_a_card_suspended_between_order_and_money_takes_nothing(house: House) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    order = house.order(card, "GB-1-3D")
    block_card(card=card, blocked=Blocked.SUSPENDED)

    house.pay(order)

    assert (house.renewal(order).state, house.renewal(order).refusal) == ("withdrawn", "card-suspended")
    assert Refund.objects.count() == 1


def test_one_that_its_card_cannot_take_never_fails_its_neighbours(house: House) -> None:
    house.carrier.confirms_at_once = True
    make_plan("ONE", stacking="separate", max_stack=1)
    cards = [make_card() for _ in range(3)]
    orders = [house.order(card, "ONE") for card in cards]
    again = house.order(cards[1], "ONE", key="k2")
    for order in [*orders, again]:
        house.deliver(*house.provider.pay(house.start_payment(order)))

    house.settle_down()

    assert [house.renewal(order).state for order in orders] == ["active", "active", "active"]
    assert (house.renewal(again).state, house.renewal(again).refusal) == ("withdrawn", "stack-full")


def test_settling_twice_settles_once(house: House) -> None:
    house.carrier.confirms_at_once = True
    card = make_card()
    make_plan("GB-1-3D")
    order = house.order(card, "GB-1-3D")
    house.pay(order)

    settle_renewals(order_ids=[order.pk], now=clock.now())

    assert house.allowance(card).remaining_bytes == GB
    assert Message.objects.count() == 1


def test_a_plan_with_voice_and_messages_gives_lots_of_each_kind(house: House) -> None:
    card = make_card()
    make_plan("VOICE", voice_seconds=3600, voice_to="international", messages=50)

    house.pay(house.order(card, "VOICE"))

    lots = [(str(lot.kind), lot.remaining) for lot in house.allowance(card).lots]
    assert lots == [("data", GB), ("message", 50), ("voice", 3600)]


def test_nothing_to_do_is_nothing_done(house: House) -> None:
    assert activate_renewals() == 0


# -- what a person should know before ---------------------------------------------------------------------------------


def test_a_card_with_plenty_needs_nothing_yet(house: House) -> None:
    card = make_card()
    make_plan("GB-20-30D", data_bytes=20 * GB, days=30)
    house.pay(house.order(card, "GB-20-30D"))
    assert quote_renewal(card, "GB-20-30D", channel="web", now=clock.now()).cautions == (Caution.NOT_NEEDED_YET,)


def test_a_plan_that_starts_after_what_is_used_up_is_no_help_now(house: House) -> None:
    card = make_card()
    make_plan("DAY-3", stacking="sequel", days=3)
    assert quote_renewal(card, "DAY-3", channel="web", now=clock.now()).cautions == ()
    house.pay(house.order(card, "DAY-3"))
    draw(card_id=card.pk, kind=LotKind.DATA, amount=GB, now=clock.now())

    quote = quote_renewal(card, "DAY-3", channel="web", now=clock.now())

    assert quote.preview.allowance.online_until is None
    assert quote.cautions == (Caution.STARTS_TOO_LATE,)


def test_a_plan_that_begins_later_is_announced_as_that(house: House) -> None:
    card = make_card()
    make_plan("DAY-3", stacking="sequel", days=3, day_rule="calendar")
    house.pay(house.order(card, "DAY-3", key="k1"))

    house.pay(house.order(card, "DAY-3", key="k2"))

    first, second = (kept.message.text for kept in house.gateway.sent)
    assert "You now have 1\N{NO-BREAK SPACE}GB and are online until" in first
    assert "It begins by itself on" in second
    assert "You now have" not in second
