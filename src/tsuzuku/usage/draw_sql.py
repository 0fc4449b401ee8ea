# SPDX-License-Identifier: Apache-2.0
"""Readings in large numbers: the statements that draw what is plain, without the rules seeing a single lot.

The readings of a card are *plain* when the rules would take all of them from one lot and change nothing else. That is
so when all of them are of data and more than nothing, and when, of all the card's lots of data that were started, have
something left and run at any moment from its first new reading to its last, the one that comes first in drain order

- has no daily allowance, so it serves all it is asked for while anything is left,
- began no later than the first reading and ends after the last, so it runs at each of them,
- has more left than all of them take together, or no limit, so it is never empty and frees nobody's turn,

and when moreover

- nothing was drawn from the card's data after the first reading, so none of them is late,
- no lot that waits its turn is older than it: each that is younger waits at least until that lot ends.

At each reading it is then the first in drain order: it runs, and every lot that runs with it and has something left is
one of those it precedes, for the order depends on nothing that the readings change. It serves the reading wholly, so
no lot that waits for use is started. No turn comes up to the last reading. What remains of `rules.use` is a
subtraction.

All other readings are left to the rules. tests/unit/usage/test_plain_draws.py holds both to be equal.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.db import connection
from psycopg import Cursor

from tsuzuku.catalog.terms import TURN_STACKINGS
from tsuzuku.usage.sql import CardReading

#: The readings of a call whose cards are known. Kept for the connection, emptied by each transaction's end.
_TABLES = """
    CREATE TEMPORARY TABLE IF NOT EXISTS usage_arrived (
        card_id bigint, record_id text COLLATE "C", kind text, amount bigint, ended_at timestamptz
    ) ON COMMIT DELETE ROWS;
    CREATE TEMPORARY TABLE IF NOT EXISTS usage_plain (
        card_id bigint, lot_id bigint, amount bigint, drawn_at timestamptz
    ) ON COMMIT DELETE ROWS;
    TRUNCATE usage_arrived, usage_plain
"""

_COPY = "COPY usage_arrived (card_id, record_id, kind, amount, ended_at) FROM STDIN"

#: Takes out what came before. LIMIT makes it one look by the key of each month, whatever the planner thinks of sizes.
_FORGET_REPETITIONS = """
    DELETE FROM usage_arrived AS arrived
     WHERE (SELECT true FROM usage_record AS known
             WHERE known.card_id = arrived.card_id AND known.record_id = arrived.record_id LIMIT 1)
"""

#: Finds the cards whose readings are plain, and the lot that serves them.
_FIND_PLAIN = """
    INSERT INTO usage_plain (card_id, lot_id, amount, drawn_at)
    WITH arrived AS MATERIALIZED (
        SELECT card_id, min(ended_at) AS first, max(ended_at) AS last, sum(amount) AS amount
          FROM usage_arrived
         GROUP BY card_id
        HAVING bool_and(kind = 'data' AND amount > 0)
    ), terms AS MATERIALIZED (
        SELECT id, (terms->>'priority')::int AS priority, terms->>'daily_bytes' IS NOT NULL AS is_daily,
               terms->>'stacking' = ANY(%(turns)s::text[]) AS takes_turns
          FROM catalog_plantermsrow
    ), lot AS (
        SELECT arrived.card_id, arrived.first, arrived.last, arrived.amount, lot.id, lot.sequence, lot.remaining,
               lot.starts_at, lot.ends_at, terms.priority, terms.is_daily,
               max(lot.drawn_at) OVER card AS drawn_at,
               min(lot.sequence) FILTER (WHERE lot.starts_at IS NULL AND terms.takes_turns) OVER card AS waiting
          FROM arrived
          JOIN allowances_lotrow AS lot ON lot.card_id = arrived.card_id AND lot.kind = 'data'
          JOIN terms ON terms.id = lot.terms_id
        WINDOW card AS (PARTITION BY arrived.card_id)
    ), serving AS (
        SELECT DISTINCT ON (card_id) *
          FROM lot
         WHERE starts_at <= last AND ends_at > first AND (remaining IS NULL OR remaining > 0)
         ORDER BY card_id, priority DESC, remaining IS NOT NULL, ends_at, sequence
    )
    SELECT card_id, id, amount, last
      FROM serving
     WHERE NOT is_daily
       AND starts_at <= first AND ends_at > last
       AND (remaining IS NULL OR remaining > amount)
       AND (drawn_at IS NULL OR drawn_at <= first)
       AND (waiting IS NULL OR waiting > sequence)
"""

#: Takes the plain readings from their lots.
_DRAW_PLAIN = """
    UPDATE allowances_lotrow AS lot
       SET remaining = lot.remaining - plain.amount, drawn_at = plain.drawn_at
      FROM usage_plain AS plain
     WHERE lot.id = plain.lot_id
"""

#: Keeps the plain readings.
_KEEP_PLAIN = """
    INSERT INTO usage_record (card_id, record_id, kind, amount, ended_at, taken_at, throttled, unserved)
    SELECT arrived.card_id, record_id, kind, arrived.amount, ended_at, %(now)s, 0, 0
      FROM usage_arrived AS arrived JOIN usage_plain AS plain ON plain.card_id = arrived.card_id
"""

#: Gives back the others.
_REST = """
    SELECT card_id, record_id, kind, amount, ended_at
      FROM usage_arrived AS arrived
     WHERE NOT EXISTS (SELECT FROM usage_plain AS plain WHERE plain.card_id = arrived.card_id)
"""


class Plain(NamedTuple):
    """What became of many readings: how many were plain and are drawn, and those new ones that the rules must see."""

    readings: int
    rest: list[CardReading]


#: One of these temporary tables is about as large as the other, and far smaller than the lots: it pays to sort and hash
#: in memory, and never to walk along all lots.
_PLANNING = "SET LOCAL work_mem = '64MB'; SET LOCAL enable_mergejoin = off"
_NO_HASHING = "SET LOCAL enable_hashjoin = off"
_PLANNING_AS_BEFORE = "SET LOCAL work_mem = DEFAULT; SET LOCAL enable_mergejoin = DEFAULT"
_HASHING = "SET LOCAL enable_hashjoin = DEFAULT"


def draw_plain(arrived: Iterable[CardReading], *, now: datetime) -> Plain:
    """Draws the plain ones of many readings, whose cards are locked by the caller's transaction, and keeps them."""
    connection.ensure_connection()
    with Cursor(connection.connection) as cursor, connection.wrap_database_errors:
        cursor.execute(_TABLES)
        with cursor.copy(_COPY) as copy:
            copy.write("".join(map(_copied, arrived)))
        cursor.execute(_PLANNING)
        # Planned anew each time: what was planned for a few rows would take for ever with many.
        cursor.execute(_FORGET_REPETITIONS, prepare=False)
        cursor.execute(_FIND_PLAIN, {"turns": sorted(TURN_STACKINGS)}, prepare=False)
        cursor.execute(_NO_HASHING)
        cursor.execute(_DRAW_PLAIN, prepare=False)
        cursor.execute(_HASHING)
        kept = cursor.execute(_KEEP_PLAIN, {"now": now}, prepare=False).rowcount
        rest = cursor.execute(_REST, prepare=False).fetchall()
        cursor.execute(_PLANNING_AS_BEFORE)
    return Plain(kept, list(map(CardReading._make, rest)))


def _copied(reading: CardReading) -> str:
    """A line of COPY's text form. Of what a printable text may hold, only the backslash means something there."""
    card_id, record_id, kind, amount, ended_at = reading
    record_id = record_id.replace("\\", "\\\\")
    return f"{card_id}\t{record_id}\t{kind}\t{amount}\t{ended_at}\n"
