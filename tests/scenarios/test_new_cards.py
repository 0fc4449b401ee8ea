# SPDX-License-Identifier: Apache-2.0
"""A new card with its first plan: put aside, paid, its buyer's; or free again; and the last one wanted by two."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import pytest
from django.db import connections

from tsuzuku.cards.actions import block_card, hold_card
from tsuzuku.cards.models import Blocked, Card, CardKind
from tsuzuku.cards.queries import holds
from tsuzuku.channels.web import CHANNEL
from tsuzuku.kernel import clock
from tsuzuku.kernel.errors import DomainError
from tsuzuku.kernel.money import Money
from tsuzuku.new_cards.actions import UNPAID_MAX, order_new_card
from tsuzuku.new_cards.errors import NewCardKeyReused, NewCardsSoldOut, PlanNotForNewCard, TooManyNewCards
from tsuzuku.new_cards.models import NewCard
from tsuzuku.new_cards.offers import offers_for_new, quote_new
from tsuzuku.new_cards.shelf import PutUp, put_up, stock
from tsuzuku.orders.models import Order
from tsuzuku.orders.resolving import return_held_order
from tsuzuku.payments.models import Refund
from tsuzuku.people.models import User
from tsuzuku.project.audit import findings
from tsuzuku.renewals.actions import cancel_renewal
from tsuzuku.renewals.errors import QuoteChanged
from tsuzuku.testing.factories import make_card, make_customer, make_plan
from tsuzuku.testing.fakes import Outcome
from tsuzuku.testing.house import House, Story, open_house

ESIM = CardKind.ESIM


def shelve(number: int = 1) -> list[Card]:
    """So many eSIMs on the shelf."""
    cards = [
        make_card(kind=ESIM, activation_code=f"LPA:1$smdp.example.com$CODE-{place}", group="shop")
        for place in range(number)
    ]
    put_up(group="shop", now=clock.now())
    return cards


def buy(user: User, *, key: str = "n1", plan: str = "GB-1-3D") -> Order:
    """Orders a new card as it is quoted now."""
    now = clock.now()
    quote = quote_new(plan, channel=CHANNEL, now=now, payer=user)
    return order_new_card(
        user=user,
        plan_code=plan,
        digest=quote.digest,
        key=key,
        email=user.mail_address,
        language="en",
        channel=CHANNEL,
        now=now,
    )


def state(order: Order) -> tuple[str, str]:
    order.refresh_from_db()
    return order.state, NewCard.objects.get(order=order).state


@pytest.fixture
def user(house: House) -> User:
    make_plan("GB-1-3D", price_minor=300)
    return make_customer("mei@example.com")


def test_a_paid_esim_is_its_buyers_and_holds_its_plan(house: House, user: User) -> None:
    (card,) = shelve()
    order = buy(user)
    assert (state(order), stock(clock.now()), holds(user, card)) == (("awaiting_payment", "reserved"), 0, False)

    house.pay(order)

    assert (state(order), holds(user, card)) == (("paid", "ready"), True)
    assert house.allowance(card).remaining_bytes == 10**9
    assert "Your eSIM is ready to install · order " + order.number in house.subjects()
    assert all("CODE-0" not in kept.message.text for kept in house.gateway.sent)


def test_the_price_is_the_cards_and_the_plans(house: House, user: User, settings: object) -> None:
    settings.NEW_ESIM_YEN = 500  # type: ignore[attr-defined]  # of pytest-django
    shelve()
    order = buy(user)
    assert order.lines == [{"plan": "GB-1-3D", "amount_minor": 300}, {"new_card": "esim", "amount_minor": 500}]
    house.pay(order)
    assert state(order) == ("paid", "ready")


def test_the_same_key_gives_the_same_order_and_takes_one_card(house: House, user: User) -> None:
    shelve(2)
    make_plan("GB-3-30D", price_minor=990)
    order = buy(user)
    assert (buy(user), stock(clock.now())) == (order, 1)
    with pytest.raises(NewCardKeyReused):
        buy(user, plan="GB-3-30D")


@pytest.mark.parametrize("way", ["timed out", "cancelled", "returned"])
def test_a_card_that_nobody_paid_for_is_sold_again(house: House, story: Story, user: User, way: str) -> None:
    shelve()
    order = buy(user)
    if way == "timed out":
        with story.after(hours=3):
            house.settle_down()
    elif way == "cancelled":
        cancel_renewal(number=order.number, actor=f"customer:{user.pk}", now=clock.now())
        house.settle_down()
    else:
        house.pay(order, amount=Money(299, "JPY"))
        assert state(order) == ("held", "reserved")
        return_held_order(number=order.number, reason="too little", actor="staff:1", now=clock.now())
        house.settle_down()
    assert (state(order), stock(clock.now())) == (("cancelled", "released"), 1)
    again = buy(user, key="n2")
    house.pay(again)
    assert state(again) == ("paid", "ready")
    house.end_refunds()


def test_money_in_the_last_minutes_still_buys_and_later_money_goes_back(house: House, story: Story, user: User) -> None:
    shelve(2)
    first, second = buy(user), buy(user, key="n2")
    references = [house.start_payment(each) for each in (first, second)]
    with story.after(hours=2, minutes=10):
        house.settle_down()
        house.deliver(*house.provider.pay(references[0]))
        house.settle_down()
    with story.after(hours=3):
        house.settle_down()
        house.deliver(*house.provider.pay(references[1]))
        house.settle_down()
        house.end_refunds()
    assert (state(first), state(second)) == (("paid", "ready"), ("cancelled", "released"))
    assert [(each.capture.payment.purpose, each.reason) for each in Refund.objects.all()] == [
        (second.number, "order-cancelled")
    ]


def test_a_card_that_its_carrier_refuses_is_paid_back_and_never_sold_again(house: House, user: User) -> None:
    shelve()
    house.carrier.script.add(Outcome.REFUSED)
    order = buy(user)
    house.pay(order)
    house.end_refunds()
    assert (state(order), stock(clock.now())) == (("paid", "retired"), 0)
    assert [each.state for each in Refund.objects.all()] == ["done"]


def test_only_cards_that_are_as_new_are_sold(house: House, story: Story, user: User) -> None:
    make_card(kind=ESIM, group="shop")
    make_card(kind=ESIM, activation_code="LPA:1$smdp.example.com$CODE$$1", group="shop")
    used, held, blocked, ending, good = shelve(5)
    house.pay(house.order(used, "GB-1-3D"))
    hold_card(user=user, card=held, now=clock.now())
    block_card(card=blocked, blocked=Blocked.SUSPENDED)
    Card.objects.filter(pk=ending.pk).update(last_use_date=clock.now().date() + timedelta(days=30))
    assert stock(clock.now()) == 1
    order = buy(make_customer("alex@example.com"))
    assert NewCard.objects.get(order=order).card == good
    assert put_up(group="shop", now=clock.now()) == PutUp(0, 1)


def test_a_sold_out_shelf_says_so_and_orders_nothing(house: House, user: User) -> None:
    with pytest.raises(NewCardsSoldOut):
        offers_for_new(channel=CHANNEL, now=clock.now())
    with pytest.raises(NewCardsSoldOut):
        buy(user)
    assert Order.objects.count() == 0


def test_nobody_puts_the_whole_shelf_aside(house: House, user: User) -> None:
    shelve(UNPAID_MAX + 1)
    for number in range(UNPAID_MAX):
        buy(user, key=f"n{number}")
    with pytest.raises(TooManyNewCards):
        buy(user, key="one more")


def test_a_price_that_has_changed_is_asked_about_again(house: House, user: User, settings: object) -> None:
    shelve()
    quote = quote_new("GB-1-3D", channel=CHANNEL, now=clock.now(), payer=user)
    settings.NEW_ESIM_YEN = 100  # type: ignore[attr-defined]  # of pytest-django
    with pytest.raises(QuoteChanged):
        order_new_card(
            user=user,
            plan_code="GB-1-3D",
            digest=quote.digest,
            key="n1",
            email="",
            language="en",
            channel=CHANNEL,
            now=clock.now(),
        )
    assert stock(clock.now()) == 1


def test_plans_that_wait_for_the_traveller_come_first_and_those_that_only_add_not_at_all(
    house: House, user: User
) -> None:
    make_plan("TRIP", start="first_use", price_minor=1_500)
    make_plan("MORE", stacking="value_only", joins=["GB-1-3D"])
    make_plan("DAY", stacking="extend_by", extend_days=1)
    shelve()
    offers = offers_for_new(channel=CHANNEL, now=clock.now())
    assert [(each.offer.plan.code, each.is_waiting) for each in offers] == [("TRIP", True), ("GB-1-3D", False)]
    with pytest.raises(PlanNotForNewCard):
        buy(user, plan="DAY")


@pytest.mark.django_db(transaction=True)
def test_the_last_card_is_sold_once_to_two_who_want_it_at_once() -> None:
    with open_house() as house:
        make_plan("GB-1-3D", price_minor=300)
        shelve()
        users = [make_customer(f"buyer{number}@example.com") for number in range(4)]
        quote = quote_new("GB-1-3D", channel=CHANNEL, now=clock.now(), payer=users[0])

        def want(user: User) -> Order | str:
            with closing(connections["default"]):
                try:
                    return order_new_card(
                        user=user,
                        plan_code="GB-1-3D",
                        digest=quote.digest,
                        key="n1",
                        email="",
                        language="en",
                        channel=CHANNEL,
                        now=clock.now(),
                    )
                except DomainError as refusal:
                    return refusal.code

        with ThreadPoolExecutor(len(users)) as pool:
            answers = list(pool.map(want, users))
        (order,) = (each for each in answers if isinstance(each, Order))
        assert sorted(each for each in answers if isinstance(each, str)) == ["new-cards-sold-out"] * 3
        house.pay(order)
        assert (state(order), findings()) == (("paid", "ready"), [])
