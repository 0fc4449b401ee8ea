# SPDX-License-Identifier: Apache-2.0
"""Rules of the house that no linter knows."""

import re
from collections import Counter
from collections.abc import Iterator
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


def test_every_setting_is_documented_and_nothing_else() -> None:
    texts = [path.read_text(encoding="utf-8") for path in SOURCES]
    # Secrets are named without the prefix where they are read.
    secrets = {f"TSUZUKU_{name.upper()}" for text in texts for name in re.findall(r'\w_secret\("([a-z_]+)"\)', text)}
    named = {name for text in texts for name in _settings(text) if not name.endswith("_")}
    assert _settings((ROOT / "docs/operating/settings.md").read_text(encoding="utf-8")) == named | secrets


def _settings(text: str) -> set[str]:
    return set(re.findall(r"\bTSUZUKU_[A-Z_]+\b", text))


def test_every_command_has_a_heading_and_nothing_else() -> None:
    from tsuzuku.project.cli import tsuzuku

    text = (ROOT / "docs/operating/commands.md").read_text(encoding="utf-8")
    headings = re.findall(r"^### `tsuzuku ([a-z-]+(?: [a-z-]+)*)", text, re.MULTILINE)
    assert headings == list(_commands(tsuzuku))


def _commands(group: click.Group) -> Iterator[str]:
    """The commands of a group as they are called, in the order of its help; those of groups inside it too."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from (f"{name} {inner}" for inner in _commands(command))
        else:
            yield name


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    from django.core.management import call_command

    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
