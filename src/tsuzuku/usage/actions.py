# SPDX-License-Identifier: Apache-2.0
"""Verbs: take readings, and draw those that were kept aside once their card is there."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
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
from tsuzuku.usage.draw_sql import draw_plain
from tsuzuku.usage.models import AnomalyKind, Reason
from tsuzuku.usage.partitions import hold_months, kept_since, make_months, missing_months, month_of
from tsuzuku.usage.reading_lines import Reading
from tsuzuku.usage.sql import Aside, CardReading, LockedCard, Outcome

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
        asides = [Aside(each, Reason.TOO_OLD) for each in once.values() if each.ended_at < since]
        young = [each for each in once.values() if each.ended_at >= since] if asides else list(once.values())
        iccids = {each.iccid for each in young}
        cards = sql.lock_cards(iccids, card_groups)
        if len(cards) < len(iccids):
            asides += [Aside(each, Reason.CARD_UNKNOWN) for each in young if each.iccid not in cards]
            young = [each for each in young if each.iccid in cards]
        if waiting := sql.about_to_be_drawn(cards):
            young = [each for each in young if (each.iccid, each.record_id) not in waiting]
        drawn = _draw(_of_cards(young, cards), cards.values(), actor=actor, now=now)
        kept = sql.keep_aside(asides, actor=actor, card_groups=card_groups, now=now)
    return Taken(
        accepted=drawn.readings + kept,
        duplicates=len(readings) - drawn.readings - kept,
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
        _draw(_of_cards(once.values(), cards), cards.values(), actor="system", now=now)
    return len(found)


def _make_months_of(readings: Iterable[Reading], *, now: datetime) -> None:
    """Makes the months that readings need, before anything is locked: making one waits for everybody who draws."""
    since = month_of(kept_since(now))
    # By year and month first, of which there are few: a date for each of 50,000 readings would take longer.
    months = {month_of(moment) for moment in {(at.year, at.month): at for _, _, _, _, at in readings}.values()}
    if missing := missing_months(month for month in months if month >= since):
        make_months(missing)


def _of_cards(readings: Iterable[Reading], cards: dict[str, LockedCard]) -> list[CardReading]:
    """In the order of the records' key, in which they are found and written fastest."""
    return sorted(
        CardReading(cards[iccid].id, record_id, str(kind), amount, ended_at)
        for iccid, record_id, kind, amount, ended_at in readings
    )


@dataclass
class _Drawn:
    """What came of drawing: how many readings were new, and what no lot served of data."""

    readings: int = 0
    unserved_bytes: int = 0
    throttled_bytes: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    oddities: list[Oddity] = field(default_factory=list)
    #: By card, of readings that no lot gave anything to.
    measured: dict[int, datetime] = field(default_factory=dict)


def _draw(readings: Sequence[CardReading], cards: Collection[LockedCard], *, actor: str, now: datetime) -> _Drawn:
    """Draws what has not been drawn before, and keeps it. The cards are locked."""
    drawn = _Drawn()
    blocked = {card.id for card in cards if card.is_blocked}
    watched = [each for each in readings if each.card_id in blocked] if blocked else []
    others = [each for each in readings if each.card_id not in blocked] if blocked else readings
    if len(others) >= MANY:
        plain = draw_plain(others, now=now)
        drawn.readings += plain.readings
        rest = plain.rest
    else:
        rest = sql.without_repetitions(others)
    watched = sql.without_repetitions(watched)
    _draw_by_rules([*rest, *watched], drawn)
    drawn.oddities += [
        Oddity(each.card_id, AnomalyKind.BLOCKED, _day(each.ended_at), each.amount) for each in watched if each.amount
    ]
    sql.keep_records(drawn.outcomes, now=now)
    sql.set_meters(drawn.measured)
    tell_oddities(drawn.oddities, actor=actor, now=now)
    return drawn


def _draw_by_rules(readings: Sequence[CardReading], drawn: _Drawn) -> None:
    zone = brand_zone()
    by_stack: dict[StackKey, list[CardReading]] = defaultdict(list)
    for reading in readings:
        by_stack[StackKey(reading.card_id, LotKind(reading.kind))].append(reading)
    before = load_stacks({key.card_id for key in by_stack})
    after = {}
    for key, of_stack in by_stack.items():
        stack = before.get(key, ())
        for reading in sorted(of_stack, key=lambda each: (each.ended_at, each.record_id)):
            used = rules.use_at(stack, reading.amount, reading.ended_at, zone)
            stack = used.stack
            _note(reading, key, used, drawn)
        after[key] = stack
    save_stacks(before, after, {})


def _note(reading: CardReading, key: StackKey, used: rules.Used, drawn: _Drawn) -> None:
    drawn.readings += 1
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
