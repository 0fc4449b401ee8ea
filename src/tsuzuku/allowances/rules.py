# SPDX-License-Identifier: Apache-2.0
"""The stacking rules of docs/contracts/scenario.md: pure functions over a stack, a card's lots of one kind by sequence.

Every function takes the moment and the zone of local days, and gives a new stack. Moments are in UTC. Between events
time alone changes a stack (turns come, windows end): `advance` brings a stack to a moment; every event does so first.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter
from zoneinfo import ZoneInfo

from tsuzuku.allowances.errors import CardExpired, NothingToJoin, StackFull
from tsuzuku.allowances.lots import (
    LIVING_STATES,
    Length,
    Lot,
    LotState,
    end_after,
    end_from,
    first_length,
    local_day,
)
from tsuzuku.catalog.terms import JOINING_STACKINGS, LotKind, PlanTerms, Stacking, Start

Stack = tuple[Lot, ...]

_END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Renewed:
    """The stack after a renewal, which lot holds it, and how much that had expired was given back (None: no limit)."""

    stack: Stack
    sequence: int
    restored: int | None


@dataclass(frozen=True, slots=True)
class Draw:
    """So much was taken from one lot."""

    sequence: int
    amount: int


@dataclass(frozen=True, slots=True)
class Used:
    """The stack after a use, what each lot gave, and what no lot served at full speed."""

    stack: Stack
    draws: tuple[Draw, ...]
    throttled: int
    unserved: int


@dataclass(frozen=True, slots=True)
class Expiring:
    """An amount that ends at a moment, earlier than the card goes offline."""

    amount: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """What a stack comes to at a moment."""

    remaining: int | None
    online_until: datetime | None
    expires: tuple[Expiring, ...]


# -- time ------------------------------------------------------------------------------------------------------------


def advance(stack: Stack, now: datetime, zone: ZoneInfo) -> Stack:
    """Starts the lots whose turn came up to and including `now`, each at its very moment."""
    return _take_turns(stack, since=None, until=now, zone=zone)


def _take_turns(stack: Stack, *, since: datetime | None, until: datetime, zone: ZoneInfo) -> Stack:
    """Starts the lots whose turn comes up to and including `until`."""
    lots: list[Lot] | None = None
    for place, (lot, starts_at, ends_at) in enumerate(_windows(stack, since=since, until=until, zone=zone)):
        if starts_at is not lot.starts_at:
            lots = list(stack) if lots is None else lots
            lots[place] = lot._replace(starts_at=starts_at, ends_at=ends_at, added=())
    return stack if lots is None else tuple(lots)


def _windows(
    stack: Stack, *, since: datetime | None, until: datetime, zone: ZoneInfo
) -> Iterator[tuple[Lot, datetime | None, datetime | None]]:
    """The lots with the windows that they have once every turn up to and including `until` has been taken.

    `since` is the moment of an event that may have freed the turn; None when only time has passed. Only the first lot
    that waits its turn can be next, and it waits for earlier ones alone: so one walk from the oldest on is enough,
    however many lots a card has, and ends at the first whose turn has not come.
    """
    # When the last of the earlier lots ends, and the last of those with something left.
    last_end: datetime | None = None
    last_end_with_left: datetime | None = None
    for lot in stack:
        starts_at, ends_at = lot.starts_at, lot.ends_at
        if starts_at is None and lot.waits_its_turn:
            earliest = lot.renewed_at if since is None else max(since, lot.renewed_at)
            blocked_until = last_end_with_left if lot.terms.stacking is Stacking.QUEUE else last_end
            starts_at = earliest if blocked_until is None else max(earliest, blocked_until)
            if starts_at > until:
                return
            since = starts_at
            ends_at = _end_of(lot, starts_at, zone)
        yield lot, starts_at, ends_at
        if ends_at is not None:
            if last_end is None or ends_at > last_end:
                last_end = ends_at
            if (last_end_with_left is None or ends_at > last_end_with_left) and lot.has_left:
                last_end_with_left = ends_at


def _end_of(lot: Lot, starts_at: datetime, zone: ZoneInfo) -> datetime:
    end = end_from(starts_at, lot.length, zone)
    for length in lot.added:
        end = end_after(end, length, zone)
    return end


def _started(lot: Lot, moment: datetime, zone: ZoneInfo) -> Lot:
    return lot._replace(starts_at=moment, ends_at=_end_of(lot, moment, zone), added=())


# -- renewing --------------------------------------------------------------------------------------------------------


def renew(
    stack: Stack, terms: PlanTerms, kind: LotKind, now: datetime, zone: ZoneInfo, *, is_credited: bool = False
) -> Renewed:
    """Stacks a renewal on what is there. Raises StackFull, CardExpired or NothingToJoin, checked in that order.

    With `is_credited` the carrier has already done it, which nothing can refuse any more: what finds nothing to join is
    then a lot of its own.
    """
    stack = advance(stack, now, zone)
    if not is_credited:
        check_can_renew(stack, terms, now)
    return _renew(stack, terms, kind, now, zone)


def _renew(stack: Stack, terms: PlanTerms, kind: LotKind, now: datetime, zone: ZoneInfo) -> Renewed:
    """Stacks a renewal that nothing refuses on a stack that stands at `now`."""
    stack, restored = _give_back(stack, terms, now)
    amount = _plus(terms.amounts[kind], restored)
    if terms.stacking in JOINING_STACKINGS:
        current = current_lot(stack, terms, now)
        if current is not None and _joins(current, terms):
            joined = _joined(current, terms, amount, now, zone)
            # More in an earlier lot never starts a turn, so only a lot of its own needs a look at whose turn it is.
            return Renewed(_put(stack, joined), joined.sequence, restored)
    lot = _own_lot(stack, terms, kind, amount, now)
    if lot.waits_its_turn:
        stack = _take_turns((*stack, lot), since=now, until=now, zone=zone)
    else:
        # It is later than all that wait, so it lets none of them begin.
        stack = (*stack, lot if lot.waits_alone else _started(lot, now, zone))
    return Renewed(stack, lot.sequence, restored)


def renew_every_kind(
    stacks: Mapping[LotKind, Stack], terms: PlanTerms, now: datetime, zone: ZoneInfo, *, is_credited: bool = False
) -> dict[LotKind, Renewed]:
    """A renewal in every kind that the plan gives: a card's minutes join minutes as its data joins data.

    Whether the card can take it is decided by its data alone, of which docs/contracts/scenario.md speaks: minutes that
    ended long ago do not make a card expired. Raises as `renew` does.
    """
    standing_at_now = {kind: advance(stack, now, zone) for kind, stack in stacks.items()}
    if not is_credited:
        check_can_renew(standing_at_now.get(LotKind.DATA, ()), terms, now)
    return {kind: _renew(standing_at_now.get(kind, ()), terms, kind, now, zone) for kind in terms.amounts}


def check_can_renew(stack: Stack, terms: PlanTerms, now: datetime) -> None:
    """Raises StackFull, CardExpired or NothingToJoin if a stack that stands at `now` cannot take the plan."""
    if terms.max_stack is not None or terms.grace_hours is not None:
        living = [lot for lot in stack if lot.state(now) in LIVING_STATES]
        if terms.max_stack is not None and sum(lot.renewals for lot in living) + 1 > terms.max_stack:
            raise StackFull
        if terms.grace_hours is not None and stack and not living:
            last_end = max(lot.ends_at or lot.lapses_at for lot in stack)
            if now - last_end >= timedelta(hours=terms.grace_hours):
                raise CardExpired
    if terms.stacking is Stacking.VALUE_ONLY and current_lot(stack, terms, now) is None:
        raise NothingToJoin


def current_lot(stack: Stack, terms: PlanTerms, now: datetime) -> Lot | None:
    """The lot that a joining renewal of these terms would join, or None."""
    candidates = [lot for lot in stack if lot.terms.code in terms.joins]
    running = [lot for lot in candidates if lot.state(now) in {LotState.RUNNING, LotState.USED_UP}]
    if running:
        return max(running, key=lambda lot: (lot.ends_at, lot.sequence))
    return next((lot for lot in candidates if lot.waits_alone and lot.state(now) is LotState.WAITING), None)


def _joins(current: Lot, terms: PlanTerms) -> bool:
    return terms.stacking is not Stacking.EXTEND_BY or current.has_left


def _joined(lot: Lot, terms: PlanTerms, amount: int | None, now: datetime, zone: ZoneInfo) -> Lot:
    """The lot with the renewal in it. A lot that still waits grows in length instead of moving its end."""
    length = _added_length(terms)
    ends_at, added = lot.ends_at, lot.added
    if ends_at is None:
        added = (*added, length) if length else added
    elif terms.stacking is Stacking.RESET:
        ends_at = max(ends_at, end_from(now, first_length(terms), zone))
    elif length:
        ends_at = end_after(ends_at, length, zone)
    return lot._replace(
        total=_plus(lot.total, amount),
        remaining=_plus(lot.remaining, amount),
        renewals=lot.renewals + 1,
        ends_at=ends_at,
        added=added,
    )


def _added_length(terms: PlanTerms) -> Length | None:
    if terms.stacking is Stacking.EXTEND:
        return Length(terms.days, terms.day_rule)
    if terms.stacking is Stacking.EXTEND_BY:
        return Length(terms.extend_days or 0, terms.day_rule)
    return None


def _own_lot(stack: Stack, terms: PlanTerms, kind: LotKind, amount: int | None, now: datetime) -> Lot:
    return Lot(
        sequence=stack[-1].sequence + 1 if stack else 1,
        kind=kind,
        terms=terms,
        renewed_at=now,
        length=first_length(terms),
        total=amount,
        remaining=amount,
    )


def _give_back(stack: Stack, terms: PlanTerms, now: datetime) -> tuple[Stack, int | None]:
    """Takes what lots of the same plan had left when they expired a short while ago; each leftover is taken once."""
    if not terms.restore_hours:
        return stack, 0
    late = [
        lot
        for lot in stack
        if lot.terms.code == terms.code
        and lot.state(now) is LotState.EXPIRED
        and lot.has_left
        and lot.ends_at is not None
        and now - lot.ends_at < timedelta(hours=terms.restore_hours)
    ]
    restored: int | None = 0
    for lot in late:
        restored = _plus(restored, lot.remaining)
        stack = _put(stack, lot._replace(remaining=0))
    return stack, restored


# -- using -----------------------------------------------------------------------------------------------------------


def use(stack: Stack, amount: int, now: datetime, zone: ZoneInfo) -> Used:
    """Draws an amount in drain order. A lot emptied on the way may start the next; use starts lots that wait for it.

    `now` is when it was used, which the stack may already have passed: a lot that began or was renewed after that
    serves nothing of it. What was used before the stack's latest draw is drawn by `use_late`.
    """
    stack = advance(stack, now, zone)
    today = local_day(now, zone)
    draws: list[Draw] = []
    rest = amount
    while rest:
        lot = next((lot for lot in drain_order(stack, now) if lot.left_on(today) != 0), None)
        if lot is not None:
            stack, draw = _draw(stack, lot, rest, now, today)
            stack = _take_turns(stack, since=now, until=now, zone=zone)
            draws.append(draw)
            rest -= draw.amount
        elif (waiting := _waits_for_use(stack, now)) is not None:
            stack = _put(stack, _started(waiting, now, zone))
        else:
            break
    return _used(stack, draws, rest, now)


def use_late(stack: Stack, amount: int, at: datetime, zone: ZoneInfo) -> Used:
    """Draws what was used at a moment before the stack's latest draw, and became known only now.

    It comes from the lots that were running then and have something left now, in drain order, against the allowance of
    that local day. It starts nothing in the past; a lot that it empties lets the next begin at the latest draw.
    """
    day = local_day(at, zone)
    draws: list[Draw] = []
    rest = amount
    for lot in drain_order(stack, at):
        if rest and lot.left_on(day) != 0:
            stack, draw = _draw(stack, lot, rest, at, day)
            draws.append(draw)
            rest -= draw.amount
    latest = latest_draw(stack)
    if draws and latest is not None:
        stack = _take_turns(stack, since=latest, until=latest, zone=zone)
    return _used(stack, draws, rest, at)


def correct(stack: Stack, drift: int, at: datetime, zone: ZoneInfo) -> tuple[Stack, int]:
    """Makes the lots that run at a moment hold so much less (negative: more) than we thought, all of them together.

    Less is taken in drain order, whatever the day allows; more is given back to those that drained last, up to what
    each had. Returns the stack and how much of the drift the lots could take.
    """
    stack = advance(stack, at, zone)
    rest = drift
    for lot in running_lots(stack, at) if drift > 0 else reversed(running_lots(stack, at)):
        if lot.remaining is None or lot.total is None:
            continue
        taken = min(rest, lot.remaining) if drift > 0 else max(rest, lot.remaining - lot.total)
        if taken:
            drawn_at = at if lot.drawn_at is None else max(at, lot.drawn_at)
            stack = _put(stack, lot._replace(remaining=lot.remaining - taken, drawn_at=drawn_at))
            rest -= taken
    return _take_turns(stack, since=at, until=at, zone=zone), drift - rest


def latest_draw(stack: Stack) -> datetime | None:
    """The latest moment at which something was drawn from a lot of the stack; None if nothing ever was."""
    return max((lot.drawn_at for lot in stack if lot.drawn_at is not None), default=None)


def use_at(stack: Stack, amount: int, at: datetime, zone: ZoneInfo) -> Used:
    """Draws what was used at a moment, late or not."""
    latest = latest_draw(stack)
    draw = use if latest is None or latest <= at else use_late
    return draw(stack, amount, at, zone)


def _draw(stack: Stack, lot: Lot, amount: int, at: datetime, day: date) -> tuple[Stack, Draw]:
    left = lot.left_on(day)
    taken = amount if left is None else min(amount, left)
    return _put(stack, lot.drawn(taken, at, day)), Draw(lot.sequence, taken)


def _used(stack: Stack, draws: Sequence[Draw], rest: int, at: datetime) -> Used:
    throttles = any(lot.daily_bytes is not None for lot in drain_order(stack, at))
    return Used(stack, tuple(draws), rest if throttles else 0, 0 if throttles else rest)


def drain_order(stack: Stack, now: datetime) -> list[Lot]:
    """The running lots with something left: higher priority, then unlimited, then the earliest end, then the oldest."""
    return [lot for lot in running_lots(stack, now) if lot.has_left]


def running_lots(stack: Stack, now: datetime) -> list[Lot]:
    """The lots inside their windows, in drain order, those with nothing left too."""
    # A lot may have begun after the moment that is asked about.
    running = [
        lot
        for lot in stack
        if lot.starts_at is not None and lot.ends_at is not None and lot.starts_at <= now < lot.ends_at
    ]
    return sorted(running, key=lambda lot: (-lot.terms.priority, lot.remaining is not None, lot.ends_at, lot.sequence))


def _waits_for_use(stack: Stack, now: datetime) -> Lot | None:
    waiting = (
        lot
        for lot in stack
        if lot.terms.start is Start.FIRST_USE and lot.renewed_at <= now and lot.state(now) is LotState.WAITING
    )
    return next(waiting, None)


def tap(stack: Stack, now: datetime, zone: ZoneInfo, sequence: int | None = None) -> Stack:
    """Starts the oldest lot that a tap can start, or the one asked for; without such a lot nothing happens."""
    stack = advance(stack, now, zone)
    lots = (lot for lot in stack if lot.can_be_tapped(now) and sequence in (None, lot.sequence))
    lot = next(lots, None)
    if lot is None:
        return stack
    # The lots behind a started one wait for it or not as their own terms say.
    return _take_turns(_put(stack, _started(lot, now, zone)), since=now, until=now, zone=zone)


# -- reading ---------------------------------------------------------------------------------------------------------


def standing(stack: Stack, now: datetime, zone: ZoneInfo) -> Standing:
    """What the card has at `now`, how long it stays online unbroken, and what ends before that."""
    windows = serving_windows(stack, now, zone)
    until = _unbroken_until(windows, now)
    running = [(lot, ends_at) for lot, starts_at, ends_at in windows if lot.starts_at is not None or starts_at <= now]
    expires = sorted(
        (ends_at, lot.sequence, lot.remaining)
        for lot, ends_at in running
        if until is not None and ends_at < until and lot.remaining is not None
    )
    return Standing(
        remaining=_sum(lot.remaining for lot, _ in running),
        online_until=until,
        expires=tuple(Expiring(amount, at) for at, _, amount in expires),
    )


def serving_windows(stack: Stack, now: datetime, zone: ZoneInfo) -> list[tuple[Lot, datetime, datetime]]:
    """The lots with something left whose windows end after `now`, with their windows if nothing is used."""
    return [
        (lot, starts_at, ends_at)
        for lot, starts_at, ends_at in _windows(stack, since=None, until=_END_OF_TIME, zone=zone)
        if starts_at is not None and ends_at is not None and ends_at > now and lot.has_left
    ]


def _unbroken_until(windows: Iterable[tuple[Lot, datetime, datetime]], now: datetime) -> datetime | None:
    until = now
    for _, starts_at, ends_at in sorted(windows, key=itemgetter(1)):
        if starts_at > until:
            break
        until = max(until, ends_at)
    return until if until > now else None


# -- amounts, in which None is unlimited -------------------------------------------------------------------------------


def _plus(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _sum(amounts: Iterable[int | None]) -> int | None:
    total: int | None = 0
    for amount in amounts:
        total = _plus(total, amount)
    return total


def _put(stack: Sequence[Lot], lot: Lot) -> Stack:
    return tuple(lot if each.sequence == lot.sequence else each for each in stack)
