# SPDX-License-Identifier: Apache-2.0
"""Tables that more than one page shows."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from tsuzuku.channels.console.names import names_of
from tsuzuku.channels.console.sheets import link, moment, money, said
from tsuzuku.channels.console.words import state_tag
from tsuzuku.payments.models import Capture, Dispute, Payment, ProviderNotice, Refund, RefundProposal


def payment_rows(payments: Iterable[Payment], *, now: datetime) -> dict[str, Any]:
    """Tries to take money."""
    return {
        "headers": [_("Payment"), _("Provider"), _("Method"), _("State"), _("Amount"), _("Started")],
        "rows": [
            (
                link(payment.pk, "paymententry", payment.pk),
                payment.provider,
                payment.method,
                state_tag("payment", payment.state),
                money(payment.amount_minor, payment.currency),
                moment(payment.created_at, now=now),
            )
            for payment in payments
        ],
        "empty": _("Nobody has tried to pay."),
    }


def capture_rows(captures: Iterable[Capture], *, now: datetime) -> dict[str, Any]:
    """Money that providers took."""
    return {
        "headers": [_("Provider's reference"), _("Provider"), _("Amount"), _("Outcome"), _("Taken")],
        "rows": [
            (
                capture.reference,
                capture.provider,
                money(capture.amount_minor, capture.currency),
                state_tag("capture", capture.outcome),
                moment(capture.captured_at, now=now),
            )
            for capture in captures
        ],
        "empty": _("No money was taken."),
    }


def refund_rows(refunds: Iterable[Refund], *, now: datetime) -> dict[str, Any]:
    """Money that went back; each with its capture."""
    refunds = list(refunds)
    names = names_of(refund.actor for refund in refunds)
    return {
        "headers": [_("Refund"), _("Amount"), _("State"), _("Reason"), _("Asked for by"), _("Asked for")],
        "rows": [
            (
                link(refund.pk, "refundentry", refund.pk),
                money(refund.amount_minor, refund.capture.currency),
                state_tag("refund", refund.state),
                said(refund.reason),
                names[refund.actor],
                moment(refund.requested_at, now=now),
            )
            for refund in refunds
        ],
        "empty": _("No money went back."),
    }


def move_rows(subject: str, moves: Iterable[Any], *, now: datetime) -> dict[str, Any]:
    """The history of an order or a renewal."""
    moves = list(moves)
    names = names_of(move.actor for move in moves)
    return {
        "headers": [_("From state"), _("To state"), _("Reason"), _("By whom"), _("When")],
        "rows": [
            (
                state_tag(subject, move.source),
                state_tag(subject, move.target),
                said(move.reason),
                names[move.actor],
                moment(move.at, now=now),
            )
            for move in moves
        ],
        "empty": _("Nothing yet."),
    }


def proposal_rows(proposals: Iterable[RefundProposal], *, now: datetime) -> dict[str, Any]:
    """What people proposed to give back; each with its capture."""
    proposals = list(proposals)
    names = names_of(word for proposal in proposals for word in (proposal.proposed_by, proposal.decided_by))
    return {
        "headers": [
            _("Proposal"),
            _("Amount"),
            _("State"),
            _("Reason"),
            _("Proposed by"),
            _("Decided by"),
            _("Proposed"),
        ],
        "rows": [
            (
                link(proposal.pk, "proposalentry", proposal.pk),
                money(proposal.amount_minor, proposal.capture.currency),
                state_tag("proposal", proposal.state),
                said(proposal.reason),
                names[proposal.proposed_by],
                said(names[proposal.decided_by]),
                moment(proposal.proposed_at, now=now),
            )
            for proposal in proposals
        ],
        "empty": _("Nothing was proposed."),
    }


def dispute_rows(disputes: Iterable[Dispute], *, now: datetime) -> dict[str, Any]:
    """What payers' banks took back; each with its capture."""
    return {
        "headers": [_("Dispute"), _("Amount"), _("State"), _("Reason"), _("Opened"), _("Ended")],
        "rows": [
            (
                link(dispute.reference, "disputeentry", dispute.pk),
                money(dispute.amount_minor, dispute.capture.currency),
                state_tag("dispute", dispute.state),
                said(dispute.reason),
                moment(dispute.opened_at, now=now),
                moment(dispute.ended_at, now=now),
            )
            for dispute in disputes
        ],
        "empty": _("There is none."),
    }


def notice_rows(notices: Iterable[ProviderNotice], *, now: datetime) -> dict[str, Any]:
    """What providers told, without their own words: those may hold secrets and people's data."""
    return {
        "headers": [_("Provider"), _("Event"), _("Kind"), _("Why it had no effect"), _("When")],
        "rows": [
            (notice.provider, notice.event_id, notice.kind, said(notice.problem), moment(notice.taken_at, now=now))
            for notice in notices
        ],
        "empty": _("The provider has told nothing."),
    }
