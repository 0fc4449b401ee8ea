# SPDX-License-Identifier: Apache-2.0
"""When to try again: the pace shared by everything that waits for the outside."""

from datetime import timedelta

_PACE_SECONDS = (1, 2, 5, 10, 30, 60, 120, 300)


def retry_after(attempts: int) -> timedelta:
    """How long to wait after `attempts` tries that failed (at least one); ends at five minutes."""
    return timedelta(seconds=_PACE_SECONDS[min(max(attempts, 1), len(_PACE_SECONDS)) - 1])
