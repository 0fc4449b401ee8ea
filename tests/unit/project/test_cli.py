# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys
from collections.abc import Iterator

import click
import psycopg
import pytest
from click.testing import CliRunner

from tsuzuku.kernel.errors import DomainError
from tsuzuku.project import cli
from tsuzuku.project.postgres import PostgresFailed


class CardUnknown(DomainError):
    code = "card_unknown"


def commands(group: cli.Commands) -> Iterator[click.Command]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, cli.Commands):
            yield from commands(command)
        else:
            yield command


def test_every_command_is_there_and_explains_itself_in_one_line() -> None:
    for command in commands(cli.tsuzuku):
        assert command.short_help
        assert len(command.short_help) <= 80


HELP = """
import runpy, sys
sys.argv = ["tsuzuku", "--help"]
try:
    runpy.run_module("tsuzuku.project.cli", run_name="__main__")
except SystemExit:
    print(sorted({"django", "psycopg"} & set(sys.modules)))
"""


def test_help_loads_neither_django_nor_the_database() -> None:
    told = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=True).stdout.splitlines()
    assert (told[0], told[-1]) == ("Usage: tsuzuku [OPTIONS] COMMAND [ARGS]...", "[]")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (CardUnknown(iccid="898"), "Error: card_unknown (iccid=898)\n"),
        (
            FileNotFoundError(2, "No such file or directory", "x.csv"),
            "Error: [Errno 2] No such file or directory: 'x.csv'\n",
        ),
        (PostgresFailed("The disk is full."), "Error: The disk is full.\n"),
        (psycopg.OperationalError("connection refused\n"), "Error: connection refused\n"),
    ],
)
def test_mistakes_are_one_line_without_traceback(error: Exception, line: str) -> None:
    told = CliRunner().invoke(_failing(error))
    assert (told.exit_code, told.output) == (1, line)


def test_our_own_mistakes_keep_their_traceback() -> None:
    told = CliRunner().invoke(_failing(KeyError("oops")))
    assert isinstance(told.exception, KeyError)


def test_wrong_usage_has_exit_code_2() -> None:
    assert CliRunner().invoke(cli.tsuzuku, ["sereve"]).exit_code == 2
    assert CliRunner().invoke(cli.tsuzuku, ["serve", "--bind", "nowhere"]).exit_code == 2


def _failing(error: Exception) -> click.Command:
    class Failing(cli.Commands):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            def fail() -> None:
                raise error

            return click.Command("fail", callback=fail)

    group = Failing("tsuzuku", sections={}, about="")
    return click.Command("run", callback=lambda: group.main(["fail"], prog_name="tsuzuku"))
