# SPDX-License-Identifier: Apache-2.0
"""How cost grows with cards, with lots per card and with connections: one of them varies, the others stay.

Prints a line of JSON for each: {"varied","cards","lots","connections","renewals_per_second","renewal_us",
"renewal_p50_ms","renewal_p99_ms","reads_per_second","read_us","read_p50_ms","read_p99_ms"}. `_us` is microseconds of
processor for one, on our side of the wire; unlike the rates it hardly changes with what else the machine does.
"""

import json
import sys
from dataclasses import dataclass

from bench import wrk
from bench.effort import effort
from bench.ground import PLANS, Ground, ground
from bench.line import say

CARDS = (20_000, 200_000, 1_000_000)
LOTS = (1, 3, 10)
CONNECTIONS = (1, 8, 64, 256)
#: What stays while another varies.
CARDS_ELSE, LOTS_ELSE = 200_000, 3


@dataclass(frozen=True)
class Case:
    """One measurement."""

    varied: str
    cards: int
    lots: int
    connections: int = wrk.CONNECTIONS


def run(*, scale: float, seconds: int) -> bool:
    """Measures every case, each size on an installation of its own; whether all audits are clean."""
    from bench.command import audited

    clean: list[bool] = []
    for cards in CARDS:
        count = round(cards * scale)
        with ground(cards=count) as base:
            base.give_lots(range(count), lots=LOTS_ELSE)
            _measure(base, Case("cards", count, LOTS_ELSE), seconds=seconds)
            if cards == CARDS_ELSE:
                for connections in CONNECTIONS:
                    _measure(base, Case("connections", count, LOTS_ELSE, connections), seconds=seconds)
            clean.append(audited(base))
    count = round(CARDS_ELSE * scale)
    for lots in LOTS:
        with ground(cards=count) as base:
            base.give_lots(range(count), lots=lots)
            _measure(base, Case("lots", count, lots), seconds=seconds)
            clean.append(audited(base))
    return all(clean)


def _measure(base: Ground, case: Case, *, seconds: int) -> None:
    iccids = base.iccids_file("growth", range(case.cards))
    base.analyze()
    read, renew = wrk.Calls("card", [200], base.token, iccids), wrk.Calls("renew", [201], base.token, iccids, PLANS)
    # Not counted: the first to touch a page after a checkpoint writes all of it down.
    wrk.call(base.url, renew, seconds=seconds)
    with effort(base) as for_reads:
        reads = wrk.call(base.url, read, seconds=seconds, connections=case.connections)
    with effort(base) as for_renewals:
        renewals = wrk.call(base.url, renew, seconds=seconds, connections=case.connections)
    line = {
        "varied": case.varied,
        "cards": case.cards,
        "lots": case.lots,
        "connections": case.connections,
        "renewals_per_second": round(renewals.per_second),
        "renewal_us": round(for_renewals.ours_us(renewals.answers)),
        "renewal_p50_ms": round(renewals.milliseconds(50), 1),
        "renewal_p99_ms": round(renewals.milliseconds(99), 1),
        "reads_per_second": round(reads.per_second),
        "read_us": round(for_reads.ours_us(reads.answers)),
        "read_p50_ms": round(reads.milliseconds(50), 1),
        "read_p99_ms": round(reads.milliseconds(99), 1),
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
    say(f"{case.varied}: {renewals.per_second:,.0f} renewals/s, {reads.per_second:,.0f} reads/s")
