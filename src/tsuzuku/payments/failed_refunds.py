# SPDX-License-Identifier: Apache-2.0
"""Refunds that a provider would not make: a person asks once more, or gives the money back another way."""

from datetime import datetime

from django.db import transaction

from tsuzuku.journal.actions import record_facts
from tsuzuku.payments import states
from tsuzuku.payments.errors import CaptureDisputed, ReasonMissing, RefundNotFailed, RefundTooLarge, RefundUnknown
from tsuzuku.payments.events import RefundClosed, RefundRetried
from tsuzuku.payments.ledger import CUSTOMERS, OPERATOR, Entry, post
from tsuzuku.payments.models import Refund
from tsuzuku.payments.refunding import replace_refund, void_refund
from tsuzuku.payments.remains import is_disputed, refundable_minor


def retry_refund(*, refund_id: int, actor: str, now: datetime) -> Refund:
    """Asks the provider once more for a refund that failed, as another refund, which is returned; once for each.

    Raises RefundUnknown, RefundNotFailed, CaptureDisputed or RefundTooLarge (the capture has not so much left).
    """
    with transaction.atomic():
        refund, left = _locked(refund_id)
        if refund.state == states.REPLACED:
            return refund.replacement
        _check_failed(refund)
        if is_disputed(refund.capture):
            raise CaptureDisputed
        if refund.amount_minor > left:
            raise RefundTooLarge(left_minor=max(left, 0), currency=refund.capture.currency)
        again = replace_refund(refund, actor=actor, now=now)
        retried = RefundRetried(refund_id=again.pk, purpose=refund.capture.payment.purpose)
        record_facts([retried], actor=actor, now=now)
        return again


def close_refund(*, refund_id: int, note: str, actor: str, now: datetime) -> Refund:
    """Books that the money of a refund that failed was given back another way; the note says how. Again is fine.

    If a lost dispute has taken the money meanwhile, that is what is booked. Raises ReasonMissing, RefundUnknown,
    RefundNotFailed, or CaptureDisputed (the payer's bank holds the money, and may give it back itself).
    """
    if not note.strip():
        raise ReasonMissing
    with transaction.atomic():
        refund, left = _locked(refund_id)
        if refund.state in {states.CLOSED, states.VOID}:
            return refund
        _check_failed(refund)
        if is_disputed(refund.capture):
            raise CaptureDisputed
        refund.closed_note, refund.closed_by = note, actor
        refund.save(update_fields=["closed_note", "closed_by"])
        purpose = refund.capture.payment.purpose
        if left <= 0:
            void_refund(refund, now=now)
        else:
            _close(refund, purpose=purpose, now=now)
        record_facts([RefundClosed(refund_id=refund.pk, purpose=purpose)], actor=actor, now=now)
        return refund


def _locked(refund_id: int) -> tuple[Refund, int]:
    """A refund and what is left of its capture, both locked until the commit, the capture first."""
    found = Refund.objects.select_related("capture__payment").filter(pk=refund_id).first()
    if found is None:
        raise RefundUnknown
    left = refundable_minor(found.capture)
    refunds = Refund.objects.select_related("capture__payment").select_for_update(of=("self",))
    return refunds.get(pk=refund_id), left


def _check_failed(refund: Refund) -> None:
    if refund.state != states.FAILED:
        raise RefundNotFailed(state=refund.state)


def _close(refund: Refund, *, purpose: str, now: datetime) -> None:
    refund.state = states.CLOSED
    refund.done_at = now
    refund.save(update_fields=["state", "done_at"])
    entry = Entry(
        kind="refund-elsewhere",
        subject=f"refund:{refund.pk}",
        purpose=purpose,
        debit=CUSTOMERS,
        credit=OPERATOR,
        amount=refund.amount,
    )
    post([entry], now=now)
