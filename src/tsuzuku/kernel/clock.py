# SPDX-License-Identifier: Apache-2.0
"""The clock everybody reads. Read once at the edge of a command, then handed down as `now`."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

_offset: ContextVar[timedelta] = ContextVar("clock_offset", default=timedelta())


def now() -> datetime:
    """The present moment in UTC, moved by `travel_to` where a story moved it."""
    return datetime.now(UTC) + _offset.get()


@contextmanager
def travel_to(moment: datetime) -> Iterator[None]:
    """Moves the clock of this context so that `moment` is now; it runs on from there. For stories and previews."""
    token = _offset.set(moment - datetime.now(UTC))
    try:
        yield
    finally:
        _offset.reset(token)
