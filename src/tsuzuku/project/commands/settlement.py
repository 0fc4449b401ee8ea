# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku settlement`: the settlement file of a simulated provider, to try reconciliation with."""

import json
import sys
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urlencode

import click

from tsuzuku.project.periods import DAY, day_starts
from tsuzuku.project.simulators import SIMULATORS


@click.command(name="settlement", short_help="Save the settlement file of a simulated payment provider.")
@click.argument("name", type=click.Choice(list(SIMULATORS)))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Where to; default: stdout.")
@click.option("--from", "first", type=DAY, help="The first day, in the brand's time.")
@click.option("--to", "last", type=DAY, help="The last day.")
def command(name: str, output: Path | None, first: date | None, last: date | None) -> None:
    """Asks the simulator of the provider NAME for its books, as the real provider lets a merchant download them."""
    body = _download(SIMULATORS[name].folder, first=first, last=last)
    if output is None:
        sys.stdout.buffer.write(body)
        return
    output.write_bytes(body)
    click.echo(f"Wrote {output} ({len(body):,} bytes).")


def _download(folder: Path, *, first: date | None, last: date | None) -> bytes:
    import httpx

    from tsuzuku.testing.simulators.merchant_secrets import control_headers
    from tsuzuku.testing.simulators.server import ADDRESS_FILE

    period = {}
    if first is not None:
        period["from"] = day_starts(first).isoformat()
    if last is not None:
        period["to"] = day_starts(last + timedelta(days=1)).isoformat()
    try:
        url = json.loads((folder / ADDRESS_FILE).read_text(encoding="utf-8"))["url"]
        answer = httpx.get(
            f"{url}/settlement?{urlencode(period)}", headers=control_headers(folder), trust_env=False, timeout=60
        )
    except (FileNotFoundError, httpx.TransportError):
        advice = "start it by `tsuzuku simulator`, or `tsuzuku demo`"
        raise click.ClickException(f"the {folder.name} does not run: {advice}") from None
    return answer.raise_for_status().content
