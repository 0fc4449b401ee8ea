# SPDX-License-Identifier: Apache-2.0
"""How a stack lives on when data is used at an even pace: pure, by the rules that serve customers.

Nothing is stepped through hour by hour: between two moments at which something changes (a window ends, a lot is empty,
a day's allowance is gone or a new day begins) one draw stands for all that was used.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tsuzuku.allowances import rules
from tsuzuku.allowances.lots import Lot, LotState, day_start, local_day
from tsuzuku.catalog.terms import Start

_MICROSECOND = timedelta(microseconds=1)
_DAY_MICROSECONDS = 86_400_000_000
_FAR_AWAY = datetime(9000, 1, 1, tzinfo=UTC)
#: What is used up later than this after the beginning is never used up.
_FOR_EVER_MICROSECONDS = 1000 * _DAY_MICROSECONDS


@dataclass(frozen=True, slots=True)
class Pace:
    """So many bytes in 24 hours, spread evenly from a moment on."""

    bytes_per_day: int
    since: datetime

    def used_until(self, moment: datetime) -> int:
        """What is used up to a moment."""
        return (moment - self.since) // _MICROSECOND * self.bytes_per_day // _DAY_MICROSECONDS

    def moment_of(self, used: int) -> datetime | None:
        """The first moment at which so much is used; None if that is far away."""
        if not self.bytes_per_day:
            return None
        microseconds = -(-used * _DAY_MICROSECONDS // self.bytes_per_day)
        return None if microseconds > _FOR_EVER_MICROSECONDS else self.since + timedelta(microseconds=microseconds)


@dataclass(frozen=True, slots=True)
class Point:
    """A stack as it stands at a moment, and how much of what was used has been drawn or was found to be slow."""

    stack: rules.Stack
    at: datetime
    used: int


class _Span(NamedTuple):
    """Until when to go at once, and when the next change is that comes by itself."""

    end: datetime
    change: datetime


@dataclass(frozen=True, slots=True)
class Turn:
    """A moment at which a lot's window ends, or nothing is left in it; the lot as it was before."""

    at: datetime
    lot: Lot


@dataclass(slots=True)
class Course:
    """What becomes of a card to which nothing is added: the points at which something changed, and where they lead."""

    points: list[Point]
    turns: list[Turn] = field(default_factory=list)
    #: When the card is offline: nothing that runs has anything left, and nothing waits for use or for a tap. None: not
    #: before the end that was asked for.
    offline_at: datetime | None = None
    #: What was used beyond daily allowances, and on which local days; counted only when asked for.
    slow_bytes: int = 0
    slow_days: set[date] = field(default_factory=set)

    @property
    def last(self) -> Point:
        """Where it leads."""
        return self.points[-1]


def live(start: Point, pace: Pace, until: datetime, zone: ZoneInfo, *, is_counted: bool = False) -> Course:
    """Lets a stack live from a point until a moment, or until the card is offline.

    A lot that waits for its first use starts when nothing else serves at full speed, one that waits for a tap is tapped
    when nothing runs. A lot at its daily limit is slow, and its card online. `is_counted` counts what was slow, which
    takes a step for each day.
    """
    point = Point(rules.advance(start.stack, start.at, zone), start.at, start.used)
    course = Course([point])
    while point.at < until:
        order = rules.drain_order(point.stack, point.at)
        today = local_day(point.at, zone)
        serving = next((lot for lot in order if lot.left_on(today) != 0), None)
        if serving is None:
            started = _started(point, pace, zone, is_online=bool(order))
            if started is not None:
                course.points.append(point := started)
                continue
            if not order:
                course.offline_at = point.at
                break
        # When something changes by itself; that it stops being watched changes nothing.
        ends = [lot.ends_at for lot in point.stack if lot.ends_at is not None and lot.ends_at > point.at]
        change = min(ends, default=_FAR_AWAY)
        end = min(until, change)
        if serving is not None and not is_counted and _serves_alone(serving, order, point):
            # Of a lot without a limit only the day counts on which another may join in; days before it are passed over.
            midnight = day_start(local_day(end - _MICROSECOND, zone), zone)
            if midnight > point.at:
                course.points.append(point := Point(point.stack, midnight, pace.used_until(midnight)))
                continue
        elif any(lot.daily_bytes is not None for lot in order):
            change = min(change, day_start(today + timedelta(days=1), zone))
            end = min(until, change)
        before = point
        if serving is None:
            point = Point(point.stack, end, max(point.used, pace.used_until(end)))
            if is_counted and point.used > before.used:
                course.slow_bytes += point.used - before.used
                course.slow_days.add(today)
        else:
            point = _served(point, serving, pace, _Span(end, change), zone)
        point = Point(rules.advance(point.stack, point.at, zone), point.at, point.used)
        course.turns += _turns(before, point)
        course.points.append(point)
    return course


def point_at(course: Course, moment: datetime, pace: Pace, zone: ZoneInfo) -> Point:
    """Where a course stands at a moment that is not before its first point."""
    point = next(point for point in reversed(course.points) if point.at <= moment)
    return point if point.at == moment else live(point, pace, moment, zone).last


def _started(point: Point, pace: Pace, zone: ZoneInfo, *, is_online: bool) -> Point | None:
    """The point after a lot that waits for use or a tap has been started; None if none does."""
    if pace.bytes_per_day or not is_online:
        # The byte that starts a lot is drawn ahead of its time; the next draw takes so much less.
        used = rules.use(point.stack, 1, point.at, zone)
        if used.draws:
            return Point(used.stack, point.at, point.used + 1)
    if is_online:
        return None
    tapped = rules.tap(point.stack, point.at, zone)
    return None if tapped is point.stack else Point(tapped, point.at, point.used)


def _serves_alone(serving: Lot, order: Sequence[Lot], point: Point) -> bool:
    """Whether an unlimited lot serves, and nothing else can happen before a window ends."""
    return (
        serving.remaining is None
        and len(order) == 1
        and not any(
            lot.terms.start is Start.FIRST_USE and lot.state(point.at) is LotState.WAITING for lot in point.stack
        )
    )


def _served(point: Point, serving: Lot, pace: Pace, span: _Span, zone: ZoneInfo) -> Point:
    """The point after a lot has served until it is empty, has given what its day allows, or `end` has come."""
    end, change = span
    left = serving.left_on(local_day(point.at, zone))
    used = pace.used_until(end)
    if left is None:
        stack = rules.use(point.stack, max(used - point.used, 0), point.at, zone).stack
        return Point(stack, end, max(point.used, used))
    empty_at = pace.moment_of(point.used + left)
    if empty_at is not None and empty_at <= end and empty_at < change:
        # Drawn at the moment at which it is empty, because that is when the turn of another lot comes.
        empty_at = max(empty_at, point.at)
        return Point(rules.use(point.stack, left, empty_at, zone).stack, empty_at, point.used + left)
    amount = min(max(used - point.used, 0), left)
    # The last byte of a lot that is empty just as its window ends stays in it, so that no turn comes before its time.
    kept = 1 if amount == serving.remaining else 0
    return Point(rules.use(point.stack, amount - kept, point.at, zone).stack, end, point.used + amount)


def _turns(before: Point, after: Point) -> list[Turn]:
    """What ended or was emptied between two points, or at the second."""
    turns = []
    for lot, later in zip(before.stack, after.stack, strict=True):
        is_over = lot.ends_at is not None and before.at < lot.ends_at <= after.at
        if is_over or (lot.has_left and not later.has_left):
            turns.append(Turn(after.at, lot))
    return turns
