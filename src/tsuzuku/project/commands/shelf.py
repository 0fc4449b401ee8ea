# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku shelf`: which cards of the stock are sold on the website."""

import json

import click

from tsuzuku.kernel import clock


@click.group(name="shelf", short_help="Put cards of the stock up for sale, and see what is left.", no_args_is_help=True)
def command() -> None:
    """The shelf from which the website sells new eSIMs, and SIM cards by post."""


@command.command(name="put-up", short_help="Put the cards of a group up for sale.")
@click.argument("group")
def put_up(group: str) -> None:
    """Puts the cards of GROUP up that are as new: held by nobody, never renewed, not blocked. It can be repeated.

    GROUP is the group that the stock file names. An eSIM needs its activation code, without a confirmation code.
    """
    from tsuzuku.project.database import database

    with database():
        from tsuzuku.new_cards.shelf import put_up as put_up_group

        result = put_up_group(group=group, now=clock.now())
    click.echo(f"{result.put_up:>9,}  put up")
    if result.left_out:
        click.echo(f"{result.left_out:>9,}  left out: their phones would ask for a confirmation code")


@command.command(name="show", short_help="Show how many cards can be sold.")
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
def show(as_json: bool) -> None:
    """Shows how many eSIMs and SIM cards can be sold now."""
    from tsuzuku.project.database import database

    with database():
        from tsuzuku.cards.models import CardKind
        from tsuzuku.new_cards.shelf import stock

        numbers = {kind.value: stock(clock.now(), kind) for kind in (CardKind.ESIM, CardKind.SIM)}
    if as_json:
        click.echo(json.dumps({"for_sale": numbers}))
    else:
        for kind, number in numbers.items():
            click.echo(f"{number:>9,}  {kind} for sale")
