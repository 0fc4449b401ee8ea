# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest
from click.testing import CliRunner

from tsuzuku.project import doctor
from tsuzuku.project.cli import tsuzuku
from tsuzuku.project.doctor import Finding
from tsuzuku.receipts import fonts


def find(subject: str) -> Finding:
    return next(finding for finding in doctor.examine() if finding.subject == subject)


def test_looks_at_everything_in_order() -> None:
    subjects = [finding.subject for finding in doctor.examine()]
    machine = ["Python", "Home", "Disk", "PostgreSQL", "Fonts for receipts"]
    assert subjects == [*machine, "Chromium", "Playwright", "Fonts for Chinese"]


def test_what_is_needed_is_fine_here() -> None:
    assert [finding.subject for finding in doctor.examine() if finding.is_needed and not finding.is_fine] == []


def test_finds_the_embedded_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TSUZUKU_DATABASE_URL")
    assert find("PostgreSQL").text.startswith("embedded, version ")


def test_names_a_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSUZUKU_DATABASE_URL", "host=/nowhere dbname=tsuzuku")
    found = find("PostgreSQL")
    assert not found.is_fine
    assert found.text.startswith("the server of your own does not answer: ")


def test_names_a_server_that_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "POSTGRES_MIN", 99)
    assert not find("PostgreSQL").is_fine


def test_names_a_home_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch(0o400)
    monkeypatch.setenv("TSUZUKU_HOME", str(tmp_path / "file"))
    assert not find("Home").is_fine


def test_a_home_is_not_made_by_looking(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TSUZUKU_HOME", str(tmp_path / "new" / "home"))
    assert find("Home").is_fine
    assert list(tmp_path.iterdir()) == []


def test_names_the_fonts_that_receipts_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find("Fonts for receipts").text == "Noto Sans CJK"
    monkeypatch.setattr(fonts, "FAMILIES", {"ja": "Noto Sans Nowhere"})
    found = find("Fonts for receipts")
    assert (found.is_fine, found.is_needed, found.text) == (False, False, "missing: Noto Sans Nowhere")


def test_the_command_fails_only_for_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "examine", lambda: [Finding("Font", "none", "Get one.", False, is_needed=False)])
    told = CliRunner().invoke(tsuzuku, ["doctor"])
    assert (told.exit_code, told.output) == (0, "advice   Font: none\n         Get one.\n")
    monkeypatch.setattr(doctor, "examine", lambda: [Finding("Disk", "full", "Free some.", False)])
    told = CliRunner().invoke(tsuzuku, ["doctor"])
    assert (told.exit_code, told.output) == (1, "missing  Disk: full\n         Free some.\n")
