# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku refund`: what waits for a person, and giving money back."""

import json
import uuid
from typing import TYPE_CHECKING, Any

import click

from tsuzuku.kernel import clock
from tsuzuku.project.commands.staff import as_json as _json
from tsuzuku.project.commands.staff import by, reason, seeing_to_money, told

if TYPE_CHECKING:
    from tsuzuku.payments.models import Refund, RefundProposal

_proposal = click.argument("proposal_id", type=int, metavar="PROPOSAL")
_refund = click.argument("refund_id", type=int, metavar="REFUND")
_note = click.option("--note", required=True, metavar="TEXT", help="What was decided or done; it is kept.")


@click.group(name="refund", short_help="Give money back, and see to refunds that failed.", no_args_is_help=True)
def command() -> None:
    """Gives money back. Above TSUZUKU_REFUND_APPROVAL_YEN a second person approves what one has proposed."""


@command.command(name="list", short_help="List what waits for a person.")
@_json
def list_waiting(as_json: bool) -> None:
    """Lists proposals that nobody has decided, and refunds that failed."""
    with seeing_to_money():
        from tsuzuku.payments.queries import proposals_waiting, refunds_failed

        proposals, failed = list(proposals_waiting()), list(refunds_failed())
        if as_json:
            found = {
                "proposals": [_proposal_fields(each) for each in proposals],
                "failed": [_refund_fields(each) for each in failed],
            }
            click.echo(json.dumps(found))
            return
        for proposal in proposals:
            order = proposal.capture.payment.purpose
            asked = f"{told(proposal.amount)}, proposed by {proposal.proposed_by}: {proposal.reason}"
            click.echo(f"proposal {proposal.pk}  order {order}  {asked}")
        for refund in failed:
            order = refund.capture.payment.purpose
            waits = (
                f"; {refund.closed_by} says: {refund.closed_note}; a second person closes it"
                if refund.closed_by
                else ""
            )
            click.echo(f"refund {refund.pk}  order {order}  {told(refund.amount)}, failed: {refund.problem}{waits}")
        if not proposals and not failed:
            click.echo("Nothing waits.")


def _proposal_fields(proposal: "RefundProposal") -> dict[str, Any]:
    return {
        "id": proposal.pk,
        "order": proposal.capture.payment.purpose,
        "capture": proposal.capture_id,
        "amount_minor": proposal.amount_minor,
        "currency": proposal.capture.currency,
        "reason": proposal.reason,
        "proposed_by": proposal.proposed_by,
        "state": proposal.state,
        "refund": proposal.refund_id,
    }


def _refund_fields(refund: "Refund") -> dict[str, Any]:
    return {
        "id": refund.pk,
        "order": refund.capture.payment.purpose,
        "amount_minor": refund.amount_minor,
        "currency": refund.capture.currency,
        "reason": refund.reason,
        "state": refund.state,
        "problem": refund.problem,
        "closed_by": refund.closed_by,
        "closed_note": refund.closed_note,
    }


@command.command(name="propose", short_help="Propose to give money of an order back.")
@click.argument("order_number", metavar="ORDER")
@click.option("--amount-minor", type=int, help="In minor units. Default: all that is left.")
@click.option("--capture", "capture_id", type=int, help="Which payment. Default: the one that paid.")
@click.option("--key", type=click.UUID, help="With the same key it is proposed once, however often.")
@reason
@by
@_json
def propose(
    *,
    order_number: str,
    amount_minor: int | None,
    capture_id: int | None,
    key: uuid.UUID | None,
    reason: str,
    by: str,
    as_json: bool,
) -> None:
    """Proposes to give money of ORDER back. Up to the limit it is on its way at once."""
    with seeing_to_money():
        from tsuzuku.payments.proposing import propose_refund

        proposal = propose_refund(
            capture_id=_capture_of(order_number, capture_id),
            amount_minor=amount_minor,
            reason=reason,
            actor=by,
            key=key or uuid.uuid4(),
            now=clock.now(),
        )
        if as_json:
            click.echo(json.dumps(_proposal_fields(proposal)))
        elif proposal.refund_id:
            click.echo(f"{told(proposal.amount)} are on their way back.")
        else:
            waits = "waits for a second person: tsuzuku refund approve"
            click.echo(f"Proposal {proposal.pk} of {told(proposal.amount)} {waits} {proposal.pk} --by ...")


def _capture_of(order_number: str, capture_id: int | None) -> int:
    """The payment of an order that was named, else the one that paid it. Raises OrderUnknown or CaptureUnknown."""
    from tsuzuku.orders.queries import order_by_number
    from tsuzuku.payments.errors import CaptureUnknown
    from tsuzuku.payments.models import CaptureOutcome
    from tsuzuku.payments.queries import captures_of

    captures = captures_of(order_by_number(order_number).number)
    for capture in captures:
        if capture.pk == capture_id or (capture_id is None and capture.outcome == CaptureOutcome.ACCEPTED):
            return capture.pk
    if capture_id is None and len(captures) == 1:
        return captures[0].pk
    raise CaptureUnknown


@command.command(name="approve", short_help="Approve what somebody else has proposed.")
@_proposal
@by
def approve(proposal_id: int, by: str) -> None:
    """Approves PROPOSAL, and sends the money back. Whoever proposed it cannot."""
    with seeing_to_money():
        from tsuzuku.payments.proposing import approve_refund

        proposal = approve_refund(proposal_id=proposal_id, actor=by, now=clock.now())
        click.echo(f"{told(proposal.amount)} are on their way back.")


@command.command(name="decline", short_help="Decline what was proposed.")
@_proposal
@_note
@by
def decline(proposal_id: int, note: str, by: str) -> None:
    """Declines PROPOSAL. Nothing is given back."""
    with seeing_to_money():
        from tsuzuku.payments.proposing import decline_refund

        decline_refund(proposal_id=proposal_id, note=note, actor=by, now=clock.now())
    click.echo(f"Proposal {proposal_id} is declined.")


@command.command(name="retry", short_help="Ask once more for a refund that failed.")
@_refund
@by
def retry(refund_id: int, by: str) -> None:
    """Asks the provider once more for REFUND, as another refund."""
    with seeing_to_money():
        from tsuzuku.payments.failed_refunds import retry_refund

        again = retry_refund(refund_id=refund_id, actor=by, now=clock.now())
        click.echo(f"{told(again.amount)} are asked for once more, as refund {again.pk}.")


@command.command(name="close", short_help="Book a refund that failed as given back another way.")
@_refund
@_note
@by
def close(refund_id: int, note: str, by: str) -> None:
    """Books that the money of REFUND was given back another way, such as by bank transfer.

    Above TSUZUKU_REFUND_APPROVAL_YEN it waits until a second person closes it too.
    """
    with seeing_to_money():
        from tsuzuku.payments.failed_refunds import close_refund

        refund = close_refund(refund_id=refund_id, note=note, actor=by, now=clock.now())
        if refund.state == "void":
            click.echo(f"Refund {refund_id} is void: the payer's bank had given the money back.")
        elif refund.state == "failed":
            waits = "It is kept, and waits for a second person: tsuzuku refund close"
            click.echo(f"{waits} {refund_id} --note ... --by ...")
        else:
            click.echo(f"Refund {refund_id} is closed: {told(refund.amount)} were given back another way.")
