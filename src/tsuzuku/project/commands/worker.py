# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku worker`: background work in this process."""

import click


@click.command(name="worker", short_help="Run background work alone.")
@click.option("--concurrency", type=click.IntRange(1), default=4, show_default=True, help="Jobs at a time.")
def command(concurrency: int) -> None:
    """Works off jobs until it is interrupted; ends with exit code 1 when the database goes away."""
    from tsuzuku.project.database import database
    from tsuzuku.project.worker import run_worker

    with database():
        run_worker(concurrency=concurrency)
