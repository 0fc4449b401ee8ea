# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku serve`: the whole installation in one process tree."""

import os
import socket

import click

from tsuzuku.project import programs
from tsuzuku.project.environment import home


@click.command(name="serve", short_help="Run the web pages and the background work.")
@click.option("--bind", default="127.0.0.1:8000", show_default=True, metavar="HOST:PORT", help="Where to listen.")
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=programs.WEB_PROCESSES,
    show_default=True,
    help=f"Web processes, each with {programs.WEB_THREADS} threads.",
)
def command(bind: str, workers: int) -> None:
    """Runs web and worker until it is interrupted, and starts again what dies.

    Brings the database up to date first. Without TSUZUKU_DATABASE_URL the embedded PostgreSQL runs as well.
    """
    from tsuzuku.project.database import database
    from tsuzuku.project.supervisor import supervise

    host, port = parse_bind(bind)
    refuse_occupied(host, port)
    os.environ.setdefault("TSUZUKU_PUBLIC_URL", programs.local_url(host, port))
    with database() as server:
        prepare()
        from django.conf import settings

        supervise(
            [programs.web(host=host, port=port, processes=workers), programs.worker()],
            home=home(),
            server=server,
            on_ready=lambda: click.echo(f"Tsuzuku answers at {settings.PUBLIC_URL}"),
        )


def parse_bind(bind: str) -> tuple[str, int]:
    """HOST:PORT as both; an IPv6 host stands in brackets. Raises click.BadParameter."""
    host, _, port = bind.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise click.BadParameter(f"{bind!r} is not HOST:PORT, such as 127.0.0.1:8000", param_hint="--bind")
    return host.strip("[]"), int(port)


def refuse_occupied(host: str, port: int) -> None:
    """Raises click.ClickException if something listens there already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise click.ClickException(
                f"{host}:{port} cannot be used ({error.strerror}); choose another with --bind."
            ) from error


#: What packages bring and no page of ours asks for: the admin's own look, and unfold's scripts and letters.
_STATIC_UNUSED = ("admin", "unfold/js", "unfold/fonts/inter", "unfold/css/simplebar")


def prepare() -> None:
    """What must be in place before the processes start: tables, and static files with their names by content."""
    from django.core.management import call_command
    from django.db import connections

    from tsuzuku.project.database import migrate

    migrate()
    call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=[*_STATIC_UNUSED])
    connections.close_all()
