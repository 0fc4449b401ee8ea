# SPDX-License-Identifier: Apache-2.0
"""Paying from a balance on pages: what is offered, what was chosen, and what that leaves to pay."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext

from tsuzuku.balances.models import TopUp
from tsuzuku.balances.queries import balance_of_user
from tsuzuku.channels.web.access import OrderAccess
from tsuzuku.channels.web.plan_texts import method_name
from tsuzuku.kernel.money import Money
from tsuzuku.orders.actions import leave_balance, pay_from_balance
from tsuzuku.orders.shares import left_to_pay
from tsuzuku.payments.balance import CURRENCY, charge_given_back
from tsuzuku.payments.kept import can_keep
from tsuzuku.payments.queries import offered_methods
from tsuzuku.people.models import User

#: As many digits as any amount that a page has shown.
_DIGITS_MAX = 12


def offer_of(payer: User | None, price: Money, *, aside: Money | None = None, now: datetime) -> dict[str, Any]:
    """What a page offers to pay out of the payer's balance and what is set aside of it; nothing if that is empty."""
    if payer is None or price.currency != CURRENCY:
        return {}
    balance = balance_of_user(payer, now=now) + (aside or Money(0, CURRENCY))
    if not balance.amount_minor:
        return {}
    share = min(balance, price, key=lambda money: money.amount_minor)
    return {
        "balance": balance,
        "share": share,
        "rest": price - share if share != price else None,
        "is_share_chosen": aside is None or bool(aside.amount_minor),
    }


def share_context(access: OrderAccess, *, now: datetime) -> dict[str, Any]:
    """The same on the page of an order, with what is left to pay of it."""
    left = left_to_pay(access.order)
    returned = charge_given_back(access.order.number)
    context: dict[str, Any] = {
        "keepable": keepable(access.payer, access.order.currency, now=now),
        "left": left,
        "aside": access.order.price - left,
        "given_back": returned.amount if returned else None,
    }
    if isinstance(access.paid_for, TopUp) or not access.order.can_be_paid(now):
        return context
    return context | offer_of(access.payer, access.order.price, aside=context["aside"], now=now)


def what_was_ticked(request: HttpRequest) -> dict[str, bool]:
    """The boxes of a form that is shown again, as they were sent; nothing for a form that is new."""
    ticked = {"is_keep_chosen": "keep" in request.POST}
    return ticked | {"is_share_chosen": "share" in request.POST} if "share_offered" in request.POST else ticked


def keepable(payer: User | None, currency: str, *, now: datetime) -> str:
    """The names of the methods that can be kept for automatic renewal; empty for who is not logged in."""
    if payer is None:
        return ""
    offered = offered_methods(currency, now=now).providers
    return gettext(", ").join(method_name(method) for method, provider in offered.items() if can_keep(provider, method))


def take_share(request: HttpRequest, access: OrderAccess, *, now: datetime) -> Money:
    """Does with the balance what the form says, and returns what is left to pay.

    A form that does not mention the balance leaves it as it is. Raises BalanceChanged or OrderNotPayable.
    """
    order, payer = access.order, access.payer
    if payer is None or "share_offered" not in request.POST:
        return left_to_pay(order)
    if "share" not in request.POST:
        leave_balance(number=order.number, now=now)
        return order.price
    shown = request.POST["share_offered"]
    minor = int(shown) if shown.isdecimal() and shown.isascii() and len(shown) <= _DIGITS_MAX else 0
    return pay_from_balance(number=order.number, payer=payer, shown=Money(minor, order.currency), now=now)
