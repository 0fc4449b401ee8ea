# SPDX-License-Identifier: Apache-2.0
"""A paid renewal on its way to the card, and everything that the carrier can do in between."""

from datetime import timedelta

import pytest

from tsuzuku.cards.actions import block_card
from tsuzuku.cards.models import Blocked, Card
from tsuzuku.carriers.ports import Activation, ActivationRequest
from tsuzuku.carriers.registry import using_carrier
from tsuzuku.kernel import clock
from tsuzuku.messaging.models import Message
from tsuzuku.payments.models import Refund
from tsuzuku.payments.queries import balances
from tsuzuku.renewals import activation
from tsuzuku.renewals.actions import settle_renewals
from tsuzuku.renewals.activation import GIVE_UP_AFTER, LEASE, activate_renewals
from tsuzuku.renewals.models import Renewal
from tsuzuku.testing.factories import make_card, make_plan
from tsuzuku.testing.fakes import FakeCarrier, Outcome
from tsuzuku.testing.house import House, Story

GB = 1_000_000_000


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
    with story.after(seconds=LEASE.total_seconds() + 60):
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


def test_many_failures_in_little_time_do_not_make_the_next_try_late(house: House, story: Story) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    order = house.order(card, "GB-1-3D")
    house.carrier.is_down = True
    house.pay(order)
    Renewal.objects.update(attempts=10)

    with story.after(minutes=2):
        house.settle_down()
        again_at, now = house.renewal(order).next_attempt_at, clock.now()

    assert house.renewal(order).attempts > 10
    assert again_at is not None
    assert now < again_at <= now + timedelta(seconds=30)


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
