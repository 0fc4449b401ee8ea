# SPDX-License-Identifier: Apache-2.0
"""Proves reconciliation in numbers: `python -m tests.proofs.reconciling --orders 10000`, in a home of its own.

A day of orders over all methods, each provider's file written by its simulator, with differences of every kind planted:
each is found by name, none is invented, and the file taken again finds nothing new.
"""

import os
import tempfile
import time
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import click

NOW = datetime(2026, 11, 25, tzinfo=UTC)
DAY = date(2026, 11, 20)


@click.command()
@click.option("--orders", default=10_000, show_default=True, help="Of all providers together.")
@click.option("--seed", default=1, show_default=True)
def main(orders: int, seed: int) -> None:
    """Proves reconciliation in numbers."""
    from tsuzuku.project.database import database, migrate

    with tempfile.TemporaryDirectory(prefix="tsuzuku-proof-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o755)
        os.environ["TSUZUKU_HOME"] = home
        with database():
            migrate()
            _prove(orders, seed)


def _prove(orders: int, seed: int) -> None:
    from tests.proofs.settled_day import Planted, make_day, open_doors
    from tsuzuku.reports.models import SettledLine, SettlementDifference
    from tsuzuku.reports.reconciling import take_settlement

    with open_doors():
        made = make_day(orders=orders, day=DAY, seed=seed)
        for is_new in (True, False):
            for name, body in made.files.items():
                began = time.monotonic()
                taken = take_settlement(name=f"{name}.csv", body=body, provider=None, days=None, actor="proof", now=NOW)
                assert taken.is_new is is_new
                if is_new:
                    seconds = time.monotonic() - began
                    click.echo(f"{name}: {taken.file.lines.count():,} lines in {seconds:.1f} s")
            found = [
                Planted(each.provider, each.kind, each.identity or each.our_reference)
                for each in SettlementDifference.objects.exclude(kind="fee-total")
            ]
            planted = Counter(made.planted + made.on_another_day)
            assert Counter(found) == planted, (Counter(found) - planted, planted - Counter(found))
    lines = SettledLine.objects.count()
    click.echo(f"{orders:,} orders, {lines:,} lines: {len(made.planted)} differences planted, found, none invented")


if __name__ == "__main__":
    main()
