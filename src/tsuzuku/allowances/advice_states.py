# SPDX-License-Identifier: Apache-2.0
"""Which schedules of a search lead to a card that is no better than another's, so that they need not be followed."""

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import ge
from typing import Any

from tsuzuku.allowances.advice_bounds import Neighbours
from tsuzuku.allowances.lots import LIVING_STATES, Lot, LotState
from tsuzuku.allowances.pace import Course
from tsuzuku.allowances.rules import Stack
from tsuzuku.catalog.terms import JOINING_STACKINGS, PlanTerms, Stacking

#: How a tie goes: how long before the flight each purchase is, then the codes.
Tie = tuple[tuple[timedelta, ...], tuple[str, ...]]

#: More than any card uses until any flight.
_WITHOUT_LIMIT = 10**30


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


class Likeness:
    """What of a card can matter to the plans of a catalogue."""

    def __init__(self, plans: Iterable[PlanTerms], neighbours: Neighbours) -> None:
        plans = list(plans)
        self._neighbours = neighbours
        self._joining = [terms for terms in plans if terms.stacking in JOINING_STACKINGS]
        self._counts_lots = any(terms.max_stack is not None for terms in plans)
        self._has_grace = any(terms.grace_hours is not None for terms in plans)
        self._waits_for_windows = any(terms.stacking is Stacking.SEQUEL for terms in plans)

    def of(self, course: Course, offline_at: datetime) -> tuple[Hashable, tuple[Any, ...]]:
        """What a card must share to be compared, and by what it is then better: three cases.

        Nothing on it can matter to any renewal: all that counts is how long it is online. One lot that runs alone and
        has no daily limit: when it ends, and what will have been used when it is empty. Anything else: it must be the
        very same card at the same moment.
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
        lots = tuple(self._all_of(lot) for lot in start.stack if lot in living or lot in ended)
        return ("same", start.at, start.used, lots), ()

    def _all_of(self, lot: Lot) -> Hashable:
        window = (lot.renewed_at, lot.length, lot.added) if lot.starts_at is None else lot.ends_at
        renewals = lot.renewals if self._counts_lots else None
        return self._kind(lot), window, lot.remaining, renewals, lot.day, lot.day_used

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
