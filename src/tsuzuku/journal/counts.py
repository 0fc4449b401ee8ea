# SPDX-License-Identifier: Apache-2.0
"""Counting what somebody may do only so often: guesses, orders, codes that are sent. Exactly, in rows, not in a cache.

The counts survive a restart, and what happens at the same moment all counts. Each room brings limits of its own.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection

from tsuzuku.journal.models import Count
from tsuzuku.kernel import clock
from tsuzuku.kernel.sealing import derived_key

FORGET_COUNTS: Final = "forget counts"
#: Rows forgotten in one statement.
PORTION: Final = 5000


@dataclass(frozen=True)
class Limit:
    """At most so many in a stretch of time that begins with the first of them."""

    #: Of the whole installation: limits of one name count together.
    name: str
    count_max: int
    length: timedelta


def count_against(subjects: Sequence[tuple[Sequence[Limit], str]], now: datetime) -> datetime | None:
    """Counts one against each subject under its limits; returns when to try again if it is one too many.

    It is counted before anything else happens, so what comes at the same time all counts; the caller rolls the count
    back where it should not. What one limit refuses does not count against those after it: an address that hammers
    away does not use up its day, nor the card's, nor the installation's. Locks are taken in the order given.
    """
    for limits, whom in subjects:
        for limit in limits:
            if (free_at := _count(limit, subject_digest(whom), now)) is not None:
                return free_at
    return None


def subject_digest(text: str) -> str:
    """A name for whom is counted, from which neither number nor address can be told."""
    key = derived_key(settings.INSTALLATION_SECRET, "counts", hashlib.sha256().digest_size)
    return hmac.digest(key, text.encode(errors="surrogatepass"), hashlib.sha256).hex()[:32]


def _count(limit: Limit, whom: str, now: datetime) -> datetime | None:
    """Adds one; returns when the stretch of time ends if that was one too many."""
    with connection.cursor() as cursor:
        # One more, or one anew if the stretch is over; the row's lock makes parallel ones count one after the other.
        cursor.execute(
            """
            INSERT INTO journal_count AS known (subject, count, ends_at) VALUES (%(subject)s, 1, %(ends_at)s)
            ON CONFLICT (subject) DO UPDATE SET
                count = CASE WHEN known.ends_at <= %(now)s THEN 1 ELSE known.count + 1 END,
                ends_at = CASE WHEN known.ends_at <= %(now)s THEN excluded.ends_at ELSE known.ends_at END
            RETURNING count, ends_at
            """,
            {"subject": f"{limit.name} {whom}", "ends_at": now + limit.length, "now": now},
        )
        count, ends_at = cursor.fetchone()
    return ends_at if count > limit.count_max else None


def has_forgettable(now: datetime) -> bool:
    """Whether any counts are over."""
    return Count.objects.filter(ends_at__lte=now).exists()


def forget_counts() -> int:
    """Deletes counts that are over; returns how many.

    Rows that somebody holds at this moment are left for next time, so that the two never wait for each other.
    """
    forgotten = 0
    with connection.cursor() as cursor:
        while True:
            # A portion of what is over and nobody holds.
            cursor.execute(
                """
                DELETE FROM journal_count WHERE id IN (
                    SELECT id FROM journal_count WHERE ends_at <= %s LIMIT %s FOR UPDATE SKIP LOCKED
                )
                """,
                [clock.now(), PORTION],
            )
            deleted: int = cursor.rowcount
            forgotten += deleted
            if deleted < PORTION:
                return forgotten
