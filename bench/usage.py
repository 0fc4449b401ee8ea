# SPDX-License-Identifier: Apache-2.0
"""How many readings a second are taken in and drawn, beside merely copying them into a table."""

import json
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from psycopg import sql

from bench.effort import effort
from bench.ground import Ground
from bench.line import Line, say
from tests.faults.installation import Failed, card_and_pin

UNIT = "records/s"
#: As many as give five readings to each of 200,000 cards; fewer cards get fewer.
BODIES_MAX, BODY_LINES, READINGS_PER_CARD = 20, 50_000, 5
#: Of a hundred lines, so many repeat an earlier one.
DUPLICATES_PERCENT = 1
#: Of one reading, at most: half of the cards go on to their second lot.
_BYTES_MAX = 1_500_000_000
#: The yardstick has as many turns as this, spread over ours; its best counts.
_TURNS = 4


@dataclass(frozen=True)
class Record:
    """One reading: the number of its card, its own number, what was used, and when."""

    card: int
    number: int
    data_bytes: int
    ended_at: datetime

    def line(self) -> str:
        """As the API takes it."""
        iccid, _ = card_and_pin(self.card)
        fields = {
            "record_id": f"r{self.number:09d}",
            "iccid": iccid,
            "bytes": self.data_bytes,
            "ended_at": self.ended_at.isoformat(),
        }
        return json.dumps(fields) + "\n"


def usage_ingest(ground: Ground, numbers: range, *, seconds: float) -> Line:
    """Twenty bodies of 50,000 lines, one after the other; the yardstick copies all distinct records into a table."""
    say("usage_ingest: making the bodies")
    bodies = _bodies(numbers, since=_lots_begin(ground), until=datetime.now(tz=UTC))
    distinct = {record.number: record for body in bodies for record in body}
    copied = "".join(
        f"{record.card}\tr{record.number:09d}\t{record.data_bytes}\t{record.ended_at.isoformat()}\n"
        for record in distinct.values()
    ).encode()
    sent = ["".join(record.line() for record in body).encode() for body in bodies]
    rates: list[float] = []
    took: list[float] = []
    taken: dict[str, int] = {}
    for turn, body in enumerate(sent):
        if turn % -(-len(sent) // _TURNS) == 0:
            rates.append(len(distinct) / _copy_seconds(ground, copied))
            say(f"yardstick: {rates[-1]:,.0f} {UNIT}")
            ground.analyze()
        with effort(ground) as used:
            began = time.perf_counter()
            answer = json.loads(ground.post("/api/v1/usage", body, media_type="application/x-ndjson"))
            took.append(time.perf_counter() - began)
        if turn == len(sent) // 2:
            used.tell("usage_ingest", times=BODY_LINES)
        if answer.pop("refused"):
            raise Failed("usage_ingest: lines were refused")
        taken = {name: taken.get(name, 0) + count for name, count in answer.items()}
    say(f"usage_ingest: {taken}")
    expected = {"accepted": len(distinct), "duplicates": len(sent) * BODY_LINES - len(distinct), "kept_aside": 0}
    if {name: taken[name] for name in expected} != expected:
        raise Failed(f"usage_ingest: taken were {taken}, sent {expected}")
    return Line(
        bench="usage_ingest",
        ours=len(distinct) / sum(took),
        yardstick=max(rates),
        unit=UNIT,
        p50_ms=statistics.median(took) * 1000,
    )


def _lots_begin(ground: Ground) -> datetime:
    """From when on there is something to draw from."""
    with ground.database() as connection:
        row = connection.execute("SELECT max(starts_at) FROM allowances_lotrow WHERE starts_at <= now()").fetchone()
    if row is None or row[0] is None:
        raise Failed("no card has a lot")
    begin: datetime = row[0]
    return begin


def _bodies(numbers: range, *, since: datetime, until: datetime) -> list[Sequence[Record]]:
    """What is sent: readings of cards at random in the order of their time, some of them again."""
    rng = random.Random(1)
    total = max(1, min(BODIES_MAX, len(numbers) * READINGS_PER_CARD // BODY_LINES)) * BODY_LINES
    step = (until - since) / total
    records: list[Record] = []

    def lines() -> Iterator[Record]:
        for number in range(total):
            if records and rng.randrange(100) < DUPLICATES_PERCENT:
                yield rng.choice(records)
                continue
            record = Record(rng.choice(numbers), number, rng.randrange(1, _BYTES_MAX), since + number * step)
            records.append(record)
            yield record

    every = list(lines())
    return [every[start : start + BODY_LINES] for start in range(0, total, BODY_LINES)]


def _copy_seconds(ground: Ground, copied: bytes) -> float:
    """How long it takes to copy all records into an empty table with their key, committed."""
    with ground.database() as connection:
        connection.execute("DROP TABLE IF EXISTS yardstick_record")
        connection.execute(
            "CREATE TABLE yardstick_record "
            "(card bigint, record_id text, bytes bigint, ended_at timestamptz, PRIMARY KEY (card, record_id))"
        )
        connection.execute("CHECKPOINT")
        began = time.perf_counter()
        with connection.cursor().copy(sql.SQL("COPY yardstick_record FROM STDIN")) as copy:
            for start in range(0, len(copied), 1 << 20):
                copy.write(copied[start : start + (1 << 20)])
        took = time.perf_counter() - began
        connection.execute("DROP TABLE yardstick_record")
    return took
