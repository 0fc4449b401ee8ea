# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku stripe-sandbox`: a simulator of Stripe to try things with."""

from functools import partial
from pathlib import Path

import click

from tsuzuku.project.environment import home
from tsuzuku.testing.simulators.deliveries import is_webhook_url
from tsuzuku.testing.simulators.merchant_secrets import control_headers
from tsuzuku.testing.simulators.server import parse_bind, run
from tsuzuku.testing.simulators.stripe.sandbox import StripeSandbox


def folder() -> Path:
    """Where the simulator keeps its books, its secrets and its address."""
    return home() / StripeSandbox.name


@click.command(name="stripe-sandbox", short_help="Run a simulator of Stripe to try things with.")
@click.option("--bind", default="127.0.0.1:0", metavar="HOST:PORT", help="Where to listen; port 0: any free one.")
@click.option("--webhook", metavar="URL", help="Where to tell what happened; kept for the next time.")
@click.option("--merchant", default="Tsuzuku", show_default=True, metavar="NAME", help="Whom the pages name.")
def command(bind: str, webhook: str | None, merchant: str) -> None:
    """Runs a simulator of Stripe with its Checkout until it is interrupted, and keeps its books in TSUZUKU_HOME.

    If one runs there already, changes its webhook address and its merchant instead.
    """
    try:
        host, port = parse_bind(bind)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--bind") from problem
    if webhook is not None and not is_webhook_url(webhook):
        raise click.BadParameter("must be an http or https URL", param_hint="--webhook")
    control = {"merchant": merchant} if webhook is None else {"merchant": merchant, "webhook": webhook}
    run(
        partial(StripeSandbox, folder(), webhook=webhook, merchant=merchant),
        folder(),
        host=host,
        port=port,
        control=control,
        control_headers=partial(control_headers, folder()),
        tell=click.echo,
    )
