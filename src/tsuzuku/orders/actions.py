# SPDX-License-Identifier: Apache-2.0
"""The life of orders: placed, paid by what payments captured, expired, cancelled, held."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import transaction
from django.db.models import QuerySet

from tsuzuku.catalog.redemptions import free_uses
from tsuzuku.journal import statements
from tsuzuku.journal.actions import record_facts
from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.orders import states
from tsuzuku.orders.errors import OrderNotPayable, OrderUnknown
from tsuzuku.orders.events import OrderHeld, OrderPaid, OrderTimedOut, PaymentInVain
from tsuzuku.orders.keeping import NEWS_TAKE_AT_MOST, PAY_WITHIN, Slip, kept_until
from tsuzuku.orders.models import Order, OrderMove
from tsuzuku.orders.numbers import new_number
from tsuzuku.orders.policy import CURRENT_POLICY
from tsuzuku.orders.shares import Misfit, find_misfit, hold_balances, set_share_aside
from tsuzuku.payments.actions import decide_capture
from tsuzuku.payments.balance import customer_account, return_charges, spend_charge
from tsuzuku.payments.models import Capture, CaptureOutcome
from tsuzuku.people.models import User

#: The reason of a move by money that came when the order's time was over.
PAID_LATE: Final = "paid-late"
#: The reason of the move of an order whose time is over.
NOT_PAID_IN_TIME: Final = "not-paid-in-time"
_EXPIRE_AT_ONCE = 500
#: States whose orders give money back that still comes, and the reason that the refund keeps.
_NEEDS_NO_MONEY = {states.PAID: "paid-twice", states.CANCELLED: "order-cancelled"}


def place_order(
    *,
    price: Money,
    lines: list[dict[str, Any]],
    channel: str,
    actor: str,
    payer: User | None,
    email: str,
    language: str,
    policy: str = CURRENT_POLICY,
    is_cancelled_when_over: bool = False,
    now: datetime,
) -> Order:
    """Writes an order that awaits its payment, in the caller's transaction, which also writes what it pays for.

    Its payer has been told this refund policy, which the order keeps.
    """
    return Order.objects.create(
        number=new_number(),
        channel=channel,
        actor=actor,
        payer=payer,
        email=email,
        language=language,
        amount_minor=price.amount_minor,
        currency=price.currency,
        lines=lines,
        policy=policy,
        created_at=now,
        expires_at=now + PAY_WITHIN,
        is_cancelled_when_over=is_cancelled_when_over,
    )


class PaidSale(NamedTuple):
    """An order to be that is paid out of an account in the transaction that writes it."""

    number: str
    price: Money
    lines: list[dict[str, Any]]
    actor: str


#: Paid orders from one array for each column, and the one move of each.
_INSERT_PAID = """
    WITH placed AS (
        INSERT INTO orders_order (number, actor, amount_minor, currency, lines, channel, email, language, state,
                                  created_at, expires_at)
        SELECT new.*, %(channel)s::text, '', %(language)s::text, 'paid', %(now)s::timestamptz, %(now)s::timestamptz
          FROM ROWS FROM (unnest(%(numbers)s::text[], %(actors)s::text[], %(amounts)s::bigint[],
                                 %(currencies)s::text[]),
                          jsonb_array_elements(%(lines)s::jsonb)) AS new
        RETURNING id, number, actor
    ), moved AS (
        INSERT INTO orders_ordermove (order_id, source, target, reason, actor, at)
        SELECT id, 'awaiting_payment', 'paid', 'paid-from-account', actor, %(now)s::timestamptz FROM placed
    )
    SELECT number, id FROM placed
"""


def place_paid_orders(*, sales: Sequence[PaidSale], channel: str, language: str, now: datetime) -> dict[str, int]:
    """Writes many orders that are paid at once, in the caller's transaction, which also takes the money.

    Returns their ids by number. An IntegrityError means that a number was drawn that another order has.
    """
    return dict(
        statements.rows(
            _INSERT_PAID,
            {
                "numbers": [sale.number for sale in sales],
                "actors": [sale.actor for sale in sales],
                "amounts": [sale.price.amount_minor for sale in sales],
                "currencies": [sale.price.currency for sale in sales],
                "lines": json.dumps([sale.lines for sale in sales]),
                "channel": channel,
                "language": language,
                "now": now,
            },
        )
    )


def pay_from_balance(*, number: str, payer: User, shown: Money, now: datetime) -> Money:
    """Sets aside for an order what its payer's balance covers; if that is all, the order is paid at once.

    Committed when it returns; returns what is left to pay. `shown` is what the payer was told that the balance would
    pay. Raises OrderUnknown (also for somebody else's order, and for one that tops up a balance), OrderNotPayable, or
    BalanceChanged when the balance covers less than was shown.
    """
    account = customer_account(payer.pk)
    with transaction.atomic():
        order = Order.objects.select_for_update().filter(number=number, payer=payer).first()
        if order is None or is_top_up(order):
            raise OrderUnknown
        if not order.can_be_paid(now):
            raise OrderNotPayable(state=order.state)
        left = set_share_aside(order, account=account, shown=shown, now=now)
        if not left.amount_minor:
            move_order(order, states.PAID, reason="paid-from-balance", actor=account, now=now)
            record_facts([OrderPaid(order_id=order.pk)], actor=account, now=now)
        return left


def leave_balance(*, number: str, now: datetime) -> None:
    """Puts back what is set aside of a balance for an order that awaits its payment. Raises OrderUnknown."""
    with transaction.atomic():
        order = Order.objects.select_for_update().filter(number=number).first()
        if order is None:
            raise OrderUnknown
        if order.state == states.AWAITING_PAYMENT:
            return_charges(purposes=[number], now=now)


def is_top_up(order: Order) -> bool:
    """Whether it pays for a balance."""
    return any("top_up" in line for line in order.lines)


def has_promotions(order: Order) -> bool:
    """Whether promotions have taken something off its price."""
    return any("promotion" in line for line in order.lines)


def move_order(order: Order, target: str, *, reason: str, actor: str, now: datetime) -> None:
    """Moves an order whose row the caller has locked; writes the history. Raises MoveNotAllowed.

    What is set aside for it of a balance is spent when it is paid, and goes back when it is cancelled.
    """
    states.ORDER_STATES.check_move(order.state, target)
    OrderMove.objects.create(order=order, source=order.state, target=target, reason=reason, actor=actor, at=now)
    order.state = target
    order.save(update_fields=["state"])
    if target == states.PAID:
        spend_charge(order.number)
    if target == states.CANCELLED:
        return_charges(purposes=[order.number], now=now)


def accept_captures(*, capture_ids: Sequence[int], now: datetime) -> None:
    """Decides what captured money does to its order: pays it, is one payment too many, or has to wait for a person.

    Each capture is decided once, whoever asks how often. Orders are locked in one order. Money for an order that is
    paid or cancelled goes back by itself; money of another amount or currency is never settled. What was asked for
    beside a part out of a balance fits as long as the balance has that part.
    """
    with transaction.atomic():
        captures = list(Capture.objects.filter(pk__in=capture_ids).select_related("payment"))
        numbers = {capture.payment.purpose for capture in captures}
        orders = {
            order.number: order for order in Order.objects.filter(number__in=numbers).order_by("pk").select_for_update()
        }
        found = Capture.objects.filter(pk__in=capture_ids, outcome=CaptureOutcome.UNDECIDED)
        undecided = list(found.select_related("payment").order_by("pk").select_for_update(of=("self",)))
        hold_balances([(orders[capture.payment.purpose], capture) for capture in undecided])
        for capture in undecided:
            _accept_capture(orders[capture.payment.purpose], capture, now=now)


def _accept_capture(order: Order, capture: Capture, *, now: datetime) -> None:
    actor = f"provider:{capture.provider}"
    if order.state in _NEEDS_NO_MONEY:
        decide_capture(capture, CaptureOutcome.SURPLUS, reason=_NEEDS_NO_MONEY[order.state], now=now)
        return
    if order.state == states.HELD:
        decide_capture(capture, CaptureOutcome.HELD, reason="order-held", now=now)
        return
    misfit = find_misfit(order, capture, now=now)
    if misfit == Misfit.AMOUNT_DIFFERS:
        decide_capture(capture, CaptureOutcome.HELD, reason=misfit, now=now)
        move_order(order, states.HELD, reason=misfit, actor=actor, now=now)
        record_facts([OrderHeld(order_id=order.pk, reason=misfit)], actor=actor, now=now)
    elif misfit == Misfit.TAKEN_BACK:
        # There is nothing to give back, and nobody to tell: the order waits for another payment as before.
        decide_capture(capture, CaptureOutcome.SURPLUS, reason=misfit, now=now)
    elif misfit == Misfit.BALANCE_GONE:
        decide_capture(capture, CaptureOutcome.SURPLUS, reason=misfit, now=now)
        in_vain = PaymentInVain(order_id=order.pk, capture_id=capture.pk, amount_minor=capture.amount_minor)
        record_facts([in_vain], actor=actor, now=now)
    else:
        decide_capture(capture, CaptureOutcome.ACCEPTED, reason="", now=now)
        # What counts is when the money was taken: a webhook may be late, or the sweep that writes down what expired.
        reason = PAID_LATE if capture.captured_at >= order.expires_at else "paid"
        move_order(order, states.PAID, reason=reason, actor=actor, now=now)
        record_facts([OrderPaid(order_id=order.pk)], actor=actor, now=now)


def cancel_order(*, number: str, actor: str, now: datetime) -> Order:
    """Cancels an order that awaits its payment; doing it twice does it once. Raises OrderUnknown or OrderNotPayable."""
    with transaction.atomic():
        order = Order.objects.select_for_update().filter(number=number).first()
        if order is None:
            raise OrderUnknown
        if order.state == states.CANCELLED:
            return order
        if not order.can_be_paid(now):
            # An order whose time is over is expired, also before the sweep has written it down.
            raise OrderNotPayable(state=order.state)
        # Promotions are locked before balances, as wherever both are.
        if has_promotions(order):
            free_uses(purposes=[order.number], now=now)
        move_order(order, states.CANCELLED, reason="cancelled-by-payer", actor=actor, now=now)
        return order


def keep_address(order: Order, email: str) -> None:
    """Keeps where proof goes, for an order whose payer had not said; what they said before stays."""
    if Order.objects.filter(pk=order.pk, email="").update(email=email):
        order.email = email


def keep_orders(*, slips: Mapping[str, Sequence[Slip]]) -> None:
    """Keeps orders, by number, that await their payment for numbers or codes, as `kept_until` says; shortens none."""
    with transaction.atomic():
        waiting = Order.objects.filter(number__in=slips, state=states.AWAITING_PAYMENT)
        for order in list(waiting.order_by("pk").select_for_update()):
            expires_at = max(kept_until(order.created_at, slip) for slip in slips[order.number])
            if order.expires_at < expires_at:
                order.expires_at = expires_at
                order.save(update_fields=["expires_at"])


def expire_orders() -> int:
    """Writes down which orders' time is over; readers knew it already from `expires_at`. Returns how many."""
    now = clock.now()
    with transaction.atomic():
        orders = list(overdue(now).order_by("pk").select_for_update(skip_locked=True)[:_EXPIRE_AT_ONCE])
        for order in orders:
            target = states.CANCELLED if order.is_cancelled_when_over else states.EXPIRED
            move_order(order, target, reason=NOT_PAID_IN_TIME, actor="system", now=now)
        timed_out = [OrderTimedOut(order_id=order.pk) for order in orders if order.is_cancelled_when_over]
        record_facts(timed_out, actor="system", now=now)
        if discounted := [order.number for order in orders if has_promotions(order)]:
            free_uses(purposes=discounted, now=now)
        return_charges(purposes=[order.number for order in orders], now=now)
        return len(orders)


def overdue(now: datetime) -> QuerySet[Order]:
    """Orders whose time is over and which nobody has written down; those that will be cancelled, a little later."""
    waiting = Order.objects.filter(state=states.AWAITING_PAYMENT, expires_at__lte=now)
    return waiting.exclude(is_cancelled_when_over=True, expires_at__gt=now - NEWS_TAKE_AT_MOST)


def forget_payer(*, payer: User) -> None:
    """Forgets where proof of somebody's orders went. The orders stay with the number of the account that paid."""
    Order.objects.filter(payer=payer).exclude(email="").update(email="")
