# SPDX-License-Identifier: Apache-2.0
"""What must always hold of usage, proven on a live database."""

from collections.abc import Iterator

from django.db import connection

from tsuzuku.kernel.findings import Finding

#: What lots of a card have lost is what its readings took from them, those rolled up too, and what carriers' totals
#: corrected. What a renewal brought back of an expired lot was not used. Of a card with an unlimited lot, which loses
#: nothing, the others have lost at most that.
_LOST_AND_DRAWN_DIFFER = """
    WITH drawn AS (
        SELECT card_id, kind, sum(amount) AS drawn
          FROM (SELECT card_id, kind, amount - throttled - unserved AS amount FROM usage_record
                 UNION ALL
                SELECT card_id, kind, amount - throttled - unserved FROM usage_usageday
                 UNION ALL
                SELECT card_id, kind, drawn FROM usage_correction) AS every
         GROUP BY card_id, kind
    ), lost AS (
        SELECT card_id, kind, sum(total - remaining) AS lost, bool_or(total IS NULL) AS is_unlimited
          FROM allowances_lotrow
         GROUP BY card_id, kind
    ), restored AS (
        SELECT card_id, kind, sum(restored) AS restored FROM allowances_grant GROUP BY card_id, kind
    ), compared AS (
        SELECT card_id, kind, coalesce(drawn, 0) AS drawn, coalesce(lost, 0) - coalesce(restored, 0) AS lost,
               coalesce(is_unlimited, false) AS is_unlimited
          FROM drawn FULL JOIN lost USING (card_id, kind) LEFT JOIN restored USING (card_id, kind)
    )
    SELECT card_id, kind, drawn, lost
      FROM compared
     WHERE CASE WHEN is_unlimited THEN lost > drawn ELSE lost <> drawn END
     ORDER BY card_id, kind
"""

#: A record counts once, whatever its time.
_DRAWN_TWICE = """
    SELECT card_id, record_id, count(*)
      FROM usage_record
     GROUP BY card_id, record_id
    HAVING count(*) > 1
     ORDER BY card_id, record_id
"""


def findings() -> Iterator[Finding]:
    """Everything that does not add up in this room."""
    with connection.cursor() as cursor:
        cursor.execute(_LOST_AND_DRAWN_DIFFER)
        for card_id, kind, drawn, lost in cursor.fetchall():
            yield Finding("usage-and-lots-differ", f"card {card_id}", f"{kind}: drawn {drawn}, lots lost {lost}")
        cursor.execute(_DRAWN_TWICE)
        for card_id, record_id, times in cursor.fetchall():
            yield Finding("usage-drawn-twice", f"card {card_id}", f"record {record_id!r} {times} times")
