# SPDX-License-Identifier: Apache-2.0
"""What is unusual about a card's use, told as facts: once for each card, kind and local day."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from tsuzuku.journal import statements
from tsuzuku.journal.actions import record_facts
from tsuzuku.usage.events import UsageUnusual
from tsuzuku.usage.models import AnomalyKind


class Oddity(NamedTuple):
    """Something unusual about one reading or one day; amounts of the same card, kind and day add up."""

    card_id: int
    kind: AnomalyKind
    day: date
    amount: int


#: Notes what was not noted yet; gives back what is new.
_NOTE = """
    INSERT INTO usage_anomaly (card_id, kind, day, amount, found_at)
    SELECT card_id, kind, day, sum(amount), %(now)s
      FROM unnest(%(cards)s::bigint[], %(kinds)s::text[], %(days)s::date[], %(amounts)s::bigint[])
           AS found(card_id, kind, day, amount)
     GROUP BY card_id, kind, day
     ORDER BY card_id, kind, day
    ON CONFLICT (card_id, kind, day) DO NOTHING
    RETURNING card_id, kind, day, amount
"""


def tell_oddities(oddities: Sequence[Oddity], *, actor: str, now: datetime) -> int:
    """Records facts of those that were not told yet, in the caller's transaction; returns how many."""
    if not oddities:
        return 0
    new = statements.rows(
        _NOTE,
        {
            "cards": [each.card_id for each in oddities],
            "kinds": [str(each.kind) for each in oddities],
            "days": [each.day for each in oddities],
            "amounts": [each.amount for each in oddities],
            "now": now,
        },
    )
    facts = [
        UsageUnusual(card_id=card_id, anomaly=kind, day=day.isoformat(), amount=amount)
        for card_id, kind, day, amount in new
    ]
    if facts:
        record_facts(facts, actor=actor, now=now)
    return len(facts)
