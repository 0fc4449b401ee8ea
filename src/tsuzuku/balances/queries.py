# SPDX-License-Identifier: Apache-2.0
"""Reads of balances that have more than one caller."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from tsuzuku.balances.models import TopUp
from tsuzuku.kernel.money import Money
from tsuzuku.orders.models import Order
from tsuzuku.payments.balance import CURRENCY, customer_account, disputed_parts, spendable, spendable_parts
from tsuzuku.payments.models import BalanceCharge, BalancePart
from tsuzuku.people.models import User


@dataclass(frozen=True, slots=True)
class Entry:
    """One move of a balance: topped-up, paid, returned or ended; the number of its order; more or less."""

    kind: str
    number: str
    amount: Money
    at: datetime


@dataclass(frozen=True, slots=True)
class Disputed:
    """A part of a balance, by the number of its order, that its payer's bank has asked for, or for good taken back."""

    number: str
    left: Money
    is_lost: bool


def top_up_of(order: Order) -> TopUp | None:
    """The top-up that an order pays for, if it pays for one."""
    return TopUp.objects.filter(order=order).select_related("order", "part__account", "user").first()


def top_ups_of_orders(orders: Collection[int]) -> QuerySet[TopUp]:
    """What orders of these ids pay for; those that top up."""
    return TopUp.objects.filter(order__in=orders).select_related("order", "part")


def balance_of_user(user: User, *, now: datetime) -> Money:
    """What somebody can spend."""
    return spendable(customer_account(user.pk), now=now)


def parts_of_user(user: User, *, now: datetime) -> list[BalancePart]:
    """What somebody can spend, part by part, what ends first in front."""
    return list(spendable_parts(customer_account(user.pk), now=now))


def disputed_of_user(user: User, *, now: datetime) -> list[Disputed]:
    """What of somebody's balance cannot be spent because a bank has asked for it back, or has it."""
    return [
        Disputed(part.reference, part.left, is_lost=is_lost)
        for part, is_lost in disputed_parts(customer_account(user.pk), now=now)
    ]


def entries_of_user(user: User, *, limit: int) -> list[Entry]:
    """The latest moves of somebody's balance, newest first."""
    return sorted(_entries(customer_account(user.pk), limit), key=lambda entry: entry.at, reverse=True)[:limit]


def _entries(account: str, limit: int) -> Iterator[Entry]:
    """Read from parts and charges, which have an index by account; the audit holds them against the postings."""
    parts = BalancePart.objects.filter(account__account__code=account)
    for part in parts.order_by("-pk")[:limit]:
        yield Entry("topped-up", part.reference, Money(part.amount_minor, CURRENCY), part.topped_up_at)
    for part in parts.filter(ended_at__isnull=False).order_by("-ended_at")[:limit]:
        if part.ended_at is not None:
            yield Entry("ended", part.reference, Money(-part.ended_minor, CURRENCY), part.ended_at)
    for charge in BalanceCharge.objects.filter(account__account__code=account).order_by("-pk")[:limit]:
        yield Entry("paid", charge.purpose, Money(-charge.amount_minor, CURRENCY), charge.charged_at)
        if charge.returned_at is not None:
            yield Entry("returned", charge.purpose, Money(charge.amount_minor, CURRENCY), charge.returned_at)
