# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku report`: figures for a spreadsheet."""

import sys
from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tsuzuku.project.periods import DAY

if TYPE_CHECKING:
    from tsuzuku.reports.dimensions import Dimension


class _Dimensions(click.ParamType["Collection[Dimension]"]):
    """Some of channel, method, plan, day, with commas between them."""

    name = "dimensions"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "Collection[Dimension]":  # noqa: ANN401  # click's own signature
        from tsuzuku.reports.dimensions import Dimension

        try:
            return {Dimension(name.strip()) for name in str(value).split(",")}
        except ValueError:
            self.fail(f"{value!r}: name some of {', '.join(Dimension)}, with commas between them", param, ctx)


@click.group(name="report", short_help="Write figures for a spreadsheet.", no_args_is_help=True)
def command() -> None:
    """Writes figures as CSV."""


@command.command(name="sales", short_help="What was sold and what went back, by channel, method, plan or day.")
@click.option("--from", "first", type=DAY, required=True, help="The first day, in the brand's time.")
@click.option("--to", "last", type=DAY, required=True, help="The last day, included.")
@click.option(
    "--by",
    type=_Dimensions(),
    default="channel,method,plan,day",
    show_default=True,
    metavar="NAMES",
    help="By what figures are told apart.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Where to; default: stdout.")
def sales(first: date, last: date, by: "Collection[Dimension]", output: Path | None) -> None:
    """Writes what was paid and what went back in some days, as CSV that a spreadsheet opens without harm."""
    from tsuzuku.project.database import database

    with database():
        from tsuzuku.reports.periods import Days
        from tsuzuku.reports.sales import sales as sales_of
        from tsuzuku.reports.sales_sheet import sales_sheet

        try:
            days = Days(first, last)
        except ValueError as problem:
            raise click.UsageError(str(problem)) from problem
        body = sales_sheet(sales_of(days, by=by), by=by)
    if output is None:
        sys.stdout.buffer.write(body)
        return
    output.write_bytes(body)
    click.echo(f"Wrote {output} ({len(body):,} bytes).")
