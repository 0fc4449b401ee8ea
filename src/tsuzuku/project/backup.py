# SPDX-License-Identifier: Apache-2.0
"""Backup and restore with PostgreSQL's own tools, those of the server's version."""

import os
import re
import shutil
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tsuzuku.project.postgres import bundled_binaries

# Tables, views, sequences and functions that are not PostgreSQL's own.
_HOLDS_SOMETHING = """
SELECT EXISTS (
    SELECT FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
      AND (EXISTS (SELECT FROM pg_class WHERE relnamespace = pg_namespace.oid)
        OR EXISTS (SELECT FROM pg_proc WHERE pronamespace = pg_namespace.oid))
)
"""


class BackupFailed(Exception):
    """A backup or restore cannot be done; the text says why, for people."""


@dataclass(frozen=True)
class Tools:
    """The folder of pg_dump, pg_restore and psql, the database to name to them, the environment with its password."""

    bin: Path
    conninfo: str
    environment: dict[str, str]


def tools_for(url: str) -> Tools:
    """The tools of the version of the server at a libpq address. Raises BackupFailed, psycopg.OperationalError."""
    with psycopg.connect(url) as connection:
        major = connection.info.server_version // 10_000
    words = conninfo_to_dict(url)
    # Other people of the machine see a command's words, but not its environment.
    password = words.pop("password", None)
    environment = os.environ | ({"PGPASSWORD": str(password)} if password else {})
    on_path = shutil.which("pg_dump")
    folders = [
        bundled_binaries().get(major),
        Path(f"/usr/lib/postgresql/{major}/bin"),  # Debian
        Path(f"/usr/pgsql-{major}/bin"),  # PostgreSQL's packages for Red Hat
        Path(f"/opt/homebrew/opt/postgresql@{major}/bin"),
        Path(on_path).parent if on_path else None,
    ]
    for folder in folders:
        if folder and _major(folder / "pg_dump") == _major(folder / "pg_restore") == _major(folder / "psql") == major:
            return Tools(folder, make_conninfo("", **words), environment)
    raise BackupFailed(
        f"The server is PostgreSQL {major}, and this machine lacks pg_dump, pg_restore and psql of that version. "
        f"On Debian: apt-get install postgresql-client-{major}"
    )


def backup(url: str, file: Path) -> None:
    """Writes a database to a file in pg_dump's custom format, readable by its owner alone.

    `file` is whole or not there: a backup that is killed leaves at most a hidden file beside it.
    Raises BackupFailed, OSError, psycopg.OperationalError.
    """
    tools = tools_for(url)
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".unfinished", dir=file.absolute().parent)
    unfinished = Path(name)
    try:
        done = subprocess.run(
            [
                tools.bin / "pg_dump",
                "--format=custom",
                "--no-owner",
                "--no-privileges",
                f"--file={unfinished}",
                f"--dbname={tools.conninfo}",
            ],
            env=tools.environment,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise BackupFailed(_complaint(done.stderr))
        os.fsync(descriptor)
        unfinished.replace(file)
        _sync_folder(file.absolute().parent)
    finally:
        os.close(descriptor)
        unfinished.unlink(missing_ok=True)


def restore(url: str, file: Path, *, replace: bool) -> None:
    """Reads a backup into a database in one transaction: all of it, or nothing.

    A database that holds something is refused, or with `replace` emptied in the same transaction.
    Raises BackupFailed, OSError, psycopg.OperationalError.
    """
    tools = tools_for(url)
    with psycopg.connect(url) as connection:
        is_occupied = connection.execute(_HOLDS_SOMETHING).fetchone() == (True,)
    if is_occupied and not replace:
        raise BackupFailed("The database is not empty. With --yes, what it holds is deleted first.")
    with tempfile.TemporaryFile() as complaints:
        reading = subprocess.Popen(
            [tools.bin / "pg_restore", "--no-owner", "--no-privileges", "--file=-", file],
            env=tools.environment,
            stdout=subprocess.PIPE,
            stderr=complaints,
        )
        writing = subprocess.Popen(
            [
                tools.bin / "psql",
                "--no-psqlrc",
                "--quiet",
                "--set=ON_ERROR_STOP=1",
                f"--dbname={tools.conninfo}",
            ],
            env=tools.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
        )
        # psql closes the pipe when it stops at an error, which it has told.
        with reading, writing, suppress(BrokenPipeError):
            _pass_on(reading, writing, empties_first=is_occupied)
        if reading.returncode != 0 or writing.returncode != 0:
            complaints.seek(0)
            raise BackupFailed(f"Nothing was restored. {_complaint(complaints.read().decode(errors='replace'))}")


def _pass_on(reading: subprocess.Popen[bytes], writing: subprocess.Popen[bytes], *, empties_first: bool) -> None:
    """Passes statements on inside a transaction that is committed only when the last of them has come.

    Whatever ends early, an archive cut short, a process killed: psql finds no COMMIT, and the server rolls back.
    """
    statements: IO[bytes] = _pipe(reading.stdout)
    with _pipe(writing.stdin) as database:
        database.write(b"BEGIN;\n")
        if empties_first:
            database.write(b"DROP SCHEMA public CASCADE;\nCREATE SCHEMA public;\n")
        shutil.copyfileobj(statements, database)
        if reading.wait() == 0:
            database.write(b"COMMIT;\nANALYZE;\n")


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("the process was started without this pipe")
    return stream


def _major(tool: Path) -> int | None:
    try:
        version = subprocess.run([tool, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return None
    match = re.search(r"\) (\d+)", version)
    return int(match[1]) if match else None


def _complaint(text: str) -> str:
    """The first line that tells of an error; the others follow from it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next(
        (line for line in lines if "error:" in line.lower()), lines[0] if lines else "The tool did not say why."
    )


def _sync_folder(folder: Path) -> None:
    """Makes a renaming last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
