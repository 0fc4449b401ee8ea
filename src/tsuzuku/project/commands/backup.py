# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku backup`: the whole database in one file."""

from pathlib import Path

import click

from tsuzuku.project.environment import home


@click.command(name="backup", short_help="Write the whole database to a file.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def command(file: Path) -> None:
    """Writes the database to FILE (pg_dump's custom format) while everything goes on. FILE is whole or not there."""
    from tsuzuku.project import backup
    from tsuzuku.project.database import database_server, database_url

    with database_server():
        backup.backup(database_url(), file)
    click.echo(f"Wrote {file} ({file.stat().st_size:,} bytes).")
    click.echo(f"Keep {home() / 'secrets'} too, apart from it: without the secrets PINs and eSIM codes cannot be read.")
