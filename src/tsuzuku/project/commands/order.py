# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku order`: orders whose money does not fit, and what a person makes of them."""

import json

import click

from tsuzuku.kernel import clock
from tsuzuku.project.commands.staff import as_json as _json
from tsuzuku.project.commands.staff import by, reason, seeing_to_money, told

_order = click.argument("order_number", metavar="ORDER")


@click.group(name="order", short_help="Resolve orders that are held.", no_args_is_help=True)
def command() -> None:
    """Resolves orders that are held because what came for them is not their price."""


@command.command(name="list", short_help="List orders that are held.")
@_json
def list_held(as_json: bool) -> None:
    """Lists orders that wait for a person, with their price and what came for them."""
    with seeing_to_money():
        from tsuzuku.orders.queries import orders_held
        from tsuzuku.payments.queries import captures_of

        held = [(order, captures_of(order.number)) for order in orders_held()]
        if as_json:
            found = [
                {
                    "number": order.number,
                    "amount_minor": order.amount_minor,
                    "currency": order.currency,
                    "came": [{"amount_minor": each.amount_minor, "currency": each.currency} for each in captures],
                }
                for order, captures in held
            ]
            click.echo(json.dumps(found))
            return
        for order, captures in held:
            came = ", ".join(told(capture.amount) for capture in captures)
            click.echo(f"{order.number}  costs {told(order.price)}, came {came}")
        if not held:
            click.echo("None is held.")


@command.command(name="accept", short_help="Let what came pay a held order.")
@_order
@reason
@by
def accept(order_number: str, reason: str, by: str) -> None:
    """Lets what came pay ORDER. What is above the price goes back; a little that is missing is let off."""
    with seeing_to_money():
        from tsuzuku.orders.queries import order_by_number
        from tsuzuku.orders.resolving import accept_held_order

        number = order_by_number(order_number).number
        accept_held_order(number=number, reason=reason, actor=by, now=clock.now())
        click.echo(f"Order {number} is paid.")


@command.command(name="give-back", short_help="Give back what came for a held order.")
@_order
@reason
@by
def give_back(order_number: str, reason: str, by: str) -> None:
    """Gives back all that came for ORDER, and cancels it. Its payer is told by mail."""
    with seeing_to_money():
        from tsuzuku.orders.queries import order_by_number
        from tsuzuku.orders.resolving import return_held_order

        number = order_by_number(order_number).number
        return_held_order(number=number, reason=reason, actor=by, now=clock.now())
        click.echo(f"Order {number} is cancelled, and its money goes back.")
