# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku reconcile`: a provider's settlement file held against our books, and what of it is still to be seen to."""

import json
import sys
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tsuzuku.kernel import clock
from tsuzuku.project.periods import DAY

if TYPE_CHECKING:
    from tsuzuku.kernel.errors import DomainError
    from tsuzuku.reports.models import SettlementDifference, SettlementFile
    from tsuzuku.reports.periods import Days
    from tsuzuku.reports.queries import DayFigure

#: Who did it: whoever may run commands.
OPERATOR = "operator"
_UNREADABLE = 2

#: By the code of what was refused: what is the case, and what to do about it.
WHAT_TO_DO = {
    "settlement-unknown": "no provider of this installation, or not the one that you named, has files of this form; "
    "docs/operating/reconciliation.md says which file to download",
    "settlement-malformed": "line {line}: expected {expected}",
    "settlement-empty": "the file has no lines and does not say of which days: name them by --from and --to",
    "settlement-too-large": "the file has more than {bytes_max:,} bytes: download it for fewer days at a time",
    "settlement-foreign": "none of its {lines:,} payments is in our books, so it is another account's; if it is not, "
    "say so by --unknown-ok",
    "settlement-of-another-time": "it has lines from {first} to {last}, which are other days than --from and --to",
    "provider-unknown": "there is no provider of this name",
    "difference-unknown": "there is no difference of this number; `tsuzuku reconcile --list` has those that are open",
    "difference-resolved": "nobody need see to it any more",
}


@click.command(name="reconcile", short_help="Hold a provider's settlement file against our books.")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--provider", metavar="NAME", help="Whose file it must be; with --list, whose differences.")
@click.option("--from", "first", type=DAY, help="The first day that the file was downloaded for, in the brand's time.")
@click.option("--to", "last", type=DAY, help="The last day. Both or neither.")
@click.option("--unknown-ok", is_flag=True, help="Take the file although none of its payments is in our books.")
@click.option("--list", "is_list", is_flag=True, help="List the differences that nobody has seen to.")
@click.option("--resolve", type=int, metavar="NUMBER", help="Write down that you have seen to a difference.")
@click.option("--note", default="", help="With --resolve: what was done about it.")
@click.option("--json", "as_json", is_flag=True, help="Answer with JSON.")
def command(
    *,
    file: Path | None,
    provider: str | None,
    first: date | None,
    last: date | None,
    unknown_ok: bool,
    is_list: bool,
    resolve: int | None,
    note: str,
    as_json: bool,
) -> None:
    """Holds a provider's settlement FILE against our books, and says for each day what is in which of the two.

    Exit code 0: all of it matches. 1: there are differences. 2: nobody could read the file, and nothing was kept of it.
    """
    if [file is not None, is_list, resolve is not None].count(True) != 1:
        raise click.UsageError("name a FILE, or --list, or --resolve")
    if (first is None) != (last is None):
        raise click.UsageError("--from and --to go together")
    if resolve is not None and not note.strip():
        raise click.UsageError("--resolve needs a --note of what was done")
    from tsuzuku.kernel.errors import DomainError
    from tsuzuku.project.database import database

    try:
        with database():
            if is_list:
                _list(provider, as_json=as_json)
            elif resolve is not None:
                _resolve(resolve, note.strip())
            elif file is not None:
                _reconcile(file, provider, _days(first, last), is_known_foreign=unknown_ok, as_json=as_json)
    except DomainError as refused:
        if refused.code not in WHAT_TO_DO:
            raise
        click.echo(f"Error: {_words(refused)}", err=True)
        sys.exit(1 if resolve is not None else _UNREADABLE)


def _days(first: date | None, last: date | None) -> "Days | None":
    from tsuzuku.reports.periods import Days

    if first is None or last is None:
        return None
    try:
        return Days(first, last)
    except ValueError as problem:
        raise click.UsageError(str(problem)) from problem


def _reconcile(path: Path, provider: str | None, days: "Days | None", *, is_known_foreign: bool, as_json: bool) -> None:
    from tsuzuku.reports.errors import SettlementTooLarge
    from tsuzuku.reports.queries import differences_of, figures_of
    from tsuzuku.reports.reconciling import FILE_BYTES_MAX, take_settlement

    if path.stat().st_size > FILE_BYTES_MAX:
        raise SettlementTooLarge(bytes_max=FILE_BYTES_MAX)
    taken = take_settlement(
        name=path.name,
        body=path.read_bytes(),
        provider=provider,
        days=days,
        is_known_foreign=is_known_foreign,
        actor=OPERATOR,
        now=clock.now(),
    )
    figures, differences = figures_of(taken.file), list(differences_of(taken.file))
    open_ones = [each for each in differences if each.is_open]
    if as_json:
        answer = {
            **_file_fields(taken.file),
            "is_new": taken.is_new,
            "explained": taken.explained,
            "days": [_figure_fields(figure) for figure in figures],
            "differences": [_fields(each) for each in differences],
            "open": len(open_ones),
        }
        click.echo(json.dumps(answer, ensure_ascii=False))
    else:
        if not taken.is_new:
            click.echo(f"This file was taken on {taken.file.taken_at:%Y-%m-%d %H:%M} UTC already; nothing was changed.")
        _tell(taken.file, figures, differences)
        if taken.explained:
            click.echo(f"Explained by it: {taken.explained:,} differences of before.")
        _tell_open(open_ones)
    sys.exit(1 if open_ones else 0)


def _tell(
    file: "SettlementFile", figures: "Sequence[DayFigure]", differences: "Sequence[SettlementDifference]"
) -> None:
    from tsuzuku.look.formats import money
    from tsuzuku.reports.kinds import DifferenceKind

    click.echo(f"{file.name}: {file.provider}, {_moment(file.begins_at)} to {_moment(file.ends_at)}")
    for figure in figures:
        what = figure.kind.replace("_", " ")
        fees = f", fees {money(figure.fees)}" if figure.fees.amount_minor else ""
        click.echo(f"{figure.day}  {what:<16}  {figure.lines:>7,}  {money(figure.total):>14}{fees}")
    if file.others:
        click.echo(
            f"{file.others:,} lines are no payments (payouts, the provider's own fees) and matched with nothing."
        )
    if file.known:
        click.echo(f"{file.known:,} lines were in earlier files.")
    if other_days := [each for each in differences if each.kind == DifferenceKind.ANOTHER_DAY]:
        click.echo(f"{len(other_days):,} lines are booked on another day than in our books, which is no difference.")


def _tell_open(differences: "Sequence[SettlementDifference]") -> None:
    from tsuzuku.reports.words import explanation

    if not differences:
        click.echo("No differences.")
        return
    click.echo(f"Differences: {len(differences):,}")
    for each in differences:
        click.echo(f"#{each.pk}  {each.day}  {each.provider}  {each.kind}: {explanation(each)}")


def _list(provider: str | None, *, as_json: bool) -> None:
    from tsuzuku.reports.queries import open_differences

    found = list(open_differences(provider))
    if as_json:
        click.echo(json.dumps([_fields(each) for each in found], ensure_ascii=False))
        return
    _tell_open(found)


def _resolve(number: int, note: str) -> None:
    from tsuzuku.reports.reconciling import resolve_difference

    resolve_difference(difference_id=number, actor=OPERATOR, note=note, now=clock.now())
    click.echo(f"#{number} is seen to.")


def _file_fields(file: "SettlementFile") -> dict[str, Any]:
    return {
        "file": file.name,
        "provider": file.provider,
        "begins_at": file.begins_at.isoformat(),
        "ends_at": file.ends_at.isoformat(),
        "others": file.others,
        "known": file.known,
    }


def _figure_fields(figure: "DayFigure") -> dict[str, Any]:
    return {
        "day": figure.day.isoformat(),
        "kind": figure.kind.value,
        "lines": figure.lines,
        "amount_minor": figure.total.amount_minor,
        "fee_minor": figure.fees.amount_minor,
        "currency": figure.total.currency,
    }


def _fields(difference: "SettlementDifference") -> dict[str, Any]:
    from tsuzuku.reports.words import explanation

    return {
        "id": difference.pk,
        "provider": difference.provider,
        "day": difference.day.isoformat(),
        "kind": difference.kind,
        "is_open": difference.is_open,
        "line": difference.number,
        "line_kind": difference.line_kind,
        "reference": difference.identity or difference.our_reference,
        "capture_reference": difference.capture_reference,
        "order": difference.purpose,
        "amount_minor": difference.amount_minor,
        "currency": difference.currency,
        "our_amount_minor": difference.our_amount_minor,
        "our_currency": difference.our_currency,
        "resolved_by": difference.resolved_by,
        "note": difference.note,
        "explanation": explanation(difference),
    }


def _words(refused: "DomainError") -> str:
    words: str = WHAT_TO_DO[refused.code]
    return words.format(**refused.particulars)


def _moment(moment: datetime) -> str:
    """In the brand's time."""
    from django.utils.timezone import localtime

    return f"{localtime(moment):%Y-%m-%d %H:%M}"
