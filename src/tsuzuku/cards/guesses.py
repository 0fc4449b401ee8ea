# SPDX-License-Identifier: Apache-2.0
"""Counting wrong guesses, so that four digits cannot be tried through. Rows, not a cache: the counts survive a restart.

PINs are counted here; who guards another secret that people type brings limits of its own.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from tsuzuku.cards.errors import TooManyGuesses
from tsuzuku.cards.models import PinGuesses
from tsuzuku.cards.protection import guesser_digest
from tsuzuku.kernel import clock
from tsuzuku.people.addresses import network_of


@dataclass(frozen=True)
class Limit:
    """At most so many wrong guesses in a stretch of time that begins with the first of them."""

    name: str
    wrong_max: int
    length: timedelta


#: An address may be a whole airport behind one NAT, so it gets more than a card.
ADDRESS_LIMITS = (
    Limit("address in 15 min", 30, timedelta(minutes=15)),
    Limit("address in a day", 200, timedelta(days=1)),
)
#: Twenty a day: half of all four-digit PINs would take eight months.
CARD_LIMITS = (
    Limit("card in 15 min", 5, timedelta(minutes=15)),
    Limit("card in a day", 20, timedelta(days=1)),
)
#: The circuit breaker against many addresses trying many cards.
INSTALLATION_LIMITS = (Limit("installation in a min", 300, timedelta(minutes=1)),)

#: Rows forgotten in one statement.
PORTION = 5000


def count_guess(*, number: str, address: str, now: datetime) -> TooManyGuesses | None:
    """Counts one guess at a PIN against the address, the card and the installation; returns the refusal, if any."""
    free_at = count_against(
        ((ADDRESS_LIMITS, network_of(address)), (CARD_LIMITS, number), (INSTALLATION_LIMITS, "")), now
    )
    if free_at is None:
        return None
    return TooManyGuesses(retry_after_seconds=math.ceil((free_at - now).total_seconds()))


def count_against(subjects: Sequence[tuple[Sequence[Limit], str]], now: datetime) -> datetime | None:
    """Counts one guess against each subject under its limits; returns when to try again if it is one too many.

    A guess is counted before the secret is looked at, so guesses made at the same time all count; the caller rolls the
    count back when it was right. What one limit refuses does not count against those after it: an address that hammers
    away does not use up its day, nor the card's, nor the installation's. Locks are taken in the order given.
    """
    for limits, whom in subjects:
        for limit in limits:
            if (free_at := _count(limit, guesser_digest(whom), now)) is not None:
                return free_at
    return None


def _count(limit: Limit, whom: str, now: datetime) -> datetime | None:
    """Adds one; returns when the stretch of time ends if that was one too many."""
    with connection.cursor() as cursor:
        # One more, or one anew if the stretch is over; the row's lock makes parallel guesses count one after the other.
        cursor.execute(
            """
            INSERT INTO cards_pinguesses AS known (subject, wrong, ends_at) VALUES (%(subject)s, 1, %(ends_at)s)
            ON CONFLICT (subject) DO UPDATE SET
                wrong = CASE WHEN known.ends_at <= %(now)s THEN 1 ELSE known.wrong + 1 END,
                ends_at = CASE WHEN known.ends_at <= %(now)s THEN excluded.ends_at ELSE known.ends_at END
            RETURNING wrong, ends_at
            """,
            {"subject": f"{limit.name} {whom}", "ends_at": now + limit.length, "now": now},
        )
        wrong, ends_at = cursor.fetchone()
    return ends_at if wrong > limit.wrong_max else None


def has_forgettable(now: datetime) -> bool:
    """Whether any counts are over."""
    return PinGuesses.objects.filter(ends_at__lte=now).exists()


def forget_guesses() -> int:
    """Deletes counts that are over; returns how many.

    Rows that a guess holds at this moment are left for next time, so that the two never wait for each other.
    """
    forgotten = 0
    with connection.cursor() as cursor:
        while True:
            # A portion of what is over and nobody holds.
            cursor.execute(
                """
                DELETE FROM cards_pinguesses WHERE id IN (
                    SELECT id FROM cards_pinguesses WHERE ends_at <= %s LIMIT %s FOR UPDATE SKIP LOCKED
                )
                """,
                [clock.now(), PORTION],
            )
            deleted: int = cursor.rowcount
            forgotten += deleted
            if deleted < PORTION:
                return forgotten
