# SPDX-License-Identifier: Apache-2.0
"""The mail with the numbers for a store."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tsuzuku.kernel import clock
from tsuzuku.orders.links import order_link
from tsuzuku.orders.models import Order
from tsuzuku.payments.ports import Instructions, StoreSlip
from tsuzuku.testing.factories import make_card, make_plan
from tsuzuku.testing.house import House, open_house

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Iterator[House]:
    with open_house() as house:
        until = clock.now() + timedelta(days=3)
        slips = (
            StoreSlip(store="lawson", payment_number="222222", confirmation_number="40000084751"),
            StoreSlip(store="seven_eleven", payment_number="3901234567890"),
        )
        house.provider.methods = ("konbini", "alipay")
        house.provider.instructions = {
            "konbini": Instructions(expires_at=until, slips=slips),
            "alipay": Instructions(expires_at=until, qr_text="https://qr.example/x"),
        }
        yield house


@pytest.fixture
def order(house: House) -> Order:
    make_plan("GB-1-3D")
    return house.order(make_card(), "GB-1-3D")


def test_numbers_and_the_link_are_mailed_once(house: House, order: Order) -> None:
    for _ in range(2):
        house.start_payment(order, method="konbini")
        house.settle_down()
    assert house.subjects() == [f"Your numbers to pay at the store · order {order.number}"]
    lines = house.gateway.sent[0].message.text.splitlines()
    assert lines[0].startswith("Please pay ¥300 in cash at a store by ")
    assert lines[2:5] == [
        "Lawson (ローソン)",
        "Payment number: 222 222",
        "Confirmation number: 4000 0084 751",
    ]
    assert lines[9:11] == ["7-Eleven (セブン-イレブン)", "Payment number: 3901 2345 67890"]
    assert lines[-2] == order_link(order)


def test_they_come_in_the_language_of_the_order(house: House, order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(language="zh-hans")
    house.start_payment(order, method="konbini")
    house.settle_down()
    assert house.subjects() == [f"便利店付款号码 · 订单 {order.number}"]


def test_a_code_is_not_mailed(house: House, order: Order) -> None:
    house.start_payment(order, method="alipay")
    house.settle_down()
    assert house.subjects() == []


def test_nobody_without_an_address_gets_a_mail(house: House, order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(email="")
    house.start_payment(order, method="konbini")
    house.settle_down()
    assert house.subjects() == []
