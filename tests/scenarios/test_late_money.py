# SPDX-License-Identifier: Apache-2.0
"""Money that comes when its order's time is over, and money that is only told of late."""

from datetime import timedelta

import pytest

from tsuzuku.catalog.models import Plan
from tsuzuku.kernel import clock
from tsuzuku.orders.models import Order
from tsuzuku.payments.models import Refund
from tsuzuku.payments.ports import EventKind, Instructions, ProviderEvent, StoreSlip
from tsuzuku.payments.queries import balances
from tsuzuku.testing.factories import make_card, make_plan, make_promotion
from tsuzuku.testing.house import House, Story


@pytest.fixture
def order(house: House) -> Order:
    make_plan("GB-1-3D", price_minor=300)
    return house.order(make_card(), "GB-1-3D")


def pay_late(house: House, order: Order, reference: str) -> None:
    """The sweep has written down that the order expired; then its money comes."""
    house.settle_down()
    order.refresh_from_db()
    assert order.state == "expired"
    house.deliver(*house.provider.pay(reference))
    house.settle_down()
    order.refresh_from_db()
    assert order.state == "paid"


@pytest.mark.parametrize("price_minor", [300, 200])
def test_late_money_buys_at_the_price_of_the_order_or_what_is_cheaper_now(
    house: House, story: Story, order: Order, price_minor: int
) -> None:
    reference = house.start_payment(order)
    with story.after(hours=3):
        make_plan("GB-1-3D", price_minor=price_minor)
        pay_late(house, order, reference)
        assert house.renewal(order).state == "active"


def test_late_money_does_not_buy_what_costs_more_by_now(house: House, story: Story, order: Order) -> None:
    reference = house.start_payment(order)
    with story.after(hours=3):
        make_plan("GB-1-3D", price_minor=301)
        pay_late(house, order, reference)
        house.end_refunds()

    renewal = house.renewal(order)
    assert (renewal.state, renewal.refusal) == ("withdrawn", "price-risen")
    assert balances() == {"customers": 0, "provider:fake": 0}
    text = house.gateway.sent[-1].message.text
    assert "Your payment came after the order’s time, and by then the plan cost more." in text


def test_late_money_does_not_buy_what_is_sold_no_more(house: House, story: Story, order: Order) -> None:
    reference = house.start_payment(order)
    with story.after(hours=3):
        Plan.objects.update(withdrawn_at=clock.now())
        pay_late(house, order, reference)
        house.end_refunds()

    assert (house.renewal(order).refusal, Refund.objects.get().state) == ("plan-gone", "done")
    assert "by then the plan was no longer sold" in house.gateway.sent[-1].message.text


def test_late_money_does_not_buy_what_is_for_other_cards_by_now(house: House, story: Story, order: Order) -> None:
    reference = house.start_payment(order)
    with story.after(hours=3):
        make_plan("GB-1-3D", price_minor=300, card_groups=["tours"])
        pay_late(house, order, reference)
    assert house.renewal(order).refusal == "plan-gone"


def test_a_discount_is_no_rise_of_the_price(house: House, story: Story) -> None:
    make_plan("GB-1-3D", price_minor=300)
    make_promotion(takes_off={"amount_minor": 50})
    order = house.order(make_card(), "GB-1-3D")
    reference = house.start_payment(order)
    with story.after(hours=3):
        pay_late(house, order, reference)
    assert (order.amount_minor, house.renewal(order).state) == (250, "active")


def test_money_in_time_that_is_told_late_buys_whatever_the_price_is_now(
    house: House, story: Story, order: Order
) -> None:
    reference = house.start_payment(order)
    with story.after(hours=1):
        paid = house.provider.pay(reference)
    with story.after(hours=3):
        make_plan("GB-1-3D", price_minor=400)
        house.deliver(*paid)
        house.settle_down()
    assert house.renewal(order).state == "active"


def test_a_price_that_rises_while_an_order_waits_is_not_its_payers_business(
    house: House, story: Story, order: Order
) -> None:
    reference = house.start_payment(order)
    with story.after(hours=1):
        make_plan("GB-1-3D", price_minor=400)
        house.deliver(*house.provider.pay(reference))
        house.settle_down()
    assert house.renewal(order).state == "active"


@pytest.mark.parametrize(("minutes", "refusal"), [(29, ""), (31, "price-risen")])
def test_a_slip_that_is_paid_after_the_store_should_have_closed_it(
    house: House, story: Story, order: Order, minutes: int, refusal: str
) -> None:
    """Stores take slips in the last minute and tell of it later; an order waits for half an hour longer than a slip."""
    reference = house.start_payment(order)
    ends_at = story.start + timedelta(days=3)
    house.deliver(
        ProviderEvent(
            event_id="slip",
            kind=EventKind.INSTRUCTED,
            payment_reference=reference,
            instructions=Instructions(
                expires_at=ends_at, slips=(StoreSlip(store="lawson", payment_number="12345678901"),)
            ),
            occurred_at=clock.now(),
            raw="{}",
        )
    )
    house.settle_down()
    with story.after(days=3, minutes=minutes):
        house.settle_down()
        make_plan("GB-1-3D", price_minor=400)
        house.deliver(*house.provider.pay(reference))
        house.settle_down()
    renewal = house.renewal(order)
    assert (renewal.state, renewal.refusal) == ("withdrawn" if refusal else "active", refusal)
