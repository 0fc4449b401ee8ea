# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku advise`: the cheapest way to stay online until the flight home."""

import json
import sys
from pathlib import Path

import click

from tsuzuku.allowances.advice_file import AdviceMalformed, advise_file


@click.command(name="advise", short_help="Say what to buy, and when, until the flight home.")
@click.argument("file", type=click.Path(path_type=Path))
def command(file: Path) -> None:
    """Answers the question in a FILE (JSON, - for standard input): which renewals keep a card online, and cost least.

    Touches no database. Prints a JSON object; exit code 2 and one line for a malformed file.
    """
    try:
        text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        answer = advise_file(text)
    except (AdviceMalformed, OSError) as problem:
        click.echo(f"{file}: {problem}", err=True)
        sys.exit(2)
    click.echo(json.dumps(answer, ensure_ascii=False, indent=1))
