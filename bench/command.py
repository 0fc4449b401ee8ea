# SPDX-License-Identifier: Apache-2.0
"""The command line: which benchmarks, how much data, and the audit at the end.

Each benchmark runs beside its yardstick on an installation that is made for this run, on the embedded PostgreSQL with
its settings untouched, and prints one line of JSON on stdout: "bench", "ours", "yardstick", "ratio" (ours by the
yardstick's), "unit", "p50_ms", "p99_ms"; null where a field has no meaning. docs/performance.md explains them.
"""

import signal
import sys
from collections.abc import Callable, Mapping

import click

from bench import growth, reads, reminders, renewals, usage, weight, wrk
from bench.ground import Ground, ground
from bench.line import Line, say
from tests.faults.installation import Failed

#: Cards that are renewed, and as many others with three lots each; times SCALE.
CARDS = 200_000
LOTS = 3

Bench = Callable[..., Line]
#: On cards without lots, in this order.
ON_FRESH_CARDS: Mapping[str, Bench] = {
    "renewals_http": renewals.renewals_http,
    "renewals_batch": renewals.renewals_batch,
}
ON_CARDS_WITH_LOTS: Mapping[str, Bench] = {"usage_ingest": usage.usage_ingest, "balance_read": reads.balance_read}
REMINDERS_DUE = "reminders_due"
PAGE_WEIGHT = "page_weight"
#: These need no installation with cards.
ON_THEIR_OWN = (REMINDERS_DUE, PAGE_WEIGHT)
ALL = (*ON_FRESH_CARDS, *ON_CARDS_WITH_LOTS, *ON_THEIR_OWN)


@click.command()
@click.option("--scale", type=click.FloatRange(0.01), default=1, show_default=True, help="Multiplies the data.")
@click.option("--seconds", type=click.IntRange(1), default=10, show_default=True, help="A turn; fewer only to try.")
@click.option("--only", "chosen", type=click.Choice(ALL), multiple=True, help="Not all of them; repeatable.")
@click.option("--growth", "is_growth", is_flag=True, help="Instead: how cost grows with cards, lots and connections.")
def main(scale: float, seconds: int, chosen: tuple[str, ...], is_growth: bool) -> None:
    """Measures, then audits; exit code 1 if a benchmark failed or the audit found anything."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        wrk.ensure_wrk()
        if is_growth:
            is_clean = growth.run(scale=scale, seconds=seconds)
        else:
            is_clean = _run(chosen or ALL, scale=scale, seconds=seconds)
    except Failed as problem:
        say(f"failed: {problem}")
        sys.exit(1)
    sys.exit(0 if is_clean else 1)


def _run(chosen: tuple[str, ...], *, scale: float, seconds: int) -> bool:
    """The chosen benchmarks; whether the audit is clean."""
    is_clean = True
    if not set(chosen) <= set(ON_THEIR_OWN):
        count = round(CARDS * scale)
        with ground(cards=2 * count) as base:
            fresh, with_lots = range(count), range(count, 2 * count)
            for name in [name for name in ON_FRESH_CARDS if name in chosen]:
                ON_FRESH_CARDS[name](base, fresh, seconds=seconds).print()
            if names := [name for name in ON_CARDS_WITH_LOTS if name in chosen]:
                say(f"giving {count:,} cards {LOTS} lots each")
                base.give_lots(with_lots, lots=LOTS)
                for name in names:
                    ON_CARDS_WITH_LOTS[name](base, with_lots, seconds=seconds).print()
            is_clean = audited(base)
    if REMINDERS_DUE in chosen:
        reminders.reminders_due(scale=scale).print()
    if PAGE_WEIGHT in chosen:
        weight.page_weight().print()
    return is_clean


def audited(base: Ground) -> bool:
    """Whether `tsuzuku audit` is clean; says what it found."""
    say("audit")
    findings = base.installation.audit()["findings"]
    for finding in findings:
        say(f"audit: {finding['code']}: {finding['subject']}: {finding['detail']}")
    say(f"audit: {len(findings)} findings" if findings else "audit clean")
    return not findings
