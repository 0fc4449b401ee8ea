# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku staff`: who may use the console, and in which role."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import click

from tsuzuku.kernel import clock

#: Who changes the staff from the command line, as facts name people.
OPERATOR = "operator"

_email = click.argument("email")
_json = click.option("--json", "as_json", is_flag=True, help="Answer with JSON.")


@click.group(
    name="staff", short_help="Let people use the console, change their role, let them go.", no_args_is_help=True
)
def command() -> None:
    """Says who belongs to the staff. What each role may do stands in docs/operating/console.md."""


@command.command(name="add", short_help="Let somebody use the console.")
@_email
@click.option("--role", required=True, help="support, finance or manager.")
def add(email: str, role: str) -> None:
    """Makes EMAIL a member of staff. They choose a password by a code that is mailed, then set up a second factor."""
    with _installation():
        from django.conf import settings

        from tsuzuku.people.staff import add_staff

        user = add_staff(email=email, role=role, actor=OPERATOR, now=clock.now())
        click.echo(f"{user.email} is on the staff: {role}.")
        click.echo(f"They choose a password at {settings.PUBLIC_URL}/forgot, then open {settings.PUBLIC_URL}/console/")


@command.command(name="list", short_help="List the staff with their roles.")
@_json
def list_staff(as_json: bool) -> None:
    """Lists everybody on the staff by address."""
    with _installation():
        from tsuzuku.people.second_factor import staff_with_second_factor
        from tsuzuku.people.staff import role_of, staff_members

        members = staff_members()
        armed = staff_with_second_factor()
        if as_json:
            listed = [
                {"email": each.email, "role": role_of(each), "second_factor": each.pk in armed} for each in members
            ]
            click.echo(json.dumps(listed))
            return
        for each in members:
            factor = "second factor set up" if each.pk in armed else "no second factor yet"
            click.echo(f"{each.email:<40}  {role_of(each) or 'no role'}, {factor}")
        if not members:
            click.echo("Nobody is on the staff yet.")


@command.command(name="remove", short_help="Let somebody use the console no more.")
@_email
def remove(email: str) -> None:
    """Ends the membership of EMAIL at once, also where they are logged in. What they did keeps their name."""
    with _installation():
        from tsuzuku.people.staff import remove_staff

        remove_staff(email=email, actor=OPERATOR, now=clock.now())
        click.echo(f"{email.strip().lower()} is no longer on the staff.")


@command.command(name="reset", short_help="Forget somebody's second factor and password.")
@_email
def reset(email: str) -> None:
    """Forgets the second factor of EMAIL, who lost a phone, and the password with it. They choose and set up anew."""
    with _installation():
        from tsuzuku.people.staff import reset_second_factor

        reset_second_factor(email=email, actor=OPERATOR, now=clock.now())
        click.echo(f"{email.strip().lower()} chooses a password and sets up a second factor anew.")


@command.command(name="role", short_help="Give somebody another role.")
@_email
@click.argument("role")
def role(email: str, role: str) -> None:
    """Gives EMAIL the ROLE support, finance or manager in place of theirs. Can be repeated."""
    with _installation():
        from tsuzuku.people.staff import set_role

        set_role(email=email, role=role, actor=OPERATOR, now=clock.now())
        click.echo(f"{email.strip().lower()}: {role}.")


@contextmanager
def _installation() -> Iterator[None]:
    """The database, with refusals explained."""
    from tsuzuku.project.database import database

    with database(), _explained():
        yield


@contextmanager
def _explained() -> Iterator[None]:
    from tsuzuku.people.errors import StaffExists, StaffUnknown

    try:
        yield
    except StaffExists as there:
        raise click.ClickException(f"{there}: change the role with `tsuzuku staff role`") from there
    except StaffUnknown as unknown:
        raise click.ClickException(f"{unknown}: `tsuzuku staff list` has them all") from unknown
