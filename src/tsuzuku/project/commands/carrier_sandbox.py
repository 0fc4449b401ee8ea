# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku carrier-sandbox`: a carrier to try things with."""

from functools import partial
from pathlib import Path

import click

from tsuzuku.project.environment import home
from tsuzuku.testing.simulators.carrier import DELAY_SECONDS_MAX, CarrierSandbox, Mode
from tsuzuku.testing.simulators.server import Stand, parse_bind, run


def folder() -> Path:
    """Where the sandbox keeps its history and its address."""
    return home() / CarrierSandbox.name


@click.command(name="carrier-sandbox", short_help="Run a carrier to try things with.")
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in Mode]),
    default=Mode.INSTANT.value,
    show_default=True,
    help="instant: credits with the payment, nobody calls; later: credits when called; refuse: refuses everything.",
)
@click.option("--bind", default="127.0.0.1:0", metavar="HOST:PORT", help="Where to listen; port 0: any free one.")
@click.option(
    "--delay",
    type=click.FloatRange(0, DELAY_SECONDS_MAX),
    default=0,
    metavar="SECONDS",
    help="How long an activation takes.",
)
def command(mode: str, bind: str, delay: float) -> None:
    """Runs a carrier until it is interrupted, and keeps what it credited in TSUZUKU_HOME.

    If one runs there already, changes its mode and delay instead.
    """
    try:
        host, port = parse_bind(bind)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--bind") from problem
    stand = Stand(
        make=partial(CarrierSandbox, folder(), mode=Mode(mode), delay_seconds=delay),
        folder=folder(),
        host=host,
        port=port,
        control={"mode": mode, "delay_seconds": delay},
    )
    run([stand], tell=click.echo)
