# SPDX-License-Identifier: Apache-2.0
"""Reading what was used and when it was measured."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings

from tsuzuku.catalog.terms import LotKind
from tsuzuku.journal import statements

#: The newest reading of each card: of those that drew from its lots, and of those to which no lot gave anything.
_MEASURED = """
    SELECT card_id, max(at)
      FROM (SELECT card_id, drawn_at AS at FROM allowances_lotrow WHERE card_id = ANY(%(cards)s::bigint[])
             UNION ALL
            SELECT card_id, measured_at FROM usage_unservedmeter WHERE card_id = ANY(%(cards)s::bigint[])) AS measured
     WHERE at IS NOT NULL
     GROUP BY card_id
"""


def measured_at(card_ids: Collection[int]) -> dict[int, datetime]:
    """When the newest reading of each card was measured; a card without readings is absent. One statement."""
    return dict(statements.rows(_MEASURED, {"cards": list(card_ids)}))


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfUse:
    """What a card used on a local day, of one kind; bytes, seconds or messages."""

    day: date
    kind: LotKind
    amount: int
    #: Of the amount: what no lot served at full speed, and what none served at all.
    throttled: int
    unserved: int

    @property
    def drawn(self) -> int:
        """What lots served."""
        return self.amount - self.throttled - self.unserved


#: The days that were rolled up, and the readings that are still kept, of no other days and no other partitions.
_BY_DAY = """
    SELECT day, kind, sum(amount)::bigint, sum(throttled)::bigint, sum(unserved)::bigint
      FROM (SELECT day, kind, amount, throttled, unserved
              FROM usage_usageday
             WHERE card_id = %(card)s AND day BETWEEN %(since)s AND %(until)s
             UNION ALL
            SELECT (ended_at AT TIME ZONE %(zone)s)::date, kind, amount, throttled, unserved
              FROM usage_record
             WHERE card_id = %(card)s AND ended_at >= %(since)s::timestamp AT TIME ZONE %(zone)s
               AND ended_at < (%(until)s + 1)::timestamp AT TIME ZONE %(zone)s) AS used
     GROUP BY day, kind
     ORDER BY day, kind
"""


def usage_by_day(card_id: int, *, since: date, until: date) -> list[DayOfUse]:
    """What a card used on each local day from `since` to `until`, both included; days without use are absent."""
    found = statements.rows(_BY_DAY, {"card": card_id, "zone": settings.TIME_ZONE, "since": since, "until": until})
    return [
        DayOfUse(day=day, kind=LotKind(kind), amount=amount, throttled=throttled, unserved=unserved)
        for day, kind, amount, throttled, unserved in found
    ]


#: So many whole days tell how much somebody uses.
PACE_DAYS = 7


@dataclass(frozen=True, slots=True)
class MeasuredPace:
    """What a card used a day, on average over so many whole local days from `since` on; slow and unserved use too."""

    bytes_per_day: int
    since: date
    days: int


def measured_pace(card_id: int, *, today: date) -> MeasuredPace | None:
    """How much a card used a day of late, rounded up; None if it was not used on any of the last whole days.

    Days before its first use among them do not count, days without use after it do. Today is not over, and left out.
    """
    used = usage_by_day(card_id, since=today - timedelta(days=PACE_DAYS), until=today - timedelta(days=1))
    of_data = [each for each in used if each.kind is LotKind.DATA and each.amount > 0]
    if not of_data:
        return None
    since = of_data[0].day
    days = (today - since).days
    return MeasuredPace(-(-sum(each.amount for each in of_data) // days), since, days)
