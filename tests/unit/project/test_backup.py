# SPDX-License-Identifier: Apache-2.0
import stat
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tsuzuku.project import backup
from tsuzuku.project.backup import BackupFailed

MAKE = """
CREATE TABLE cards (id bigint PRIMARY KEY, name text NOT NULL);
CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1';
INSERT INTO cards SELECT number, '続く ' || number FROM generate_series(1, 5000) number;
"""


def rows(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT count(*), min(name), max(id), one() FROM cards").fetchall()


@pytest.fixture
def source(make_database: Callable[[], str]) -> str:
    url = make_database()
    with psycopg.connect(url) as connection:
        connection.execute(MAKE)
    return url


def test_restores_what_was_backed_up(source: str, make_database: Callable[[], str], tmp_path: Path) -> None:
    file, target = tmp_path / "day.backup", make_database()
    backup.backup(source, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]
    backup.restore(target, file, replace=False)
    assert rows(target) == rows(source) == [(5000, "続く 1", 5000, 1)]


def test_refuses_to_replace_unless_told_to(source: str, tmp_path: Path) -> None:
    file = tmp_path / "day.backup"
    backup.backup(source, file)
    with psycopg.connect(source) as connection:
        connection.execute("DELETE FROM cards WHERE id > 10; CREATE TABLE newer (id int REFERENCES cards)")
        connection.execute("CREATE TABLE cards_of_another (card_id bigint REFERENCES cards)")
    with pytest.raises(BackupFailed, match="not empty"):
        backup.restore(source, file, replace=False)
    assert rows(source) == [(10, "続く 1", 10, 1)]
    backup.restore(source, file, replace=True)
    assert rows(source) == [(5000, "続く 1", 5000, 1)]
    with psycopg.connect(source) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert tables == [("cards",)]


@pytest.mark.parametrize("kept", [0.5, 0.98])
def test_an_archive_cut_short_changes_nothing(source: str, tmp_path: Path, kept: float) -> None:
    file = tmp_path / "day.backup"
    backup.backup(source, file)
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(BackupFailed, match="Nothing was restored"):
        backup.restore(source, file, replace=True)
    assert rows(source) == [(5000, "続く 1", 5000, 1)]


def test_refuses_what_is_no_backup(make_database: Callable[[], str], tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("a shopping list")
    with pytest.raises(BackupFailed, match="does not appear to be a valid archive"):
        backup.restore(make_database(), file, replace=False)


def test_a_failed_backup_leaves_the_older_file_alone(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "day.backup"
    file.write_text("older")
    tools = backup.tools_for(source)
    broken = backup.Tools(tools.bin, tools.conninfo.replace("dbname=tsuzuku_", "dbname=no_"), tools.environment)
    monkeypatch.setattr(backup, "tools_for", lambda url: broken)
    with pytest.raises(BackupFailed, match="does not exist"):
        backup.backup(source, file)
    assert file.read_text() == "older"
    assert list(tmp_path.iterdir()) == [file]


def test_says_which_tools_are_missing(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "_major", lambda tool: 9)
    with pytest.raises(BackupFailed, match="apt-get install postgresql-client-"):
        backup.tools_for(source)


def test_keeps_the_password_out_of_the_command(monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    tools = backup.tools_for(f"{source} password=secret")
    assert tools.environment["PGPASSWORD"] == "secret"
    assert "secret" not in tools.conninfo
