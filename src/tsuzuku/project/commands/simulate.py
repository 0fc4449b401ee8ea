# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku simulate`: try a plan's stacking rules on a story before publishing it."""

import json
import sys
from pathlib import Path

import click

from tsuzuku.allowances.simulator import ScenarioMalformed, simulate


@click.command(name="simulate", short_help="Run a scenario file through the stacking rules.")
@click.argument("file", type=click.Path(path_type=Path))
def command(file: Path) -> None:
    """Answers each event of a scenario FILE (JSON, - for standard input) by the rules that serve customers.

    Touches no database. Prints a JSON array; exit code 2 and one line for a malformed file.
    """
    try:
        text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        answers = simulate(text)
    except (ScenarioMalformed, OSError) as problem:
        click.echo(f"{file}: {problem}", err=True)
        sys.exit(2)
    click.echo(json.dumps(answers, ensure_ascii=False, indent=1))
