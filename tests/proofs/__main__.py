# SPDX-License-Identifier: Apache-2.0
"""Proves usage in numbers: `python -m tests.proofs --records 1000000`, in a home of its own that is deleted afterwards.

1. Records in order of time, 5 % of them repeated, in bodies of 50,000: the lots are what the simulator says.
2. The same records of other cards, shuffled, and some of unknown cards, in a file whose import is killed half-way and
   repeated: for each card, drawn, unserved, throttled and kept aside make up what was sent, once.

`tsuzuku audit` is clean after both.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.catalog.models import Plan

BODY_LINES = 50_000
DUPLICATES = 0.05
RECORDS_A_CARD = 250
#: Of everything that may matter: queues, days' allowances, lots without limit, lots that wait for use.
PLANS: dict[str, dict[str, Any]] = {
    "BASE": {"data_bytes": 40 * 10**9, "days": 25},
    "FIRST": {"data_bytes": 2 * 10**9, "days": 10, "priority": 1},
    "NEXT": {"data_bytes": 5 * 10**9, "days": 7, "stacking": "queue"},
    "AFTER": {"data_bytes": 5 * 10**9, "days": 7, "stacking": "sequel", "day_rule": "calendar"},
    "DAILY": {"data_bytes": 10 * 10**9, "days": 10, "daily_bytes": 10**9},
    "MORE": {"data_bytes": 3 * 10**9, "days": 10, "stacking": "extend"},
    "USE": {"data_bytes": 8 * 10**9, "days": 10, "start": "first_use"},
    "FREE": {"data_bytes": None, "days": 3, "priority": 2},
}


@click.command()
@click.option("--records", default=1_000_000, show_default=True, help="Distinct records of each proof.")
@click.option("--seed", default=1, show_default=True)
@click.option("--again", "again", hidden=True, type=click.Path(path_type=Path), help="Imports a file, to be killed.")
def main(records: int, seed: int, again: Path | None) -> None:
    """Proves usage in numbers."""
    from tsuzuku.project.database import database, migrate

    if again is not None:
        with database():
            _import(again)
        return
    with tempfile.TemporaryDirectory(prefix="tsuzuku-proof-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o755)
        os.environ["TSUZUKU_HOME"] = home
        with database():
            migrate()
            rng = random.Random(seed)
            _in_order(records, rng)
            _shuffled(records, rng, Path(home) / "records.ndjson")


# -- the world ---------------------------------------------------------------------------------------------------------


def _cards(how_many: int, rng: random.Random) -> "list[tuple[Card, list[tuple[Plan, datetime]]]]":
    """Cards with what was put on them up to three weeks ago, each its own."""
    from tsuzuku.allowances.actions import Grantee, grant_renewals
    from tsuzuku.kernel import clock
    from tsuzuku.testing.factories import make_card, make_plan

    plans = [make_plan(code, **fields) for code, fields in PLANS.items()]
    begin = clock.now() - timedelta(days=24)
    made = []
    for _ in range(how_many):
        card = make_card()
        moments = sorted(begin + timedelta(hours=rng.randrange(72)) for _ in range(rng.randint(1, 5)))
        made.append((card, [(rng.choice(plans), moment) for moment in moments]))
    number = sum(len(renewals) for _, renewals in made) + int(time.time())
    for card, renewals in made:
        for plan, moment in renewals:
            number += 1
            terms = plan.terms_now_id
            assert terms is not None
            grant_renewals({number: Grantee(card_id=card.pk, terms_id=terms, at=moment, is_credited=False)})
    return made


def _records(cards: "Sequence[Card]", how_many: int, rng: random.Random) -> list[dict[str, Any]]:
    """In order of time, over the three weeks up to now."""
    end = datetime.now(tz=UTC)
    moments = sorted(end - timedelta(seconds=rng.uniform(0, 20 * 86400)) for _ in range(how_many))
    return [
        {
            "record_id": f"r{number:08}",
            "iccid": rng.choice(cards).iccid,
            "bytes": rng.choice([0, rng.randrange(10**6), rng.randrange(4 * 10**8)]),
            "ended_at": moment.isoformat().replace("+00:00", "Z"),
        }
        for number, moment in enumerate(moments)
    ]


def _with_repetitions(records: Sequence[dict[str, Any]], rng: random.Random) -> Iterator[dict[str, Any]]:
    for number, record in enumerate(records):
        yield record
        if rng.random() < DUPLICATES:
            yield records[rng.randrange(number + 1)]


# -- in order ----------------------------------------------------------------------------------------------------------


def _in_order(how_many: int, rng: random.Random) -> None:
    from tsuzuku.kernel import clock
    from tsuzuku.usage.actions import Taken, take_readings
    from tsuzuku.usage.reading_lines import parse_lines

    cards = _cards(max(how_many // RECORDS_A_CARD, 1), rng)
    records = _records([card for card, _ in cards], how_many, rng)
    lines = [json.dumps(record) for record in _with_repetitions(records, rng)]
    began = time.monotonic()
    taken = Taken()
    for start in range(0, len(lines), BODY_LINES):
        parsed = parse_lines("\n".join(lines[start : start + BODY_LINES]).encode(), now=clock.now())
        assert parsed.refused == []
        taken += take_readings(readings=parsed.readings, actor="proof", card_groups=None, now=clock.now())
    seconds = time.monotonic() - began
    assert (taken.accepted, taken.duplicates, taken.kept_aside) == (how_many, len(lines) - how_many, 0), taken
    click.echo(f"in order: {taken}, {len(lines) / seconds:,.0f} lines/s")
    of_card: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        of_card[record["iccid"]].append(record)
    unserved = throttled = 0
    for card, renewals in cards:
        answers = _simulated(renewals, of_card[card.iccid])
        assert answers[-1]["lots"] == _lots(card, answers[-1]["at"]), card.pk
        unserved += sum(answer["unserved_bytes"] for answer in answers)
        throttled += sum(answer["throttled_bytes"] for answer in answers)
    assert (unserved, throttled) == (taken.unserved_bytes, taken.throttled_bytes)
    _audit()
    click.echo(f"in order: the lots of {len(cards):,} cards are the simulator's, audit clean")


def _simulated(renewals: "Sequence[tuple[Plan, datetime]]", records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    from tsuzuku.allowances.simulator import simulate

    events = [{"at": moment.isoformat(), "renew": plan.code} for plan, moment in renewals]
    events += [{"at": record["ended_at"], "use": record["bytes"]} for record in records]
    # Renewals were all made before anything was drawn, some of them after the first records.
    events.sort(key=lambda event: datetime.fromisoformat(event["at"]))
    return simulate(json.dumps({"timezone": "Asia/Tokyo", "plans": PLANS, "events": events}))


def _lots(card: "Card", at: str) -> list[dict[str, Any]]:
    from tsuzuku.allowances import rules
    from tsuzuku.allowances.simulator import _lot_answer, in_reading_order
    from tsuzuku.allowances.store import StackKey, brand_zone, load_stacks
    from tsuzuku.catalog.terms import LotKind

    moment = datetime.fromisoformat(at).astimezone(UTC)
    stack = load_stacks([card.pk]).get(StackKey(card.pk, LotKind.DATA), ())
    stack = rules.advance(stack, moment, brand_zone())
    return [_lot_answer(lot, moment, brand_zone()) for lot in in_reading_order(stack)]


# -- shuffled, and killed ----------------------------------------------------------------------------------------------


def _shuffled(how_many: int, rng: random.Random, file: Path) -> None:
    from django.db import connection

    from tsuzuku.testing.factories import new_iccid

    cards = [card for card, _ in _cards(max(how_many // RECORDS_A_CARD, 1), rng)]
    records = _records(cards, how_many, rng)
    for record in rng.sample(records, how_many // 100):
        record["iccid"] = new_iccid()
    lines = list(_with_repetitions(records, rng))
    rng.shuffle(lines)
    file.write_text("\n".join(map(json.dumps, lines)))
    child = subprocess.Popen([sys.executable, "-m", "tests.proofs", "--again", str(file)])
    with connection.cursor() as cursor:
        count = "SELECT count(*) FROM usage_record WHERE card_id = ANY(%s)"
        ids = [card.pk for card in cards]
        drawn = 0
        while drawn < how_many // 3 and child.poll() is None:
            time.sleep(0.05)
            cursor.execute(count, [ids])
            [drawn] = cursor.fetchone() or [0]
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL, "it ended before it could be killed"
    click.echo(f"shuffled: killed after {drawn:,} records were drawn")
    result = _import(file)
    assert (result["refused"], result["stopped"]) == (0, ""), result
    _compare(records)
    _audit()
    click.echo(f"shuffled: {result['taken']}; every byte of {len(cards):,} cards is accounted for, audit clean")


def _import(file: Path) -> dict[str, Any]:
    from tsuzuku.kernel import clock
    from tsuzuku.usage.imports import import_usage

    with file.open("rb") as readings:
        result = import_usage(file=readings, actor="operator", now=clock.now())
    return {"taken": result.taken, "refused": sum(result.refused.values()), "stopped": result.stopped}


def _compare(records: Sequence[dict[str, Any]]) -> None:
    """For each card: what was sent is what was drawn, unserved, throttled or kept aside, once each."""
    from django.db import connection

    sent: dict[str, int] = defaultdict(int)
    for record in records:
        sent[record["iccid"]] += record["bytes"]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT iccid, sum(amount)::bigint
              FROM (SELECT card.iccid, record.amount
                      FROM usage_record AS record JOIN cards_card AS card ON card.id = record.card_id
                     UNION ALL
                    SELECT iccid, amount FROM usage_keptreading) AS every
             WHERE iccid = ANY(%s)
             GROUP BY iccid
            """,
            [list(sent)],
        )
        assert dict(cursor.fetchall()) == dict(sent)


def _audit() -> None:
    from tsuzuku.allowances import audit as allowances
    from tsuzuku.usage import audit as usage

    found = [*allowances.findings(), *usage.findings()]
    assert found == [], found[:10]


if __name__ == "__main__":
    main()
