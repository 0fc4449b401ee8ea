# SPDX-License-Identifier: Apache-2.0
"""Between rows and the pure lots: many cards at once, in a handful of statements."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from psycopg.types.json import Jsonb

from tsuzuku.allowances.lots import Length, Lot
from tsuzuku.allowances.models import LotRow
from tsuzuku.allowances.rules import Stack
from tsuzuku.catalog.models import PlanTermsRow
from tsuzuku.catalog.terms import DayRule, LotKind, PlanTerms


@dataclass(frozen=True, slots=True)
class StackKey:
    """A stack is a card's lots of one kind."""

    card_id: int
    kind: LotKind


def brand_zone() -> ZoneInfo:
    """The zone whose midnights end days."""
    return ZoneInfo(settings.TIME_ZONE)


@lru_cache(maxsize=4096)
def terms_of(terms_id: int) -> PlanTerms:
    """The terms of a row, which never changes once written."""
    return PlanTerms.from_json(PlanTermsRow.objects.get(pk=terms_id).terms)


def load_rows(card_ids: Iterable[int]) -> list[LotRow]:
    """All lots of these cards, oldest first."""
    return list(LotRow.objects.filter(card_id__in=list(card_ids)).order_by("card_id", "kind", "sequence"))


def stacks_of(rows: Iterable[LotRow]) -> dict[StackKey, Stack]:
    """The pure stacks of rows; a card without lots of a kind has no entry."""
    stacks: dict[StackKey, list[Lot]] = defaultdict(list)
    for row in rows:
        stacks[StackKey(row.card_id, LotKind(row.kind))].append(_lot(row))
    return {key: tuple(lots) for key, lots in stacks.items()}


def load_stacks(card_ids: Iterable[int]) -> dict[StackKey, Stack]:
    """The stacks of these cards. To change them, hold the locks of the cards' rows first."""
    return stacks_of(load_rows(card_ids))


def save_stacks(
    before: Mapping[StackKey, Stack], after: Mapping[StackKey, Stack], terms_ids: Mapping[tuple[StackKey, int], int]
) -> None:
    """Writes what differs, new lots (whose terms `terms_ids` names) in one statement, changed ones in another."""
    fresh: list[LotRow] = []
    changed: list[tuple[StackKey, Lot]] = []
    for key, stack in after.items():
        known = {lot.sequence: lot for lot in before.get(key, ())}
        for lot in stack:
            if lot.sequence not in known:
                fresh.append(_row(key, lot, terms_ids[key, lot.sequence]))
            elif known[lot.sequence] != lot:
                changed.append((key, lot))
    LotRow.objects.bulk_create(fresh)
    if changed:
        _update(changed)


def _lot(row: LotRow) -> Lot:
    return Lot(
        sequence=row.sequence,
        kind=LotKind(row.kind),
        terms=terms_of(row.terms_id),
        renewed_at=row.renewed_at,
        length=Length(row.days, DayRule(row.day_rule)),
        added=tuple(Length(days, DayRule(rule)) for days, rule in row.added),
        total=row.total,
        remaining=row.remaining,
        renewals=row.renewals,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        day=row.day,
        day_used=row.day_used,
    )


def _row(key: StackKey, lot: Lot, terms_id: int) -> LotRow:
    return LotRow(
        card_id=key.card_id,
        kind=key.kind,
        sequence=lot.sequence,
        terms_id=terms_id,
        renewed_at=lot.renewed_at,
        days=lot.length.days,
        day_rule=lot.length.day_rule,
        **_changing(lot),
    )


def _changing(lot: Lot) -> dict[str, Any]:
    return {
        "added": [[length.days, str(length.day_rule)] for length in lot.added],
        "total": lot.total,
        "remaining": lot.remaining,
        "renewals": lot.renewals,
        "starts_at": lot.starts_at,
        "ends_at": lot.ends_at,
        "day": lot.day,
        "day_used": lot.day_used,
    }


#: Each array is one column; unnest lays them side by side as rows, one for each lot that changed.
_UPDATE_LOTS = """
    UPDATE allowances_lotrow AS lot
       SET added = new.added, total = new.total, remaining = new.remaining, renewals = new.renewals,
           starts_at = new.starts_at, ends_at = new.ends_at, day = new.day, day_used = new.day_used
      FROM unnest(%(card_id)s::bigint[], %(kind)s::text[], %(sequence)s::int[], %(added)s::jsonb[], %(total)s::bigint[],
                  %(remaining)s::bigint[], %(renewals)s::int[], %(starts_at)s::timestamptz[],
                  %(ends_at)s::timestamptz[], %(day)s::date[], %(day_used)s::bigint[])
           AS new(card_id, kind, sequence, added, total, remaining, renewals, starts_at, ends_at, day, day_used)
     WHERE (lot.card_id, lot.kind, lot.sequence) = (new.card_id, new.kind, new.sequence)
"""


def _update(changed: Sequence[tuple[StackKey, Lot]]) -> None:
    """Updates many lots in one statement; Django's bulk_update would grow a CASE per row and column instead."""
    values = [_changing(lot) for _, lot in changed]
    arrays = {name: [value[name] for value in values] for name in values[0]}
    arrays["added"] = [Jsonb(added) for added in arrays["added"]]
    arrays["card_id"] = [key.card_id for key, _ in changed]
    arrays["kind"] = [str(key.kind) for key, _ in changed]
    arrays["sequence"] = [lot.sequence for _, lot in changed]
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE_LOTS, arrays)
