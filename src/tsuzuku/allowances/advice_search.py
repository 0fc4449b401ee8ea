# SPDX-License-Identifier: Apache-2.0
"""The search of advice: best first by what a schedule must cost at least, each purchase tried by the rules themselves.

A schedule grows by one purchase at a time. What it must cost at least (advice_bounds.py) orders the queue, so a
purchase is tried only while its schedule may still be the answer, and the first that keeps the card online is it.
Schedules that lead to the same card, or to one that is no better, are dropped (advice_states.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from tsuzuku.allowances import rules
from tsuzuku.allowances.advice_bounds import (
    DAY,
    NEVER,
    CoverPrices,
    Drains,
    Need,
    Yield,
    ahead,
    is_apart,
    lasts,
    longer_by,
    may_outlast,
    neighbours_of,
    yield_of,
)
from tsuzuku.allowances.advice_groups import GroupPrices
from tsuzuku.allowances.advice_states import Horizon, Likeness, Seen, Standpoint, Tie, without_what_is_over
from tsuzuku.allowances.errors import CardExpired, RenewalRefused
from tsuzuku.allowances.lots import LIVING_STATES, Lot, LotState, day_start, end_from, first_length, local_day
from tsuzuku.allowances.pace import Course, Pace, Point, live, point_at
from tsuzuku.catalog.terms import JOINING_STACKINGS, DayRule, LotKind, PlanTerms, Stacking, Start

#: A lot that is to be joined is joined so long before its window ends or it is empty.
LEAD = timedelta(hours=1)
#: So much work is done, counted in moments at which a card changes; then the best that was found is the answer, and is
#: said not to be proven.
WORK_MAX = 20_000
#: To follow a schedule or to try a purchase is as much work as so many moments.
_WORK_EACH = 10
#: So many schedules are followed after that, the longest first, if none has been an answer yet.
_HASTE_MAX = 300

_NOTHING = timedelta()
_FAR_AWAY = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class OnOffer:
    """A plan that can be bought, and its price in minor units."""

    terms: PlanTerms
    price_minor: int


class Bought(NamedTuple):
    """A plan bought at a moment."""

    offer: OnOffer
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What stays the same throughout a search."""

    offers: Sequence[OnOffer]
    pace: Pace
    flight: datetime
    zone: ZoneInfo
    renewable_until: datetime | None
    renewals_max: int
    work_max: int = WORK_MAX


@dataclass(frozen=True, slots=True)
class Found:
    """A schedule. Unless it is proven that none is better, nothing that is enough costs less than `least_minor`."""

    bought: tuple[Bought, ...]
    is_enough: bool
    is_proven: bool
    least_minor: int


class _Schedule(NamedTuple):
    """Purchases, and what becomes of the card after the last of them."""

    bought: tuple[Bought, ...]
    price_minor: int
    course: Course


class _End(NamedTuple):
    """A schedule to which nothing is added."""

    schedule: _Schedule


class _Idea(NamedTuple):
    """A schedule with one purchase more, which has not been tried."""

    schedule: _Schedule
    offer: OnOffer
    at: datetime


#: What comes first in the queue, compared from the left.
_Rank = tuple[Any, ...]
#: A rank, a number of its own, what stands there, and its need while the closer bound has not been asked.
_Queued = tuple[_Rank, int, "_Schedule | _Idea | _End", Need | None]


class _Prices(NamedTuple):
    """The bound that is quick to ask, and the closer one where there is one."""

    plain: CoverPrices
    groups: GroupPrices | None


class _Bill(NamedTuple):
    """What was bought: its price, how many more renewals there may be, and how a tie goes."""

    price_minor: int
    left: int
    tie: Tie


class _Aim(Protocol):
    """What a search looks for: what its ranks put first."""

    def rank(self, bounds: CoverPrices | GroupPrices, bill: _Bill, need: Need) -> _Rank | None:
        """Where the best that may come of what was bought stands; None if nothing can."""

    def end_rank(self, bill: _Bill, missing: timedelta) -> _Rank | None:
        """Where it stands with nothing added, if so much is missing until the flight; None if it is no answer."""


class _Cheapest:
    """Looks for the least price, then the fewest renewals, of what keeps the card online until the flight."""

    def rank(self, bounds: CoverPrices | GroupPrices, bill: _Bill, need: Need) -> _Rank | None:
        least = bounds.least(bill.left, need)
        if least >= NEVER:
            return None
        bought = len(bill.tie[0])
        return bill.price_minor + least, bought + bounds.fewest(bill.left, need), *_at_best(bill.tie, need)

    def end_rank(self, bill: _Bill, missing: timedelta) -> _Rank | None:
        return None if missing else (bill.price_minor, len(bill.tie[0]), *bill.tie)


class _Furthest:
    """Looks for the card that is online longest, then the least price and the fewest renewals."""

    def rank(self, bounds: CoverPrices | GroupPrices, bill: _Bill, need: Need) -> _Rank | None:
        missing = bounds.least_missing(bill.left, need)
        return missing, bill.price_minor, len(bill.tie[0]), *_at_best(bill.tie, need)

    def end_rank(self, bill: _Bill, missing: timedelta) -> _Rank | None:
        return missing, bill.price_minor, len(bill.tie[0]), *bill.tie


def find_schedule(start: Point, ground: Ground) -> Found:
    """The cheapest schedule that keeps a card online until the flight; else the one that brings it furthest.

    Where the search was stopped at its limit what it found is not proven.
    """
    course = live(start, ground.pace, ground.flight, ground.zone)
    root = _Schedule((), 0, course)
    if course.offline_at is None:
        return Found((), is_enough=True, is_proven=True, least_minor=0)
    cheapest, least = _Search(ground, root, _Cheapest()).run()
    if cheapest is not None:
        least_minor = cheapest.price_minor if least is None else least[0]
        return Found(cheapest.bought, True, least_minor >= cheapest.price_minor, least_minor)
    furthest, further = _Search(ground, root, _Furthest()).run()
    bought = furthest.bought if furthest else ()
    return Found(bought, False, least is None and further is None, 0 if least is None else least[0])


class _Search:
    """One search, its queue and what it has seen."""

    def __init__(self, ground: Ground, root: _Schedule, aim: _Aim) -> None:
        plans = [offer.terms for offer in ground.offers]
        start = root.course.points[0]
        self.ground = ground
        self._aim = aim
        self.horizon = ground.flight - start.at
        self._neighbours = neighbours_of(plans)
        self._drains = Drains(plans, start.stack, ground.pace.bytes_per_day)
        longer = longer_by(start.at, ground.flight, ground.zone)
        self.yields = {
            terms.code: yield_of(terms, self._neighbours, self._drains, longer=longer, at_most=self.horizon)
            for terms in plans
        }
        self._can_serve_at_once = any(
            terms.stacking is not Stacking.SEQUEL or terms.start is Start.TAP for terms in plans
        )
        self._all_prices = self._prices_of(ground.offers, longer)
        # Where a window is open until the flight, what waits for windows to end is never online.
        can_begin = [offer for offer in ground.offers if not _waits_for_windows(offer.terms)]
        self._shut_prices = (
            self._all_prices if len(can_begin) == len(ground.offers) else self._prices_of(can_begin, longer)
        )
        self._restore_hours = max((terms.restore_hours for terms in plans), default=0)
        held = sum(lot.renewals for lot in start.stack if lot.state(start.at) in LIVING_STATES)
        horizon = Horizon(ground.flight, ground.zone, ground.pace, held + ground.renewals_max)
        self._likeness = Likeness(plans, self._neighbours, horizon)
        self._seen = Seen()
        self._work = 0
        self._numbers = count()
        self._queue: list[_Queued] = []
        self._add(root)

    def _prices_of(self, offers: Sequence[OnOffer], longer: timedelta) -> _Prices:
        plain = self._cover_prices(offers, longer)
        return _Prices(plain, self._group_prices(plain, offers, longer))

    def _cover_prices(self, offers: Sequence[OnOffer], longer: timedelta) -> CoverPrices:
        priced = [(offer, (offer.price_minor, self.yields[offer.terms.code])) for offer in offers]
        is_last = [
            not self._can_serve_at_once
            and is_apart(offer.terms, self._neighbours)
            and not may_outlast(offer.terms, self._drains)
            for offer, _ in priced
        ]
        return CoverPrices(
            [plan for (_, plan), is_over in zip(priced, is_last, strict=True) if not is_over],
            only_last=[plan for (_, plan), is_over in zip(priced, is_last, strict=True) if is_over],
            horizon=self.horizon,
            longer=longer,
        )

    def _group_prices(self, plain: CoverPrices, offers: Sequence[OnOffer], longer: timedelta) -> GroupPrices | None:
        """The closer bound, where it can be closer: where what joins nothing is joined."""
        joining: list[tuple[int, Yield]] = []
        others: list[tuple[int, Yield]] = []
        is_closer = False
        for offer in offers:
            # What gives back leftovers carries data from one lot to another, as if it joined the first.
            joins = offer.terms.stacking in JOINING_STACKINGS or bool(offer.terms.restore_hours)
            (joining if joins else others).append((offer.price_minor, self.yields[offer.terms.code]))
            is_closer |= not joins and not is_apart(offer.terms, self._neighbours)
        if not is_closer:
            return None
        return GroupPrices(
            plain,
            joining,
            others,
            horizon=self.horizon,
            longer=longer,
            renewals_max=self.ground.renewals_max,
        )

    def run(self) -> tuple[_Schedule | None, _Rank | None]:
        """The first of all schedules; and, if it was stopped, the best rank of what was left."""
        while self._work < self.ground.work_max:
            if not self._queue:
                return None, None
            self._work += _WORK_EACH
            rank, _, entry, need = heappop(self._queue)
            if isinstance(entry, _End):
                return entry.schedule, None
            groups = self._prices(entry).groups
            if need is None or groups is None:
                self._follow(entry)
                continue
            # What the closer bound costs is spent on what comes first only.
            closer = self._aim.rank(groups, self._bill(entry), need)
            if closer is not None:
                self._push(max(rank, closer), entry, None)
        stopped_at = min(self._queue)[0] if self._queue else None
        return self._in_haste(), stopped_at

    def _in_haste(self) -> _Schedule | None:
        """The best end that is known once what has come far for its number of purchases was followed to its end."""
        ends: list[tuple[_Rank, int, _Schedule]] = []
        waiting: list[tuple[timedelta, int, _Rank, _Schedule | _Idea]] = []
        for _ in range(_HASTE_MAX):
            for rank, number, entry, _ in self._queue:
                if isinstance(entry, _End):
                    ends.append((rank, number, entry.schedule))
                else:
                    heappush(waiting, (self._far(entry), number, rank, entry))
            self._queue = []
            if not waiting:
                break
            _, _, rank, next_one = heappop(waiting)
            if not ends or rank < min(ends)[0]:
                self._follow(next_one)
        ends += [(rank, number, entry.schedule) for rank, number, entry, _ in self._queue if isinstance(entry, _End)]
        return min(ends)[2] if ends else None

    def _far(self, entry: "_Schedule | _Idea") -> timedelta:
        """How much of the way is left for each purchase that is."""
        schedule = entry.schedule if isinstance(entry, _Idea) else entry
        offline_at = schedule.course.offline_at or self.ground.flight
        need = self._need(schedule.course, offline_at)
        if isinstance(entry, _Idea):
            need = self._rest(need, entry)
        return max(need.time, need.lasting, _NOTHING) / (self._bill(entry).left + 1)

    def _follow(self, entry: "_Schedule | _Idea") -> None:
        if isinstance(entry, _Idea):
            self._try(entry)
        else:
            self._propose(entry)

    def _add(self, schedule: _Schedule) -> None:
        """Queues a schedule: as an answer, and to be followed unless one that is no worse has been there."""
        offline_at = schedule.course.offline_at
        bill = self._bill(schedule)
        rank = self._aim.end_rank(bill, self.ground.flight - offline_at if offline_at else _NOTHING)
        if rank is not None:
            self._push(rank, _End(schedule), None)
        if offline_at is None or len(schedule.bought) == self.ground.renewals_max or self._is_stuck(schedule.course):
            return
        need = self._need(schedule.course, offline_at)
        rank = self._aim.rank(self._prices(schedule).plain, bill, need)
        if rank is not None:
            self._push(rank, schedule, need)

    def _is_stuck(self, course: Course) -> bool:
        """Whether the card is offline while a window goes on, and all that can be bought would wait for its end."""
        if self._can_serve_at_once or self._neighbours.restorable:
            return False
        return any(lot.ends_at is not None and lot.ends_at > course.last.at for lot in course.last.stack)

    def _propose(self, schedule: _Schedule) -> None:
        """Queues every purchase that may come next."""
        offline_at = schedule.course.offline_at
        if offline_at is None or not self._seen.adds(self._standpoint(schedule, offline_at)):
            return
        need = self._need(schedule.course, offline_at)
        for offer in self.ground.offers:
            for at in self._moments(schedule.course, offline_at, offer.terms):
                if not self._is_in_vain(schedule.course, offer, at):
                    self._push_idea(_Idea(schedule, offer, at), need)

    def _push_idea(self, idea: _Idea, need: Need) -> None:
        rest = self._rest(need, idea)
        rank = self._aim.rank(self._prices(idea).plain, self._bill(idea), rest)
        if rank is not None:
            self._push(rank, idea, rest)

    def _prices(self, entry: "_Schedule | _Idea") -> _Prices:
        """What more renewals cost: without those that could only begin after the flight."""
        schedule = entry.schedule if isinstance(entry, _Idea) else entry
        flight = self.ground.flight
        is_shut = any(
            lot.ends_at is not None and lot.ends_at >= flight and _opens_anyway(lot, schedule.course)
            for lot in schedule.course.last.stack
        )
        if isinstance(entry, _Idea) and not is_shut:
            terms = entry.offer.terms
            begins_now = terms.start is Start.NOW and terms.stacking in {Stacking.SEPARATE, Stacking.RESET}
            # Where a grace is over it is bought an hour before.
            is_shut = begins_now and end_from(entry.at - LEAD, first_length(terms), self.ground.zone) >= flight
        return self._shut_prices if is_shut else self._all_prices

    def _is_in_vain(self, course: Course, offer: OnOffer, at: datetime) -> bool:
        """Whether a purchase could only begin after the flight: it waits for a window that ends no earlier."""
        return _waits_for_windows(offer.terms) and any(
            lot.starts_at is not None
            and lot.ends_at is not None
            and lot.starts_at <= at
            and lot.ends_at >= self.ground.flight
            for lot in course.last.stack
        )

    def _moments(self, course: Course, offline_at: datetime, terms: PlanTerms) -> set[datetime]:
        """When a plan may be bought next: the moments of which one is best.

        When the card would be offline, which is the last. A plan that joins lots also shortly before one that it joins
        ends or is empty; one that waits for windows to end shortly before each; one that gives back what had ended at
        that end, and shortly before it no longer does. A lot that ends at a midnight, however late in the day it began,
        also when its first day begins or where another ends: it is drained before what lasts longer, and so that lasts
        longer still. Where the card takes no renewals later, shortly before anything ends, and at the last moment.
        """
        zone, turns = self.ground.zone, course.turns
        first, last = course.points[0].at, self.ground.renewable_until
        is_last_call = last is not None and last < offline_at
        moments = {offline_at}
        if is_last_call or (terms.stacking is Stacking.SEQUEL and _is_any_waiting(course)):
            moments |= {turn.at - LEAD for turn in turns}
        elif terms.stacking in JOINING_STACKINGS:
            moments |= {turn.at - LEAD for turn in turns if turn.lot.terms.code in terms.joins}
        if terms.restore_hours:
            moments |= {moment for moment in _restoring(course, terms) if moment < offline_at}
        if first_length(terms).day_rule is DayRule.CALENDAR:
            latest = last if last is not None and is_last_call else offline_at
            moments |= {day_start(local_day(latest, zone), zone), *(turn.at for turn in turns)}
        if last is not None:
            moments = {min(moment, last) for moment in moments} if first <= last else set()
        return {max(moment, first) for moment in moments}

    def _try(self, idea: _Idea) -> None:
        """Buys by the rules, and sees what becomes of the card."""
        schedule, offer, at = idea
        course, ground = schedule.course, self.ground
        point = point_at(course, at, ground.pace, ground.zone)
        try:
            stack = rules.renew(point.stack, offer.terms, LotKind.DATA, at, ground.zone).stack
        except CardExpired:
            # A grace that is over when the card is offline: it has to be bought before.
            earlier = max(at - LEAD, course.points[0].at)
            if course.offline_at == at and earlier < at:
                self._push_idea(_Idea(schedule, offer, earlier), self._need(course, at))
            return
        except RenewalRefused:
            return
        stack = without_what_is_over(stack, at, self._restore_hours)
        after = live(Point(stack, at, point.used), ground.pace, ground.flight, ground.zone)
        self._work += len(after.points)
        if after.offline_at is not None and after.offline_at == course.offline_at and not self._can_serve_at_once:
            # It waits for windows to end, as all that can be bought would: nothing leads on from here.
            return
        bought = (*schedule.bought, Bought(offer, at))
        self._add(_Schedule(bought, schedule.price_minor + offer.price_minor, after))

    def _push(self, rank: _Rank, entry: "_Schedule | _Idea | _End", need: Need | None) -> None:
        heappush(self._queue, (rank, next(self._numbers), entry, need))

    def _bill(self, entry: "_Schedule | _Idea") -> _Bill:
        """What is bought so far; of an idea with its purchase."""
        if isinstance(entry, _Idea):
            bought = (*entry.schedule.bought, Bought(entry.offer, entry.at))
            price_minor = entry.schedule.price_minor + entry.offer.price_minor
        else:
            bought, price_minor = entry.bought, entry.price_minor
        flight = self.ground.flight
        tie = tuple(flight - each.at for each in bought), tuple(each.offer.terms.code for each in bought)
        return _Bill(price_minor, self.ground.renewals_max - len(bought), tie)

    def _need(self, course: Course, offline_at: datetime) -> Need:
        """What renewals must bring beside the windows that can still be filled and the data that can be saved."""
        stack, zone = course.last.stack, self.ground.zone
        forecast = rules.advance(stack, _FAR_AWAY, zone)
        windows_end = offline_at
        saved = waits = in_place = _NOTHING
        # When the last window ends of those that the lots so far have opened.
        open_until = offline_at
        for lot, later in zip(stack, forecast, strict=True):
            if lot.ends_at is not None and _opens_anyway(lot, course):
                open_until = max(open_until, lot.ends_at)
            elif lot.starts_at is None and open_until >= self.ground.flight and _waits_for_windows(lot.terms):
                continue
            drain = self._drains.of(lot.terms)
            is_touched = self._neighbours.touches(lot.terms.code)
            if drain < self.ground.pace.bytes_per_day and (is_touched or lot.starts_at is None or not lot.has_left):
                saved += ahead(lot, offline_at, zone)
            if is_touched:
                windows_end = max(windows_end, later.ends_at or windows_end + (lot.length.days + 1) * DAY)
                if lot.has_left:
                    left = lasts(lot.remaining, drain, at_most=self.horizon)
                    if lot.starts_at is None or self._can_be_carried(lot):
                        saved += left
                    else:
                        in_place += left
            elif lot.starts_at is None:
                # Nothing can lengthen it or fill it, so it brings the less of both once it begins.
                days = sum(length.days for length in (lot.length, *lot.added)) + 1
                waits += lasts(lot.remaining, drain, at_most=min(days * DAY, self.horizon))
        # What its window's end takes can only have spared other lots, which are then drawn from later.
        saved += min(in_place, self._sparable(course))
        time = self.ground.flight - windows_end - waits - self._put_off(course)
        return Need(time, self.ground.flight - offline_at - saved - waits)

    def _can_be_carried(self, lot: Lot) -> bool:
        """Whether what is left in a lot that has begun can be there after its window."""
        code = lot.terms.code
        return code in self._neighbours.lengthenable or code in self._neighbours.restorable

    def _sparable(self, course: Course) -> timedelta:
        """How long the lots last that may be drawn from later than they are, if others are drawn from before them."""
        stack = course.points[0].stack
        if not any(
            self._can_be_carried(lot) or (lot.starts_at is None and not _waits_for_windows(lot.terms)) for lot in stack
        ):
            # Nothing can be lengthened or put off, and so nothing that waits for it either.
            return _NOTHING
        return sum(
            (
                lasts(lot.remaining, self._drains.of(lot.terms), at_most=self.horizon)
                for lot in stack
                if self._can_be_carried(lot) or lot.starts_at is None
            ),
            _NOTHING,
        )

    def _put_off(self, course: Course) -> timedelta:
        """For how long lots that begin by themselves may be kept waiting, if lots that are empty are filled again."""
        start = course.points[0]
        # What waits for windows begins when they end, whatever is left.
        if not any(lot.starts_at is None and not _waits_for_windows(lot.terms) for lot in start.stack):
            return _NOTHING
        emptied = [(turn.at, turn.lot) for turn in course.turns]
        emptied += [(start.at, lot) for lot in start.stack if lot.state(start.at) is LotState.USED_UP]
        filled_until = sum(
            (
                lot.ends_at - at
                for at, lot in emptied
                if lot.ends_at is not None and lot.ends_at > at and self._neighbours.touches(lot.terms.code)
            ),
            _NOTHING,
        )
        # None begins later than the last of those ends, so what they bring after it is their lengths at most.
        days = (
            sum(length.days for length in (lot.length, *lot.added)) + 1 for lot in start.stack if lot.starts_at is None
        )
        return min(filled_until, sum(days) * DAY)

    def _rest(self, need: Need, idea: _Idea) -> Need:
        """What is needed beside a purchase at its moment."""
        terms, at, course = idea.offer.terms, idea.at, idea.schedule.course
        given = self.yields[terms.code]
        if terms.start is not Start.NOW or terms.stacking not in {Stacking.RESET, Stacking.SEPARATE}:
            return need.less(given)
        end = end_from(at, first_length(terms), self.ground.zone)
        if terms.stacking is Stacking.SEPARATE and is_apart(terms, self._neighbours):
            brought = min(given.time, end - at)
            return Need(need.time - brought, need.lasting - brought)
        if terms.stacking is Stacking.RESET and not _is_any_waiting(course):
            # Its window begins when it is bought, whatever is left of another, and there is none that it could put off.
            # Lots that it does not join are spared until its end.
            left = [lot for lot in course.points[0].stack if lot.has_left and (lot.ends_at is None or lot.ends_at > at)]
            spares = len(left) > 1 or any(lot.terms.code not in terms.joins for lot in left)
            time = need.time - (end - at) if spares else min(need.time, self.ground.flight - end)
            return Need(time, need.lasting - given.lasting)
        return need.less(given)

    def _standpoint(self, schedule: _Schedule, offline_at: datetime) -> Standpoint:
        tie, course = self._bill(schedule).tie, schedule.course
        likeness, values = self._likeness.of(course, offline_at)
        first = course.points[0].at
        next_at = min((turn.at - LEAD for turn in course.turns), default=offline_at)
        return Standpoint(likeness, values, first, max(first, next_at), schedule.price_minor, tie)


def _waits_for_windows(terms: PlanTerms) -> bool:
    """Whether a lot of its own begins only when all windows before it have ended, and no tap can help."""
    return terms.stacking is Stacking.SEQUEL and terms.start is Start.NOW


def _opens_anyway(lot: Lot, course: Course) -> bool:
    """Whether a window that opens on a course is there, no earlier, for all that is bought on its way.

    What waits for use or a tap may be started later or never, and what is bought meanwhile need not wait for it.
    """
    return lot.waits_its_turn or (lot.starts_at is not None and lot.starts_at <= course.points[0].at)


def _is_any_waiting(course: Course) -> bool:
    """Whether a course begins with a lot that has not started."""
    return any(lot.starts_at is None for lot in course.points[0].stack)


def _restoring(course: Course, terms: PlanTerms) -> set[datetime]:
    """When what lots of a plan had left can first be given back, and shortly before it no longer can."""
    start = course.points[0]
    ends = {lot.ends_at for lot in (*start.stack, *(turn.lot for turn in course.turns)) if lot.terms.code == terms.code}
    moments = {end for end in ends if end is not None}
    return moments | {end + timedelta(hours=terms.restore_hours) - LEAD for end in moments}


def _at_best(tie: Tie, need: Need) -> Tie:
    """A tie with the next purchase as late as it may be: not after what there is has ended."""
    late, codes = tie
    return (*late, max(need.time, need.lasting, _NOTHING)), codes
