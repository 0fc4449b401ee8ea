# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku migrate`: bring the database up to date."""

import click


@click.command(name="migrate", short_help="Bring the database's tables up to date.")
def command() -> None:
    """Creates and changes tables as this version needs them. Can be run again, and twice at once."""
    from tsuzuku.project.database import database
    from tsuzuku.project.database import migrate as bring_up_to_date

    with database():
        bring_up_to_date()
    click.echo("The database is up to date.")
