# SPDX-License-Identifier: Apache-2.0
"""Promotions from the order to the end: who gets them, when they are counted, and what becomes of late money."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection, transaction

from tests.connections import wait_until_somebody_waits
from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.orders import states as order_states
from tsuzuku.orders.actions import expire_orders
from tsuzuku.renewals import states
from tsuzuku.renewals.actions import cancel_renewal
from tsuzuku.renewals.errors import QuoteChanged
from tsuzuku.testing.factories import make_card, make_plan, make_promotion
from tsuzuku.testing.fakes import Outcome
from tsuzuku.testing.house import settle_down

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.orders.models import Order
    from tsuzuku.testing.house import House, Story


@pytest.fixture(autouse=True)
def _plan(db: None) -> None:
    make_plan()


def counted(code: str = "SALE") -> tuple[int, int]:
    """How many uses a promotion counts, and what they take off."""
    from tsuzuku.catalog.models import Promotion

    promotion = Promotion.objects.get(code=code)
    return promotion.uses, promotion.spent_minor


def redemptions() -> list[tuple[str, str]]:
    from tsuzuku.catalog.models import Redemption

    return list(Redemption.objects.order_by("created_at", "promotion__code").values_list("promotion__code", "state"))


def test_an_order_keeps_what_was_taken_off_line_by_line(house: "House") -> None:
    make_promotion()
    make_promotion("HELLO", takes_off={"percent": 10}, coupons=["WELCOME-10"], stacks=True)
    make_promotion("SALE", stacks=True)
    order = house.order(make_card(), "GB-1-3D", coupon="WELCOME10")
    assert order.lines == [
        {"plan": "GB-1-3D", "amount_minor": 300},
        {"promotion": "HELLO", "amount_minor": -30},
        {"promotion": "SALE", "amount_minor": -50},
    ]
    assert (order.price, redemptions()) == (Money(220, "JPY"), [("HELLO", "reserved"), ("SALE", "reserved")])
    house.pay(order)
    assert house.renewal(order).state == states.ACTIVE
    assert (redemptions(), counted(), counted("HELLO")) == ([("HELLO", "used"), ("SALE", "used")], (1, 50), (1, 30))
    (mail,) = house.gateway.sent
    text = mail.message.text
    assert [line for line in text.splitlines() if "¥" in line] == [
        "  ¥300  Plan GB-1-3D",
        "  −¥30  Promotion HELLO",
        "  −¥50  Promotion SALE",
        "Paid: ¥220",
    ]


def test_a_cancelled_order_gives_its_use_back_at_once(house: "House") -> None:
    make_promotion(uses_max=1)
    card = make_card()
    order = house.order(card, "GB-1-3D")
    cancel_renewal(number=order.number, actor="customer:1", now=clock.now())
    assert (redemptions(), counted()) == ([("SALE", "freed")], (0, 0))
    settle_down()
    again = house.order(card, "GB-1-3D", key="k2")
    assert (again.price, counted()) == (Money(250, "JPY"), (1, 50))


def test_what_could_not_be_activated_gives_its_use_back(house: "House") -> None:
    make_promotion(uses_max=1)
    house.carrier.script.add(Outcome.REFUSED)
    order = house.order(make_card(), "GB-1-3D")
    house.pay(order)
    assert (house.renewal(order).state, redemptions(), counted()) == (states.WITHDRAWN, [("SALE", "freed")], (0, 0))


def _expired(house: "House", story: "Story") -> "tuple[Order, str]":
    """An order whose time is over, and its payment that was started before."""
    with story.after(hours=0):
        order = house.order(make_card(), "GB-1-3D")
        reference = house.start_payment(order)
    with story.after(hours=3):
        assert expire_orders() == 1
    assert redemptions() == [("SALE", "freed")]
    return order, reference


def test_late_money_gets_the_promised_price_while_any_is_left(house: "House", story: "Story") -> None:
    from tsuzuku.catalog.promotion_import import withdraw_promotion

    make_promotion(uses_max=1)
    order, reference = _expired(house, story)
    with story.after(hours=4):
        # What was promised is kept, also when nobody else is promised it any more.
        withdraw_promotion(code="SALE", now=clock.now())
        house.deliver(*house.provider.pay(reference))
        settle_down()
    assert (house.renewal(order).state, redemptions(), counted()) == (states.ACTIVE, [("SALE", "used")], (1, 50))


def test_late_money_goes_back_when_others_have_used_it_up(house: "House", story: "Story") -> None:
    make_promotion(uses_max=1)
    order, reference = _expired(house, story)
    with story.after(hours=4):
        quick = house.order(make_card(), "GB-1-3D")
        house.pay(quick)
        house.deliver(*house.provider.pay(reference))
        settle_down()
    renewal = house.renewal(order)
    assert (renewal.state, renewal.refusal) == (states.WITHDRAWN, "promotion-used-up")
    assert (redemptions(), counted()) == ([("SALE", "freed"), ("SALE", "used")], (1, 50))
    order.refresh_from_db()
    assert order.state == order_states.PAID
    assert "its discount had been used up" in house.gateway.sent[-1].message.text
    assert house.subjects()[-1] == f"We could not renew your card · order {order.number}"


def test_a_second_payment_of_a_discounted_order_takes_no_second_use(house: "House") -> None:
    make_promotion(uses_max=5)
    house.pay(house.order(make_card(), "GB-1-3D"), times=2)
    assert (redemptions(), counted()) == ([("SALE", "used")], (1, 50))


def test_a_customer_is_an_account_and_without_one_a_card(house: "House") -> None:
    from tsuzuku.people.models import User

    make_promotion(uses_max_per_customer=1)
    mei, alex = (User.objects.create_user(f"{name}@example.com", "x") for name in ("mei", "alex"))
    mine, other = make_card(), make_card()
    steps = [
        (mine, mei, 250),
        (other, mei, 300),  # another card, the same account
        (mine, None, 300),  # logging out does not help
        (other, None, 250),
        (other, None, 300),
        (other, alex, 300),  # somebody without an account has used it on this card
        (mine, alex, 250),  # what Mei's account used is Mei's
    ]
    prices = [
        house.order(card, "GB-1-3D", key=f"k{step}", payer=payer).amount_minor
        for step, (card, payer, _) in enumerate(steps)
    ]
    assert prices == [price for _, _, price in steps]


def test_each_coupon_of_a_promotion_can_be_used_so_often(house: "House") -> None:
    make_promotion(coupons=["AAAA1111", "BBBB2222"], uses_max_per_coupon=1)
    house.order(make_card(), "GB-1-3D", coupon="AAAA1111")
    card = make_card()
    with pytest.raises(QuoteChanged) as changed:
        house.order(card, "GB-1-3D", coupon="AAAA1111")
    assert repr(changed.value.quote.coupon_refused) == "CouponUsedUp('coupon-used-up', {})"
    assert house.order(card, "GB-1-3D", coupon="BBBB2222").amount_minor == 250


def test_a_coupon_that_takes_nothing_off_places_no_order(house: "House") -> None:
    from tsuzuku.orders.models import Order

    make_promotion(coupons=["WELCOME10"], plans=["GB-1-3D"])
    make_plan("MONTH", price_minor=990)
    with pytest.raises(QuoteChanged):
        house.order(make_card(), "MONTH", coupon="WELCOME10")
    assert Order.objects.count() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("limits", "uses"),
    [
        ({"uses_max": 1}, 1),
        ({"uses_max": 3}, 3),
        ({"budget_minor": 199}, 3),
        ({"uses_max_per_coupon": 3, "coupons": ["WELCOME10"]}, 3),
        ({"uses_max_per_customer": 2}, 2),
    ],
)
def test_many_at_once_take_exactly_what_there_is(limits: dict[str, Any], uses: int) -> None:
    from tsuzuku.people.models import User
    from tsuzuku.project.audit import findings
    from tsuzuku.testing.house import open_house

    make_promotion(**limits)
    coupon = "WELCOME10" if "coupons" in limits else ""
    payer = User.objects.create_user("mei@example.com", "x")
    cards = [make_card() for _ in range(8)]
    prices: list[int] = []
    with open_house() as house:

        def buy(card: "Card") -> None:
            try:
                prices.append(house.order(card, "GB-1-3D", payer=payer, coupon=coupon).amount_minor)
            except QuoteChanged as changed:
                prices.append(changed.quote.price.amount_minor)

        at_once([partial(buy, card) for card in cards])
    assert sorted(prices) == [250] * uses + [300] * (len(cards) - uses)
    assert (counted(), findings()) == ((uses, 50 * uses), [])


@pytest.mark.django_db(transaction=True)
def test_orders_that_end_while_others_are_placed_leave_the_count_exact() -> None:
    from tsuzuku.project.audit import findings
    from tsuzuku.testing.house import open_house

    make_promotion(uses_max=4, stacks=True)
    make_promotion("ALSO", budget_minor=200, stacks=True)
    with open_house() as house:
        ending = [house.order(make_card(), "GB-1-3D") for _ in range(4)]
        cards = [make_card() for _ in range(4)]

        def cancel(order: "Order") -> None:
            cancel_renewal(number=order.number, actor="customer:1", now=clock.now())

        def buy(card: "Card") -> None:
            with suppress(QuoteChanged):
                house.order(card, "GB-1-3D")

        at_once([partial(cancel, order) for order in ending] + [partial(buy, card) for card in cards])
        assert findings() == []
        held = [state for code, state in redemptions() if code == "SALE" and state != "freed"]
        assert counted() == (len(held), 50 * len(held))
        settle_down()
        assert findings() == []


@pytest.mark.django_db(transaction=True)
def test_an_import_waits_for_who_is_using_a_promotion_and_neither_for_ever() -> None:
    from tsuzuku.catalog.redemptions import _count, _locked_promotions

    promotion = make_promotion()
    is_held = threading.Event()

    def use() -> None:
        with transaction.atomic():
            _locked_promotions([promotion.pk])
            is_held.set()
            wait_until_somebody_waits()
            _count(promotion.pk, uses=1, minor=50)

    def change() -> None:
        is_held.wait(30)
        make_promotion(uses_max=7)

    at_once([use, change])
    promotion.refresh_from_db()
    assert (promotion.uses, promotion.spent_minor, promotion.uses_max) == (1, 50, 7)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_held", [False, True])
def test_giving_up_takes_promotions_before_balances_as_everywhere(is_held: bool) -> None:
    """Else it and the settling of another order of the same payer could wait for each other for ever."""
    from tsuzuku.catalog.redemptions import _locked_promotions
    from tsuzuku.orders.resolving import return_held_order
    from tsuzuku.payments.balance import customer_account
    from tsuzuku.payments.spending import balances_of
    from tsuzuku.testing.factories import make_customer
    from tsuzuku.testing.house import open_house

    promotion, payer = make_promotion(), make_customer()
    with open_house() as house:
        make_plan("GB-5", price_minor=1_000)
        house.top_up(payer, 500)
        order = house.order(make_card(), "GB-5", actor=f"customer:{payer.pk}", payer=payer)
        house.use_balance(order, payer)
        if is_held:
            house.pay(order, amount=Money(1, "JPY"))
        is_locked = threading.Event()

        def settle() -> None:
            with transaction.atomic():
                _locked_promotions([promotion.pk])
                is_locked.set()
                wait_until_somebody_waits()
                balances_of([customer_account(payer.pk)], locked=True)

        def give_up() -> None:
            is_locked.wait(30)
            if is_held:
                return_held_order(number=order.number, reason="no", actor="staff:1", now=clock.now())
            else:
                cancel_renewal(number=order.number, actor=order.actor, now=clock.now())

        at_once([settle, give_up])
        settle_down()
        assert (house.balance(payer), counted()) == (500, (0, 0))


def at_once(works: Sequence[Callable[[], None]]) -> None:
    """Does each work on a thread and a connection of its own, all from the same moment."""
    start = threading.Barrier(len(works))

    def run(work: Callable[[], None]) -> None:
        with closing(connection):
            start.wait()
            work()

    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(run, work) for work in works]:
            done.result()
