# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku shelf`: which eSIMs of the stock are sold on the website."""

import json

import click

from tsuzuku.kernel import clock


@click.group(name="shelf", short_help="Put eSIMs of the stock up for sale, and see what is left.", no_args_is_help=True)
def command() -> None:
    """The shelf from which the website sells new eSIMs."""


@command.command(name="put-up", short_help="Put the eSIMs of a group up for sale.")
@click.argument("group")
def put_up(group: str) -> None:
    """Puts the eSIMs of GROUP up that are as new: held by nobody, never renewed, not blocked. It can be repeated.

    GROUP is the group that the stock file names. An eSIM needs its activation code, without a confirmation code.
    """
    from tsuzuku.project.database import database

    with database():
        from tsuzuku.new_cards.shelf import put_up as put_up_group

        result = put_up_group(group=group, now=clock.now())
    click.echo(f"{result.put_up:>9,}  put up")
    if result.left_out:
        click.echo(f"{result.left_out:>9,}  left out: their phones would ask for a confirmation code")


@command.command(name="show", short_help="Show how many eSIMs can be sold.")
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
def show(as_json: bool) -> None:
    """Shows how many eSIMs can be sold now."""
    from tsuzuku.project.database import database

    with database():
        from tsuzuku.new_cards.shelf import stock

        number = stock(clock.now())
    click.echo(json.dumps({"for_sale": number}) if as_json else f"{number:>9,}  for sale")
