# SPDX-License-Identifier: Apache-2.0
"""One PostgreSQL for all tests: the embedded one in a home of its own, or the server named in TSUZUKU_DATABASE_URL.

Django reads its settings when pytest configures itself, before any fixture, so the server starts there too.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from tsuzuku.project import messages, postgres
from tsuzuku.project.environment import env_text

if TYPE_CHECKING:  # importing it reads the settings
    from django.db.backends.base.operations import BaseDatabaseOperations

#: What these tests write need not outlive the machine; those that kill servers start their own.
_CARELESS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "1h",
}

_home = pytest.StashKey[Path]()
_server = pytest.StashKey[postgres.Server]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Gives the tests a home, a database server and settings, in this order."""
    _delete_homes_of_killed_runs()
    home = Path(tempfile.mkdtemp(prefix="tsuzuku-tests-"))
    home.chmod(0o755)  # As root, the server's user must be able to enter it.
    (home / "static").mkdir()
    os.environ["TSUZUKU_HOME"] = str(home)
    config.stash[_home] = home
    if not env_text("TSUZUKU_DATABASE_URL"):
        with patch.dict(postgres.SETTINGS, _CARELESS):
            config.stash[_server] = postgres.attach(home)
        os.environ["TSUZUKU_DATABASE_URL"] = config.stash[_server].url
    if not hasattr(config, "workerinput"):
        messages.compile_texts()
    if config.getoption("numprocesses", None):
        # The tests run in processes that take their environment from this one and share the server. Each makes a home
        # of its own, and must not read the settings before.
        return
    os.environ["DJANGO_SETTINGS_MODULE"] = "tsuzuku.project.settings"
    from django.conf import settings

    # Real hashing takes a tenth of a second on purpose; file names with hashes need `collectstatic` first.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    from django.db import connection

    type(connection.ops).sql_flush = _delete_rows  # type: ignore[assignment]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stops the server and deletes the home."""
    if server := config.stash.get(_server, None):
        postgres.release(server)
        postgres.destroy(server.home)
    if home := config.stash.get(_home, None):
        shutil.rmtree(home, ignore_errors=True)


def _delete_rows(
    operations: "BaseDatabaseOperations",
    style: object,
    tables: Sequence[str],
    *,
    reset_sequences: bool = False,
    allow_cascade: bool = False,
) -> list[str]:
    """How Django empties tables after a test that commits.

    Its TRUNCATE makes new files for every table and index, while few have rows; foreign keys are checked at the commit.
    What Django itself writes after a migration stays.
    """
    kept = {"django_content_type", "auth_permission"}
    return ["".join(f"DELETE FROM {operations.quote_name(table)};" for table in tables if table not in kept)]


def _delete_homes_of_killed_runs() -> None:
    """A killed run leaves its server behind. Homes in use refuse, homes of other users too."""
    for lock in Path(tempfile.gettempdir()).glob("tsuzuku-tests-*/postgres.users"):
        with suppress(postgres.PostgresFailed, OSError):
            postgres.destroy(lock.parent)
            shutil.rmtree(lock.parent)


@pytest.fixture(autouse=True)
def _no_language_left_over() -> Iterator[None]:
    """The test client leaves the language of its last page active; the next test starts without."""
    yield
    from django.utils import translation

    translation.deactivate()
