# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku simulator`: payment providers to try things with."""

from functools import partial

import click

from tsuzuku.project.simulators import SIMULATORS
from tsuzuku.testing.simulators.deliveries import is_webhook_url
from tsuzuku.testing.simulators.merchant_secrets import control_headers
from tsuzuku.testing.simulators.server import Stand, parse_bind, run

#: Stands for a simulator's name in --webhook.
_NAME = "{name}"
# click breaks no lines of a paragraph that begins so.
_NAMES = "\n".join(["\b", *(f"{name:<12}{simulator.about}" for name, simulator in SIMULATORS.items())])


@click.command(name="simulator", short_help="Run payment providers to try things with.", epilog=_NAMES)
@click.argument("names", metavar="NAME...", nargs=-1, required=True, type=click.Choice(list(SIMULATORS)))
@click.option(
    "--bind",
    default="127.0.0.1:0",
    show_default=True,
    metavar="HOST:PORT",
    help="Where the first listens, the others each a port higher; port 0: any free ones.",
)
@click.option(
    "--webhook",
    metavar="URL",
    help=f"Where to tell what happened, {_NAME} in it stands for the simulator's; kept for the next time.",
)
@click.option("--merchant", default="Tsuzuku", show_default=True, metavar="NAME", help="Whom the pages name.")
def command(names: tuple[str, ...], bind: str, webhook: str | None, merchant: str) -> None:
    """Plays the named payment providers in one process until it is interrupted; their books are kept in TSUZUKU_HOME.

    One that is played there already gets the webhook address and the merchant instead.
    """
    try:
        host, port = parse_bind(bind)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--bind") from problem
    if webhook is not None and not is_webhook_url(webhook):
        raise click.BadParameter("must be an http or https URL", param_hint="--webhook")
    run(
        [
            _stand(
                name,
                host=host,
                port=port and port + place,
                webhook=webhook and webhook.replace(_NAME, name),
                merchant=merchant,
            )
            for place, name in enumerate(dict.fromkeys(names))
        ],
        tell=click.echo,
    )


def _stand(name: str, *, host: str, port: int, webhook: str | None, merchant: str) -> Stand:
    simulator = SIMULATORS[name]
    return Stand(
        make=partial(simulator.sandbox, simulator.folder, webhook=webhook, merchant=merchant),
        folder=simulator.folder,
        host=host,
        port=port,
        control={"merchant": merchant} if webhook is None else {"merchant": merchant, "webhook": webhook},
        control_headers=partial(control_headers, simulator.folder),
    )
