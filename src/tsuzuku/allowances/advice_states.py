# SPDX-License-Identifier: Apache-2.0
"""Which schedules of a search lead to a card that is no better than another's, so that they need not be followed."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import ge, itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from tsuzuku.allowances.advice_bounds import Neighbours
from tsuzuku.allowances.lots import LIVING_STATES, Lot, LotState, local_day
from tsuzuku.allowances.pace import Course, Pace, Point
from tsuzuku.allowances.rules import Stack
from tsuzuku.catalog.terms import JOINING_STACKINGS, PlanTerms, Stacking

#: How a tie goes: how long before the flight each purchase is, then the codes.
Tie = tuple[tuple[timedelta, ...], tuple[str, ...]]

#: More than any card uses until any flight.
_WITHOUT_LIMIT = 10**30
#: Use is counted in whole bytes, and the last may stay in a lot.
_BYTES_OF_ROUNDING = 2


def without_what_is_over(stack: Stack, now: datetime, restore_hours: int) -> Stack:
    """A stack without the lots that cannot matter to any renewal any more."""
    over = [lot for lot in stack if lot.state(now) not in LIVING_STATES]
    if not over:
        return stack
    # How long a card is expired counts from the last end.
    last = max(over, key=lambda lot: lot.ends_at or lot.lapses_at)
    within = timedelta(hours=restore_hours)
    kept = {
        last.sequence,
        *(lot.sequence for lot in over if lot.ends_at and lot.has_left and now - lot.ends_at < within),
    }
    return tuple(lot for lot in stack if lot.sequence in kept or lot.state(now) in LIVING_STATES)


@dataclass(frozen=True, slots=True)
class Standpoint:
    """Where a schedule has got to. Cards that are alike (`likeness`) compare by their `values`, more being better."""

    likeness: Hashable
    values: tuple[Any, ...]
    #: When its last purchase was, and when the next may be at the earliest.
    at: datetime
    next_at: datetime
    price_minor: int
    tie: Tie

    def is_no_worse_than(self, other: "Standpoint") -> bool:
        """Whether nothing that the other leads to beats what this one leads to, if both are alike."""
        renewals, others = len(self.tie[0]), len(other.tie[0])
        return (
            self.price_minor <= other.price_minor
            and renewals <= others
            and self.at <= other.next_at
            and all(map(ge, self.values, other.values))
            and (self.price_minor < other.price_minor or renewals < others or self.tie <= other.tie)
        )


class Seen:
    """The standpoints that a search has come to."""

    def __init__(self) -> None:
        self._by_likeness: dict[Hashable, list[Standpoint]] = defaultdict(list)

    def adds(self, standpoint: Standpoint) -> bool:
        """Keeps a standpoint and says True, unless one that is no worse is there."""
        alike = self._by_likeness[standpoint.likeness]
        for place, other in enumerate(alike):
            if other.is_no_worse_than(standpoint):
                # What one order of the same purchases comes to, the next will come to too.
                alike.insert(0, alike.pop(place))
                return False
        alike.append(standpoint)
        return True


@dataclass(frozen=True, slots=True)
class Horizon:
    """Until when a card matters, what is used until then, and how many renewals a card may hold in the end."""

    flight: datetime
    zone: ZoneInfo
    pace: Pace
    #: Those that it holds and all that may still be bought.
    renewals_max: int

    def needs(self, point: Point, until: datetime | None = None) -> int:
        """More than what is used between a point and a moment, which is the flight if none is told."""
        return max(self.pace.used_until(until or self.flight) - point.used, 0) + _BYTES_OF_ROUNDING


class Likeness:
    """What of a card can matter to the plans of a catalogue until the flight."""

    def __init__(self, plans: Iterable[PlanTerms], neighbours: Neighbours, horizon: Horizon) -> None:
        plans = list(plans)
        self._neighbours = neighbours
        self._horizon = horizon
        self._joining = [terms for terms in plans if terms.stacking in JOINING_STACKINGS]
        self._counts_lots = any(
            terms.max_stack is not None and horizon.renewals_max > terms.max_stack for terms in plans
        )
        self._has_grace = any(terms.grace_hours is not None for terms in plans)
        self._waits_for_windows = any(terms.stacking is Stacking.SEQUEL for terms in plans)

    def of(self, course: Course, offline_at: datetime) -> tuple[Hashable, tuple[Any, ...]]:
        """What a card must share to be compared, and by what it is then better: three cases.

        Nothing on it can matter to any renewal: all that counts is how long it is online. One lot that runs alone and
        has no daily limit: when it ends, and what will have been used when it is empty. Anything else: it must be the
        same card at the same moment, but for what cannot matter until the flight.
        """
        start = course.points[0]
        living = [lot for lot in start.stack if lot.state(start.at) in LIVING_STATES]
        matters_by_number = self._counts_lots or self._waits_for_windows
        ended = [lot for lot in start.stack if lot.has_left and lot.terms.code in self._neighbours.restorable]
        if not matters_by_number and not ended:
            is_alive = self._has_grace and any(lot.state(offline_at) in LIVING_STATES for lot in course.last.stack)
            if not any(self._can_matter(lot, offline_at) for lot in course.last.stack) and not any(
                self._neighbours.touches(lot.terms.code) for lot in living
            ):
                return ("nothing", is_alive), (offline_at,)
            if len(living) == 1 and living[0].state(start.at) in {LotState.RUNNING, LotState.USED_UP}:
                [lot] = living
                if lot.daily_bytes is None:
                    empty = _WITHOUT_LIMIT if lot.remaining is None else start.used + lot.remaining
                    return ("alone", is_alive, self._kind(lot)), (lot.ends_at, empty)
        lots = [lot for lot in start.stack if lot in living or lot in ended]
        return ("same", start.at, start.used, self._card(lots, start)), ()

    def _card(self, lots: Sequence[Lot], start: Point) -> Hashable:
        """A card but for what cannot matter.

        Lots that wait for their turn wait for those that come before them. Of lots that have begun the order matters
        only if they end at once.
        """
        card: list[Hashable] = []
        begun: list[tuple[datetime, Hashable]] = []
        # When the windows end of lots that can only keep others waiting.
        shut_until = start.at
        is_asked = (
            self._waits_for_windows or self._has_grace or any(lot.terms.stacking is Stacking.SEQUEL for lot in lots)
        )
        for lot in lots:
            if lot.ends_at is None:
                card += [shut_until, *sorted(begun, key=itemgetter(0)), self._all_of(lot, start)]
                begun, shut_until = [], start.at
            elif self._only_keeps_waiting(lot, start.at):
                if is_asked:
                    shut_until = max(shut_until, min(lot.ends_at, self._horizon.flight))
            else:
                begun.append((lot.ends_at, self._all_of(lot, start)))
        return *card, shut_until, *sorted(begun, key=itemgetter(0))

    def _only_keeps_waiting(self, lot: Lot, now: datetime) -> bool:
        """Whether a lot is empty and stays so: all that counts of it is when its window ends."""
        return (
            lot.state(now) is LotState.USED_UP
            and not self._counts_lots
            and not self._neighbours.touches(lot.terms.code)
        )

    def _all_of(self, lot: Lot, start: Point) -> Hashable:
        renewals = lot.renewals if self._counts_lots else None
        today = local_day(start.at, self._horizon.zone)
        used_today = lot.used_on(today)
        remaining, enough = lot.remaining, self._horizon.needs(start)
        if lot.ends_at is not None and not self._neighbours.touches(lot.terms.code):
            enough = min(enough, self._horizon.needs(start, lot.ends_at))
        if remaining is not None:
            remaining = min(remaining, enough)
        window: Hashable = lot.ends_at
        if lot.starts_at is None:
            lapses_at = lot.lapses_at if lot.waits_alone and lot.lapses_at <= self._horizon.flight else None
            window = (lapses_at, lot.length, lot.added)
        return self._kind(lot), window, remaining, renewals, used_today

    @staticmethod
    def _can_matter(lot: Lot, now: datetime) -> bool:
        """Whether a lot that is left when the card is offline may still start."""
        return lot.state(now) is LotState.WAITING

    def _kind(self, lot: Lot) -> Hashable:
        """What of a lot's plan counts from now on: lots of different plans may be the same to all that is on sale."""
        terms = lot.terms
        return (
            tuple(each.code for each in self._joining if terms.code in each.joins),
            terms.code if terms.code in self._neighbours.restorable else None,
            terms.daily_bytes,
            terms.priority,
            terms.stacking,
            terms.start,
        )
