# SPDX-License-Identifier: Apache-2.0
"""Disputes: what providers tell of them, in whatever order, and where the money is meanwhile."""

from datetime import datetime

from tsuzuku.journal.actions import record_facts
from tsuzuku.journal.chores import wake
from tsuzuku.payments import states
from tsuzuku.payments.bank_returns import book_given_by_bank, owe_again, owe_refund_again
from tsuzuku.payments.events import DisputeEnded, DisputeOpened, DisputeReversed
from tsuzuku.payments.ledger import DISPUTES, LOSSES, Entry, post, provider_account
from tsuzuku.payments.models import Capture, CaptureOutcome, Dispute
from tsuzuku.payments.ports import EventKind, ProviderEvent
from tsuzuku.payments.refunding import SEND_REFUNDS, replace_refund, write_refund
from tsuzuku.payments.remains import refundable_minor

_ENDS = {EventKind.DISPUTE_WON: states.WON, EventKind.DISPUTE_LOST: states.LOST}
#: Captures for which nobody has given anything, and of which nobody has said that they go back.
_NOTHING_GIVEN = frozenset({CaptureOutcome.UNDECIDED, CaptureOutcome.HELD})
DISPUTE_KINDS = frozenset({EventKind.DISPUTE_OPENED, *_ENDS})


def take_dispute_word(capture: Capture, event: ProviderEvent, *, now: datetime) -> str:
    """Applies what a provider tells of a dispute, in the caller's transaction, or returns why it has no effect.

    A dispute whose end is told first is opened and ended at once. Known already is fine. One that was lost may be won
    on appeal; that one was lost which is won is old news, and has no effect.
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
    was_lost = dispute.state == states.LOST
    dispute.state, dispute.ended_at = outcome, at
    dispute.save(update_fields=["state", "ended_at"])
    if outcome == states.WON:
        if was_lost:
            _reverse(dispute, capture, now=now)
        _post(dispute, capture, "dispute-won", debit=provider_account(capture.provider), credit=DISPUTES, now=now)
    else:
        _post(dispute, capture, "dispute-lost", debit=LOSSES, credit=DISPUTES, now=now)
        if capture.outcome in _NOTHING_GIVEN:
            # It was the payer's, and has gone back.
            book_given_by_bank(capture, now=now)
    capture.refunds.filter(state=states.REQUESTED, next_attempt_at=None).update(next_attempt_at=now)
    wake(SEND_REFUNDS)
    ended = DisputeEnded(dispute_id=dispute.pk, purpose=capture.payment.purpose, outcome=outcome)
    record_facts([ended], actor=f"provider:{capture.provider}", now=now)


def _reverse(dispute: Dispute, capture: Capture, *, now: datetime) -> None:
    """Books that a loss is none: what it had paid of our debts is owed again, and sent.

    A refund that several disputes had made void is asked for again once its whole is there.
    """
    _post(dispute, capture, "dispute-appealed", debit=DISPUTES, credit=LOSSES, now=now)
    actor = f"provider:{capture.provider}"
    for refund in capture.refunds.filter(state=states.VOID).select_related("capture__payment").order_by("pk"):
        if refund.amount_minor <= refundable_minor(capture):
            owe_refund_again(refund, now=now)
            replace_refund(refund, actor=actor, now=now)
    owed_minor = owe_again(dispute, capture, now=now)
    if owed_minor and capture.outcome not in _NOTHING_GIVEN:
        write_refund(capture, amount_minor=owed_minor, reason="dispute-won", actor=actor, now=now)
    reversed_ = DisputeReversed(dispute_id=dispute.pk, purpose=capture.payment.purpose)
    record_facts([reversed_], actor=actor, now=now)


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
