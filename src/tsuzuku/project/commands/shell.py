# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku shell`: Python with the models at hand."""

import click


@click.command(name="shell", short_help="Open Python with the models at hand.")
def command() -> None:
    """Opens Django's shell on the database."""
    from django.core.management import call_command

    from tsuzuku.project.database import database

    with database():
        call_command("shell")
