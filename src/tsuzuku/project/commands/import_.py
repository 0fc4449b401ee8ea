# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku import`: card stock as carriers send it, plans, promotions, exchange rates, and usage."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

import click

from tsuzuku.kernel import clock

if TYPE_CHECKING:
    from django.utils.functional import Promise

    from tsuzuku.cards.actions import StockImport
    from tsuzuku.catalog.actions import PlansImport
    from tsuzuku.catalog.file_reading import Notice
    from tsuzuku.catalog.plan_file import ParsedPlans
    from tsuzuku.catalog.promotion_file import ParsedPromotions
    from tsuzuku.catalog.promotion_import import PromotionsImport
    from tsuzuku.catalog.rate_file import ParsedRates
    from tsuzuku.catalog.terms import Mistake
    from tsuzuku.usage.imports import UsageImport

#: A screenful; `--json` names them all.
PROBLEMS_SHOWN = 50

_file = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_json = click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")


@click.group(
    name="import", short_help="Import card stock, plans, promotions, rates and usage from files.", no_args_is_help=True
)
def command() -> None:
    """Imports files. An import can be repeated, and repeated after it was killed."""


@command.command(name="cards", short_help="Import card stock from a carrier's CSV file.")
@_file
@click.option("--update", is_flag=True, help="Change known cards to what the file says of them.")
@click.option("--carrier", metavar="NAME", help="Whose cards they are; needed where there are several carriers.")
@_json
def cards(file: Path, update: bool, carrier: str | None, as_json: bool) -> None:
    """Imports card stock from FILE as a carrier sends it: CSV in UTF-8, UTF-16 or Shift_JIS.

    Each line is accepted, changed (applied only with --update), unchanged, blank, or refused with a reason.
    Exit code 1 if the file as a whole cannot be read; nothing is imported then.
    """
    from tsuzuku.project.database import database

    with database(), file.open("rb") as stock:
        from tsuzuku.cards.actions import import_cards
        from tsuzuku.cards.errors import StockFileRefused

        whose = _carrier_named(carrier)
        try:
            with _progress(stock) as on_progress:
                result = import_cards(
                    file=stock, carrier=whose, update=update, now=clock.now(), on_progress=on_progress
                )
        except StockFileRefused as refused:
            if as_json:
                _answer_json({"error": {"code": refused.code, "reason": refused.reason}})
            click.echo(f"{file}: {refused.reason}", err=True)
            sys.exit(1)
        if as_json:
            _answer_json(_stock_json(result))
        else:
            _tell_stock(file, result, update=update)


def _carrier_named(name: str | None) -> str:
    """The name of a carrier that there is; none given is the only one. Raises click.BadParameter."""
    from tsuzuku.carriers.registry import carrier_names

    known = carrier_names()
    if name in known:
        return name
    if name is None and len(known) == 1:
        return known[0]
    choices = f"choose one of {', '.join(known)}"
    problem = "there are several carriers" if name is None else f"there is no carrier named {name!r}"
    raise click.BadParameter(f"{problem}: {choices}", param_hint="--carrier")


@contextmanager
def _progress(file: BinaryIO) -> Iterator[Callable[[], None]]:
    """A bar of how much of the file is read, on a terminal; nothing on a pipe."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    with click.progressbar(length=os.fstat(file.fileno()).st_size, file=sys.stderr, label=Path(file.name).name) as bar:
        yield lambda: bar.update(file.tell() - bar.pos)


def _stock_json(result: "StockImport") -> dict[str, Any]:
    refused = sum(result.refused.values())
    return {
        "encoding": result.stock_format.encoding.name,
        "delimiter": result.stock_format.delimiter,
        "headings_ignored": list(result.stock_format.ignored),
        "accepted": result.accepted,
        "changed": result.changed,
        "updated": result.updated,
        "unchanged": result.unchanged,
        "refused": refused,
        "blank": result.blank,
        "problems": [{"line": line, "code": problem.value} for line, problem in result.problems],
        "problems_left_out": refused - len(result.problems),
    }


def _tell_stock(file: Path, result: "StockImport", *, update: bool) -> None:
    from django.utils.translation import gettext as _

    from tsuzuku.cards.stock_file import WHAT_TO_DO

    refused = sum(result.refused.values())
    click.echo(_("%(file)s, read as %(encoding)s:") % {"file": file, "encoding": result.stock_format.encoding.name})
    for count, word in (
        (result.accepted, _("accepted")),
        (result.changed, _("changed") if update else _("changed, left as they were: --update applies them")),
        (result.unchanged, _("unchanged")),
        (refused, _("refused")),
        (result.blank, _("blank")),
    ):
        click.echo(f"{count:>9,}  {word}")
    if result.stock_format.ignored:
        click.echo(_("Columns not read: %(headings)s.") % {"headings": ", ".join(result.stock_format.ignored)})
    if refused:
        click.echo(_("Refused lines:"))
    for line, problem in result.problems[:PROBLEMS_SHOWN]:
        click.echo(
            _("  line %(line)d: %(code)s, %(what)s")
            % {
                "line": line,
                "code": problem.value,
                "what": WHAT_TO_DO[problem],
            }
        )
    if refused > PROBLEMS_SHOWN:
        click.echo(_("  and %(count)d more, which --json names.") % {"count": refused - PROBLEMS_SHOWN})


@command.command(name="plans", short_help="Import plans from a JSON file.")
@_file
@_json
def plans(file: Path, as_json: bool) -> None:
    """Imports plans from FILE (JSON).

    Plans are known by their codes: what differs is changed, a new price begins where it differs, what was sold stays.
    Exit code 1 if the file has a mistake; every mistake is named and nothing is imported then.
    """
    from tsuzuku.project.database import database

    with database():
        from tsuzuku.catalog.actions import import_plans
        from tsuzuku.catalog.plan_file import parse_plans
        from tsuzuku.catalog.queries import plan_codes

        parsed = parse_plans(file.read_bytes(), known_codes=plan_codes())
        if parsed.mistakes:
            _refuse_plans(file, parsed, as_json=as_json)
        result = import_plans(parsed=parsed, now=clock.now())
        if as_json:
            _answer_json(
                {
                    "plans": result.plans,
                    "new": result.new,
                    "changed": result.changed,
                    "unchanged": result.unchanged,
                    "new_prices": result.new_prices,
                    "notices": _named(result.notices),
                    "mistakes": [],
                }
            )
        else:
            _tell_plans(file, result)


def _refuse_plans(file: Path, parsed: "ParsedPlans", *, as_json: bool) -> NoReturn:
    from tsuzuku.catalog.plan_file import MISTAKES

    if as_json:
        _answer_json({"notices": _named(parsed.notices), "mistakes": _named(parsed.mistakes)})
    _tell_mistakes(file, parsed.mistakes, MISTAKES, unreadable=parsed.unreadable)
    sys.exit(1)


def _tell_mistakes(
    file: Path, mistakes: "Sequence[Mistake]", meanings: "Mapping[str, Promise]", *, unreadable: str
) -> None:
    from django.utils.translation import gettext as _

    if unreadable:
        click.echo(_("%(file)s is not JSON: %(why)s") % {"file": file, "why": unreadable}, err=True)
        return
    click.echo(_("%(file)s has mistakes, so nothing was imported:") % {"file": file}, err=True)
    for each in mistakes:
        click.echo(_sentence(each, meanings), err=True)


def _tell_plans(file: Path, result: "PlansImport") -> None:
    from django.utils.translation import gettext as _

    from tsuzuku.catalog.plan_file import NOTICES

    counts = (
        (result.plans, _("plans")),
        (result.new, _("new")),
        (result.changed, _("changed")),
        (result.unchanged, _("unchanged")),
        (result.new_prices, _("new prices")),
    )
    _tell_counts(file, counts, result.notices, NOTICES)


def _tell_counts(
    file: Path, counts: Sequence[tuple[int, str]], notices: "Sequence[Notice]", meanings: "Mapping[str, Promise]"
) -> None:
    from django.utils.translation import gettext as _

    click.echo(_("%(file)s:") % {"file": file})
    for count, word in counts:
        click.echo(f"{count:>9,}  {word}")
    if notices:
        click.echo(_("Worth a look:"))
    for each in notices:
        click.echo(_sentence(each, meanings))


def _sentence(each: "Mistake | Notice", meanings: "Mapping[str, Promise]") -> str:
    where = ", ".join(part for part in (each.plan, each.field) if part)
    return f"  {where}: {each.code}, {meanings[each.code]}"


def _named(found: "Sequence[Mistake | Notice]", subject: str = "plan") -> list[dict[str, str]]:
    return [{subject: each.plan, "field": each.field, "code": each.code} for each in found]


@command.command(name="promotions", short_help="Import promotions from a JSON file.")
@_file
@_json
def promotions(file: Path, as_json: bool) -> None:
    """Imports promotions from FILE (JSON).

    Promotions are known by their codes: what differs is changed, what they took off so far stays counted. Exit code 1
    if the file has a mistake; every mistake is named and nothing is imported then.
    """
    from tsuzuku.project.database import database

    with database():
        from tsuzuku.catalog.errors import PromotionFileRefused
        from tsuzuku.catalog.promotion_import import import_promotions

        try:
            result = import_promotions(text=file.read_bytes())
        except PromotionFileRefused as refused:
            _refuse_promotions(file, refused.parsed, as_json=as_json)
        if as_json:
            _answer_json(
                {
                    "promotions": result.promotions,
                    "new": result.new,
                    "changed": result.changed,
                    "unchanged": result.unchanged,
                    "notices": _named(result.notices, "promotion"),
                    "mistakes": [],
                }
            )
        else:
            _tell_promotions(file, result)


def _refuse_promotions(file: Path, parsed: "ParsedPromotions", *, as_json: bool) -> NoReturn:
    from tsuzuku.catalog.promotion_file import MISTAKES

    if as_json:
        named = [_named(found, "promotion") for found in (parsed.notices, parsed.mistakes)]
        _answer_json({"notices": named[0], "mistakes": named[1]})
    _tell_mistakes(file, parsed.mistakes, MISTAKES, unreadable=parsed.unreadable)
    sys.exit(1)


def _tell_promotions(file: Path, result: "PromotionsImport") -> None:
    from django.utils.translation import gettext as _

    from tsuzuku.catalog.promotion_file import NOTICES

    counts = (
        (result.promotions, _("promotions")),
        (result.new, _("new")),
        (result.changed, _("changed")),
        (result.unchanged, _("unchanged")),
    )
    _tell_counts(file, counts, result.notices, NOTICES)


@command.command(name="rates", short_help="Import exchange rates from a CSV or JSON file.")
@_file
@_json
def rates(file: Path, as_json: bool) -> None:
    """Imports exchange rates from FILE (CSV with headings, or JSON), by which prices are told in other currencies too.

    What was there stays as history; a rate older than a week is not shown. Exit code 1 if the file has a mistake; every
    mistake is named and nothing is imported then.
    """
    from tsuzuku.project.database import database

    with database():
        from django.utils.translation import gettext as _

        from tsuzuku.catalog.errors import RateFileRefused
        from tsuzuku.catalog.rates import import_rates

        try:
            result = import_rates(text=file.read_bytes(), now=clock.now())
        except RateFileRefused as refused:
            _refuse_rates(file, refused.parsed, as_json=as_json)
        if as_json:
            _answer_json({"new": result.new, "unchanged": result.unchanged, "mistakes": []})
        else:
            _tell_counts(file, ((result.new, _("new")), (result.unchanged, _("unchanged"))), (), {})


def _refuse_rates(file: Path, parsed: "ParsedRates", *, as_json: bool) -> NoReturn:
    from django.utils.translation import gettext as _

    from tsuzuku.catalog.rate_file import MISTAKES

    if as_json:
        _answer_json({"mistakes": [each._asdict() for each in parsed.mistakes]})
    click.echo(_("%(file)s has mistakes, so nothing was imported:") % {"file": file}, err=True)
    for each in parsed.mistakes:
        words = {"entry": each.entry, "code": each.code, "what": MISTAKES[each.code]}
        click.echo(_("  entry %(entry)d: %(code)s, %(what)s") % words, err=True)
    sys.exit(1)


@command.command(name="usage", short_help="Import readings from a file of JSON lines or CSV.")
@_file
@_json
def usage(file: Path, as_json: bool) -> None:
    """Draws the readings of FILE: JSON lines, or CSV with headings; gzipped or not, of any size.

    Each line is accepted (some of them kept aside), a duplicate, blank, or refused with a reason. Exit code 1 if the
    file cannot be read, or not to its end; what was read before is drawn, and importing it again draws nothing twice.
    """
    from tsuzuku.project.database import database

    with database(), file.open("rb") as readings:
        from tsuzuku.usage.errors import UsageFileRefused
        from tsuzuku.usage.imports import import_usage

        try:
            with _progress(readings) as on_progress:
                result = import_usage(file=readings, actor="operator", now=clock.now(), on_progress=on_progress)
        except UsageFileRefused as refused:
            if as_json:
                _answer_json({"error": {"code": refused.code, "reason": refused.reason}})
            click.echo(f"{file}: {refused.reason}", err=True)
            sys.exit(1)
        if as_json:
            _answer_json(_usage_json(result))
        else:
            _tell_usage(file, result)
        if result.stopped:
            click.echo(f"{file}: {result.stopped}", err=True)
            sys.exit(1)


def _usage_json(result: "UsageImport") -> dict[str, Any]:
    refused = sum(result.refused.values())
    return {
        "accepted": result.taken.accepted,
        "duplicates": result.taken.duplicates,
        "kept_aside": result.taken.kept_aside,
        "unserved_bytes": result.taken.unserved_bytes,
        "throttled_bytes": result.taken.throttled_bytes,
        "refused": refused,
        "blank": result.blank,
        "problems": [{"line": line, "code": code.value} for line, code in result.problems],
        "problems_left_out": refused - len(result.problems),
        "stopped": result.stopped or None,
    }


def _tell_usage(file: Path, result: "UsageImport") -> None:
    from django.utils.translation import gettext as _

    from tsuzuku.usage.imports import WHAT_TO_DO

    refused = sum(result.refused.values())
    click.echo(_("%(file)s:") % {"file": file})
    for count, word in (
        (result.taken.accepted, _("accepted")),
        (result.taken.kept_aside, _("of them kept aside, since the card is unknown or the reading too old")),
        (result.taken.duplicates, _("duplicates")),
        (refused, _("refused")),
        (result.blank, _("blank")),
    ):
        click.echo(f"{count:>9,}  {word}")
    click.echo(
        _("Of the data, %(unserved)s bytes were served by no lot and %(throttled)s bytes not at full speed.")
        % {"unserved": f"{result.taken.unserved_bytes:,}", "throttled": f"{result.taken.throttled_bytes:,}"}
    )
    if refused:
        click.echo(_("Refused lines:"))
    for line, code in result.problems[:PROBLEMS_SHOWN]:
        click.echo(
            _("  line %(line)d: %(code)s, %(what)s") % {"line": line, "code": code.value, "what": WHAT_TO_DO[code]}
        )
    if refused > PROBLEMS_SHOWN:
        click.echo(_("  and %(count)d more, which --json names.") % {"count": refused - PROBLEMS_SHOWN})


def _answer_json(answer: dict[str, Any]) -> None:
    click.echo(json.dumps(answer, ensure_ascii=False))
