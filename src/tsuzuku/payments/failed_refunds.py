# SPDX-License-Identifier: Apache-2.0
"""Refunds that a provider would not make: a person asks once more, or gives the money back another way."""

import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import Sum

from tsuzuku.journal.actions import record_facts
from tsuzuku.kernel.money import Money
from tsuzuku.payments import states
from tsuzuku.payments.errors import CaptureDisputed, ReasonMissing, RefundNotFailed, RefundTooLarge, RefundUnknown
from tsuzuku.payments.events import RefundClosed, RefundClosingProposed, RefundRetried
from tsuzuku.payments.ledger import CUSTOMERS, OPERATOR, Entry, post
from tsuzuku.payments.models import Refund
from tsuzuku.payments.proposing import is_above_limit
from tsuzuku.payments.refunding import replace_refund, void_refund
from tsuzuku.payments.remains import is_disputed, refundable_minor


def retry_refund(*, refund_id: int, actor: str, now: datetime) -> Refund:
    """Asks the provider once more for a refund that failed, as another refund, which is returned; once for each.

    Raises RefundUnknown, RefundNotFailed, CaptureDisputed or RefundTooLarge (the capture has not so much left).
    """
    with transaction.atomic():
        refund, left = _locked(refund_id)
        if refund.state == states.REPLACED and refund.replacement.state != states.CLOSED:
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

    Up to the limit (TSUZUKU_REFUND_APPROVAL_YEN, of all that one person alone has closed of the capture) it is closed
    at once. Above it the refund stays failed, with what was said, until another person closes it too. What lost
    disputes have taken meanwhile is owed no more, and is booked as that: only the rest was given another way, as the
    refund that is returned then.

    Raises ReasonMissing, RefundUnknown, RefundNotFailed, or CaptureDisputed (the payer's bank holds the money, and may
    give it back itself).
    """
    if not note.strip():
        raise ReasonMissing
    with transaction.atomic():
        refund, left = _locked(refund_id)
        if refund.state == states.REPLACED and refund.replacement.state == states.CLOSED:
            return refund.replacement
        if refund.state in {states.CLOSED, states.VOID}:
            return refund
        _check_failed(refund)
        if is_disputed(refund.capture):
            raise CaptureDisputed
        given_minor = min(refund.amount_minor, left)
        if not _agree(refund, given_minor, note=note, actor=actor, now=now):
            return refund
        purpose = refund.capture.payment.purpose
        if given_minor <= 0:
            void_refund(refund, now=now)
        else:
            if given_minor < refund.amount_minor:
                refund = _without_what_was_lost(refund, given_minor, now=now)
            _close(refund, purpose=purpose, now=now)
        record_facts([RefundClosed(refund_id=refund.pk, purpose=purpose)], actor=actor, now=now)
        return refund


def _agree(refund: Refund, given_minor: int, *, note: str, actor: str, now: datetime) -> bool:
    """Keeps who says how the money was given; whether that is enough to close the refund."""
    if refund.closed_by in {"", actor}:
        needs_another = _needs_second_person(refund, given_minor)
        is_new = (refund.closed_by, refund.closed_note) != (actor, note)
        refund.closed_note, refund.closed_by = note, actor
        refund.save(update_fields=["closed_note", "closed_by"])
        if needs_another and is_new:
            said = RefundClosingProposed(refund_id=refund.pk, purpose=refund.capture.payment.purpose)
            record_facts([said], actor=actor, now=now)
        return not needs_another
    refund.close_approved_by = actor
    refund.save(update_fields=["close_approved_by"])
    return True


def _needs_second_person(refund: Refund, given_minor: int) -> bool:
    """What a bank has given is its own word; what people say that they gave is theirs."""
    if given_minor <= 0:
        return False
    alone = refund.capture.refunds.filter(state=states.CLOSED, close_approved_by="")
    minor = (alone.aggregate(total=Sum("amount_minor"))["total"] or 0) + given_minor
    return is_above_limit(Money(minor, refund.capture.currency))


def _without_what_was_lost(refund: Refund, given_minor: int, *, now: datetime) -> Refund:
    """Puts two in the place of a refund of which lost disputes have given a part: that part, void, and the rest."""
    parts = [
        Refund.objects.create(
            capture=refund.capture,
            key=uuid.uuid4(),
            amount_minor=amount_minor,
            reason=refund.reason,
            actor=refund.actor,
            state=states.FAILED,
            problem=refund.problem,
            requested_at=refund.requested_at,
            is_goodwill=refund.is_goodwill,
            replaces=replaces,
            closed_note=refund.closed_note,
            closed_by=refund.closed_by,
            close_approved_by=refund.close_approved_by,
        )
        for amount_minor, replaces in ((refund.amount_minor - given_minor, None), (given_minor, refund))
    ]
    refund.state = states.REPLACED
    refund.save(update_fields=["state"])
    lost, rest = parts
    void_refund(lost, now=now)
    return rest


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
