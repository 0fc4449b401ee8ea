# SPDX-License-Identifier: Apache-2.0
"""Disputes: what providers tell of them, in whatever order, and where the money is meanwhile."""

from datetime import datetime

from tsuzuku.journal.actions import record_facts
from tsuzuku.journal.chores import wake
from tsuzuku.payments import states
from tsuzuku.payments.events import DisputeEnded, DisputeOpened
from tsuzuku.payments.ledger import CUSTOMERS, DISPUTES, LOSSES, Entry, post, provider_account
from tsuzuku.payments.models import Capture, CaptureOutcome, Dispute
from tsuzuku.payments.ports import EventKind, ProviderEvent
from tsuzuku.payments.refunding import SEND_REFUNDS

_ENDS = {EventKind.DISPUTE_WON: states.WON, EventKind.DISPUTE_LOST: states.LOST}
DISPUTE_KINDS = frozenset({EventKind.DISPUTE_OPENED, *_ENDS})


def take_dispute_word(capture: Capture, event: ProviderEvent, *, now: datetime) -> str:
    """Applies what a provider tells of a dispute, in the caller's transaction, or returns why it has no effect.

    A dispute whose end is told first is opened and ended at once. Known already is fine; two ends that differ are not.
    """
    if not event.dispute_reference:
        return "dispute-malformed"
    amount = event.amount or capture.amount
    if amount.currency != capture.currency or amount.amount_minor <= 0:
        return "dispute-malformed"
    capture = Capture.objects.select_related("payment").select_for_update(of=("self",)).get(pk=capture.pk)
    dispute, is_new = Dispute.objects.get_or_create(
        provider=capture.provider,
        reference=event.dispute_reference,
        defaults={
            "capture": capture,
            "amount_minor": amount.amount_minor,
            "reason": event.dispute_reason,
            "opened_at": event.occurred_at,
        },
    )
    if dispute.capture_id != capture.pk:
        return "dispute-of-another-capture"
    if is_new:
        _open(dispute, capture, now=now)
    outcome = _ENDS.get(event.kind)
    if outcome is None or dispute.state == outcome:
        return ""
    if not states.DISPUTE_STATES.can_move(dispute.state, outcome):
        return "dispute-ended-otherwise"
    _end(dispute, capture, outcome, at=event.occurred_at, now=now)
    return ""


def _open(dispute: Dispute, capture: Capture, *, now: datetime) -> None:
    _post(dispute, capture, "dispute", debit=DISPUTES, credit=provider_account(capture.provider), now=now)
    opened = DisputeOpened(dispute_id=dispute.pk, purpose=capture.payment.purpose)
    record_facts([opened], actor=f"provider:{capture.provider}", now=now)


def _end(dispute: Dispute, capture: Capture, outcome: str, *, at: datetime, now: datetime) -> None:
    """Books an end; what waited for it to be given back is taken up again, and sent only if there is anything left."""
    dispute.state, dispute.ended_at = outcome, at
    dispute.save(update_fields=["state", "ended_at"])
    if outcome == states.WON:
        _post(dispute, capture, "dispute-won", debit=provider_account(capture.provider), credit=DISPUTES, now=now)
    else:
        _post(dispute, capture, "dispute-lost", debit=LOSSES, credit=DISPUTES, now=now)
        if capture.outcome == CaptureOutcome.HELD:
            # Nobody has given anything for it: it was the payer's, and has gone back.
            _post(dispute, capture, "dispute-owed", debit=CUSTOMERS, credit=LOSSES, now=now)
    capture.refunds.filter(state=states.REQUESTED, next_attempt_at=None).update(next_attempt_at=now)
    wake(SEND_REFUNDS)
    ended = DisputeEnded(dispute_id=dispute.pk, purpose=capture.payment.purpose, outcome=outcome)
    record_facts([ended], actor=f"provider:{capture.provider}", now=now)


def _post(dispute: Dispute, capture: Capture, kind: str, *, debit: str, credit: str, now: datetime) -> None:
    entry = Entry(
        kind=kind,
        subject=f"dispute:{dispute.pk}",
        purpose=capture.payment.purpose,
        debit=debit,
        credit=credit,
        amount=dispute.amount,
    )
    post([entry], now=now)
