# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku restore`: the database as it was in a backup."""

from pathlib import Path

import click


@click.command(name="restore", short_help="Replace the database by a backup.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--yes", is_flag=True, help="Delete what the database holds now.")
def command(file: Path, yes: bool) -> None:
    """Reads FILE, written by `tsuzuku backup`, into the database: all of it, or nothing if anything fails."""
    from tsuzuku.project import backup
    from tsuzuku.project.database import database_server, database_url

    with database_server():
        backup.restore(database_url(), file, replace=yes)
    click.echo(f"Restored {file}. Run `tsuzuku migrate` if it was written by an older version.")
