# SPDX-License-Identifier: Apache-2.0
"""What tests need that have several connections to the database at work at the same time."""

import time

from django.db import connection

_LONGEST_SECONDS = 30


def wait_until_somebody_waits() -> None:
    """Until another transaction waits for this one."""
    deadline = time.monotonic() + _LONGEST_SECONDS
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            # Not pg_stat_activity, which is read once in a transaction and never changes in it.
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )
            if cursor.fetchone()[0]:
                return
            time.sleep(0.01)
    raise AssertionError("nobody waits")
