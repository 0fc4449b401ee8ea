# SPDX-License-Identifier: Apache-2.0
"""The lot: an amount with a window of validity. Frozen; the rules make new ones."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tsuzuku.catalog.terms import TURN_STACKINGS, DayRule, LotKind, PlanTerms, Stacking, Start


class LotState(StrEnum):
    """What a lot is at a moment; computed, never stored."""

    WAITING = "waiting"
    RUNNING = "running"
    USED_UP = "used_up"
    EXPIRED = "expired"
    LAPSED = "lapsed"


#: The states in which a lot counts against `max_stack` and keeps a card from expiring.
LIVING_STATES = frozenset({LotState.WAITING, LotState.RUNNING, LotState.USED_UP})


class Length(NamedTuple):
    """So many days, counted by a rule."""

    days: int
    day_rule: DayRule


class Lot(NamedTuple):
    """One lot of a card, of one kind. Amounts are bytes, seconds or messages; None is unlimited."""

    #: The order of (first) renewal among the card's lots of this kind: "earlier" and "older" mean a smaller one.
    sequence: int
    kind: LotKind
    #: Of the first renewal: the lot keeps its plan, day rule, daily allowance, priority and lapse.
    terms: PlanTerms
    renewed_at: datetime
    length: Length
    total: int | None
    remaining: int | None
    #: Lengths added while it waited, laid on in order when it starts.
    added: tuple[Length, ...] = ()
    #: How many renewals it holds: the first and those that joined.
    renewals: int = 1
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    #: The local day to which `day_used` belongs.
    day: date | None = None
    day_used: int = 0
    #: What earlier local days used, oldest first. Only a lot with a daily allowance keeps days.
    earlier_days: tuple[tuple[date, int], ...] = ()
    #: The latest moment at which something was drawn from it; of one emptied on the way, perhaps a little later. What
    #: counts is the latest of the stack.
    drawn_at: datetime | None = None

    @property
    def waits_its_turn(self) -> bool:
        """Whether it starts by itself when the lots before it are done."""
        return self.terms.stacking in TURN_STACKINGS

    @property
    def waits_alone(self) -> bool:
        """Whether it waits for use or a tap alone, and may therefore lapse."""
        return not self.waits_its_turn and self.terms.start is not Start.NOW

    @property
    def lapses_at(self) -> datetime:
        """When it lapses if it waits alone and was never started."""
        return self.renewed_at + self._start_within

    @property
    def _start_within(self) -> timedelta:
        return timedelta(days=self.terms.start_within_days)

    @property
    def has_left(self) -> bool:
        """Whether anything is left in it, its daily allowance aside."""
        return self.remaining is None or self.remaining > 0

    def state(self, now: datetime) -> LotState:
        """What it is at `now`, all turns up to then having been taken (rules.advance)."""
        if self.ends_at is not None:
            if self.ends_at <= now:
                return LotState.EXPIRED
            return LotState.RUNNING if self.has_left else LotState.USED_UP
        return LotState.LAPSED if self.waits_alone and now - self.renewed_at >= self._start_within else LotState.WAITING

    def can_be_tapped(self, now: datetime) -> bool:
        """Whether a tap would start it."""
        return self.terms.start is Start.TAP and self.state(now) is LotState.WAITING

    @property
    def daily_bytes(self) -> int | None:
        """The data it gives at full speed on one local day; None is no such limit, as calls and messages never have."""
        return self.terms.daily_bytes if self.kind is LotKind.DATA else None

    def left_on(self, day: date) -> int | None:
        """What it can still serve at full speed on a local day; None is without limit."""
        if self.daily_bytes is None:
            return self.remaining
        of_day = max(self.daily_bytes - self.used_on(day), 0)
        return of_day if self.remaining is None else min(of_day, self.remaining)

    def used_on(self, day: date) -> int:
        """What a local day took of the daily allowance; 0 for a lot without one, which keeps no days."""
        return self.day_used if self.day == day else dict(self.earlier_days).get(day, 0)

    def drawn(self, amount: int, at: datetime, day: date) -> "Lot":
        """The lot after an amount, at most `left_on(day)`, was drawn at a moment of that local day."""
        remaining = None if self.remaining is None else self.remaining - amount
        drawn_at = at if self.drawn_at is None else max(at, self.drawn_at)
        if self.daily_bytes is None:
            return self._replace(remaining=remaining, drawn_at=drawn_at)
        days = dict(self.earlier_days)
        if self.day is not None:
            days[self.day] = self.day_used
        days[day] = days.get(day, 0) + amount
        *earlier, (latest, used) = sorted(days.items())
        return self._replace(
            remaining=remaining, drawn_at=drawn_at, day=latest, day_used=used, earlier_days=tuple(earlier)
        )


def first_length(terms: PlanTerms) -> Length:
    """How long a lot of its own is under these terms."""
    if terms.stacking is Stacking.EXTEND_BY:
        # Such a renewal with nothing to join lasts for what is left of its own local day.
        return Length(1, DayRule.CALENDAR)
    return Length(terms.days, terms.day_rule)


def local_day(moment: datetime, zone: ZoneInfo) -> date:
    """The calendar day on which a moment falls."""
    return moment.astimezone(zone).date()


def end_from(start: datetime, length: Length, zone: ZoneInfo) -> datetime:
    """When a lot that starts at `start` ends: elapsed days, or the midnight that ends its last calendar day."""
    if length.day_rule is DayRule.ROLLING:
        return _in_utc(start) + timedelta(days=length.days)
    return _end_of_days(start, length.days, zone)


# Where thousands of lots follow each other on a card, the same ends are asked for at every renewal.
@lru_cache(maxsize=16_384)
def _end_of_days(start: datetime, days: int, zone: ZoneInfo) -> datetime:
    """The midnight that ends the last of so many local days, of which the start's own is the first."""
    return day_start(local_day(start, zone) + timedelta(days=days), zone)


def end_after(end: datetime, length: Length, zone: ZoneInfo) -> datetime:
    """An end moved by added days: elapsed, or calendar days to the same local time (a midnight stays a midnight)."""
    if length.day_rule is DayRule.ROLLING:
        return _in_utc(end) + timedelta(days=length.days)
    local = end.astimezone(zone)
    later = local.date() + timedelta(days=length.days)
    if end == day_start(local.date(), zone):
        # Where clocks jump over midnight a day starts at 01:00; the days after it start at midnight again.
        return day_start(later, zone)
    return _in_utc(datetime.combine(later, local.time(), tzinfo=zone))


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The midnight with which a local day begins."""
    return _in_utc(datetime.combine(day, time(), tzinfo=zone))


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
