# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku sql`: psql on the database."""

import subprocess

import click


@click.command(
    name="sql",
    short_help="Open psql, or run it with the options given.",
    context_settings={"ignore_unknown_options": True},
)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def command(ctx: click.Context, options: tuple[str, ...]) -> None:
    """Opens psql on the database. OPTIONS go to psql: tsuzuku sql -c 'SELECT 1'."""
    from tsuzuku.project.backup import tools_for
    from tsuzuku.project.database import database_server, database_url

    with database_server():
        tools = tools_for(database_url())
        ctx.exit(
            subprocess.run(
                [tools.bin / "psql", f"--dbname={tools.conninfo}", *options], env=tools.environment, check=False
            ).returncode
        )
