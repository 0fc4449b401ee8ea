# SPDX-License-Identifier: Apache-2.0
"""Where an order and what it pays for stand, as one word for the page. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from tsuzuku.balances.models import TopUp
from tsuzuku.new_cards.models import NewCard
from tsuzuku.new_cards.states import RESERVED
from tsuzuku.orders import states as order_states
from tsuzuku.orders.models import Order
from tsuzuku.payments import states as payment_states
from tsuzuku.payments.methods import is_same_purse
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
    #: The payer knows how to pay elsewhere: by a code, or at a store.
    INSTRUCTED = "instructed"
    #: The payer came back from the provider, whose word is on its way.
    CHECKING = "checking"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    HELD = "held"
    ACTIVATING = "activating"
    ACTIVE = "active"
    WITHDRAWN = "withdrawn"


#: What changes by itself, so that the page looks again.
MOVING_STAGES = frozenset({Stage.INSTRUCTED, Stage.CHECKING, Stage.ACTIVATING})

#: What asks for money, and says why the last try brought none.
_ASKING_STAGES = frozenset({Stage.TO_PAY, Stage.INSTRUCTED})
#: Providers answer within seconds; who stays on the page is left alone after that.
_HEARD_WITHIN = timedelta(seconds=30)

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
    order: Order, paid_for: Renewal | TopUp, payments: Sequence[Payment], *, came_back: Return, now: datetime
) -> Stage:
    """The stage at `now`; `payments` are the tries to pay, newest first, `came_back` what a payer says of it."""
    if order.state == order_states.PAID:
        if isinstance(paid_for, TopUp):
            return Stage.ACTIVE if paid_for.is_booked else Stage.ACTIVATING
        return _OF_RENEWAL.get(paid_for.state, Stage.ACTIVATING)
    payment = telling_payment(payments)
    if payment is not None and order.state in order_states.PAYABLE_STATES and _is_under_way(payment, came_back):
        return Stage.CHECKING
    if order.state in _OF_ORDER:
        return _OF_ORDER[order.state]
    if not order.can_be_paid(now):
        return Stage.EXPIRED
    return Stage.TO_PAY if instructed_payment(payments, now=now) is None else Stage.INSTRUCTED


def with_new_card(stage: Stage, bought: NewCard | None) -> Stage:
    """The stage of an order that sells a card with its plan: nothing is there before the card is its buyer's."""
    is_on_its_way = stage is Stage.ACTIVE and bought is not None and bought.state == RESERVED
    return Stage.ACTIVATING if is_on_its_way else stage


def telling_payment(payments: Sequence[Payment]) -> Payment | None:
    """The try to pay that a page is about: one that brought money, else the newest."""
    brought = (payment for payment in payments if payment.state == payment_states.CAPTURED)
    return next(brought, payments[0] if payments else None)


def instructed_payment(payments: Sequence[Payment], *, now: datetime) -> Payment | None:
    """The newest payment that can be made at `now` by a code or numbers that its payer was shown."""
    for payment in payments:
        if payment.state == payment_states.STARTED and payment.shown is not None and not payment.has_run_out(now):
            return payment
    return None


def unheard_payment(payments: Sequence[Payment], *, stage: Stage, looked_at: datetime, now: datetime) -> Payment | None:
    """The newest payment on a provider's page, as long as nobody has asked what became of it since `looked_at`.

    Whoever leaves that page after a no is here before the provider's word of it.
    """
    newest = payments[0] if payments and stage in _ASKING_STAGES else None
    if newest is None or newest.state != payment_states.STARTED or newest.shown is not None:
        return None
    is_being_asked = newest.lease_until is not None and newest.lease_until > now
    is_heard = newest.asked_at is not None and newest.asked_at >= looked_at and not is_being_asked
    return None if is_heard or now - looked_at > _HEARD_WITHIN else newest


def told_by(stage: Stage, payment: Payment | None) -> str:
    """What a page tells, as a word that changes with it: the stage, and which payment did not go through."""
    if payment is None or payment.state != payment_states.FAILED or stage not in _ASKING_STAGES:
        return str(stage)
    return f"{stage}.no{payment.pk}"


def _is_under_way(payment: Payment, came_back: Return) -> bool:
    """Money that has come is on its way to the order; of a payment that was only started, its payer's word is taken.

    Who was declined can have paid since, on the same page; they are not told of the no that we know of.
    """
    if payment.state == payment_states.FAILED:
        return came_back == Return.PAID and payment.failure != FailureReason.EXPIRED
    if payment.state == payment_states.STARTED:
        # Whoever has a code or numbers to pay by goes on seeing them until the provider tells of the money.
        return came_back == Return.PAID or (came_back == Return.BACK and payment.shown is None)
    return payment.state == payment_states.CAPTURED


def simple_stage(order: Order, paid_for: Renewal | TopUp, *, now: datetime) -> Stage:
    """The stage where nothing is known of payments: in lists."""
    return stage_of(order, paid_for, (), came_back=Return.NONE, now=now)


def method_to_offer(payments: Sequence[Payment], methods: Sequence[str]) -> str:
    """The method to choose beforehand: that of the last try, or the next one that may hear another answer.

    After a no, all that take from the same purse would hear it again. `methods` are those that can be had, the likely
    ones first; empty if none of them is to be chosen.
    """
    if not payments:
        return ""
    refused = [payment.method for payment in payments if _was_refused(payment)]
    if not _was_refused(payments[0]) and payments[0].method in methods:
        return payments[0].method
    hopeful = (method for method in methods if not any(is_same_purse(method, other) for other in refused))
    return next(hopeful, payments[0].method if payments[0].method in methods else "")


def _was_refused(payment: Payment) -> bool:
    return payment.state == payment_states.FAILED and payment.failure in _ANOTHER_METHOD_HELPS


def look_again_after(since: datetime, *, now: datetime, is_for_days: bool = False) -> timedelta:
    """How soon the page looks again: often at first, then less, so that a slow carrier costs the traveller no data.

    What is paid at a store within days `is_for_days`: nobody waits for it with the page in their hand.
    """
    age = now - since
    if is_for_days:
        return timedelta(seconds=30)
    if age < timedelta(seconds=90):
        return timedelta(seconds=2)
    return timedelta(seconds=5) if age < timedelta(minutes=10) else timedelta(seconds=30)
