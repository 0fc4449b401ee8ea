# SPDX-License-Identifier: Apache-2.0
"""What any set of renewals must cost at least to cover so much: the bound by which the search of advice passes things.

A relaxation: windows are counted as time and data as the time for which it lasts at the pace, and both simply add up,
as if nothing ever ended unused. What really happens is never better, so the bound never hides the cheapest set.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tsuzuku.allowances.lots import Lot, day_start, first_length, local_day
from tsuzuku.catalog.terms import JOINING_STACKINGS, DayRule, LotKind, PlanTerms, Stacking

DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)
#: Use is counted in whole bytes: each lot may give so many more than it holds to the time that is covered.
_BYTES_OF_ROUNDING = 2
_NOTHING = timedelta()

#: Above every price.
NEVER = 10**18


class Yield(NamedTuple):
    """What a renewal adds at most: time of validity, and time for which its data lasts."""

    time: timedelta
    lasting: timedelta


class Need(NamedTuple):
    """What renewals must still bring together."""

    time: timedelta
    lasting: timedelta

    def less(self, given: Yield) -> "Need":
        """What is needed beside a renewal."""
        return Need(self.time - given.time, self.lasting - given.lasting)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """How plans of a catalogue act on lots that are there already."""

    #: Plans whose lots some plan may join, and those whose leftovers their own renewal gives back.
    joinable: frozenset[str]
    restorable: frozenset[str]
    #: Plans whose lots some plan may lengthen.
    lengthenable: frozenset[str]

    def touches(self, code: str) -> bool:
        """Whether a renewal can do something to a lot of this plan."""
        return code in self.joinable or code in self.restorable


def neighbours_of(plans: Iterable[PlanTerms]) -> Neighbours:
    """How these plans act on lots."""
    plans = list(plans)
    joined = [terms.joins for terms in plans if terms.stacking in JOINING_STACKINGS]
    return Neighbours(
        joinable=frozenset().union(*joined),
        restorable=frozenset(terms.code for terms in plans if terms.restore_hours),
        lengthenable=frozenset().union(
            *(terms.joins for terms in plans if terms.stacking in JOINING_STACKINGS - {Stacking.VALUE_ONLY})
        ),
    )


def is_apart(terms: PlanTerms, neighbours: Neighbours) -> bool:
    """Whether the lots of a plan neither join others nor are joined."""
    return terms.stacking not in JOINING_STACKINGS and not neighbours.touches(terms.code)


def longer_by(start: datetime, end: datetime, zone: ZoneInfo) -> timedelta:
    """How much longer than so many times 24 hours local days between two moments may be, where clocks are put back."""
    offsets = [(start + days * DAY).astimezone(zone).utcoffset() or _NOTHING for days in range((end - start).days + 2)]
    return max(offsets) - min(offsets)


class Drains:
    """How slowly lots may be drawn from: a lot online gives what the pace asks for, or all that a day allows of it."""

    def __init__(self, plans: Sequence[PlanTerms], lots: Sequence[Lot], bytes_per_day: int) -> None:
        self.pace = bytes_per_day
        self._of_plans: dict[str, int] = {}
        for terms in (*plans, *(lot.terms for lot in lots)):
            daily = bytes_per_day if terms.daily_bytes is None else min(terms.daily_bytes, bytes_per_day)
            self._of_plans[terms.code] = min(daily, self._of_plans.get(terms.code, daily))

    def of(self, terms: PlanTerms) -> int:
        """What a lot of a plan gives on a day online at least."""
        return self._of_plans[terms.code]

    def of_renewal(self, terms: PlanTerms) -> int:
        """The same of the lot that a renewal is in, whichever that is: it keeps the allowance of its first."""
        joined = terms.joins if terms.stacking in JOINING_STACKINGS else ()
        return min(self.of(terms), *(self._of_plans.get(code, self.pace) for code in joined), self.pace)


def lasts(amount: int | None, bytes_per_day: int, *, at_most: timedelta) -> timedelta:
    """For how long an amount lasts."""
    if amount is None or not bytes_per_day or amount >= bytes_per_day * (at_most // DAY + 1):
        return at_most
    return min(timedelta(microseconds=-(-amount * (DAY // _MICROSECOND) // bytes_per_day)), at_most)


def yield_of(
    terms: PlanTerms, neighbours: Neighbours, drains: Drains, *, longer: timedelta, at_most: timedelta
) -> Yield:
    """What a renewal adds at most. `longer` is how much longer local days may be, all of them together."""
    time = _validity(terms) + longer
    amount = _most_bytes(terms)
    if is_apart(terms, neighbours):
        # Nothing can lengthen its window or fill it again, so it brings the less of both and no more.
        lasting = _lasts_apart(amount, drains.of(terms), drains.pace, at_most=at_most) + longer
        time = lasting = min(time, lasting)
    else:
        lasting = lasts(amount, drains.of_renewal(terms), at_most=at_most) + longer
    return Yield(min(time, at_most), min(lasting, at_most))


def may_outlast(terms: PlanTerms, drains: Drains) -> bool:
    """Whether the data of a lot of its own may last until its window ends."""
    # The first of its calendar days may have begun before it did.
    shortest = _validity(terms) - (DAY if first_length(terms).day_rule is DayRule.CALENDAR else _NOTHING)
    return _lasts_apart(_most_bytes(terms), drains.of(terms), drains.pace, at_most=shortest) >= shortest


def _most_bytes(terms: PlanTerms) -> int | None:
    amount = terms.amounts[LotKind.DATA]
    return None if amount is None else amount + _BYTES_OF_ROUNDING


def _lasts_apart(amount: int | None, drain: int, pace: int, *, at_most: timedelta) -> timedelta:
    """For how long a lot alone lasts: on each whole day it gives what the day allows, and the rest at the pace."""
    if amount is None or not drain:
        return at_most
    whole_days, rest = divmod(amount, drain)
    return min(min(whole_days, at_most // DAY + 1) * DAY + lasts(rest, pace, at_most=DAY), at_most)


def ahead(lot: Lot, moment: datetime, zone: ZoneInfo) -> timedelta:
    """How much of a day a lot with a daily allowance has given already that is still to come, at most.

    A lot that has given all that its day allows is online for the rest of the day without giving anything.
    """
    if lot.day is None or lot.daily_bytes is None:
        return _NOTHING
    if lot.day != local_day(moment, zone) or not lot.daily_bytes:
        return DAY
    given = min(lot.day_used + _BYTES_OF_ROUNDING, lot.daily_bytes)
    share = timedelta(microseconds=-(-given * (DAY // _MICROSECOND) // lot.daily_bytes))
    return max(share - (moment - day_start(lot.day, zone)), _NOTHING)


def _validity(terms: PlanTerms) -> timedelta:
    if terms.stacking is Stacking.VALUE_ONLY:
        return _NOTHING
    return (max(terms.extend_days or 0, 1) if terms.stacking is Stacking.EXTEND_BY else terms.days) * DAY


class _Front(NamedTuple):
    """Sets of renewals of which none is both dearer and weaker: for how long their data lasts, and what they cost."""

    seconds: list[int]
    prices: list[int]
    #: -1 if there are none.
    longest: int


#: A set in one number, that sums and sorts quickly: its price, and under it how much less than all its data lasts.
_PRICE_SHIFT = 32


class CoverPrices:
    """The least price at which up to so many renewals bring what is needed, if everything simply added up.

    For each number of renewals and of whole days of validity there are the sets that are worth their price: the longer
    the data of one lasts, the dearer it is. What is needed is rounded down to seconds, what is brought up.
    """

    def __init__(
        self,
        plans: Sequence[tuple[int, Yield]],
        *,
        horizon: timedelta,
        longer: timedelta,
        only_last: Sequence[tuple[int, Yield]] = (),
    ) -> None:
        """`only_last` are plans after which nothing helps: of those a set has one at most."""
        self._longer = longer
        self._last_row = -(-horizon // DAY)
        self._last_second = -(-horizon // _SECOND)
        self._steps = self._worth_their_price(plans)
        self._last_steps = self._worth_their_price([*plans, *only_last])
        nothing = [[0] if not row else [] for row in range(self._last_row + 1)]
        self._sets = [nothing]
        self._fronts = [[_front(row) for row in nothing]]

    def least(self, renewals: int, need: Need) -> int:
        """The least price, NEVER if so many renewals cannot do it."""
        row, seconds = self._place(renewals, need)
        if row > self._last_row:
            return NEVER
        front = self.fronts(renewals)[row]
        place = bisect_left(front.seconds, seconds)
        return front.prices[place] if place < len(front.prices) else NEVER

    def fewest(self, renewals_max: int, need: Need) -> int:
        """How many renewals it takes at least; as many as may be if it takes more."""
        row, seconds = self._place(renewals_max, need)
        if row > self._last_row:
            return renewals_max
        enough = (number for number in range(renewals_max) if self.fronts(number)[row].longest >= seconds)
        return next(enough, renewals_max)

    def least_missing(self, renewals: int, need: Need) -> timedelta:
        """How much of what is needed so many renewals leave open at least, whatever they cost."""
        missing = max(need.time, need.lasting, _NOTHING)
        for row, front in enumerate(self.fronts(renewals)):
            if front.seconds:
                time = need.time - row * DAY - renewals * self._longer
                missing = min(missing, max(time, need.lasting - front.longest * _SECOND, _NOTHING))
        return missing

    def _place(self, renewals: int, need: Need) -> tuple[int, int]:
        row = -(-(need.time - renewals * self._longer) // DAY)
        return max(row, 0), max(need.lasting // _SECOND, 0)

    def fronts(self, renewals: int) -> list[_Front]:
        """By whole days of validity: what up to so many renewals that bring these can be worth."""
        while len(self._fronts) <= renewals:
            # The order does not count, so one that can only be the last may as well be laid first.
            steps = self._last_steps if len(self._sets) == 1 else self._steps
            self._sets.append(self._with_one_more(self._sets[-1], steps))
            self._fronts.append([_front(row) for row in self._sets[-1]])
        return self._fronts[renewals]

    def _worth_their_price(self, plans: Sequence[tuple[int, Yield]]) -> list[tuple[int, int]]:
        """What each plan costs and brings, without those that another makes needless."""
        worth: list[tuple[int, int, int]] = []
        for price, given in sorted(plans, key=lambda plan: (plan[0], -plan[1].time, -plan[1].lasting)):
            rows = -(-(given.time - self._longer) // DAY)
            seconds = -(-given.lasting // _SECOND)
            if not any(rows <= other_rows and seconds <= others for _, other_rows, others in worth):
                worth.append((price, rows, seconds))
        return [((price << _PRICE_SHIFT) - seconds, max(rows, 0)) for price, rows, seconds in worth]

    def _with_one_more(self, sets: list[list[int]], steps: Sequence[tuple[int, int]]) -> list[list[int]]:
        """What one renewal more makes worth its price."""
        result = []
        for row, before in enumerate(sets):
            candidates = list(before)
            for step, rows in steps:
                candidates += [each + step for each in sets[max(row - rows, 0)]]
            candidates.sort()
            worth: list[int] = []
            longest = -1
            for each in candidates:
                seconds = -each & _SECONDS
                if seconds > longest:
                    longest = seconds
                    worth.append(each)
                    if seconds >= self._last_second:
                        break
            result.append(worth)
        return result


_SECONDS = (1 << _PRICE_SHIFT) - 1


def _front(sets: Sequence[int]) -> _Front:
    seconds = [-each & _SECONDS for each in sets]
    prices = [(each + lasting) >> _PRICE_SHIFT for each, lasting in zip(sets, seconds, strict=True)]
    return _Front(seconds, prices, max(seconds, default=-1))
