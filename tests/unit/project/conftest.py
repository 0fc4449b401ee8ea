# SPDX-License-Identifier: Apache-2.0
"""Homes and databases for tests of the ground itself."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tsuzuku.project import postgres


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home that the tests of a module share: making PostgreSQL's data is slow."""
    with _home() as folder:
        yield folder


@pytest.fixture
def fresh_home() -> Iterator[Path]:
    """A home where nothing was ever started."""
    with _home() as folder:
        yield folder


@contextmanager
def _home() -> Iterator[Path]:
    """A folder that the embedded PostgreSQL's user can enter; pytest's own folders are closed to it."""
    folder = Path(tempfile.mkdtemp(prefix="tsuzuku-home-"))
    folder.chmod(0o755)
    yield folder
    postgres.destroy(folder)
    shutil.rmtree(folder)


@pytest.fixture
def make_database() -> Iterator[Callable[[], str]]:
    """Makes empty databases on the tests' server; returns their addresses."""
    server = os.environ["TSUZUKU_DATABASE_URL"]
    made: list[str] = []

    def make() -> str:
        made.append(f"tsuzuku_{secrets.token_hex(4)}")
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {made[-1]}")
        return make_conninfo(server, dbname=made[-1])

    yield make
    with psycopg.connect(server, autocommit=True) as connection:
        for name in made:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
