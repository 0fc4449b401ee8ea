# SPDX-License-Identifier: Apache-2.0
"""Payers' banks that take money back: where it is, who wins, and that nobody is given it twice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tsuzuku.balances.actions import order_top_up
from tsuzuku.cards.errors import FlagUnknown
from tsuzuku.cards.flags import clear_flag, flags_of
from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.orders.errors import BalanceChanged, OrderTakesNoOther
from tsuzuku.orders.models import Order
from tsuzuku.orders.resolving import accept_held_order, return_held_order
from tsuzuku.payments.errors import CaptureDisputed, DisputeUnknown, RefundNotFailed, RefundTooLarge
from tsuzuku.payments.failed_refunds import close_refund, retry_refund
from tsuzuku.payments.models import BalancePart, Capture, Dispute, ProviderNotice, Refund
from tsuzuku.payments.ports import ProviderEvent
from tsuzuku.payments.queries import balances, dispute_by_reference
from tsuzuku.people.models import User
from tsuzuku.reminders.models import Reminder
from tsuzuku.reminders.rules import Kind
from tsuzuku.reminders.states import PASSED
from tsuzuku.reminders.telling import tell_reminders
from tsuzuku.reminders.watching import notice
from tsuzuku.renewals.actions import cancel_renewal
from tsuzuku.testing.factories import make_card, make_customer, make_plan
from tsuzuku.testing.fakes import Outcome
from tsuzuku.testing.house import House, Story

#: 10:00 in Japan.
MORNING = datetime(2027, 3, 1, 1, 0, tzinfo=UTC)


@pytest.fixture
def sold(house: House) -> Order:
    """An order of 1,000 yen whose card holds what it paid for."""
    make_plan("GB-1-3D", price_minor=1000)
    order = house.order(make_card(), "GB-1-3D")
    house.pay(order)
    return order


@pytest.fixture
def mei(db: None) -> User:
    return make_customer()


def open_dispute(house: House, *, amount: Money | None = None) -> str:
    """The bank takes the newest capture back; the provider's reference."""
    opened = house.provider.dispute(Capture.objects.latest("pk").reference, amount=amount)
    house.deliver(opened)
    house.settle_down()
    assert opened.dispute_reference is not None
    return opened.dispute_reference


def end_dispute(house: House, reference: str, *, is_won: bool) -> None:
    house.deliver(house.provider.end_dispute(reference, is_won=is_won))
    house.settle_down()


def flags(house: House, order: Order) -> list[str]:
    card_id = house.renewal(order).card_id
    return [flag.reason for flag in flags_of([card_id]).get(card_id, [])]


# -- the money -------------------------------------------------------------------------------------------------------


def test_a_dispute_that_is_won_brings_the_money_back(house: House, sold: Order) -> None:
    reference = open_dispute(house)
    assert balances() == {"customers": 0, "disputes": 1000, "provider:fake": 0, "revenue": -1000}
    assert flags(house, sold) == ["dispute"]

    end_dispute(house, reference, is_won=True)
    assert balances() == {"customers": 0, "disputes": 0, "provider:fake": 1000, "revenue": -1000}
    assert flags(house, sold) == []
    assert house.facts()[-2:] == ["dispute-opened", "dispute-ended"]
    dispute = dispute_by_reference(reference)
    assert (dispute.state, dispute.reason, dispute.amount) == ("won", "fraudulent", Money(1000, "JPY"))


def test_a_dispute_that_is_lost_is_the_brands_loss(house: House, sold: Order) -> None:
    end_dispute(house, open_dispute(house), is_won=False)

    assert balances() == {"customers": 0, "disputes": 0, "losses": 1000, "provider:fake": 0, "revenue": -1000}
    assert flags(house, sold) == ["dispute"]
    with pytest.raises(RefundTooLarge):
        house.give_back(sold)


def test_a_card_that_is_flagged_can_be_renewed_and_its_flag_taken_down(house: House, sold: Order) -> None:
    end_dispute(house, open_dispute(house), is_won=False)
    card = house.renewal(sold).card
    house.pay(house.order(card, "GB-1-3D", key="k2"))
    (flag,) = flags_of([card.pk])[card.pk]

    for _ in range(2):
        clear_flag(flag_id=flag.pk, actor="staff:1", note="asked the holder", now=clock.now())
    assert flags_of([card.pk]) == {}
    with pytest.raises(FlagUnknown):
        clear_flag(flag_id=0, actor="staff:1", note="", now=clock.now())


def test_a_part_is_disputed(house: House, sold: Order) -> None:
    end_dispute(house, open_dispute(house, amount=Money(400, "JPY")), is_won=False)
    house.give_back(sold)
    house.end_refunds()

    assert Refund.objects.get().amount_minor == 600
    assert balances() == {"customers": 0, "disputes": 0, "losses": 400, "provider:fake": 0, "revenue": -400}


def test_what_a_disputed_top_up_brought_is_not_spent(house: House, mei: User) -> None:
    make_plan("GB-1-3D", price_minor=1000)
    order = house.order(make_card(), "GB-1-3D", actor=f"customer:{mei.pk}", payer=mei)
    house.top_up(mei, 3_000)
    house.top_up(mei, 500, key="t2")
    reference = open_dispute(house)
    assert house.balance(mei) == 3_000
    end_dispute(house, reference, is_won=True)
    assert house.balance(mei) == 3_500

    end_dispute(house, open_dispute(house), is_won=False)
    assert house.balance(mei) == 3_000
    house.deliver(house.provider.dispute(Capture.objects.earliest("pk").reference))
    with pytest.raises(BalanceChanged):
        house.use_balance(order, mei, shown=1_000)
    assert house.balance(mei) == 0
    assert house.findings() == []


def test_the_end_of_a_part_that_a_bank_has_asked_back_is_told_only_once_it_can_be_spent(
    house: House, mei: User
) -> None:
    with clock.travel_to(MORNING):
        house.top_up(mei, 500)
        house.top_up(mei, 3_000, key="t2")
        reference = open_dispute(house)
        house.settle_down()
    sent = len(house.gateway.sent)
    with clock.travel_to(MORNING + timedelta(days=150)):
        house.settle_down()
        assert house.subjects()[sent:] == ["¥500 of your balance end in 30 days"]
        now, part = clock.now(), BalancePart.objects.get(amount_minor=3_000)
        reminder = Reminder(user=mei, kind=Kind.BALANCE_ENDS, episode="1", found_at=now, next_attempt_at=now)
        reminder.figures = {"part_id": part.pk}
        notice([reminder], now=now)
        tell_reminders()
    assert Reminder.objects.get(episode="1").state == PASSED
    with clock.travel_to(MORNING + timedelta(days=152)):
        end_dispute(house, reference, is_won=True)
        house.settle_down()
    assert house.subjects()[sent + 1 :] == ["¥3,000 of your balance end in 28 days"]


def test_a_second_payment_of_a_top_up_may_be_disputed(house: House, mei: User) -> None:
    order = order_top_up(user=mei, amount_minor=500, key="t1", language="en", channel="web", now=clock.now())
    house.pay(order, times=2)
    open_dispute(house)
    assert house.balance(mei) == 500


# -- events ----------------------------------------------------------------------------------------------------------


def test_events_in_any_order_and_again_have_one_effect(house: House, sold: Order) -> None:
    opened = house.provider.dispute(Capture.objects.get().reference)
    reference = opened.dispute_reference or ""
    lost = house.provider.end_dispute(reference, is_won=False)
    told_again = replace(lost, event_id="again")
    for event in (lost, opened, told_again, lost, opened):
        house.deliver(event)
        house.settle_down()

    assert Dispute.objects.get().state == "lost"
    assert balances()["losses"] == 1000
    assert not ProviderNotice.objects.exclude(problem="").exists()
    assert house.facts()[-2:] == ["dispute-opened", "dispute-ended"]


def test_a_loss_that_is_told_after_the_appeal_was_won_is_old_news(house: House, sold: Order) -> None:
    opened = house.provider.dispute(Capture.objects.get().reference)
    lost = house.provider.end_dispute(opened.dispute_reference or "", is_won=False)
    won = house.provider.end_dispute(opened.dispute_reference or "", is_won=True)
    for event in (won, opened, lost, won):
        house.deliver(event)
        house.settle_down()

    assert balances() == {"customers": 0, "disputes": 0, "provider:fake": 1000, "revenue": -1000}
    problems = dict(ProviderNotice.objects.exclude(problem="").values_list("event_id", "problem"))
    assert problems == {lost.event_id: "dispute-ended-otherwise"}
    assert house.facts()[-2:] == ["dispute-opened", "dispute-ended"]


# -- won on appeal ---------------------------------------------------------------------------------------------------


def test_what_was_lost_is_won_on_appeal_and_staff_see_it(house: House, sold: Order) -> None:
    reference = open_dispute(house)
    end_dispute(house, reference, is_won=False)
    won = house.provider.end_dispute(reference, is_won=True)
    for event in (won, won, replace(won, event_id="again")):
        house.deliver(event)
        house.settle_down()

    assert balances() == {"customers": 0, "disputes": 0, "losses": 0, "provider:fake": 1000, "revenue": -1000}
    assert house.facts()[-4:] == ["dispute-opened", "dispute-ended", "dispute-reversed", "dispute-ended"]
    assert flags(house, sold) == ["appeal-won"]
    assert house.give_back(sold, amount_minor=100).state == "approved"


def test_money_that_was_held_may_pay_once_the_appeal_is_won(house: House) -> None:
    make_plan("GB-1-3D", price_minor=300)
    order = house.order(make_card(), "GB-1-3D")
    house.pay(order, amount=Money(200, "JPY"))
    reference = open_dispute(house)
    end_dispute(house, reference, is_won=False)
    end_dispute(house, reference, is_won=True)
    assert balances() == {"customers": -200, "disputes": 0, "losses": 0, "provider:fake": 200}
    accept_held_order(number=order.number, reason="asked", actor="staff:1", now=clock.now())
    house.settle_down()
    assert house.renewal(order).state == "active"


def test_a_dispute_that_is_told_before_its_payment_is_asked_for(house: House, story: Story) -> None:
    make_plan("GB-1-3D")
    order = house.order(make_card(), "GB-1-3D")
    (captured,) = house.provider.pay(house.start_payment(order))
    house.deliver(house.provider.dispute(captured.capture_reference or ""))
    house.settle_down()

    assert ProviderNotice.objects.get().problem == "capture-unknown"
    assert (house.renewal(order).state, Dispute.objects.get().state) == ("active", "open")


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"dispute_reference": None}, "dispute-malformed"),
        ({"amount": Money(1000, "USD")}, "dispute-malformed"),
        ({"amount": Money(0, "JPY")}, "dispute-malformed"),
        ({"capture_reference": "nobody's"}, "capture-unknown"),
        ({"payment_reference": "", "capture_reference": "nobody's"}, "payment-unknown"),
        ({"payment_reference": ""}, ""),
        ({"payment_reference": "of-something-else"}, ""),
    ],
)
def test_what_names_no_dispute_of_ours_moves_nothing(
    house: House, sold: Order, wrong: dict[str, object], problem: str
) -> None:
    opened = house.provider.dispute(Capture.objects.get().reference)
    house.deliver(replace(opened, **wrong))  # type: ignore[arg-type]  # fields of the event by name

    assert ProviderNotice.objects.latest("pk").problem == problem
    assert Dispute.objects.count() == (0 if problem else 1)


def test_one_reference_is_one_dispute(house: House, sold: Order) -> None:
    opened = house.provider.dispute(Capture.objects.get().reference)
    house.deliver(opened)
    other = house.order(make_card(), "GB-1-3D", key="k2")
    house.pay(other)
    capture = Capture.objects.latest("pk")
    house.deliver(
        replace(
            opened,
            event_id="other",
            payment_reference=house.payment_reference(other),
            capture_reference=capture.reference,
        )
    )

    assert ProviderNotice.objects.get(event_id="other").problem == "dispute-of-another-capture"
    with pytest.raises(DisputeUnknown):
        dispute_by_reference("nobody's")


# -- never twice -----------------------------------------------------------------------------------------------------


def test_people_give_nothing_back_while_the_bank_holds_it(house: House, sold: Order) -> None:
    reference = open_dispute(house)
    with pytest.raises(CaptureDisputed):
        house.give_back(sold, amount_minor=100)
    end_dispute(house, reference, is_won=True)
    assert house.give_back(sold, amount_minor=100).state == "approved"


@pytest.fixture
def withdrawing(house: House) -> Order:
    """An order whose card takes nothing, so that its money is to go back, while the provider is down."""
    make_plan("GB-1-3D", price_minor=1000)
    order = house.order(make_card(), "GB-1-3D")
    house.carrier.script.add(Outcome.REFUSED)
    reference = house.start_payment(order)
    captured = house.provider.pay(reference)
    house.provider.is_down = True
    house.deliver(*captured)
    house.settle_down()
    assert (Refund.objects.get().state, house.renewal(order).state) == ("requested", "withdrawn")
    house.provider.is_down = False
    return order


def reopen(house: House, story: Story, *, amount: Money | None = None) -> str:
    """A dispute is opened, and the refund's turn comes."""
    reference = open_dispute(house, amount=amount)
    with story.after(hours=1):
        house.settle_down()
    assert (Refund.objects.get().state, house.provider.refunds) == ("requested", {})
    return reference


def test_a_refund_waits_for_the_end_of_a_dispute_and_is_sent(house: House, story: Story, withdrawing: Order) -> None:
    end_dispute(house, reopen(house, story), is_won=True)
    house.end_refunds()

    assert Refund.objects.get().state == "done"
    assert balances() == {"customers": 0, "disputes": 0, "provider:fake": 0}


def test_a_refund_is_not_sent_after_the_bank_has_given_it(house: House, story: Story, withdrawing: Order) -> None:
    end_dispute(house, reopen(house, story), is_won=False)

    assert (Refund.objects.get().state, house.provider.refunds) == ("void", {})
    assert balances() == {"customers": 0, "disputes": 0, "losses": 0, "provider:fake": 0}


def test_what_a_bank_had_given_is_owed_again_after_an_appeal(house: House, story: Story, withdrawing: Order) -> None:
    reference = reopen(house, story)
    end_dispute(house, reference, is_won=False)
    end_dispute(house, reference, is_won=True)
    house.end_refunds()

    assert list(Refund.objects.order_by("pk").values_list("state", flat=True)) == ["replaced", "done"]
    assert balances() == {"customers": 0, "disputes": 0, "losses": 0, "provider:fake": 0}


def test_what_a_bank_has_given_is_not_given_again_when_the_sale_is_withdrawn(house: House, story: Story) -> None:
    make_plan("GB-1-3D", price_minor=1000)
    house.carrier.script.add(Outcome.UNAVAILABLE, Outcome.REFUSED)
    order = house.order(make_card(), "GB-1-3D")
    house.pay(order)
    reference = open_dispute(house)
    end_dispute(house, reference, is_won=False)
    with story.after(minutes=5):
        house.settle_down()
        assert (house.renewal(order).state, Refund.objects.count()) == ("withdrawn", 0)
        assert balances() == {"customers": 0, "disputes": 0, "losses": 0, "provider:fake": 0}
        end_dispute(house, reference, is_won=True)
        house.end_refunds()
    assert (Refund.objects.get().state, balances()["provider:fake"]) == ("done", 0)


def test_what_a_bank_gave_in_part_is_left_to_a_person(house: House, story: Story, withdrawing: Order) -> None:
    end_dispute(house, reopen(house, story, amount=Money(400, "JPY")), is_won=False)

    refund = Refund.objects.get()
    assert (refund.state, refund.problem) == ("failed", "dispute-lost")
    with pytest.raises(RefundTooLarge):
        retry_refund(refund_id=refund.pk, actor="staff:1", now=clock.now())
    for _ in range(2):
        closed = close_refund(refund_id=refund.pk, note="by bank transfer", actor="staff:1", now=clock.now())
        assert (closed.state, closed.amount_minor) == ("closed", 600)
    with pytest.raises(RefundNotFailed):
        retry_refund(refund_id=refund.pk, actor="staff:1", now=clock.now())
    assert balances() == {"customers": 0, "disputes": 0, "losses": 0, "operator": -600, "provider:fake": 600}


def test_a_refund_that_failed_before_the_bank_gave_it_is_closed(house: House, sold: Order) -> None:
    house.provider.script.add(Outcome.REFUSED)
    house.give_back(sold, amount_minor=300)
    refund = Refund.objects.get()
    reference = open_dispute(house)
    with pytest.raises(CaptureDisputed):
        retry_refund(refund_id=refund.pk, actor="staff:1", now=clock.now())
    with pytest.raises(CaptureDisputed):
        close_refund(refund_id=refund.pk, note="cash", actor="staff:1", now=clock.now())
    end_dispute(house, reference, is_won=False)
    close_refund(refund_id=refund.pk, note="the bank gave it", actor="staff:1", now=clock.now())

    refund.refresh_from_db()
    assert refund.state == "void"
    assert balances() == {"customers": 0, "disputes": 0, "losses": 700, "provider:fake": 0, "revenue": -700}


def test_a_refund_that_is_under_way_when_the_bank_takes_the_money(house: House, sold: Order) -> None:
    """The provider has done both, so the books say both; the evidence has the refund, and the dispute is won by it."""
    house.give_back(sold)
    reference = open_dispute(house)
    house.end_refunds()
    assert balances() == {"customers": 0, "disputes": 1000, "provider:fake": -1000, "revenue": 0}
    end_dispute(house, reference, is_won=True)
    assert balances() == {"customers": 0, "disputes": 0, "provider:fake": 0, "revenue": 0}


def test_held_money_that_a_bank_took_is_neither_accepted_nor_given_back(house: House) -> None:
    make_plan("GB-1-3D", price_minor=300)
    order = house.order(make_card(), "GB-1-3D")
    house.pay(order, amount=Money(200, "JPY"))
    reference = open_dispute(house)
    with pytest.raises(CaptureDisputed):
        accept_held_order(number=order.number, reason="asked", actor="staff:1", now=clock.now())
    end_dispute(house, reference, is_won=False)
    with pytest.raises(OrderTakesNoOther):
        accept_held_order(number=order.number, reason="asked", actor="staff:1", now=clock.now())
    return_held_order(number=order.number, reason="the bank took it", actor="staff:1", now=clock.now())
    house.settle_down()

    assert (Refund.objects.count(), house.renewal(order).state) == (0, "withdrawn")
    assert balances() == {"customers": 0, "disputes": 0, "losses": 0, "provider:fake": 0}


@pytest.mark.parametrize("state", ["awaiting_payment", "cancelled"])
def test_money_lost_before_it_paid_anything_is_neither_given_back_nor_worth_a_plan(house: House, state: str) -> None:
    make_plan("GB-1-3D", price_minor=1000)
    order = house.order(make_card(), "GB-1-3D")
    (captured,) = house.provider.pay(house.start_payment(order))
    opened = house.provider.dispute(captured.capture_reference or "")
    lost = house.provider.end_dispute(opened.dispute_reference or "", is_won=False)
    house.deliver(captured, opened, lost)
    if state == "cancelled":
        cancel_renewal(number=order.number, actor="customer:1", now=clock.now())
    house.settle_down()

    order.refresh_from_db()
    assert (order.state, Capture.objects.get().outcome, Refund.objects.count()) == (state, "surplus", 0)
    assert balances() == {"customers": 0, "disputes": 0, "losses": 0, "provider:fake": 0}
    end_dispute(house, opened.dispute_reference or "", is_won=True)
    house.end_refunds()
    assert (Refund.objects.get().amount_minor, balances()["provider:fake"]) == (1000, 0)


def test_money_lost_in_part_before_it_paid_anything_is_held_for_a_person(house: House) -> None:
    make_plan("GB-1-3D", price_minor=1000)
    order = house.order(make_card(), "GB-1-3D")
    (captured,) = house.provider.pay(house.start_payment(order))
    opened = house.provider.dispute(captured.capture_reference or "", amount=Money(400, "JPY"))
    lost = house.provider.end_dispute(opened.dispute_reference or "", is_won=False)
    house.deliver(captured, opened, lost)
    house.settle_down()
    assert house.renewal(order).state == "ordered"
    return_held_order(number=order.number, reason="the bank took a part", actor="staff:1", now=clock.now())
    house.settle_down()
    house.end_refunds()

    assert (Refund.objects.get().amount_minor, house.renewal(order).state) == (600, "withdrawn")
    assert balances() == {"customers": 0, "disputes": 0, "losses": 0, "provider:fake": 0}


def test_ten_deliveries_of_an_event_are_one_dispute(house: House, sold: Order) -> None:
    opened: ProviderEvent = house.provider.dispute(Capture.objects.get().reference)
    for number in range(10):
        house.deliver(replace(opened, event_id=f"copy-{number}"))
    assert balances()["disputes"] == 1000
