# SPDX-License-Identifier: Apache-2.0
"""Verbs: take readings, and draw those that were kept aside once their card is there."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import transaction

from tsuzuku.allowances import rules
from tsuzuku.allowances.lots import LIVING_STATES, local_day
from tsuzuku.allowances.store import StackKey, brand_zone, load_stacks, save_stacks
from tsuzuku.catalog.terms import LotKind
from tsuzuku.journal import statements
from tsuzuku.usage import sql
from tsuzuku.usage.anomalies import Oddity, tell_oddities
from tsuzuku.usage.crossings import crossing, has_begun, tell_crossings
from tsuzuku.usage.draw_sql import draw_plain
from tsuzuku.usage.models import AnomalyKind, Reason
from tsuzuku.usage.partitions import hold_months, kept_since, make_months, missing_months, month_of
from tsuzuku.usage.reading_lines import Reading
from tsuzuku.usage.sql import Aside, CardReading, Outcome

#: With fewer readings than this the rules are faster than the statements that spare them.
MANY = 500
#: Readings kept aside that are drawn in one transaction.
PORTION = 1000


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of readings. Each new one was drawn (perhaps in part) or kept aside."""

    accepted: int = 0
    duplicates: int = 0
    #: Of those accepted.
    kept_aside: int = 0
    #: Of data: what no lot served at all, and what none served at full speed.
    unserved_bytes: int = 0
    throttled_bytes: int = 0

    def __add__(self, other: "Taken") -> "Taken":
        return Taken(
            self.accepted + other.accepted,
            self.duplicates + other.duplicates,
            self.kept_aside + other.kept_aside,
            self.unserved_bytes + other.unserved_bytes,
            self.throttled_bytes + other.throttled_bytes,
        )


def take_readings(
    *, readings: Sequence[Reading], actor: str, card_groups: frozenset[str] | None, now: datetime
) -> Taken:
    """Draws readings that have not been seen before, in order of (`ended_at`, `record_id`), all or none of them.

    A reading counts once per card and `record_id`; of two in `readings` the first counts. `card_groups` are those of
    whose cards the sender may speak; None is all. Readings of other cards are kept aside until the card is there, and
    so are those older than what is kept (TSUZUKU_KEEP_USAGE_DAYS), which are never drawn: they may be repetitions.

    Up to some ten thousand readings a call: each card of theirs is locked until all are drawn.
    """
    once: dict[tuple[str, str], Reading] = {}
    for reading in readings:
        once.setdefault((reading.iccid, reading.record_id), reading)
    _make_months_of(once.values(), now=now)
    with transaction.atomic():
        hold_months()
        statements.by_index()
        since = kept_since(now)
        young = [each for each in once.values() if each.ended_at >= since]
        found = draw_plain(young, card_groups, now=now) if len(young) >= MANY else sql.sort_out(young, card_groups)
        drawn = _draw_by_rules(found.rest, actor=actor, now=now)
        tell_crossings(found.crossings | drawn.crossings, drawn.begun, actor=actor, now=now)
        asides = [Aside(each, Reason.CARD_UNKNOWN) for each in young if each.iccid in found.unknown]
        if len(young) < len(once):
            asides += [Aside(each, Reason.TOO_OLD) for each in once.values() if each.ended_at < since]
        kept = sql.keep_aside(asides, actor=actor, card_groups=card_groups, now=now)
    accepted = found.drawn + len(found.rest) + kept
    return Taken(
        accepted=accepted,
        duplicates=len(readings) - accepted,
        kept_aside=kept,
        unserved_bytes=drawn.unserved_bytes,
        throttled_bytes=drawn.throttled_bytes,
    )


def draw_kept_readings(*, now: datetime) -> int:
    """Draws readings that were kept aside and whose card is there now, a portion; returns how many it took up."""
    found = sql.find_appeared(PORTION)
    if not found:
        return 0
    with transaction.atomic():
        hold_months()
        statements.by_index()
        since = kept_since(now)
        cards = sql.lock_cards({each.reading.iccid for each in found}, None)
        sql.leave_aside_for_good(each.id for each in found if each.reading.ended_at < since)
        still_there = sql.take_from_aside(each.id for each in found if each.reading.ended_at >= since)
        # Two senders may have told of the same record while nobody knew the card.
        once = {
            (each.card_id, each.reading.record_id): each.reading for each in reversed(found) if each.id in still_there
        }
        new = sql.without_repetitions([sql.of_card(each, cards[each.iccid]) for each in once.values()])
        drawn = _draw_by_rules(new, actor="system", now=now)
        tell_crossings(drawn.crossings, drawn.begun, actor="system", now=now)
    return len(found)


def _make_months_of(readings: Iterable[Reading], *, now: datetime) -> None:
    """Makes the months that readings need, before anything is locked: making one waits for everybody who draws."""
    since = month_of(kept_since(now))
    # By year and month first, of which there are few: a date for each of 50,000 readings would take longer.
    months = {month_of(moment) for moment in {(at.year, at.month): at for _, _, _, _, at in readings}.values()}
    if missing := missing_months(month for month in months if month >= since):
        make_months(missing)


@dataclass
class _Drawn:
    """What came of drawing by the rules, and what no lot served of data."""

    unserved_bytes: int = 0
    throttled_bytes: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    oddities: list[Oddity] = field(default_factory=list)
    #: By card, of readings that no lot gave anything to.
    measured: dict[int, datetime] = field(default_factory=dict)
    #: Per cent used, by card of which a lot of data, or all of it, ran low or empty.
    crossings: dict[int, int] = field(default_factory=dict)
    #: Cards of which a lot of data began.
    begun: set[int] = field(default_factory=set)


def _draw_by_rules(readings: Sequence[CardReading], *, actor: str, now: datetime) -> _Drawn:
    """Draws new readings, whose cards are locked, and keeps them."""
    drawn = _Drawn()
    zone = brand_zone()
    by_stack: dict[StackKey, list[CardReading]] = defaultdict(list)
    for reading in readings:
        by_stack[StackKey(reading.card_id, LotKind(reading.kind))].append(reading)
        if reading.is_blocked and reading.amount:
            drawn.oddities.append(Oddity(reading.card_id, AnomalyKind.BLOCKED, _day(reading.ended_at), reading.amount))
    before = load_stacks({key.card_id for key in by_stack})
    after = {}
    for key, of_stack in by_stack.items():
        stack = before.get(key, ())
        for reading in sorted(of_stack, key=lambda each: (each.ended_at, each.record_id)):
            used = rules.use_at(stack, reading.amount, reading.ended_at, zone)
            stack = used.stack
            _note(reading, key, used, drawn)
        after[key] = stack
        if key.kind is LotKind.DATA:
            last = max(reading.ended_at for reading in of_stack)
            _watch(key.card_id, before.get(key, ()), stack, drawn, at=last)
    save_stacks(before, after, {})
    sql.keep_records(drawn.outcomes, now=now)
    sql.set_meters(drawn.measured)
    tell_oddities(drawn.oddities, actor=actor, now=now)
    return drawn


def _watch(card_id: int, before: rules.Stack, after: rules.Stack, drawn: _Drawn, *, at: datetime) -> None:
    """Notes what a card's holders may want to hear."""
    percent = crossing(before, after, at=at)
    if percent is not None:
        drawn.crossings[card_id] = percent
    if has_begun(before, after):
        drawn.begun.add(card_id)


def _note(reading: CardReading, key: StackKey, used: rules.Used, drawn: _Drawn) -> None:
    drawn.outcomes.append(Outcome(reading, used.throttled, used.unserved))
    if key.kind is LotKind.DATA:
        drawn.throttled_bytes += used.throttled
        drawn.unserved_bytes += used.unserved
    if not used.draws:
        known = drawn.measured.get(key.card_id, reading.ended_at)
        drawn.measured[key.card_id] = max(known, reading.ended_at)
    if used.unserved and used.stack and not any(lot.state(reading.ended_at) in LIVING_STATES for lot in used.stack):
        day = _day(reading.ended_at)
        drawn.oddities.append(Oddity(key.card_id, AnomalyKind.AFTER_EXPIRY, day, used.unserved))


def _day(moment: datetime) -> date:
    return local_day(moment, brand_zone())
