# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku messages`: compile translations."""

import click


@click.command(name="messages", short_help="Compile translations that have changed.")
def command() -> None:
    """Compiles each .po that is newer than its .mo."""
    from tsuzuku.project.messages import compile_texts

    for source in compile_texts():
        click.echo(f"Compiled {source}")
