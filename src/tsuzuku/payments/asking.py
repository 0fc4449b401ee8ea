# SPDX-License-Identifier: Apache-2.0
"""Asking providers about payments and refunds of which they have said nothing: a webhook may be late or lost."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from tsuzuku.journal.chores import wake
from tsuzuku.journal.claims import still_held, work_off
from tsuzuku.kernel import clock
from tsuzuku.kernel.outcomes import OutcomeUnknown, Rejected, Unavailable
from tsuzuku.payments import states
from tsuzuku.payments.actions import ASK_ABOUT_PAYMENTS, ASK_FIRST_AFTER, fail_payment, take_event
from tsuzuku.payments.models import Payment, Refund
from tsuzuku.payments.refunding import ASK_FIRST_AFTER as ASK_FIRST_AFTER_REFUND
from tsuzuku.payments.refunding import CALL_TAKES_MAX, LEASE
from tsuzuku.payments.registry import provider as provider_named

#: At these ages, then no more.
_ASK_AGAIN = (
    ASK_FIRST_AFTER,
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=20),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=24),
)
#: The same for a payment that can be made at a store for days, until this long after nobody can any more.
_ASK_DAILY = tuple(timedelta(days=days) for days in range(2, 70))
_ASK_AFTER_END = timedelta(days=2)
#: The same for a refund, which may take its provider weeks.
_ASK_AGAIN_FOR_REFUND = (
    ASK_FIRST_AFTER_REFUND,
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    *(timedelta(days=days) for days in (1, 2, 4, 7, 14, 30, 60)),
)
#: Whoever comes back from a provider makes us ask, but no more often than this.
_HURRY_AT_MOST = timedelta(seconds=5)

ASK_ABOUT_REFUNDS = "ask about refunds"


def ask_about_payments() -> int:
    """Asks about payments whose provider has said nothing: a webhook may be late or lost. Returns how many."""
    return work_off(
        Payment.objects.filter(state__in=states.ASKED_PAYMENT_STATES),
        _ask_about_payment,
        lease=LEASE,
        takes_max=CALL_TAKES_MAX,
    )


def _ask_about_payment(payment: Payment) -> None:
    still_held(payment).update(asked_at=clock.now())
    try:
        _ask(payment)
    except Rejected:
        fail_payment(payment, reason="refused", is_final=True, now=clock.now())
        return
    _ask_again(payment, since=payment.created_at, pace=_pace(payment))


def _pace(payment: Payment) -> Sequence[timedelta]:
    """The ages at which a payment is asked about."""
    shown = payment.shown
    if shown is None:
        return _ASK_AGAIN
    lasts = shown.expires_at - payment.created_at + _ASK_AFTER_END
    return [*_ASK_AGAIN, *(age for age in _ASK_DAILY if age < lasts), lasts]


def hurry(payment: Payment, *, now: datetime) -> None:
    """Asks about a payment at once, because its payer says that there is something to hear; they may say it often."""
    waiting = Payment.objects.filter(pk=payment.pk, state__in=states.ASKED_PAYMENT_STATES, lease_until=None)
    is_rested = Q(asked_at=None) | Q(asked_at__lt=now - _HURRY_AT_MOST)
    if waiting.filter(is_rested, Q(next_attempt_at=None) | Q(next_attempt_at__gt=now)).update(next_attempt_at=now):
        wake(ASK_ABOUT_PAYMENTS)


def ask_about_refunds() -> int:
    """Asks what became of refunds that were sent, for the same reason. Returns how many."""
    return work_off(Refund.objects.filter(state=states.SENT), _ask_about_refund, lease=LEASE, takes_max=CALL_TAKES_MAX)


def _ask_about_refund(refund: Refund) -> None:
    with suppress(Rejected):
        _ask(refund.capture.payment)
    _ask_again(refund, since=refund.requested_at, pace=_ASK_AGAIN_FOR_REFUND)


def _ask(payment: Payment) -> None:
    """Takes what a provider knows of a payment now. Raises Rejected if it has no such payment."""
    try:
        events = provider_named(payment.provider).find_payment(payment.reference or "")
    except (Unavailable, OutcomeUnknown):
        return
    for event in events:
        with transaction.atomic():
            take_event(payment.provider, event, now=clock.now())


def _ask_again(row: Payment | Refund, *, since: datetime, pace: Sequence[timedelta]) -> None:
    """Lets a row go until it is old enough to be asked about again; what has ended meanwhile waits for nothing."""
    age = clock.now() - since
    again = next((since + later for later in pace if later > age), None)
    still_held(row).filter(next_attempt_at__isnull=False).update(lease_until=None, next_attempt_at=again)
