# SPDX-License-Identifier: Apache-2.0
"""The command line `tsuzuku`. A command's module is imported when the command is named, so the others cost nothing."""

import signal
import sys
from collections.abc import Mapping
from importlib import import_module
from types import FrameType
from typing import Any

import click


class Commands(click.Group):
    """Commands in sections, each by its name and its module in `tsuzuku.project.commands`, or a group of its own."""

    def __init__(self, name: str, *, sections: Mapping[str, Mapping[str, "str | Commands"]], about: str) -> None:
        super().__init__(name, help=about, no_args_is_help=True)
        self._sections = sections

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for section in self._sections.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for section in self._sections.values():
            found = section.get(cmd_name)
            if isinstance(found, str):
                module = import_module(f"tsuzuku.project.commands.{found}")
                command: click.Command = module.command
                return command
            if found is not None:
                return found
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(len(name) for name in self.list_commands(ctx))
        for section, names in self._sections.items():
            commands = [(name, self.get_command(ctx, name)) for name in names]
            with formatter.section(section):
                formatter.write_dl(
                    [(f"{name:<{width}}", each.get_short_help_str(limit=80)) for name, each in commands if each]
                )

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  # click's own signature
        try:
            return super().invoke(ctx)
        except Exception as error:
            if isinstance(error, _expected_errors()):
                raise click.ClickException(str(error).strip() or type(error).__name__) from error
            raise


def _expected_errors() -> tuple[type[Exception], ...]:
    """What a person can mend and is told in one line; anything else is our mistake and shows its traceback."""
    import psycopg
    from django.core.exceptions import ImproperlyConfigured
    from django.db import OperationalError

    from tsuzuku.kernel.errors import DomainError
    from tsuzuku.project.backup import BackupFailed
    from tsuzuku.project.environment import SettingMalformed
    from tsuzuku.project.postgres import PostgresFailed
    from tsuzuku.project.supervisor import AlreadyRunning

    ours = (DomainError, SettingMalformed, PostgresFailed, BackupFailed, AlreadyRunning)
    return (*ours, OSError, ImproperlyConfigured, OperationalError, psycopg.OperationalError)


tsuzuku = Commands(
    "tsuzuku",
    about="The open-source platform with which a travel-SIM brand keeps its customers online in Japan.",
    sections={
        "Try it": {"demo": "demo", "simulate": "simulate", "advise": "advise"},
        "Run it": {
            "serve": "serve",
            "worker": "worker",
            "migrate": "migrate",
            "messages": "messages",
            "doctor": "doctor",
        },
        "Fill it": {"import": "import_", "shelf": "shelf", "promotion": "promotion"},
        "Let others sell": {"partner": "partner", "api-key": "api_key"},
        "Give back": {"refund": "refund", "order": "order", "dispute": "dispute"},
        "Let people in": {"staff": "staff_members"},
        "Prove it": {"verify": "verify"},
        "Count the money": {"reconcile": "reconcile", "report": "report"},
        "Keep it safe": {"backup": "backup", "restore": "restore", "audit": "audit"},
        "Look inside": {"shell": "shell", "sql": "sql"},
        "The outside world, for trials": {
            "carrier-sandbox": "carrier_sandbox",
            "simulator": "simulator",
            "settlement": "settlement",
        },
    },
)
click.version_option(package_name="tsuzuku", message="%(prog)s %(version)s")(tsuzuku)


def main() -> None:
    """Runs one command. Exit code 1 and a line for what went wrong, 2 for wrong usage."""
    # SIGTERM leaves through every `finally`, as Ctrl-C does.
    signal.signal(signal.SIGTERM, _leave)
    tsuzuku(prog_name="tsuzuku")


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
