# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku settlement`: the file of a simulator as an operator saves it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tsuzuku.payments.adapters.sandbox.settlement import read_settlement
from tsuzuku.payments.ports import Settlement
from tsuzuku.project.cli import tsuzuku
from tsuzuku.testing.processes import SandboxProcess


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxProcess]:
    monkeypatch.setenv("TSUZUKU_HOME", str(tmp_path))
    process = SandboxProcess(
        [sys.executable, "-m", "tsuzuku.project.cli", "simulator", "sandbox"],
        folder=tmp_path / "payment-sandbox",
        env={"TSUZUKU_HOME": str(tmp_path)},
    )
    process.start()
    yield process
    process.kill()


def run(*words: str) -> Result:
    return CliRunner().invoke(tsuzuku, ["settlement", *words])


def test_saves_a_file_or_prints_it(sandbox: SandboxProcess, tmp_path: Path) -> None:
    saved = tmp_path / "november.csv"
    result = run("sandbox", "--from", "2026-11-01", "--to", "2026-11-30", "-o", str(saved))
    assert (result.exit_code, result.stdout) == (0, f"Wrote {saved} ({saved.stat().st_size} bytes).\n")
    assert read_settlement(saved.read_bytes()) == Settlement(lines=())
    assert run("sandbox").stdout_bytes == saved.read_bytes()


def test_says_when_there_is_nobody_to_ask(sandbox: SandboxProcess) -> None:
    sandbox.kill()
    for name in ("sandbox", "stripe"):
        result = run(name)
        assert result.exit_code == 1
        assert result.stderr.endswith("-sandbox does not run: start it by `tsuzuku simulator`, or `tsuzuku demo`\n")


def test_takes_only_days(sandbox: SandboxProcess) -> None:
    result = run("sandbox", "--from", "yesterday")
    assert result.exit_code == 2
    assert "'yesterday' is no day: write 2026-11-21" in result.stderr
