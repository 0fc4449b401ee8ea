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

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.db import connection
from psycopg import Cursor

from tsuzuku.catalog.terms import TURN_STACKINGS
from tsuzuku.usage.crossings import EMPTY, LOW, LOW_PART
from tsuzuku.usage.partitions import filled_until
from tsuzuku.usage.reading_lines import Reading
from tsuzuku.usage.sql import APPEARED_OF_LOCKED, CardReading, Sorted

#: Of one card, in bytes. What matters of the sums over a card's lots is below twice that, so exact in floating point;
#: and that of thousands of lots is still a bigint.
_PLAIN_MAX = 10**15

#: The readings of a call, and the cards of theirs that are locked. Kept for the connection, emptied by each
#: transaction's end.
_TABLES = """
    CREATE TEMPORARY TABLE IF NOT EXISTS usage_arrived (
        iccid text, record_id text COLLATE "C", kind text, amount bigint, ended_at_us bigint
    ) ON COMMIT DELETE ROWS;
    CREATE TEMPORARY TABLE IF NOT EXISTS usage_locked (
        id bigint, iccid text, is_blocked boolean
    ) ON COMMIT DELETE ROWS;
    TRUNCATE usage_arrived, usage_locked
"""

_COPY = "COPY usage_arrived (iccid, record_id, kind, amount, ended_at_us) FROM STDIN"

#: Locks cards in the one order in which cards are locked everywhere.
_LOCK = """
    INSERT INTO usage_locked (id, iccid, is_blocked)
    SELECT id, iccid, blocked <> ''
      FROM cards_card
     WHERE iccid = ANY(ARRAY(SELECT iccid FROM usage_arrived))
       AND (%(groups)s::text[] IS NULL OR "group" = ANY(%(groups)s::text[]))
     ORDER BY id
       FOR NO KEY UPDATE
"""

#: Cards that there are not, or not for this sender.
_UNKNOWN = "SELECT iccid FROM usage_arrived EXCEPT SELECT iccid FROM usage_locked"

#: Takes out what was kept aside and will be drawn presently.
_FORGET_WAITING = """
    DELETE FROM usage_arrived AS arrived
     USING unnest(%(iccids)s::text[], %(records)s::text[]) AS waiting(iccid, record_id)
     WHERE (arrived.iccid, arrived.record_id) = (waiting.iccid, waiting.record_id)
"""

#: Draws and keeps what is plain and has not come before; gives back how many readings are new, of which held cards a
#: lot ran low or empty, and the readings that are not plain. One statement, so that nothing is written down between its
#: steps: `arrived` are the new readings in the order of the records' key (LIMIT makes it one look by the key of each
#: month that holds any), `taking` is what each card's take together, `lot` how much each lot holds and how much is held
#: by those before it, no more than is asked for being counted, and `plain` what each lot serves. Lots that wait sort
#: before those that serve, to be known to them; they hold nothing. For `crossed` each lot drawn from is compared, and
#: all that a card has, before and after (crossings.py says what counts), and a holder looked for where that ran low.
_DRAW = """
    WITH arrived AS MATERIALIZED (
        SELECT card_id, is_blocked, record_id, kind, amount, ended_at
          FROM (SELECT card.id AS card_id, card.is_blocked, record_id, kind, amount,
                       timestamptz 'epoch' + ended_at_us * interval '1 microsecond' AS ended_at
                  FROM usage_arrived JOIN usage_locked AS card USING (iccid)
                 ORDER BY card.id, record_id
                OFFSET 0) AS known_card
         WHERE (SELECT true FROM usage_record AS known
                 WHERE known.card_id = known_card.card_id AND known.record_id = known_card.record_id
                   AND known.ended_at < %(until)s
                 LIMIT 1) IS NULL
    ), taking AS MATERIALIZED (
        SELECT card_id, min(ended_at) AS first, max(ended_at) AS last, sum(amount)::bigint AS amount
          FROM arrived
         GROUP BY card_id
        HAVING bool_and(kind = 'data' AND amount > 0 AND NOT is_blocked) AND sum(amount) <= %(plain_max)s
    ), lot AS (
        SELECT taking.card_id, taking.amount, taking.last, place, held, sequence,
               coalesce(remaining > amount, true) AS is_enough,
               NOT is_daily AND starts_at <= first AND ends_at > last AS is_fit,
               (sum(held::float8) OVER upto)::bigint AS held_upto,
               min(sequence) FILTER (WHERE starts_at IS NULL AND takes_turns) OVER upto AS waiting,
               bool_or(remaining IS NULL) FILTER (WHERE is_living) OVER whole AS is_unlimited,
               sum(remaining::float8) FILTER (WHERE is_living) OVER whole AS left_before,
               sum(total::float8) FILTER (WHERE is_living) OVER whole AS total,
               sum(total::float8) FILTER (WHERE is_living AND remaining > 0) OVER whole AS total_with_left
          FROM (SELECT * FROM taking ORDER BY card_id) AS taking
         CROSS JOIN LATERAL (
               SELECT lot.ctid AS place, terms_id, remaining, total, renewed_at, starts_at, ends_at, sequence,
                      CASE WHEN starts_at <= last AND ends_at > first THEN least(remaining, amount) ELSE 0 END AS held
                 FROM allowances_lotrow AS lot
                WHERE lot.card_id = taking.card_id AND lot.kind = 'data') AS lot
         CROSS JOIN LATERAL (
               SELECT (terms->>'priority')::int AS priority, terms->>'daily_bytes' IS NOT NULL AS is_daily,
                      terms->>'stacking' = ANY(%(turns)s::text[]) AS takes_turns,
                      (terms->>'start_within_days')::int * interval '24 hours' AS start_within
                 FROM catalog_plantermsrow
                WHERE id = lot.terms_id
               OFFSET 0) AS terms
         CROSS JOIN LATERAL (
               SELECT coalesce(ends_at > last, takes_turns OR renewed_at + start_within > last) AS is_living) AS known
        WINDOW whole AS (PARTITION BY taking.card_id
                         ORDER BY starts_at IS NULL DESC, priority DESC, remaining IS NOT NULL, ends_at, sequence
                         ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING),
               upto AS (PARTITION BY taking.card_id
                        ORDER BY starts_at IS NULL DESC, priority DESC, remaining IS NOT NULL, ends_at, sequence
                        ROWS UNBOUNDED PRECEDING)
    ), serving AS (
        SELECT card_id, amount, last, place, is_enough, waiting, held, held_upto - held AS held_before,
               bool_and(is_fit) OVER card AS are_fit, max(held_upto) OVER card AS held_by_all,
               min(sequence) OVER card AS oldest,
               NOT is_unlimited
                   AND ((left_before - amount) * %(low_part)s <= total AND total < left_before * %(low_part)s
                        OR (left_before - amount) * %(low_part)s <= total_with_left
                            AND total_with_left < left_before * %(low_part)s) AS are_low_together
          FROM lot
         WHERE held > 0 AND held_upto - held < amount
        WINDOW card AS (PARTITION BY card_id)
    ), plain AS MATERIALIZED (
        SELECT card_id, place, least(held, amount - held_before) AS amount, last, held_before = 0 AS is_first,
               are_low_together
          FROM serving
         WHERE are_fit AND held_by_all >= amount
           AND (waiting IS NULL OR (held_before = 0 AND is_enough AND waiting > oldest))
    ), drawn AS (
        UPDATE allowances_lotrow AS lot
           SET remaining = lot.remaining - plain.amount, drawn_at = greatest(lot.drawn_at, plain.last)
          FROM plain
         WHERE lot.ctid = plain.place
        RETURNING lot.card_id, lot.remaining, lot.total, plain.amount, plain.are_low_together
    ), crossed AS (
        SELECT card_id, CASE min(remaining) WHEN 0 THEN %(empty)s ELSE %(low)s END AS percent
          FROM drawn
         WHERE (are_low_together
                OR remaining <= total / %(low_part)s AND (remaining = 0 OR remaining + amount > total / %(low_part)s))
           AND EXISTS (SELECT FROM cards_cardholder AS holder WHERE holder.card_id = drawn.card_id)
         GROUP BY card_id
    ), kept AS (
        INSERT INTO usage_record (card_id, record_id, kind, amount, ended_at, taken_at, throttled, unserved)
        SELECT arrived.card_id, record_id, kind, arrived.amount, ended_at, %(now)s, 0, 0
          FROM arrived JOIN plain ON plain.card_id = arrived.card_id AND plain.is_first
    )
    SELECT new.readings, new.crossed, new.percents, rest.*
      FROM (SELECT (SELECT count(*) FROM arrived) AS readings, array_agg(card_id ORDER BY card_id) AS crossed,
                   array_agg(percent ORDER BY card_id) AS percents
              FROM crossed) AS new
      LEFT JOIN (SELECT card_id, record_id, kind, amount, ended_at, is_blocked FROM arrived
                  WHERE NOT EXISTS (SELECT FROM plain WHERE plain.card_id = arrived.card_id)) AS rest ON true
"""

#: The readings are few beside the lots, and come in the order of cards, in which lots lie too: it pays to keep that
#: order, and never to walk along all lots.
_PLANNING = "SET LOCAL work_mem = '64MB'; SET LOCAL enable_mergejoin = off; SET LOCAL enable_hashagg = off"
_PLANNING_AS_BEFORE = (
    "SET LOCAL work_mem = DEFAULT; SET LOCAL enable_mergejoin = DEFAULT; SET LOCAL enable_hashagg = DEFAULT"
)


def draw_plain(readings: Sequence[Reading], groups: frozenset[str] | None, *, now: datetime) -> Sorted:
    """Locks the cards of many readings until the transaction ends, draws the plain ones and keeps them.

    `groups` are those of whose cards the sender may speak; None is all.
    """
    connection.ensure_connection()
    with Cursor(connection.connection) as cursor, connection.wrap_database_errors:
        cursor.execute(_TABLES)
        with cursor.copy(_COPY) as copy:
            copy.write(_copied(readings))
        cursor.execute(_PLANNING)
        # Planned anew each time: what was planned for a few rows would take for ever with many.
        locked = cursor.execute(_LOCK, {"groups": None if groups is None else sorted(groups)}, prepare=False).rowcount
        unknown = set()
        if locked < len({each.iccid for each in readings}):
            unknown = {iccid for (iccid,) in cursor.execute(_UNKNOWN, prepare=False)}
        if waiting := cursor.execute(APPEARED_OF_LOCKED, prepare=False).fetchall():
            iccids, records = map(list, zip(*waiting, strict=True))
            cursor.execute(_FORGET_WAITING, {"iccids": iccids, "records": records}, prepare=False)
        cursor.execute(
            _DRAW,
            {
                "turns": sorted(TURN_STACKINGS),
                "plain_max": _PLAIN_MAX,
                "until": filled_until(),
                "low": LOW,
                "empty": EMPTY,
                "low_part": LOW_PART,
                "now": now,
            },
            prepare=False,
        )
        found = cursor.fetchall()
        cursor.execute(_PLANNING_AS_BEFORE)
    rest = [CardReading._make(row) for _, _, _, *row in found if row[0] is not None]
    new, crossed, percents = found[0][:3]
    crossings = dict(zip(crossed or (), percents or (), strict=True))
    return Sorted(new - len(rest), rest, unknown, crossings)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def _copied(readings: Sequence[Reading]) -> str:
    """COPY's text form. Of what a printable text may hold, only the backslash means something there."""
    return "".join(
        [
            "\t".join((iccid, record_id, kind, str(amount), str((ended_at - _EPOCH) // _MICROSECOND))) + "\n"
            for iccid, record_id, kind, amount, ended_at in readings
        ]
    ).replace("\\", "\\\\")
