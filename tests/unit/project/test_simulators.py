# SPDX-License-Identifier: Apache-2.0
"""The payment providers that the demo plays, and the one command that plays them."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tsuzuku.project import cli
from tsuzuku.project.simulators import SIMULATORS, played_in_the_demo
from tsuzuku.testing.processes import SandboxProcess
from tsuzuku.testing.simulators.server import ADDRESS_FILE

COMMANDS = Path(__file__).resolve().parents[3] / "docs/operating/commands.md"


def test_every_one_is_documented() -> None:
    section = COMMANDS.read_text(encoding="utf-8").partition("### `tsuzuku simulator NAME...`")[2]
    assert re.findall(r"^\| `([a-z_]+)` \|", section, re.MULTILINE) == list(SIMULATORS)


def test_no_two_share_a_folder() -> None:
    assert len({simulator.folder for simulator in SIMULATORS.values()}) == len(SIMULATORS)


def test_the_demo_plays_no_provider_whose_key_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in {simulator.key_variable for simulator in SIMULATORS.values()} - {""}:
        monkeypatch.delenv(variable, raising=False)
    assert played_in_the_demo() == list(SIMULATORS)
    monkeypatch.setenv("TSUZUKU_STRIPE_KEY", "sk_test_x")
    assert played_in_the_demo() == [name for name in SIMULATORS if name != "stripe"]


@pytest.mark.parametrize(
    "words",
    [[], ["paypall"], ["sandbox", "--bind", "nowhere"], ["sandbox", "--webhook", "ftp://here"]],
)
def test_wrong_usage_is_told(words: list[str]) -> None:
    assert CliRunner().invoke(cli.tsuzuku, ["simulator", *words]).exit_code == 2


def test_several_share_a_process_and_a_second_command_changes_them(tmp_path: Path) -> None:
    first = _simulators(tmp_path, "http://127.0.0.1:9/first/{name}")
    first.start()
    try:
        urls = {_address(tmp_path, name)["url"] for name in ("sandbox", "stripe")}
        second = _simulators(tmp_path, "http://127.0.0.1:9/second/{name}")
        with pytest.raises(RuntimeError):
            second.start()
        assert second.wait() == 0
    finally:
        first.kill()
    assert len(urls) == 2
    assert _webhooks(tmp_path, "sandbox") == [f"http://127.0.0.1:9/{turn}/sandbox" for turn in ("first", "second")]
    assert _webhooks(tmp_path, "stripe") == [f"http://127.0.0.1:9/{turn}/stripe" for turn in ("first", "second")]


def _simulators(home: Path, webhook: str) -> SandboxProcess:
    return SandboxProcess(
        [sys.executable, "-m", "tsuzuku.project.cli", "simulator", "sandbox", "stripe", "--webhook", webhook],
        folder=home / SIMULATORS["stripe"].sandbox.name,
        env={"TSUZUKU_HOME": str(home)},
    )


def _address(home: Path, name: str) -> dict[str, Any]:
    text = (home / SIMULATORS[name].sandbox.name / ADDRESS_FILE).read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _webhooks(home: Path, name: str) -> list[str]:
    """The addresses that a simulator was given, as its books have them."""
    books = home / SIMULATORS[name].sandbox.name / "books.jsonl"
    records = [json.loads(line) for line in books.read_text(encoding="utf-8").splitlines()]
    return [record["url"] for record in records if record["is"] == "webhook"]
