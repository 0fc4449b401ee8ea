# SPDX-License-Identifier: Apache-2.0
"""An order paid in two shares, a part out of its payer's balance and the rest by a provider. Under the order's lock."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from django.db import transaction

from tsuzuku.kernel.money import Money
from tsuzuku.orders.errors import BalanceChanged
from tsuzuku.orders.models import Order
from tsuzuku.payments.balance import (
    CURRENCY,
    charge_balance,
    charge_set_aside,
    charges_set_aside,
    customer_account,
    return_charges,
    spendable,
)
from tsuzuku.payments.errors import FundsInsufficient
from tsuzuku.payments.models import Capture
from tsuzuku.payments.remains import lost_minor
from tsuzuku.payments.spending import balances_of


class Misfit(StrEnum):
    """Why captured money does not pay its order."""

    #: Another amount or currency than was asked for.
    AMOUNT_DIFFERS = "amount-differs"
    #: It is what was left to pay beside a balance, and the balance does not have its part any more.
    BALANCE_GONE = "balance-gone"
    #: The payer's bank has given all of it back before it could pay anything.
    TAKEN_BACK = "taken-back"


def left_to_pay(order: Order) -> Money:
    """The price without what is set aside of a balance."""
    share = charge_set_aside(order.number)
    return order.price - share.amount if share else order.price


def set_share_aside(order: Order, *, account: str, shown: Money, now: datetime) -> Money:
    """Has a balance pay what it covers of an order; returns what is left to pay. Raises BalanceChanged."""
    if order.currency != CURRENCY:
        return order.price
    balances_of([account], locked=True)
    share = charge_set_aside(order.number)
    if share is None or share.amount != order.price:
        return_charges(purposes=[order.number], now=now)
        minor = min(order.amount_minor, spendable(account, now=now).amount_minor)
        if minor < shown.amount_minor:
            raise BalanceChanged
        if minor:
            charge_balance(account=account, purpose=order.number, amount=Money(minor, CURRENCY), now=now)
    return left_to_pay(order)


def hold_balances(paying: Sequence[tuple[Order, Capture]]) -> None:
    """Holds the balances until the commit whose parts `find_misfit` may move for these captures, in one order."""
    in_parts = charges_set_aside([order.number for order, _ in paying])
    payers = {
        order.payer_id
        for order, capture in paying
        if order.payer_id and (order.number in in_parts or capture.amount_minor != order.amount_minor)
    }
    if payers:
        balances_of([customer_account(payer) for payer in payers], locked=True)


def find_misfit(order: Order, capture: Capture, *, now: datetime) -> Misfit | None:
    """Why money does not pay its order; None if it does, then with the balance's part set aside that it needs.

    What a payment asked for counts, not what is set aside by now: the part may have gone back when the order's time was
    over, or the payer may have changed their mind in another tab.
    """
    if lost := lost_minor(capture):
        return Misfit.TAKEN_BACK if lost >= capture.amount_minor else Misfit.AMOUNT_DIFFERS
    if capture.currency != order.currency:
        return Misfit.AMOUNT_DIFFERS
    missing = order.price - capture.amount
    share = charge_set_aside(order.number)
    if missing == (share.amount if share else Money(0, order.currency)):
        return None
    if not missing.amount_minor:
        return_charges(purposes=[order.number], now=now)
        return None
    if missing.amount_minor < 0 or capture.amount != capture.payment.amount or order.payer_id is None:
        return Misfit.AMOUNT_DIFFERS
    return None if _take_again(order, missing, now=now) else Misfit.BALANCE_GONE


def _take_again(order: Order, missing: Money, *, now: datetime) -> bool:
    """Sets aside exactly what is missing, if the balance still has it; else leaves everything as it was."""
    try:
        with transaction.atomic():
            return_charges(purposes=[order.number], now=now)
            account = customer_account(order.payer_id or 0)
            charge_balance(account=account, purpose=order.number, amount=missing, now=now)
    except FundsInsufficient:
        return False
    return True
