# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku dispute`: what payers' banks have taken back, and the evidence for each."""

import json
from pathlib import Path

import click

from tsuzuku.kernel import clock
from tsuzuku.project.commands.staff import as_json as _json
from tsuzuku.project.commands.staff import by, seeing_to_money, told

_reference = click.argument("reference")


@click.group(name="dispute", short_help="See to what payers' banks have taken back.", no_args_is_help=True)
def command() -> None:
    """Sees to disputes. They are answered at the provider, with the evidence that is kept here."""


@command.command(name="list", short_help="List disputes that have not ended.")
@click.option("--all", "is_all", is_flag=True, help="Those too that have ended.")
@_json
def list_disputes(is_all: bool, as_json: bool) -> None:
    """Lists disputes by the provider's references, oldest first."""
    with seeing_to_money():
        from tsuzuku.payments.queries import disputes_listed

        listed = list(disputes_listed(with_ended=is_all))
        if as_json:
            found = [
                {
                    "reference": each.reference,
                    "provider": each.provider,
                    "order": each.capture.payment.purpose,
                    "amount_minor": each.amount_minor,
                    "currency": each.capture.currency,
                    "reason": each.reason,
                    "state": each.state,
                    "opened_at": each.opened_at.isoformat(),
                }
                for each in listed
            ]
            click.echo(json.dumps(found))
            return
        for each in listed:
            order, opened_at = each.capture.payment.purpose, f"{each.opened_at:%Y-%m-%d %H:%M} UTC"
            about = f"order {order}, {told(each.amount)}, {each.reason}"
            click.echo(f"{each.reference}  {each.state}, opened {opened_at}  {about}")
        if not listed:
            click.echo("There are none.")


@command.command(name="evidence", short_help="Write all that a dispute needs into one file.")
@_reference
@click.option("-o", "output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="A ZIP file.")
def evidence(reference: str, output: Path) -> None:
    """Writes what was kept when the dispute REFERENCE was opened: the order, what was told, paid, given and used."""
    with seeing_to_money():
        from tsuzuku.payments.queries import dispute_by_reference
        from tsuzuku.support.actions import keep_evidence

        kept = keep_evidence(dispute_id=dispute_by_reference(reference).pk, now=clock.now())
        output.write_bytes(bytes(kept.file))
        click.echo(f"Wrote {output} ({len(kept.file):,} bytes), as of {kept.gathered_at:%Y-%m-%d %H:%M} UTC.")
        click.echo(f"SHA-256 {kept.sha256}")


@command.command(name="unflag", short_help="Take down the flag that a dispute put on a card.")
@_reference
@click.option("--note", required=True, metavar="TEXT", help="Why; it is kept.")
@by
def unflag(reference: str, note: str, by: str) -> None:
    """Takes down the flag that the dispute REFERENCE put on a card. One that is won takes it down by itself."""
    with seeing_to_money():
        from tsuzuku.payments.queries import dispute_by_reference
        from tsuzuku.renewals.disputed import unflag_disputed

        unflag_disputed(dispute_id=dispute_by_reference(reference).pk, actor=by, note=note, now=clock.now())
    click.echo("The card is not flagged for it any more.")
