# SPDX-License-Identifier: Apache-2.0
"""Too many orders, payments and mails with numbers for stores: refused kindly, with nothing lost."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest
from django.db import connections
from django.test import Client
from pytest_django import Settings

from tests.unit.channels.web.conftest import Answer, heading, notices, text_of
from tsuzuku.kernel import clock
from tsuzuku.orders.errors import TooManyOrders
from tsuzuku.orders.limits import ORDERS_ADDRESS_LIMITS, ORDERS_LIMITS, SLIPS_LIMITS, STARTS_LIMITS, count_order
from tsuzuku.orders.models import Order
from tsuzuku.payments.ports import Instructions, StoreSlip

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.catalog.models import Plan
    from tsuzuku.people.models import User
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
ORDERS_MAX, STARTS_MAX, SLIPS_MAX = (limits[0].count_max for limits in (ORDERS_LIMITS, STARTS_LIMITS, SLIPS_LIMITS))
METHODS = ("card", "paypal", "konbini", "alipay", "wechat_pay")
SLIPS = Instructions(
    expires_at=NOON + timedelta(days=3),
    slips=(StoreSlip(store="familymart", payment_number="1", confirmation_number="2"),),
)


@pytest.fixture(autouse=True)
def _noon(house: "House") -> Iterator[None]:
    house.provider.methods, house.provider.instructions = METHODS, {"konbini": SLIPS}
    with clock.travel_to(NOON):
        yield


def say_yes(client: Client, card: "Card", plan: "Plan", method: str = "card", **fields: str) -> Answer:
    address = f"/c/{card.public_token}/renew/{plan.code}"
    context = client.get(address).context
    form = {"digest": context["quote"].digest, "key": str(context["key"]), "method": f"fake:{method}"}
    return client.post(address, {**form, **fields})


def pay(client: Client, order: Order, method: str = "card", **fields: str) -> Answer:
    return client.post(f"/o/{order.number}/pay", {"method": f"fake:{method}", **fields})


def wait_minutes(page: Answer) -> int:
    """When a program that asked too often may ask again; the clock goes on while the test does."""
    return -(-int(page["Retry-After"]) // 60)


def test_who_tries_every_method_in_two_minutes_meets_no_limit(with_pin: Client, card: "Card", plan: "Plan") -> None:
    for method in METHODS:
        assert say_yes(with_pin, card, plan, method, email="mei@example.com").status_code in {302, 303}
    order = Order.objects.latest("pk")
    for method in METHODS:
        assert pay(with_pin, order, method).status_code in {302, 303}


def test_very_many_orders_of_one_card_wait_and_lose_nothing(with_pin: Client, card: "Card", plan: "Plan") -> None:
    for _ in range(ORDERS_MAX):
        assert say_yes(with_pin, card, plan, "paypal").status_code == 303
    with_pin.post("/language", {"language": "ja", "next": "/"})
    page = say_yes(with_pin, card, plan, "paypal", email="mei@example.com")
    assert (page.status_code, wait_minutes(page), Order.objects.count()) == (429, 10, ORDERS_MAX)
    assert "10分後にもう一度お試しください" in notices(page)[0].replace("\u00a0", " ")
    assert 'value="mei@example.com"' in page.content.decode()
    assert 'value="fake:paypal" required checked' in page.content.decode()
    with clock.travel_to(NOON + timedelta(minutes=11)):
        assert say_yes(with_pin, card, plan).status_code == 303


def test_very_many_top_ups_of_one_customer_wait(
    of_holder: Client, with_pin: Client, card: "Card", plan: "Plan"
) -> None:
    def top_up() -> Answer:
        key = of_holder.get("/balance/top-up").context["key"]
        return of_holder.post("/balance/top-up", {"key": str(key), "amount": "700"})

    for _ in range(ORDERS_MAX):
        assert top_up().status_code == 302
    page = top_up()
    assert (page.status_code, wait_minutes(page), Order.objects.count()) == (429, 10, ORDERS_MAX)
    assert notices(page)[0].startswith("There were very many orders from here in a short time. Nothing was ordered")
    assert 'value="700"' in page.content.decode()
    assert say_yes(with_pin, card, plan).status_code == 303


def test_paying_begun_very_often_keeps_the_order(house: "House", with_pin: Client, card: "Card", plan: "Plan") -> None:
    order = house.order(card, plan.code)
    for _ in range(STARTS_MAX):
        assert pay(with_pin, order).status_code == 303
    page = pay(with_pin, order, "paypal")
    assert (page.status_code, wait_minutes(page), len(house.provider.payments)) == (429, 10, 1)
    assert heading(page) == "This order waits for its payment"
    assert notices(page)[0].endswith("Nothing was charged, and your order is kept. Please try again in 10 minutes.")
    assert 'value="fake:paypal" required checked' in page.content.decode()
    with clock.travel_to(NOON + timedelta(minutes=11)):
        assert pay(with_pin, order).status_code == 303


class TestMails:
    """Nobody's mailbox is filled with slips that they did not ask for."""

    def test_one_recipient_gets_so_many_whoever_types_the_address(
        self, house: "House", with_pin: Client, card: "Card", plan: "Plan"
    ) -> None:
        spellings = ["mei@example.com", "MEI@example.com", "mei+1@example.com"]
        for turn in range(SLIPS_MAX):
            say_yes(with_pin, card, plan, "konbini", email=spellings[turn % 3])
        page = say_yes(with_pin, card, plan, "konbini", email="mei+2@example.com")
        house.settle_down()
        assert len(house.gateway.sent) == SLIPS_MAX
        assert (page.status_code, wait_minutes(page)) == (429, 60)
        assert heading(page) == "This order waits for its payment"
        assert notices(page)[0].endswith("You can get new numbers in 1 hour, or pay another way now.")
        assert pay(with_pin, Order.objects.latest("pk"), "card").status_code == 303
        assert say_yes(with_pin, card, plan, "konbini", email="other@example.com").status_code == 302

    def test_what_was_typed_on_the_page_of_an_order_stays(
        self, house: "House", with_pin: Client, card: "Card", plan: "Plan"
    ) -> None:
        for _ in range(SLIPS_MAX):
            say_yes(with_pin, card, plan, "konbini", email="mei@example.com")
        say_yes(with_pin, card, plan, "card")
        order = Order.objects.latest("pk")
        page = pay(with_pin, order, "konbini", email="mei@example.com")
        order.refresh_from_db()
        assert (page.status_code, order.email) == (429, "")
        assert 'value="mei@example.com"' in page.content.decode()
        assert pay(with_pin, order, "konbini", email="alex@example.com").status_code == 302

    def test_who_types_an_account_s_address_uses_up_none_of_its_mails(
        self, with_pin: Client, of_holder: Client, holder: "User", card: "Card", plan: "Plan"
    ) -> None:
        answers = [say_yes(with_pin, card, plan, "konbini", email=holder.mail_address) for _ in range(SLIPS_MAX + 1)]
        assert answers[-1].status_code == 429
        assert "Pay ¥300 in cash" in text_of(of_holder.get(say_yes(of_holder, card, plan, "konbini")["Location"]))


def test_one_address_may_order_for_many_cards_and_then_waits(settings: Settings) -> None:
    a_minute = ORDERS_ADDRESS_LIMITS[0].count_max

    def order(number: int, address: str) -> None:
        count_order(subject=f"card:{number}", address=address, now=NOON)

    for number in range(a_minute):
        order(number, f"2001:db8::{number:x}")
    with pytest.raises(TooManyOrders):
        order(0, "2001:db8::ffff")
    order(0, "2001:db8:1::1")
    settings.OWN_NETWORKS = [ip_network("2001:db8::/64")]
    order(0, "2001:db8::ffff")


@pytest.mark.django_db(transaction=True)
def test_many_at_once_are_counted_one_by_one() -> None:
    def order(_turn: int) -> bool:
        try:
            count_order(subject="card:1", address="192.0.2.1", now=NOON)
        except TooManyOrders:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(order, range(ORDERS_MAX + 8))).count(True) == ORDERS_MAX
