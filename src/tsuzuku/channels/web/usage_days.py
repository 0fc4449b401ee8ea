# SPDX-License-Identifier: Apache-2.0
"""What a card used day by day, as a plot and as rows that say the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.translation import gettext as _

from tsuzuku.catalog.terms import LotKind
from tsuzuku.channels.web.summaries import amount
from tsuzuku.look import formats
from tsuzuku.look.bars import Amount, Plot, draw_columns
from tsuzuku.usage.queries import DayOfUse, usage_by_day

#: So many local days stand side by side.
DAYS_SHOWN = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    """A day with use, in words."""

    day: date
    used: str
    #: Of it: what came slowly, and what did not come at all; "" for nothing.
    slow: str
    unserved: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageOfKind:
    """What a card used of data, calls or messages over some days."""

    kind: LotKind
    #: What the plot shows, for those who cannot see it.
    title: str
    plot: Plot
    total: str
    a_day: str
    #: Whether anything was slow or not served, which the plot draws in another colour.
    has_slow: bool
    #: The latest day first.
    rows: tuple[DayRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Some days of a card's use, and where the days before and after them begin."""

    first: date
    last: date
    kinds: tuple[UsageOfKind, ...]


def usage_of(card_id: int, *, last: date, days: int = DAYS_SHOWN) -> Usage:
    """The days up to `last`, both ends included; kinds of which nothing was used are absent, data never."""
    first = last - timedelta(days=days - 1)
    used = usage_by_day(card_id, since=first, until=last)
    kinds = [kind for kind in LotKind if kind is LotKind.DATA or any(each.kind is kind for each in used)]
    every_day = [first + timedelta(days=number) for number in range(days)]
    return Usage(
        first=first,
        last=last,
        kinds=tuple(_of_kind(kind, [each for each in used if each.kind is kind], every_day) for kind in kinds),
    )


def _of_kind(kind: LotKind, used: Sequence[DayOfUse], every_day: Sequence[date]) -> UsageOfKind:
    by_day = {each.day: each for each in used}
    total = sum(each.amount for each in used)
    return UsageOfKind(
        kind=kind,
        title=_title(kind, total, every_day),
        plot=draw_columns([_column(kind, day, by_day.get(day)) for day in every_day]),
        total=amount(kind, total),
        a_day=amount(kind, total // len(every_day)),
        has_slow=any(each.throttled or each.unserved for each in used),
        rows=tuple(_row(kind, each) for each in reversed(used)),
    )


def _title(kind: LotKind, total: int, every_day: Sequence[date]) -> str:
    texts = {
        LotKind.DATA: _("Data used on each day from %(first)s to %(last)s, %(total)s in all"),
        LotKind.VOICE: _("Calls on each day from %(first)s to %(last)s, %(total)s in all"),
        LotKind.MESSAGE: _("Messages on each day from %(first)s to %(last)s, %(total)s in all"),
    }
    days = {"first": formats.short_day(every_day[0]), "last": formats.short_day(every_day[-1])}
    return texts[kind] % {**days, "total": amount(kind, total)}


def _column(kind: LotKind, day: date, used: DayOfUse | None) -> Amount:
    name = f"{day.month}/{day.day}"
    if used is None:
        return Amount(name, 0, 0, "")
    return Amount(name, used.amount, used.throttled + used.unserved, amount(kind, used.amount))


def _row(kind: LotKind, used: DayOfUse) -> DayRow:
    return DayRow(
        day=used.day,
        used=amount(kind, used.amount),
        slow=amount(kind, used.throttled) if used.throttled else "",
        unserved=amount(kind, used.unserved) if used.unserved else "",
    )
