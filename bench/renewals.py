# SPDX-License-Identifier: Apache-2.0
"""How many renewals a second, one by one and by the batch, beside a careful plain program on the same PostgreSQL.

Ours and the yardstick take turns, so that a noisy machine hits both. The best of the yardstick's turns counts; of ours,
all do.
"""

import json
import random
import secrets
import statistics
import time
from collections.abc import Iterator

from bench import pgbench, wrk
from bench.effort import effort
from bench.ground import PLANS, Ground
from bench.line import Line, say
from tests.faults.installation import Failed, card_and_pin

UNIT = "renewals/s"
BATCH_LINES = 10_000
BATCHES = 5


def renewals_http(ground: Ground, numbers: range, *, seconds: float) -> Line:
    """Single renewals over HTTP: cards at random, one partner's account, a new key each."""
    pgbench.prepare(ground)
    calls = wrk.Calls("renew", [201], ground.token, ground.iccids_file("renewals", numbers), PLANS)
    rates: list[float] = []
    parts: list[wrk.Answered] = []
    for clients in pgbench.CLIENTS:
        rates.append(_yardstick(ground, clients, seconds))
        ground.analyze()
        with effort(ground) as used:
            parts.append(wrk.call(ground.url, calls, seconds=seconds))
        used.tell("renewals_http", times=parts[-1].answers)
        say(f"renewals_http: {parts[-1].per_second:,.0f} {UNIT}")
    ours = wrk.Answered.together(parts)
    return Line(
        bench="renewals_http",
        ours=ours.per_second,
        yardstick=max(rates),
        unit=UNIT,
        p50_ms=ours.milliseconds(50),
        p99_ms=ours.milliseconds(99),
    )


def renewals_batch(ground: Ground, numbers: range, *, seconds: float) -> Line:
    """Ten thousand renewals in one call, five calls one after the other."""
    pgbench.prepare(ground)
    clients = iter(pgbench.CLIENTS)
    rates: list[float] = []
    took: list[float] = []
    for body in _batches(numbers):
        # Between five batches there is room for four turns of the yardstick.
        rates += [_yardstick(ground, each, seconds) for each in [next(clients, None)] if each is not None]
        ground.analyze()
        with effort(ground) as used:
            began = time.perf_counter()
            answer = ground.post("/api/v1/renewals/batch", body, media_type="application/x-ndjson")
            took.append(time.perf_counter() - began)
        used.tell("renewals_batch", times=BATCH_LINES)
        _check_batch(answer)
        say(f"renewals_batch: {BATCH_LINES / took[-1]:,.0f} {UNIT}")
    return Line(
        bench="renewals_batch",
        ours=BATCH_LINES * BATCHES / sum(took),
        yardstick=max(rates),
        unit=UNIT,
        p50_ms=statistics.median(took) * 1000,
    )


def _yardstick(ground: Ground, clients: int, seconds: float) -> float:
    ground.analyze()
    rate = pgbench.renewals_per_second(ground, clients=clients, seconds=seconds)
    say(f"yardstick: {rate:,.0f} {UNIT} with {clients} clients")
    return rate


def _batches(numbers: range) -> Iterator[bytes]:
    rng = random.Random()
    for _ in range(BATCHES):
        prefix = secrets.token_hex(6)
        lines = (
            {
                "key": f"{prefix}-{line}",
                "iccid": card_and_pin(rng.choice(numbers))[0],
                "plan": rng.choice(PLANS),
            }
            for line in range(BATCH_LINES)
        )
        yield "".join(json.dumps(line) + "\n" for line in lines).encode()


def _check_batch(answer: bytes) -> None:
    """Raises Failed unless every line was renewed, and now."""
    lines = [json.loads(line) for line in answer.splitlines()]
    wrong = [line for line in lines if "number" not in line or line["replayed"]]
    if wrong or len(lines) != BATCH_LINES:
        raise Failed(f"a batch: {len(lines)} lines answered, {len(wrong)} of them otherwise, such as {wrong[:1]}")
