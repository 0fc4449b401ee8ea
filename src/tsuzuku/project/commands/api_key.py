# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku api-key`: the keys with which partners call the API."""

import json

import click

from tsuzuku.kernel import clock
from tsuzuku.project.commands.partner import OPERATOR, explained
from tsuzuku.sellers.scopes import Scope

_partner = click.option("--partner", required=True, metavar="NAME", help="Whose key.")
_json = click.option("--json", "as_json", is_flag=True, help="Answer with JSON.")


@click.group(name="api-key", short_help="Make and revoke partners' keys to the API.", no_args_is_help=True)
def command() -> None:
    """Makes, lists and revokes the keys with which partners call the API."""


@command.command(name="create", short_help="Make a key and print it once.")
@_partner
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What it may be used for; repeatable.",
)
@click.option("--calls-per-second", type=int, default=5000, show_default=True, help="More calls are told to wait.")
@_json
def create(partner: str, scopes: tuple[str, ...], calls_per_second: int, as_json: bool) -> None:
    """Makes a key and prints it: once, and only here, as nothing but its digest is kept."""
    from tsuzuku.project.database import database

    with database(), explained():
        from tsuzuku.sellers.actions import create_key

        made = create_key(
            name=partner, scopes=scopes, calls_per_second=calls_per_second, actor=OPERATOR, now=clock.now()
        )
    if as_json:
        click.echo(json.dumps({"id": made.id, "key": made.key}))
        return
    click.echo(f"Key {made.id}: {made.key}")
    click.echo("Give it to the partner now; it cannot be shown again.")


@command.command(name="list", short_help="List a partner's keys.")
@_partner
@_json
def list_keys(partner: str, as_json: bool) -> None:
    """Lists the keys of a partner by their numbers, oldest first. The keys themselves nobody can read."""
    from tsuzuku.project.database import database

    with database(), explained():
        from tsuzuku.sellers.queries import keys_of, partner_named

        keys = keys_of(partner_named(partner))
    if as_json:
        listed = [
            {
                "id": key.pk,
                "scopes": key.scopes,
                "calls_per_second": key.calls_per_second,
                "created_at": key.created_at.isoformat(),
                "revoked_at": key.revoked_at and key.revoked_at.isoformat(),
            }
            for key in keys
        ]
        click.echo(json.dumps(listed))
        return
    for key in keys:
        state = f"revoked {key.revoked_at:%Y-%m-%d %H:%M} UTC" if key.revoked_at else "open"
        scopes = " ".join(key.scopes)
        click.echo(f"{key.pk:>6}  {state}: {scopes}, {key.calls_per_second:,} calls a second")
    if not keys:
        click.echo("There are none.")


@command.command(name="revoke", short_help="Close a key for good.")
@click.argument("key_id", type=int)
def revoke(key_id: int) -> None:
    """Closes the key of this number for good: the next call with it is refused. Can be repeated."""
    from tsuzuku.project.database import database

    with database(), explained():
        from tsuzuku.sellers.actions import revoke_key

        was_open = revoke_key(key_id=key_id, actor=OPERATOR, now=clock.now())
    click.echo(f"Key {key_id} is revoked." if was_open else f"Key {key_id} was revoked already.")
