# SPDX-License-Identifier: Apache-2.0
"""Where an order and what it pays for stand, as one word for the page. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from tsuzuku.balances.models import TopUp
from tsuzuku.orders import states as order_states
from tsuzuku.orders.models import Order
from tsuzuku.payments import states as payment_states
from tsuzuku.payments.models import Payment
from tsuzuku.payments.ports import FailureReason
from tsuzuku.renewals import states as renewal_states
from tsuzuku.renewals.models import Renewal


class Return(StrEnum):
    """What the address says on which somebody looks at an order. It proves nothing."""

    NONE = ""
    #: From the provider, whatever was done there.
    BACK = "1"
    #: From a provider that sends only those this way who have paid.
    PAID = "paid"


class Stage(StrEnum):
    """What the order's page is about."""

    TO_PAY = "to-pay"
    #: The payer came back from the provider, whose word is on its way.
    CHECKING = "checking"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    HELD = "held"
    ACTIVATING = "activating"
    ACTIVE = "active"
    WITHDRAWN = "withdrawn"


#: What changes by itself, so that the page looks again.
MOVING_STAGES = frozenset({Stage.CHECKING, Stage.ACTIVATING})

_ANOTHER_METHOD_HELPS = frozenset({FailureReason.LIMIT, FailureReason.REFUSED})
_OF_RENEWAL = {
    renewal_states.ACTIVE: Stage.ACTIVE,
    renewal_states.WITHDRAWN: Stage.WITHDRAWN,
}
_OF_ORDER = {
    order_states.EXPIRED: Stage.EXPIRED,
    order_states.CANCELLED: Stage.CANCELLED,
    order_states.HELD: Stage.HELD,
}


def stage_of(
    order: Order, paid_for: Renewal | TopUp, payment: Payment | None, *, came_back: Return, now: datetime
) -> Stage:
    """The stage at `now`; `payment` is the newest try to pay, `came_back` what its payer says of it."""
    if order.state == order_states.PAID:
        if isinstance(paid_for, TopUp):
            return Stage.ACTIVE if paid_for.is_booked else Stage.ACTIVATING
        return _OF_RENEWAL.get(paid_for.state, Stage.ACTIVATING)
    if payment is not None and order.state in order_states.PAYABLE_STATES and _is_under_way(payment, came_back):
        return Stage.CHECKING
    if order.state in _OF_ORDER:
        return _OF_ORDER[order.state]
    return Stage.TO_PAY if order.can_be_paid(now) else Stage.EXPIRED


def _is_under_way(payment: Payment, came_back: Return) -> bool:
    """Money that has come is on its way to the order; of a payment that was only started, its payer's word is taken.

    Who was declined can have paid since, on the same page; they are not told of the no that we know of.
    """
    if payment.state == payment_states.FAILED:
        return came_back == Return.PAID and payment.failure != FailureReason.EXPIRED
    return payment.state == payment_states.CAPTURED or (
        came_back != Return.NONE and payment.state == payment_states.STARTED
    )


def simple_stage(order: Order, paid_for: Renewal | TopUp, *, now: datetime) -> Stage:
    """The stage where nothing is known of payments: in lists."""
    return stage_of(order, paid_for, None, came_back=Return.NONE, now=now)


def method_to_offer(payment: Payment | None, methods: Sequence[str]) -> str:
    """The method to choose beforehand: that of the last try, or the next one after a no that it would hear again."""
    last = f"{payment.provider}:{payment.method}" if payment else ""
    if payment is None or last not in methods:
        return ""
    if payment.state == payment_states.FAILED and payment.failure in _ANOTHER_METHOD_HELPS:
        return next((method for method in methods if method != last), last)
    return last


def look_again_after(since: datetime, *, now: datetime) -> timedelta:
    """How soon the page looks again: often at first, then less, so that a slow carrier costs the traveller no data."""
    age = now - since
    if age < timedelta(seconds=90):
        return timedelta(seconds=2)
    return timedelta(seconds=5) if age < timedelta(minutes=10) else timedelta(seconds=30)
