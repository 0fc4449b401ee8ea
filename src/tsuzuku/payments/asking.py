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
from tsuzuku.payments.actions import ASK_ABOUT_PAYMENTS, ASK_FIRST_AFTER, fail_payment, note_started, take_event
from tsuzuku.payments.models import KeptMethodRow, Payment, Refund
from tsuzuku.payments.ports import FailureReason
from tsuzuku.payments.queries import payments_to_ask_about
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
#: Nobody repeats the charge of a kept method this late, nor is a call for it still under way: one that its provider
#: does not know by then was never made.
_CHARGED_WITHIN = timedelta(hours=3)
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
    return work_off(payments_to_ask_about(), _ask_about_payment, lease=LEASE, takes_max=CALL_TAKES_MAX)


def _ask_about_payment(payment: Payment) -> None:
    still_held(payment).update(asked_at=clock.now())
    if payment.reference is None and payment.kept is not None:
        _look_for_charge(payment, payment.kept)
        return
    try:
        _ask(payment)
    except Rejected:
        fail_payment(payment, reason="refused", is_final=True, now=clock.now())
        return
    _ask_again(payment, since=payment.created_at, pace=_pace(payment))


def _look_for_charge(payment: Payment, kept: KeptMethodRow) -> None:
    """Finds what a start came to that nobody answered: it is taken up, or given up once it can come no more.

    Only an answer gives it up. It is not charged here: what it was for may have been cancelled long ago.
    """
    provider = provider_named(payment.provider)
    try:
        found = provider.find_charge(key=str(payment.key), kept_reference=kept.reference, created_at=payment.created_at)
    except Rejected:
        found = None
    except Unavailable:
        _ask_again(payment, since=payment.created_at, pace=_pace(payment))
        return
    if found is not None:
        # Asked about at once, by the reference that it has from now on.
        note_started(payment, found, now=clock.now())
        still_held(payment).update(lease_until=None, next_attempt_at=clock.now())
    elif clock.now() - payment.created_at >= _CHARGED_WITHIN:
        fail_payment(payment, reason=FailureReason.NETWORK, is_final=True, now=clock.now())
    else:
        _ask_again(payment, since=payment.created_at, pace=_pace(payment))


def _pace(payment: Payment) -> Sequence[timedelta]:
    """The ages at which a payment is asked about."""
    if payment.reference is None:
        return [*_ASK_AGAIN, *_ASK_DAILY]
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
