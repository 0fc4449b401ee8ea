# SPDX-License-Identifier: Apache-2.0
"""Rules of the house that no linter knows."""

import re
from collections import Counter
from pathlib import Path

import click
import pytest

from tsuzuku.project import reference

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
#: As docs/architecture.md lists them, from top to bottom.
ROOMS = re.findall(r"^  ([a-z_]+)/ ", (ROOT / "docs/architecture.md").read_text(encoding="utf-8"), re.MULTILINE)


def test_every_room_is_in_the_architecture_and_has_a_face() -> None:
    rooms = {path.name for path in (ROOT / "src/tsuzuku").iterdir() if path.is_dir() and any(path.rglob("*.py"))}
    assert rooms - {"locale"} <= set(ROOMS)
    faceless = [room for room in rooms if not (ROOT / "src/tsuzuku" / room / "__init__.py").read_text().count('"""')]
    assert faceless == []


def test_no_room_is_a_drawer_for_everything() -> None:
    drawers = {"common", "utils", "helpers", "core", "misc", "base"}
    assert [str(path.relative_to(ROOT)) for path in SOURCES if drawers & {*path.parts, path.stem}] == []


@pytest.mark.django_db
def test_generated_pages_are_what_the_code_says() -> None:
    stale = [
        path
        for path, text in reference.pages().items()
        if not (ROOT / "docs" / path).exists() or (ROOT / "docs" / path).read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run `make reference`"


def test_no_two_errors_share_a_code() -> None:
    counts = Counter(error.code for error in reference.domain_errors())
    assert [code for code, count in counts.items() if count > 1] == []


def test_every_setting_is_documented() -> None:
    named = {
        name
        for path in SOURCES
        for name in re.findall(r"\bTSUZUKU_[A-Z_]+\b", path.read_text(encoding="utf-8"))
        if not name.endswith("_")
    }
    documented = set(re.findall(r"\bTSUZUKU_[A-Z_]+\b", (ROOT / "docs/operating/settings.md").read_text("utf-8")))
    assert named - documented == set()


def test_every_command_is_documented() -> None:
    from tsuzuku.project.cli import tsuzuku

    text = (ROOT / "docs/operating/commands.md").read_text(encoding="utf-8")
    commands = tsuzuku.list_commands(click.Context(tsuzuku))
    assert [command for command in commands if f"`tsuzuku {command}" not in text] == []


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    from django.core.management import call_command

    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_only_project_names_adapters() -> None:
    named = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if re.search(r"(import|from) tsuzuku\.\w+\.adapters", path.read_text(encoding="utf-8"))
        and "adapters" not in path.parts
        and path.parts[-2] != "project"
        and "simulators" not in path.parts
    ]
    assert named == []
