# SPDX-License-Identifier: Apache-2.0
"""Django with its database, for commands."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tsuzuku.project import postgres
from tsuzuku.project.environment import env_text, home

DATABASE_VARIABLE = "TSUZUKU_DATABASE_URL"
#: An arbitrary number that all of Tsuzuku's migrations lock.
_MIGRATION_LOCK = 0x7473_757A_756B_75


@contextmanager
def database_server() -> Iterator[postgres.Server | None]:
    """Sees to a database server for as long as the block lasts; `database_url` has its address then.

    That is the server named in TSUZUKU_DATABASE_URL, else the embedded one of this home: it is yielded, and child
    processes find it in the same variable. Raises PostgresFailed.
    """
    if database_url():
        yield None
        return
    with postgres.running(home()) as server:
        os.environ[DATABASE_VARIABLE] = server.url
        try:
            yield server
        finally:
            del os.environ[DATABASE_VARIABLE]


def database_url() -> str:
    """The address of the database in libpq's form; empty while there is none."""
    return env_text(DATABASE_VARIABLE)


@contextmanager
def database() -> Iterator[postgres.Server | None]:
    """A database server as above, and Django set up on it. Raises PostgresFailed."""
    import django
    from django.db import connections

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tsuzuku.project.settings")
    with database_server() as server:
        django.setup()
        try:
            yield server
        finally:
            connections.close_all()


def migrate() -> None:
    """Brings the database's tables up to date, the cache's too. Two that start together take turns."""
    from django.core.management import call_command
    from django.db import connection

    with connection.cursor() as cursor:
        # Asked again and again rather than waited for: a waiting query would hold up CREATE INDEX CONCURRENTLY.
        while True:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [_MIGRATION_LOCK])
            if cursor.fetchone() == (True,):
                break
            time.sleep(0.2)
        try:
            call_command("migrate", interactive=False, verbosity=0)
            call_command("createcachetable", verbosity=0)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_MIGRATION_LOCK])
