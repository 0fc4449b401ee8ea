# SPDX-License-Identifier: Apache-2.0
"""Claiming rows that wait, so that two workers never hold the same one, and letting them go with a result."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, Q, QuerySet

from tsuzuku.journal.models import Waiting
from tsuzuku.kernel import clock
from tsuzuku.kernel.retries import retry_after

log = logging.getLogger(__name__)
W = TypeVar("W", bound=Waiting)
_PORTION = 20


def due(rows: QuerySet[W], *, now: datetime) -> QuerySet[W]:
    """The rows whose time has come and which nobody holds."""
    return rows.filter(Q(lease_until__isnull=True) | Q(lease_until__lte=now), next_attempt_at__lte=now)


def claim(rows: QuerySet[W], *, now: datetime, lease: timedelta, limit: int) -> list[W]:
    """Takes up to `limit` due rows under a lease and counts the attempt; committed before it returns.

    Whoever holds a row sends nothing for it after the lease, which must be longer than all time-outs of the sending.
    A row whose holder died is due again when its lease ends.
    """
    with transaction.atomic():
        claimed = list(due(rows, now=now).order_by("next_attempt_at", "pk").select_for_update(skip_locked=True)[:limit])
        for row in claimed:
            row.attempts += 1
            row.lease_until = row.next_attempt_at = now + lease
        if claimed:
            held = rows.model._default_manager.filter(pk__in=[row.pk for row in claimed])
            held.update(attempts=F("attempts") + 1, lease_until=now + lease, next_attempt_at=now + lease)
        return claimed


def still_held(row: W) -> QuerySet[W]:
    """The row as a query, empty if somebody else has claimed it since and counted an attempt of their own."""
    model: type[W] = type(row)
    return model._default_manager.filter(pk=row.pk, attempts=row.attempts)


def try_again_at(row: Waiting, *, now: datetime) -> datetime:
    """When a row whose attempt failed is due again."""
    return now + retry_after(row.attempts)


def work_off(
    waiting: QuerySet[W], work: Callable[[W], None], *, lease: timedelta, takes_max: timedelta = timedelta()
) -> int:
    """Claims rows in portions and works them off one after another, outside any transaction. Returns how many.

    What takes at most `takes_max` is not begun later than that before the end of its lease. A row whose work fails in a
    way that nobody foresaw keeps back only itself: it is due again when its lease ends.
    """
    worked = 0
    while claimed := claim(waiting, now=clock.now(), lease=lease, limit=_PORTION):
        for row in claimed:
            if row.lease_until is None or clock.now() > row.lease_until - takes_max:
                break
            try:
                work(row)
            except (OperationalError, InterfaceError):
                raise
            except Exception:
                log.exception("%s %s could not be worked off", type(row).__name__, row.pk)
        worked += len(claimed)
    return worked


def work_off_together(waiting: QuerySet[W], work: Callable[[Sequence[W], datetime], None], *, portion: int) -> int:
    """Works due rows off many at once, each portion in one transaction in which `work` lets all of them go.

    For work that is done in our database alone: nothing may be called outside, and nobody else sees a row before it is
    done. A portion whose work fails is worked off row by row, and a row that fails waits alone. Returns how many.
    """
    worked = 0
    while count := _work_portion(waiting, work, limit=portion):
        worked += count
    return worked


def _work_portion(waiting: QuerySet[W], work: Callable[[Sequence[W], datetime], None], *, limit: int) -> int:
    now = clock.now()
    rows: list[W] = []
    try:
        with transaction.atomic():
            found = due(waiting, now=now).order_by("next_attempt_at", "pk")
            rows = list(found.select_for_update(of=("self",), skip_locked=True)[:limit])
            if rows:
                work(rows, now)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        if not rows:
            raise
        if limit > 1:
            return sum(_work_portion(waiting, work, limit=1) for _ in rows)
        for row in rows:
            log.exception("%s %s could not be worked off", type(row).__name__, row.pk)
            again = now + retry_after(row.attempts + 1)
            type(row)._default_manager.filter(pk=row.pk).update(attempts=F("attempts") + 1, next_attempt_at=again)
    return len(rows)
