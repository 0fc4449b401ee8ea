# SPDX-License-Identifier: Apache-2.0
"""Readings in large numbers: the statements that draw what is plain, without the rules seeing a single lot.

Of a card's lots of data those matter that were started, have something left and run at any moment from its first new
reading to its last. In drain order each *serves* if what the ones before it have left is less than all the readings
take. The readings are *plain* when all of them are of data and more than nothing, and when the lots that serve

- have no daily allowance, so each serves all it is asked for while anything is left,
- began no later than the first reading and end after the last, so they run at each of them,
- have together no less left than the readings take,

and when moreover, if only one lot serves and has something left afterwards,

- no lot that waits its turn is older than it: each that is younger waits at least until that lot ends;

or, where a lot is emptied,

- no lot waits its turn, so nobody's is freed.

At each reading the lots that serve are then the first in drain order: they run, and every lot that runs with them and
has something left is one of those they precede, for the order depends on nothing that the readings change. They serve
each reading wholly, so no lot that waits for use is started, and one after the other. No turn comes up to the last
reading. What remains of `rules.use` is a subtraction; and of `rules.use_late` too, which asks the same lots in the same
order and starts even less.

One thing is said less exactly: a lot that is emptied on the way has the last reading's time for its `drawn_at`, not
that of the reading which emptied it. Of these times only a stack's latest means anything.

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
        card_id bigint, lot_id bigint, amount bigint, drawn_at timestamptz, is_first boolean
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

#: Finds the cards whose readings are plain, and what each lot serves of them.
_FIND_PLAIN = """
    INSERT INTO usage_plain (card_id, lot_id, amount, drawn_at, is_first)
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
        SELECT arrived.*, lot.id, lot.sequence, lot.starts_at, lot.ends_at, terms.priority, terms.is_daily,
               lot.remaining, coalesce(lot.remaining, 'Infinity'::numeric) AS held,
               min(lot.sequence) FILTER (WHERE lot.starts_at IS NULL AND terms.takes_turns) OVER card AS waiting
          FROM arrived
          JOIN allowances_lotrow AS lot ON lot.card_id = arrived.card_id AND lot.kind = 'data'
          JOIN terms ON terms.id = lot.terms_id
        WINDOW card AS (PARTITION BY arrived.card_id)
    ), ordered AS (
        SELECT *, coalesce(sum(held) OVER before, 0) AS held_before
          FROM lot
         WHERE starts_at <= last AND ends_at > first AND held > 0
        WINDOW before AS (PARTITION BY card_id ORDER BY priority DESC, remaining IS NOT NULL, ends_at, sequence
                          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ), serving AS (
        SELECT *, bool_and(NOT is_daily AND starts_at <= first AND ends_at > last) OVER card AS are_fit,
               sum(held) OVER card AS held_by_all, min(sequence) OVER card AS oldest, count(*) OVER card AS lots
          FROM ordered
         WHERE held_before < amount
        WINDOW card AS (PARTITION BY card_id)
    )
    SELECT card_id, id, least(held, amount - held_before), last, held_before = 0
      FROM serving
     WHERE are_fit AND held_by_all >= amount
       AND CASE WHEN lots = 1 AND held > amount THEN waiting IS NULL OR waiting > oldest
                ELSE waiting IS NULL END
"""

#: Takes the plain readings from their lots.
_DRAW_PLAIN = """
    UPDATE allowances_lotrow AS lot
       SET remaining = lot.remaining - plain.amount, drawn_at = greatest(lot.drawn_at, plain.drawn_at)
      FROM usage_plain AS plain
     WHERE lot.id = plain.lot_id
"""

#: Keeps the plain readings.
_KEEP_PLAIN = """
    INSERT INTO usage_record (card_id, record_id, kind, amount, ended_at, taken_at, throttled, unserved)
    SELECT arrived.card_id, record_id, kind, arrived.amount, ended_at, %(now)s, 0, 0
      FROM usage_arrived AS arrived JOIN usage_plain AS plain ON plain.card_id = arrived.card_id AND plain.is_first
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


#: The readings are few beside the lots, and come in the order of cards, in which lots lie too: it pays to keep that
#: order, and never to walk along all lots.
_PLANNING = "SET LOCAL work_mem = '64MB'; SET LOCAL enable_mergejoin = off; SET LOCAL enable_hashagg = off"
_NO_HASHING = "SET LOCAL enable_hashjoin = off"
_PLANNING_AS_BEFORE = (
    "SET LOCAL work_mem = DEFAULT; SET LOCAL enable_mergejoin = DEFAULT; SET LOCAL enable_hashagg = DEFAULT"
)
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
