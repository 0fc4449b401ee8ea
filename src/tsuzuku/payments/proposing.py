# SPDX-License-Identifier: Apache-2.0
"""Giving money back as people do: proposed with a reason, and approved by a second person above a limit.

Whoever decides locks the capture, so that two at once never give back more than is left of it.
"""

import uuid
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from tsuzuku.journal.actions import record_facts
from tsuzuku.kernel.money import Money
from tsuzuku.payments import states
from tsuzuku.payments.errors import (
    CaptureDisputed,
    CaptureHeld,
    CaptureInBalance,
    CaptureUnknown,
    ProposalDecided,
    ProposalReused,
    ProposalUnknown,
    ReasonMissing,
    RefundTooEarly,
    RefundTooLarge,
    SecondPersonNeeded,
)
from tsuzuku.payments.events import RefundApproved, RefundDeclined, RefundProposed
from tsuzuku.payments.ledger import CUSTOMERS, REVENUE, Entry, post
from tsuzuku.payments.models import BalancePart, Capture, CaptureOutcome, Posting, RefundProposal
from tsuzuku.payments.refunding import write_refund
from tsuzuku.payments.remains import failed_minor, is_disputed, refundable_minor

#: The limit is in this currency; of any other every amount is above it.
_LIMIT_CURRENCY = "JPY"


def propose_refund(
    *, capture_id: int, amount_minor: int | None, reason: str, actor: str, key: uuid.UUID, now: datetime
) -> RefundProposal:
    """Proposes to give back a part of a capture, or with no amount all that is left. The same key proposes once.

    Up to the limit (TSUZUKU_REFUND_APPROVAL_YEN, of all that was given back of the capture without a second person) it
    is approved at once; above it, it waits for another person. What waits, and what has failed, counts as given.

    Raises ReasonMissing, CaptureUnknown, CaptureHeld (its order is resolved as a whole), CaptureDisputed (its payer's
    bank holds the money), CaptureInBalance (it topped a balance up), RefundTooEarly (what it pays for may still come),
    RefundTooLarge (more than is left), or ProposalReused (the key stands for something else).
    """
    if not reason.strip():
        raise ReasonMissing
    with transaction.atomic():
        capture = _locked(capture_id)
        known = RefundProposal.objects.filter(key=key).first()
        if known is not None:
            asked = (capture.pk, amount_minor if amount_minor is not None else known.amount_minor, reason)
            if (known.capture_id, known.amount_minor, known.reason) != asked:
                raise ProposalReused
            return known
        left = _left_minor(capture) - _waiting_minor(capture)
        amount = left if amount_minor is None else amount_minor
        _check(capture, amount, left=left)
        proposal = RefundProposal.objects.create(
            capture=capture,
            key=key,
            amount_minor=amount,
            reason=reason,
            needs_approval=_needs_approval(capture, amount),
            proposed_by=actor,
            proposed_at=now,
        )
        proposed = RefundProposed(proposal_id=proposal.pk, purpose=capture.payment.purpose)
        record_facts([proposed], actor=actor, now=now)
        if not proposal.needs_approval:
            _approve(proposal, capture, actor=actor, now=now)
        return proposal


def approve_refund(*, proposal_id: int, actor: str, now: datetime) -> RefundProposal:
    """Approves what somebody else has proposed, and sends the money back. Approved already is fine.

    Raises ProposalUnknown, ProposalDecided (it was declined), SecondPersonNeeded (`actor` proposed it), and
    CaptureDisputed, RefundTooEarly or RefundTooLarge if that has become the case since it was proposed.
    """
    with transaction.atomic():
        proposal, capture = _locked_proposal(proposal_id)
        if proposal.state == states.APPROVED:
            return proposal
        if proposal.state != states.WAITING:
            raise ProposalDecided(state=proposal.state)
        if proposal.proposed_by == actor:
            raise SecondPersonNeeded
        _check(capture, proposal.amount_minor, left=_left_minor(capture))
        _approve(proposal, capture, actor=actor, now=now)
        return proposal


def decline_refund(*, proposal_id: int, note: str, actor: str, now: datetime) -> RefundProposal:
    """Declines what was proposed, and says why; its proposer may do it too. Declined already is fine.

    Raises ReasonMissing, ProposalUnknown or ProposalDecided (it was approved).
    """
    if not note.strip():
        raise ReasonMissing
    with transaction.atomic():
        proposal, capture = _locked_proposal(proposal_id)
        if proposal.state == states.DECLINED:
            return proposal
        if proposal.state != states.WAITING:
            raise ProposalDecided(state=proposal.state)
        proposal.state, proposal.note = states.DECLINED, note
        proposal.decided_by, proposal.decided_at = actor, now
        proposal.save(update_fields=["state", "note", "decided_by", "decided_at"])
        declined = RefundDeclined(proposal_id=proposal.pk, purpose=capture.payment.purpose)
        record_facts([declined], actor=actor, now=now)
        return proposal


def _locked(capture_id: int) -> Capture:
    captures = Capture.objects.select_related("payment").select_for_update(of=("self",))
    capture = captures.filter(pk=capture_id).first()
    if capture is None:
        raise CaptureUnknown
    return capture


def _locked_proposal(proposal_id: int) -> tuple[RefundProposal, Capture]:
    """A proposal and its capture, under the lock of the capture, which whoever writes proposals holds."""
    found = RefundProposal.objects.filter(pk=proposal_id).first()
    if found is None:
        raise ProposalUnknown
    capture = _locked(found.capture_id)
    found.refresh_from_db()
    return found, capture


def _left_minor(capture: Capture) -> int:
    """What may be given back of a locked capture."""
    return refundable_minor(capture) - failed_minor(capture)


def _waiting_minor(capture: Capture) -> int:
    return capture.proposals.filter(state=states.WAITING).aggregate(total=Sum("amount_minor"))["total"] or 0


def _check(capture: Capture, amount_minor: int, *, left: int) -> None:
    """Raises what forbids to give so much back now."""
    if capture.outcome == CaptureOutcome.HELD:
        raise CaptureHeld
    if is_disputed(capture):
        raise CaptureDisputed
    has_ended = capture.outcome == CaptureOutcome.SURPLUS or is_earned(capture)
    if left > 0 and not has_ended:
        if BalancePart.objects.filter(reference=capture.payment.purpose).exists():
            raise CaptureInBalance
        raise RefundTooEarly
    if not 0 < amount_minor <= left:
        raise RefundTooLarge(left_minor=max(left, 0), currency=capture.currency)


def is_earned(capture: Capture) -> bool:
    """Whether what a capture paid for has been given: what goes back of it then is goodwill."""
    earned = Posting.objects.filter(kind="earn", subject=capture.payment.purpose)
    return capture.outcome == CaptureOutcome.ACCEPTED and earned.exists()


def _needs_approval(capture: Capture, amount_minor: int) -> bool:
    alone = capture.proposals.filter(needs_approval=False).aggregate(total=Sum("amount_minor"))["total"] or 0
    return is_above_limit(Money(alone + amount_minor, capture.currency))


def is_above_limit(amount: Money) -> bool:
    """Whether one person alone does not give so much back."""
    return amount.currency != _LIMIT_CURRENCY or amount.amount_minor > settings.REFUND_APPROVAL_YEN


def _approve(proposal: RefundProposal, capture: Capture, *, actor: str, now: datetime) -> None:
    """Sends what was proposed on its way; what had been earned is owed again from now on."""
    purpose = capture.payment.purpose
    refund = write_refund(
        capture,
        amount_minor=proposal.amount_minor,
        reason=proposal.reason,
        actor=proposal.proposed_by,
        is_goodwill=is_earned(capture),
        now=now,
    )
    if refund.is_goodwill:
        unearned = Entry(
            kind="unearn",
            subject=f"refund:{refund.pk}",
            purpose=purpose,
            debit=REVENUE,
            credit=CUSTOMERS,
            amount=refund.amount,
        )
        post([unearned], now=now)
    proposal.state, proposal.refund = states.APPROVED, refund
    proposal.decided_by, proposal.decided_at = actor, now
    proposal.save(update_fields=["state", "refund", "decided_by", "decided_at"])
    record_facts([RefundApproved(proposal_id=proposal.pk, purpose=purpose)], actor=actor, now=now)
