# SPDX-License-Identifier: Apache-2.0
"""What any set of renewals must cost at least to cover so much: the bound by which the search of advice passes things.

A relaxation: windows are counted as time and data as the time for which it lasts at the pace, and both simply add up,
as if nothing ever ended unused. What really happens is never better, so the bound never hides the cheapest set.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from tsuzuku.allowances.lots import Lot
from tsuzuku.catalog.terms import JOINING_STACKINGS, DayRule, LotKind, PlanTerms, Stacking

DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
#: Validity is counted in days, as plans are sold. What data lasts comes out as it may, so it is counted more finely: in
#: the first of these units of which there are at most so many until the flight.
_LASTING_UNITS_MAX = 180
_UNIT_HOURS = (1, 2, 3, 4, 6, 8, 12, 24)
#: Clocks that are put back make a local day so much longer.
_LONGER_DAY = timedelta(hours=1)

#: Use is counted in whole bytes: each lot may give so many more than it holds to the time that is covered.
_BYTES_OF_ROUNDING = 2
_NOTHING = timedelta()

#: Above every price.
NEVER = 10**18


@dataclass(frozen=True, slots=True)
class Yield:
    """What a renewal adds at most: time of validity, and time for which its data lasts."""

    time: timedelta
    lasting: timedelta


@dataclass(frozen=True, slots=True)
class Need:
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
    )


def is_apart(terms: PlanTerms, neighbours: Neighbours) -> bool:
    """Whether the lots of a plan neither join others nor are joined."""
    return terms.stacking not in JOINING_STACKINGS and not neighbours.touches(terms.code)


def slowest_drain(plans: Sequence[PlanTerms], lots: Sequence[Lot], bytes_per_day: int) -> int:
    """The least that a day online draws while anything is left that has a limit: a daily allowance may be all of it."""
    of_plans = [terms.daily_bytes for terms in plans if terms.daily_bytes is not None]
    of_lots = [lot.daily_bytes for lot in lots if lot.daily_bytes is not None]
    return min([bytes_per_day, *of_plans, *of_lots])


def lasts(amount: int | None, bytes_per_day: int, *, at_most: timedelta) -> timedelta:
    """For how long an amount lasts."""
    if amount is None or not bytes_per_day or amount >= bytes_per_day * (at_most // DAY + 1):
        return at_most
    return min(timedelta(microseconds=-(-amount * (DAY // timedelta(microseconds=1)) // bytes_per_day)), at_most)


def yield_of(terms: PlanTerms, neighbours: Neighbours, *, bytes_per_day: int, drain: int, at_most: timedelta) -> Yield:
    """What a renewal adds at most. `drain` is the slowest of the card and the catalogue."""
    time = _validity(terms)
    stays_apart = is_apart(terms, neighbours)
    if stays_apart and terms.daily_bytes is None:
        drain = bytes_per_day
    amount = terms.amounts[LotKind.DATA]
    lasting = lasts(None if amount is None else amount + _BYTES_OF_ROUNDING, drain, at_most=at_most)
    if drain < bytes_per_day:
        # A lot that has given what the day allows is online for the rest of it without giving anything.
        lasting += DAY
    if stays_apart:
        # Nothing can lengthen its window or fill it again, so it brings the less of both and no more.
        time = lasting = min(time, lasting)
    return Yield(min(time, at_most), min(lasting, at_most))


def _validity(terms: PlanTerms) -> timedelta:
    if terms.stacking is Stacking.VALUE_ONLY:
        return timedelta()
    days = max(terms.extend_days or 0, 1) if terms.stacking is Stacking.EXTEND_BY else terms.days
    is_by_calendar = terms.day_rule is DayRule.CALENDAR or terms.stacking is Stacking.EXTEND_BY
    return days * DAY + (_LONGER_DAY if is_by_calendar else timedelta())


class CoverPrices:
    """The least price at which up to so many renewals bring what is needed, if everything simply added up.

    One table for each number of renewals over both needs in whole units, filled once: at most 6 × 61 × 181 cells with a
    look at each plan that is not dearer and weaker than another. What is needed is rounded down, what is brought up.
    """

    def __init__(self, plans: Sequence[tuple[int, Yield]], *, horizon: timedelta, renewals_max: int) -> None:
        fitting = (hours * _HOUR for hours in _UNIT_HOURS if horizon / (hours * _HOUR) <= _LASTING_UNITS_MAX)
        self._time_unit, self._lasting_unit = DAY, next(fitting, DAY)
        self._last_row, self._last_column = horizon // self._time_unit, horizon // self._lasting_unit
        first = [[NEVER] * (self._last_column + 1) for _ in range(self._last_row + 1)]
        first[0][0] = 0
        self._tables = [first]
        self._plans = sorted(plans, key=lambda plan: plan[0])
        steps = self._steps(plans)
        for _ in range(renewals_max):
            self._tables.append(self._with_one_more(self._tables[-1], steps))

    def least(self, renewals: int, need: Need) -> int:
        """The least price, NEVER if so many renewals cannot do it. Of none and one it is exact, without units."""
        if need.time <= _NOTHING and need.lasting <= _NOTHING:
            return 0
        if renewals <= 1:
            enough = (
                price for price, given in self._plans if given.time >= need.time and given.lasting >= need.lasting
            )
            return next(enough, NEVER) if renewals else NEVER
        row, column = self._place(need)
        return self._tables[renewals][row][column]

    def fewest(self, renewals_max: int, need: Need) -> int:
        """How many renewals it takes at least; as many as may be if it takes more."""
        row, column = self._place(need)
        enough = (number for number in range(renewals_max) if self._tables[number][row][column] < NEVER)
        return next(enough, renewals_max)

    def _place(self, need: Need) -> tuple[int, int]:
        row = min(max(need.time // self._time_unit, 0), self._last_row)
        return row, min(max(need.lasting // self._lasting_unit, 0), self._last_column)

    def _steps(self, plans: Sequence[tuple[int, Yield]]) -> list[tuple[int, int, int]]:
        """What each plan costs and brings in whole units, without those that another makes needless."""
        steps: list[tuple[int, int, int]] = []
        for price, given in sorted(plans, key=lambda plan: (plan[0], -plan[1].time, -plan[1].lasting)):
            rows = min(-(-given.time // self._time_unit), self._last_row)
            columns = min(-(-given.lasting // self._lasting_unit), self._last_column)
            if not any(rows <= other_rows and columns <= others for _, other_rows, others in steps):
                steps.append((price, rows, columns))
        return steps

    @staticmethod
    def _with_one_more(table: list[list[int]], steps: Sequence[tuple[int, int, int]]) -> list[list[int]]:
        """The table for one renewal more: what is there, or a plan beside what is needed without it."""
        result = []
        for number, row in enumerate(table):
            best = row
            for price, rows, columns in steps:
                before = table[max(number - rows, 0)]
                moved = [before[0]] * columns + before[: len(row) - columns]
                best = list(map(min, best, [price + each for each in moved]))
            result.append([min(each, NEVER) for each in best])
        return result
