# SPDX-License-Identifier: Apache-2.0
"""Orders that are held because their money does not fit: a person takes it as it is, or gives it back."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction

from tsuzuku.catalog.redemptions import free_uses
from tsuzuku.journal.actions import record_facts
from tsuzuku.kernel.money import Money
from tsuzuku.orders import states
from tsuzuku.orders.actions import has_promotions, move_order
from tsuzuku.orders.errors import OrderNotHeld, OrderTakesNoOther, OrderUnknown, ShortfallTooLarge
from tsuzuku.orders.events import OrderPaid, OrderReturned
from tsuzuku.orders.models import Order
from tsuzuku.orders.queries import was_held
from tsuzuku.orders.shares import left_to_pay
from tsuzuku.payments.actions import decide_capture, let_off
from tsuzuku.payments.errors import CaptureDisputed, ReasonMissing
from tsuzuku.payments.models import Capture, CaptureOutcome
from tsuzuku.payments.refunding import write_refund
from tsuzuku.payments.remains import is_disputed, refundable_minor


def accept_held_order(*, number: str, reason: str, actor: str, now: datetime) -> Order:
    """Lets a held order be paid by what came for it: held -> paid. Accepted already is fine.

    What is set aside of a balance pays its part, so all that follows is about what is left of the price.
    Of several captures the one that fits the price pays, else the largest; the others go back, and so does what is
    above the price. What is missing is let off, up to TSUZUKU_REFUND_APPROVAL_YEN.

    Raises ReasonMissing, OrderUnknown, OrderNotHeld, CaptureDisputed, OrderTakesNoOther or ShortfallTooLarge.
    """
    with transaction.atomic():
        order, captures = _locked(number, reason)
        if order.state == states.PAID and was_held(order):
            return order
        _check_held(order)
        paying = _paying(order, captures)
        missing = left_to_pay(order).amount_minor - paying.amount_minor
        if missing > settings.REFUND_APPROVAL_YEN or (missing > 0 and order.currency != "JPY"):
            raise ShortfallTooLarge(missing_minor=missing, currency=order.currency)
        decide_capture(paying, CaptureOutcome.ACCEPTED, reason="", now=now)
        if missing > 0:
            let_off(purpose=order.number, amount=Money(missing, order.currency), now=now)
        elif missing < 0:
            write_refund(paying, amount_minor=-missing, reason=reason, actor=actor, now=now)
        for capture in captures:
            if capture.pk != paying.pk:
                decide_capture(capture, CaptureOutcome.SURPLUS, reason=reason, actor=actor, now=now)
        move_order(order, states.PAID, reason=reason, actor=actor, now=now)
        record_facts([OrderPaid(order_id=order.pk)], actor=actor, now=now)
        return order


def return_held_order(*, number: str, reason: str, actor: str, now: datetime) -> Order:
    """Gives back all that came for a held order: held -> cancelled. What it was for is withdrawn. Again is fine.

    The money is the payer's and needs no second person. Raises ReasonMissing, OrderUnknown or OrderNotHeld.
    """
    with transaction.atomic():
        order, captures = _locked(number, reason)
        if order.state == states.CANCELLED and was_held(order):
            return order
        _check_held(order)
        for capture in captures:
            decide_capture(capture, CaptureOutcome.SURPLUS, reason=reason, actor=actor, now=now)
        # Promotions are locked before balances, as wherever both are.
        if has_promotions(order):
            free_uses(purposes=[order.number], now=now)
        move_order(order, states.CANCELLED, reason=reason, actor=actor, now=now)
        record_facts([OrderReturned(order_id=order.pk, reason=reason)], actor=actor, now=now)
        return order


def _locked(number: str, reason: str) -> tuple[Order, Sequence[Capture]]:
    """An order and the money that is held for it, both locked, the order first as everywhere."""
    if not reason.strip():
        raise ReasonMissing
    order = Order.objects.select_for_update().filter(number=number).first()
    if order is None:
        raise OrderUnknown
    held = Capture.objects.filter(payment__purpose=number, outcome=CaptureOutcome.HELD).select_related("payment")
    return order, list(held.order_by("pk").select_for_update(of=("self",)))


def _check_held(order: Order) -> None:
    if order.state != states.HELD:
        raise OrderNotHeld(state=order.state)


def _paying(order: Order, captures: Sequence[Capture]) -> Capture:
    """The capture that is to pay: the one that fits, else the largest."""
    if any(is_disputed(capture) for capture in captures):
        raise CaptureDisputed
    fit = [each for each in captures if each.currency == order.currency and refundable_minor(each) == each.amount_minor]
    if not fit:
        raise OrderTakesNoOther
    left = left_to_pay(order)
    return max(fit, key=lambda capture: (capture.amount == left, capture.amount_minor))
