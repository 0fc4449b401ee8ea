# SPDX-License-Identifier: Apache-2.0
"""Between rows and the pure lots: many cards at once, in a handful of statements."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings

from tsuzuku.allowances.lots import Length, Lot
from tsuzuku.allowances.rules import Stack
from tsuzuku.catalog.models import PlanTermsRow
from tsuzuku.catalog.terms import DayRule, LotKind, PlanTerms
from tsuzuku.journal import statements


class StackKey(NamedTuple):
    """A stack is a card's lots of one kind."""

    card_id: int
    kind: LotKind


class StoredLot(NamedTuple):
    """A lot as it was read: its row's id, whose it is, the lot itself, and which row has its terms."""

    id: int
    key: StackKey
    lot: Lot
    terms_id: int


@dataclass(frozen=True, slots=True)
class NewLot:
    """A lot to be written for the first time."""

    key: StackKey
    lot: Lot
    terms_id: int


@lru_cache(maxsize=8)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def brand_zone() -> ZoneInfo:
    """The zone whose midnights end days."""
    return _zone(settings.TIME_ZONE)


@lru_cache(maxsize=4096)
def terms_of(terms_id: int) -> PlanTerms:
    """The terms of a row, which never changes once written."""
    return PlanTerms.from_json(PlanTermsRow.objects.get(pk=terms_id).terms)


#: All lots of these cards, oldest first. JSON as text: hardly any of it holds something that is worth parsing.
_LOAD = """
    SELECT id, card_id, kind, sequence, terms_id, renewed_at, days, day_rule, added::text, total, remaining, renewals,
           starts_at, ends_at, day, day_used, earlier_days::text, drawn_at
      FROM allowances_lotrow
     WHERE card_id = ANY(%(cards)s::bigint[])
     ORDER BY card_id, kind, sequence
"""


def load_lots(card_ids: Iterable[int]) -> list[StoredLot]:
    """All lots of these cards, oldest first."""
    return [_stored(row) for row in statements.rows(_LOAD, {"cards": list(card_ids)})]


def stacks_of(lots: Iterable[StoredLot]) -> dict[StackKey, Stack]:
    """The pure stacks of lots; a card without lots of a kind has no entry."""
    stacks: dict[StackKey, list[Lot]] = defaultdict(list)
    for stored in lots:
        stacks[stored.key].append(stored.lot)
    return {key: tuple(lots) for key, lots in stacks.items()}


def load_stacks(card_ids: Iterable[int]) -> dict[StackKey, Stack]:
    """The stacks of these cards. To change them, hold the locks of the cards' rows first."""
    return stacks_of(load_lots(card_ids))


_NOTHING = "[]"
_KINDS = {str(kind): kind for kind in LotKind}
_DAY_RULES = {str(rule): rule for rule in DayRule}


def _stored(row: tuple[Any, ...]) -> StoredLot:
    (
        lot_id,
        card_id,
        kind,
        sequence,
        terms_id,
        renewed_at,
        days,
        day_rule,
        added,
        total,
        remaining,
        renewals,
        starts_at,
        ends_at,
        day,
        day_used,
        earlier_days,
        drawn_at,
    ) = row
    lot = Lot(
        sequence=sequence,
        kind=_KINDS[kind],
        terms=terms_of(terms_id),
        renewed_at=renewed_at,
        length=Length(days, _DAY_RULES[day_rule]),
        added=() if added == _NOTHING else tuple(Length(days, DayRule(rule)) for days, rule in json.loads(added)),
        total=total,
        remaining=remaining,
        renewals=renewals,
        starts_at=starts_at,
        ends_at=ends_at,
        day=day,
        day_used=day_used,
        earlier_days=()
        if earlier_days == _NOTHING
        else tuple((date.fromisoformat(day), used) for day, used in json.loads(earlier_days)),
        drawn_at=drawn_at,
    )
    return StoredLot(lot_id, StackKey(card_id, lot.kind), lot, terms_id)


def save_stacks(
    before: Mapping[StackKey, Stack], after: Mapping[StackKey, Stack], terms_ids: Mapping[tuple[StackKey, int], int]
) -> dict[tuple[StackKey, int], int]:
    """Writes what differs, new lots (whose terms `terms_ids` names) in one statement, changed ones in another.

    Returns the ids of the new lots by stack and sequence.
    """
    fresh: list[NewLot] = []
    changed: list[tuple[StackKey, Lot]] = []
    for key, stack in after.items():
        known = {lot.sequence: lot for lot in before.get(key, ())}
        for lot in stack:
            if lot.sequence not in known:
                fresh.append(NewLot(key, lot, terms_ids[key, lot.sequence]))
            elif known[lot.sequence] is not lot and known[lot.sequence] != lot:
                changed.append((key, lot))
    if changed:
        statements.execute(_UPDATE, _arrays(changed, _CHANGING))
    return _insert(fresh) if fresh else {}


#: Inserts lots from one array for each column; gives back their ids.
_INSERT = """
    INSERT INTO allowances_lotrow (
           card_id, kind, sequence, terms_id, renewed_at, days, day_rule,
           added, total, remaining, renewals, starts_at, ends_at, day, day_used, earlier_days,
           drawn_at)
    SELECT * FROM ROWS FROM (
           unnest(%(card_id)s::bigint[], %(kind)s::text[], %(sequence)s::int[], %(terms_id)s::bigint[],
                  %(renewed_at)s::timestamptz[], %(days)s::int[], %(day_rule)s::text[]),
           jsonb_array_elements(%(added)s::jsonb),
           unnest(%(total)s::bigint[], %(remaining)s::bigint[], %(renewals)s::int[], %(starts_at)s::timestamptz[],
                  %(ends_at)s::timestamptz[], %(day)s::date[], %(day_used)s::bigint[]),
           jsonb_array_elements(%(earlier_days)s::jsonb),
           unnest(%(drawn_at)s::timestamptz[])) AS new
    RETURNING id, card_id, kind, sequence
"""

#: Updates what may change of lots, from one array for each column.
_UPDATE = """
    UPDATE allowances_lotrow AS lot
       SET added = new.added, total = new.total, remaining = new.remaining, renewals = new.renewals,
           starts_at = new.starts_at, ends_at = new.ends_at, day = new.day, day_used = new.day_used,
           earlier_days = new.earlier_days, drawn_at = new.drawn_at
      FROM ROWS FROM (
           unnest(%(card_id)s::bigint[], %(kind)s::text[], %(sequence)s::int[]),
           jsonb_array_elements(%(added)s::jsonb),
           unnest(%(total)s::bigint[], %(remaining)s::bigint[], %(renewals)s::int[], %(starts_at)s::timestamptz[],
                  %(ends_at)s::timestamptz[], %(day)s::date[], %(day_used)s::bigint[]),
           jsonb_array_elements(%(earlier_days)s::jsonb),
           unnest(%(drawn_at)s::timestamptz[]))
           AS new(card_id, kind, sequence, added, total, remaining, renewals, starts_at, ends_at, day, day_used,
                  earlier_days, drawn_at)
     WHERE (lot.card_id, lot.kind, lot.sequence) = (new.card_id, new.kind, new.sequence)
"""

#: How each column that may change is read from a lot.
_CHANGING: Mapping[str, Callable[[Lot], Any]] = {
    "added": lambda lot: [[length.days, str(length.day_rule)] for length in lot.added],
    "total": lambda lot: lot.total,
    "remaining": lambda lot: lot.remaining,
    "renewals": lambda lot: lot.renewals,
    "starts_at": lambda lot: lot.starts_at,
    "ends_at": lambda lot: lot.ends_at,
    "day": lambda lot: lot.day,
    "day_used": lambda lot: lot.day_used,
    "earlier_days": lambda lot: [[day.isoformat(), used] for day, used in lot.earlier_days],
    "drawn_at": lambda lot: lot.drawn_at,
}
#: Of these the columns that hold JSON.
_JSON = ("added", "earlier_days")
_FIXED: Mapping[str, Callable[[Lot], Any]] = {
    "renewed_at": lambda lot: lot.renewed_at,
    "days": lambda lot: lot.length.days,
    "day_rule": lambda lot: str(lot.length.day_rule),
}


def _arrays(lots: Sequence[tuple[StackKey, Lot]], columns: Mapping[str, Callable[[Lot], Any]]) -> dict[str, Any]:
    values = {name: [read(lot) for _, lot in lots] for name, read in columns.items()}
    return {
        "card_id": [key.card_id for key, _ in lots],
        "kind": [str(key.kind) for key, _ in lots],
        "sequence": [lot.sequence for _, lot in lots],
        **values,
        **{name: json.dumps(values[name]) for name in _JSON},
    }


def _insert(fresh: Sequence[NewLot]) -> dict[tuple[StackKey, int], int]:
    arrays = _arrays([(new.key, new.lot) for new in fresh], {**_FIXED, **_CHANGING})
    arrays["terms_id"] = [new.terms_id for new in fresh]
    return {
        (StackKey(card_id, _KINDS[kind]), sequence): lot_id
        for lot_id, card_id, kind, sequence in statements.rows(_INSERT, arrays)
    }
