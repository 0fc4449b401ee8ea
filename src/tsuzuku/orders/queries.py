# SPDX-License-Identifier: Apache-2.0
"""Reads of orders that have more than one caller."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import QuerySet

from tsuzuku.orders import states
from tsuzuku.orders.actions import PAID_LATE, overdue
from tsuzuku.orders.errors import OrderUnknown
from tsuzuku.orders.models import Order, OrderMove
from tsuzuku.orders.numbers import parse_number
from tsuzuku.people.models import User


def order_by_number(text: str) -> Order:
    """The order of a number in any spelling. Raises OrderUnknown."""
    number = parse_number(text)
    order = Order.objects.filter(number=number).first() if number else None
    if order is None:
        raise OrderUnknown
    return order


def orders_of_payer(payer: User) -> QuerySet[Order]:
    """What somebody has ordered, newest first."""
    return Order.objects.filter(payer=payer).order_by("-pk")


def paid_late(order_ids: Collection[int]) -> set[int]:
    """Which of these orders were paid by money that came when their time was over."""
    moves = OrderMove.objects.filter(order__in=order_ids, target=states.PAID, reason=PAID_LATE)
    return set(moves.values_list("order_id", flat=True))


def orders_held() -> QuerySet[Order]:
    """Orders whose money does not fit and which wait for a person, oldest first."""
    return Order.objects.filter(state=states.HELD).order_by("pk")


def was_held(order: Order) -> bool:
    """Whether a person has resolved it."""
    return order.moves.filter(source=states.HELD).exists()


def has_overdue_orders(now: datetime) -> bool:
    """Whether an order's time is over and nobody has written it down."""
    return overdue(now).exists()
