# SPDX-License-Identifier: Apache-2.0
"""A balance over half a year: topped up, spent in part and wholly, given back, warned of and ended."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections, transaction
from pytest_django import Settings

from tests.connections import wait_until_somebody_waits
from tsuzuku.balances.actions import book_top_ups, order_top_up
from tsuzuku.balances.errors import AmountNotOffered, TopUpKeyReused
from tsuzuku.balances.queries import entries_of_user, parts_of_user
from tsuzuku.cards.actions import block_card
from tsuzuku.cards.models import Blocked
from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.orders.actions import accept_captures, leave_balance, pay_from_balance
from tsuzuku.orders.errors import BalanceChanged, OrderNotPayable, OrderUnknown
from tsuzuku.orders.models import Order
from tsuzuku.orders.resolving import accept_held_order, return_held_order
from tsuzuku.payments.balance import customer_account
from tsuzuku.payments.models import BalanceCharge, Capture, Payment, Refund
from tsuzuku.payments.queries import balances
from tsuzuku.payments.spending import balances_of
from tsuzuku.people.models import User
from tsuzuku.project.audit import findings
from tsuzuku.renewals.actions import cancel_renewal, settle_renewals
from tsuzuku.testing.factories import make_card, make_customer, make_plan
from tsuzuku.testing.fakes import Outcome
from tsuzuku.testing.house import House, Story, open_house

#: 10:00 in Japan.
MORNING = datetime(2027, 3, 1, 1, 0, tzinfo=UTC)


@pytest.fixture
def mei(db: None) -> User:
    return make_customer()


@pytest.fixture
def card_plan(db: None) -> None:
    make_plan("GB-1-3D", price_minor=1_000)


def order_of(house: House, user: User, key: str = "k1") -> Order:
    return house.order(make_card(), "GB-1-3D", key=key, actor=f"customer:{user.pk}", payer=user)


def outcomes() -> list[str]:
    return [capture.outcome for capture in Capture.objects.order_by("pk")]


def finish_refunds(house: House) -> None:
    for key in house.provider.refunds_under_way():
        house.deliver(house.provider.finish_refund(key))


def test_a_top_up_is_booked_once_however_often_it_is_told(house: House, mei: User) -> None:
    order = house.top_up(mei, 3_000)
    house.deliver(*house.provider.find_payment(house.payment_reference(order)))
    house.settle_down()

    assert house.balance(mei) == 3_000
    assert balances() == {"customers": 0, "provider:fake": 3_000, f"customer:{mei.pk}": -3_000}
    assert house.facts() == ["payment-captured", "order-paid", "balance-topped-up"]
    assert house.subjects() == [f"Your balance is topped up · order {order.number}"]


@pytest.mark.parametrize("yen", [0, -500, 400, 499, 550, 10_100, 1_000_000])
def test_other_amounts_are_not_offered(house: House, mei: User, yen: int) -> None:
    with pytest.raises(AmountNotOffered):
        house.top_up(mei, yen)


def test_a_key_stands_for_one_top_up(house: House, mei: User) -> None:
    assert house.top_up(mei, 500).pk == house.top_up(mei, 500).pk
    with pytest.raises(TopUpKeyReused):
        house.top_up(mei, 600)
    assert house.balance(mei) == 500


@pytest.mark.usefixtures("card_plan")
def test_a_balance_that_covers_all_pays_at_once(house: House, mei: User) -> None:
    house.top_up(mei, 3_000)
    order = order_of(house, mei)

    assert house.use_balance(order, mei, shown=1_000) == 0
    order.refresh_from_db()
    assert order.state == "paid"
    house.settle_down()

    assert house.renewal(order).state == "active"
    assert house.balance(mei) == 2_000
    assert Payment.objects.filter(purpose=order.number).count() == 0
    assert balances() == {"customers": 0, "provider:fake": 3_000, "revenue": -1_000, f"customer:{mei.pk}": -2_000}
    assert house.facts()[3:] == ["balance-charged", "order-paid", "renewal-activated"]
    with pytest.raises(OrderNotPayable):
        house.use_balance(order, mei)


@pytest.mark.usefixtures("card_plan")
def test_a_part_from_the_balance_and_the_rest_from_elsewhere(house: House, mei: User) -> None:
    house.top_up(mei, 600)
    order = order_of(house, mei)

    assert house.use_balance(order, mei, shown=600) == 400
    assert house.balance(mei) == 0
    house.pay(order)

    assert house.provider.payments["fakepay_2"].request.amount.amount_minor == 400
    assert house.renewal(order).state == "active"
    assert balances() == {"customers": 0, "provider:fake": 1_000, "revenue": -1_000, f"customer:{mei.pk}": 0}
    assert outcomes() == ["accepted", "accepted"]


@pytest.mark.usefixtures("card_plan")
def test_what_ends_first_is_spent_first(house: House, mei: User) -> None:
    with clock.travel_to(MORNING):
        house.top_up(mei, 600)
    with clock.travel_to(MORNING + timedelta(days=10)):
        house.top_up(mei, 1_000, key="t2")
    with clock.travel_to(MORNING + timedelta(days=11)):
        house.use_balance(order_of(house, mei), mei)
        house.settle_down()
        assert [part.left_minor for part in parts_of_user(mei, now=clock.now())] == [600]
        assert [(entry.kind, entry.amount.amount_minor) for entry in entries_of_user(mei, limit=9)] == [
            ("paid", -1_000),
            ("topped-up", 1_000),
            ("topped-up", 600),
        ]


@pytest.mark.usefixtures("card_plan")
def test_an_order_that_is_given_up_gives_its_part_back(house: House, mei: User) -> None:
    house.top_up(mei, 600)
    order = order_of(house, mei)
    house.use_balance(order, mei)

    cancel_renewal(number=order.number, actor=order.actor, now=clock.now())

    assert house.balance(mei) == 600
    assert house.facts()[3:] == ["balance-charged", "balance-returned", "renewal-withdrawn"]


@pytest.mark.usefixtures("card_plan")
def test_a_part_that_is_left_out_again_is_back_at_once(house: House, mei: User) -> None:
    house.top_up(mei, 600)
    order = order_of(house, mei)
    for _ in range(2):
        assert house.use_balance(order, mei) == 400
        leave_balance(number=order.number, now=clock.now())
        assert house.balance(mei) == 600
    house.pay(order)

    assert house.provider.payments["fakepay_2"].request.amount.amount_minor == 1_000
    assert [charge.state for charge in BalanceCharge.objects.order_by("pk")] == ["returned", "returned"]


@pytest.mark.usefixtures("card_plan")
def test_late_money_takes_the_part_again_that_went_back(house: House, mei: User, story: Story) -> None:
    house.top_up(mei, 600)
    order = order_of(house, mei)
    house.use_balance(order, mei)
    reference = house.start_payment(order)
    with story.after(hours=3):
        house.settle_down()
        assert house.balance(mei) == 600
        house.deliver(*house.provider.pay(reference))
        house.settle_down()

        assert house.renewal(order).state == "active"
        assert house.balance(mei) == 0
        assert balances()["revenue"] == -1_000


@pytest.mark.usefixtures("card_plan")
def test_late_money_goes_back_when_the_part_is_spent(house: House, mei: User, story: Story) -> None:
    house.top_up(mei, 600)
    order = order_of(house, mei)
    house.use_balance(order, mei)
    reference = house.start_payment(order)
    with story.after(hours=3):
        house.settle_down()
        house.use_balance(order_of(house, mei, "k2"), mei)
        house.deliver(*house.provider.pay(reference))
        house.settle_down()
        finish_refunds(house)
        house.settle_down()

        order.refresh_from_db()
        assert (order.state, house.renewal(order).state) == ("expired", "ordered")
        assert outcomes() == ["accepted", "surplus"]
        assert Refund.objects.get().reason == "balance-gone"
        assert house.subjects()[1:] == [f"Your payment goes back · order {order.number}"]
        assert house.facts()[3:] == [
            "balance-charged",
            "balance-returned",
            "balance-charged",
            "payment-captured",
            "payment-in-vain",
            "refund-done",
        ]


@pytest.mark.usefixtures("card_plan")
def test_the_same_amount_in_vain_again_is_told_again(house: House, mei: User, story: Story) -> None:
    house.top_up(mei, 600)
    order = order_of(house, mei)
    house.use_balance(order, mei)
    reference = house.start_payment(order)
    with story.after(hours=3):
        house.settle_down()
        house.use_balance(order_of(house, mei, "k2"), mei)
        house.deliver(*house.provider.pay(reference, times=2))
        house.settle_down()

        assert outcomes() == ["accepted", "surplus", "surplus"]
        assert house.subjects()[1:] == [f"Your payment goes back · order {order.number}"] * 2


@pytest.mark.usefixtures("card_plan")
def test_the_whole_price_paid_in_another_tab_leaves_the_balance_alone(house: House, mei: User) -> None:
    house.top_up(mei, 600)
    order = order_of(house, mei)
    whole = house.start_payment(order)
    house.use_balance(order, mei)
    rest = house.start_payment(order)

    house.deliver(*house.provider.pay(whole))
    house.settle_down()
    assert house.balance(mei) == 600
    house.deliver(*house.provider.pay(rest))
    house.settle_down()
    finish_refunds(house)

    assert outcomes() == ["accepted", "accepted", "surplus"]
    assert balances() == {"customers": 0, "provider:fake": 1_600, "revenue": -1_000, f"customer:{mei.pk}": -600}


@pytest.mark.usefixtures("card_plan")
def test_a_renewal_that_cannot_be_given_gives_both_shares_back(house: House, mei: User) -> None:
    house.carrier.script.add(Outcome.REFUSED)
    house.top_up(mei, 600)
    order = order_of(house, mei)
    house.use_balance(order, mei)
    house.pay(order)
    finish_refunds(house)

    assert house.renewal(order).state == "withdrawn"
    assert house.balance(mei) == 600
    assert BalanceCharge.objects.get().state == "given_back"
    assert balances() == {"customers": 0, "provider:fake": 600, f"customer:{mei.pk}": -600}


@pytest.mark.usefixtures("card_plan")
def test_less_than_was_shown_is_said_before_anything_is_taken(house: House, mei: User) -> None:
    house.top_up(mei, 600)
    order = order_of(house, mei)
    with pytest.raises(BalanceChanged):
        house.use_balance(order, mei, shown=700)
    assert house.balance(mei) == 600
    with pytest.raises(OrderUnknown):
        house.use_balance(order, make_customer("alex@example.com"))


def test_a_balance_does_not_top_itself_up(house: House, mei: User) -> None:
    house.top_up(mei, 600)
    order = order_top_up(user=mei, amount_minor=500, key="t2", language="en", channel="web", now=clock.now())
    with pytest.raises(OrderUnknown):
        house.use_balance(order, mei)


@pytest.mark.usefixtures("card_plan")
def test_a_part_ends_with_its_180th_day_after_two_warnings(house: House, mei: User) -> None:
    with clock.travel_to(MORNING):
        house.top_up(mei, 1_500)
        (part,) = parts_of_user(mei, now=clock.now())
        assert part.expires_at == datetime(2027, 8, 27, 15, 0, tzinfo=UTC)
        house.use_balance(order_of(house, mei), mei)
        house.settle_down()
    sent = len(house.gateway.sent)
    for days in (100, 149, 150, 172, 173, 179):
        with clock.travel_to(MORNING + timedelta(days=days)):
            house.settle_down()
    assert house.subjects()[sent:] == ["¥500 of your balance end in 30 days", "¥500 of your balance end in 7 days"]
    with clock.travel_to(MORNING + timedelta(days=180)):
        assert house.balance(mei) == 0
        house.settle_down()
        house.settle_down()

    assert balances()["ended"] == -500
    assert house.facts()[-1:] == ["balance-ended"]
    assert [(entry.kind, entry.amount.amount_minor) for entry in entries_of_user(mei, limit=1)] == [("ended", -500)]


@pytest.mark.usefixtures("card_plan")
def test_what_comes_back_after_its_end_ends_too(house: House, mei: User) -> None:
    with clock.travel_to(MORNING):
        house.top_up(mei, 700)
    with clock.travel_to(MORNING + timedelta(days=179, hours=13)):
        order = order_of(house, mei)
        assert house.use_balance(order, mei) == 300
    with clock.travel_to(MORNING + timedelta(days=181)):
        house.settle_down()
        assert house.facts()[-2:] == ["balance-returned", "balance-ended"]
        assert house.balance(mei) == 0
    assert balances() == {"customers": 0, "provider:fake": 700, f"customer:{mei.pk}": 0, "ended": -700}


def test_a_registered_issuer_has_balances_without_end(house: House, mei: User, settings: Settings) -> None:
    settings.BALANCE_REGISTERED = True
    with clock.travel_to(MORNING):
        house.top_up(mei, 500)
    with clock.travel_to(MORNING + timedelta(days=2_000)):
        house.settle_down()
        assert house.balance(mei) == 500


def test_after_a_long_standstill_only_the_last_warning_is_said(house: House, mei: User) -> None:
    with clock.travel_to(MORNING):
        house.top_up(mei, 500)
    with clock.travel_to(MORNING + timedelta(days=175)):
        house.settle_down()
    assert house.subjects()[1:] == ["¥500 of your balance end in 5 days"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_same_order", [True, False])
def test_two_phones_never_spend_the_same_yen(is_same_order: bool) -> None:
    with open_house() as house:
        mei = make_customer()
        make_plan("GB-1-3D", price_minor=1_000)
        house.top_up(mei, 1_500)
        orders = [order_of(house, mei, f"k{n}") for n in range(1 if is_same_order else 4)] * (4 if is_same_order else 1)
        start, said = threading.Barrier(len(orders)), []

        def spend(order: Order) -> None:
            start.wait()
            try:
                pay_from_balance(number=order.number, payer=mei, shown=Money(1_000, "JPY"), now=clock.now())
                said.append("paid")
            except (BalanceChanged, OrderNotPayable) as refusal:
                said.append(refusal.code)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=spend, args=(order,)) for order in orders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        house.settle_down()

        other = "order-not-payable" if is_same_order else "balance-changed"
        assert sorted(said) == sorted(["paid", other, other, other])
        assert house.balance(mei) == 500
        assert findings() == []


@pytest.mark.usefixtures("card_plan")
@pytest.mark.parametrize("is_accepted", [True, False])
def test_a_person_resolves_what_came_beside_a_balance(house: House, mei: User, is_accepted: bool) -> None:
    house.top_up(mei, 600)
    order = order_of(house, mei)
    house.use_balance(order, mei)
    house.pay(order, amount=Money(300, "JPY"))
    order.refresh_from_db()
    assert (order.state, house.balance(mei)) == ("held", 0)

    resolve = accept_held_order if is_accepted else return_held_order
    resolve(number=order.number, reason="asked the payer", actor="staff:1", now=clock.now())
    house.settle_down()
    finish_refunds(house)

    if is_accepted:
        assert house.renewal(order).state == "active"
        assert house.balance(mei) == 0
        assert (balances()["revenue"], balances()["goodwill"]) == (-1_000, 100)
    else:
        assert house.renewal(order).state == "withdrawn"
        assert house.balance(mei) == 600
        assert balances() == {"customers": 0, "provider:fake": 600, f"customer:{mei.pk}": -600}


def _booking(house: House, owners: Sequence[User]) -> Callable[[], None]:
    """Top-ups that are paid and have yet to be booked."""
    orders = []
    for owner in owners:
        order = order_top_up(user=owner, amount_minor=500, key="t2", language="en", channel="web", now=clock.now())
        house.deliver(*house.provider.pay(house.start_payment(order)))
        orders.append(order.pk)
    accept_captures(capture_ids=list(Capture.objects.values_list("pk", flat=True)), now=clock.now())
    return lambda: book_top_ups(order_ids=orders, now=clock.now())


def _accepting(house: House, owners: Sequence[User]) -> Callable[[], None]:
    """Orders whose whole price was paid in another tab, so that balances get their parts back."""
    make_plan("GB-5", price_minor=2_000)
    for owner in owners:
        order = house.order(make_card(), "GB-5", actor=f"customer:{owner.pk}", payer=owner)
        reference = house.start_payment(order)
        house.use_balance(order, owner)
        house.deliver(*house.provider.pay(reference))
    ids = list(Capture.objects.order_by("pk").values_list("pk", flat=True))
    return lambda: accept_captures(capture_ids=ids, now=clock.now())


def _withdrawing(house: House, owners: Sequence[User]) -> Callable[[], None]:
    """Orders that balances have paid, and whose cards were lost since."""
    orders = [order_of(house, owner, f"k{owner.pk}") for owner in owners]
    for order, owner in zip(orders, owners, strict=True):
        house.use_balance(order, owner)
        block_card(card=house.renewal(order).card, blocked=Blocked.LOST)
    return lambda: settle_renewals(order_ids=[order.pk for order in orders], now=clock.now())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("work", [_booking, _accepting, _withdrawing])
def test_batches_lock_balances_in_the_order_of_their_accounts(
    work: Callable[[House, Sequence[User]], Callable[[], None]],
) -> None:
    """Else two of them could wait for each other for ever: who holds the first account gets the second as well."""
    with open_house() as house, ThreadPoolExecutor(1) as pool:
        owners = [make_customer("mei@example.com"), make_customer("alex@example.com")]
        make_plan("GB-1-3D", price_minor=1_000)
        for owner in reversed(owners):
            house.top_up(owner, 1_500)
        batch = work(house, owners)

        def run() -> None:
            with closing(connection):
                batch()

        later, first = (customer_account(owner.pk) for owner in owners)
        with transaction.atomic():
            balances_of([first], locked=True)
            done = pool.submit(run)
            wait_until_somebody_waits()
            balances_of([later], locked=True)
        done.result()
        house.settle_down()
        finish_refunds(house)
        assert findings() == []
