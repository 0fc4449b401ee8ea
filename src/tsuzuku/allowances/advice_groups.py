# SPDX-License-Identifier: Apache-2.0
"""A closer bound for catalogues in which some plans join lots and others make lots that are joined.

advice_bounds.py adds up days and data as if the days of one lot could be filled with the data of any other. They can
only be filled by what joins it. So a set is looked at as groups here: the lots that there are, with what joins them,
and each lot of its own with what joins that. A group is online for as long as its days or its data last, the less of
both.
"""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from tsuzuku.allowances.advice_bounds import DAY, NEVER, CoverPrices, Need, Yield

_SECOND = timedelta(seconds=1)


class _Cover(NamedTuple):
    """Sets of new groups of which none is both dearer and weaker: for how long they cover, and what they cost."""

    seconds: list[int]
    prices: list[int]


class GroupPrices:
    """The least price at which up to so many renewals bring what is needed, if the data of a group stays in it."""

    def __init__(
        self,
        plain: CoverPrices,
        joining: Sequence[tuple[int, Yield]],
        others: Sequence[tuple[int, Yield]],
        *,
        horizon: timedelta,
        longer: timedelta,
        renewals_max: int,
    ) -> None:
        self._longer = longer
        self._plain = plain
        self._joined = CoverPrices(joining, horizon=horizon, longer=longer)
        # A group has one lot that joins nothing. It is laid first, and the rest beside it.
        self._grouped = CoverPrices(joining, only_last=others, horizon=horizon, longer=longer)
        self._covers = [_Cover([0], [0])]
        groups = [self._groups_of(renewals) for renewals in range(1, renewals_max + 1)]
        for renewals in range(1, renewals_max + 1):
            before = [(self._covers[renewals - size], groups[size - 1]) for size in range(1, renewals + 1)]
            pairs = [
                (price + other, seconds + others)
                for cover, group in before
                for price, seconds in zip(cover.prices, cover.seconds, strict=True)
                for other, others in group
            ]
            kept = _worth_their_price([*pairs, (0, 0)], -(-horizon // _SECOND))
            self._covers.append(_Cover([each[1] for each in kept], [each[0] for each in kept]))

    def least(self, renewals: int, need: Need) -> int:
        """The least price, NEVER if so many renewals cannot do it."""
        least = NEVER
        lasting = -(-need.lasting // _SECOND)
        for joined in range(renewals + 1):
            cover = self._covers[renewals - joined]
            for row, front in enumerate(self._joined.fronts(joined)):
                time = max((need.time - row * DAY - joined * self._longer) // _SECOND, 0)
                for seconds, price in zip(front.seconds, front.prices, strict=True):
                    if price >= least:
                        break
                    place = bisect_left(cover.seconds, max(time, lasting - seconds - 1))
                    if place < len(cover.prices):
                        least = min(least, price + cover.prices[place])
                    if lasting - seconds <= time:
                        break
                if not time:
                    break
        return least

    def fewest(self, renewals_max: int, need: Need) -> int:
        """How many renewals it takes at least; as many as may be if it takes more."""
        return self._plain.fewest(renewals_max, need)

    def least_missing(self, renewals: int, need: Need) -> timedelta:
        """How much of what is needed so many renewals leave open at least, whatever they cost."""
        missing = [
            self._joined.least_missing(joined, need) - self._covers[renewals - joined].seconds[-1] * _SECOND
            for joined in range(renewals + 1)
        ]
        return max(min(missing), timedelta())

    def _groups_of(self, renewals: int) -> list[tuple[int, int]]:
        """What groups of up to so many renewals cost, and for how long they cover."""
        groups = [
            (price, min(seconds, (row * DAY + renewals * self._longer) // _SECOND))
            for row, front in enumerate(self._grouped.fronts(renewals))
            for seconds, price in zip(front.seconds, front.prices, strict=True)
        ]
        return _worth_their_price(groups, None)


def _worth_their_price(sets: list[tuple[int, int]], enough: int | None) -> list[tuple[int, int]]:
    """Sets by price, without those that a cheaper one makes needless, and none after one that is enough."""
    kept: list[tuple[int, int]] = []
    longest = -1
    for price, seconds in sorted(sets, key=lambda each: (each[0], -each[1])):
        if seconds > longest:
            longest = seconds
            kept.append((price, seconds))
            if enough is not None and seconds >= enough:
                break
    return kept
