# SPDX-License-Identifier: Apache-2.0
"""Counting guesses at PINs, so that four digits cannot be tried through, and numbers of cards that friends try."""

import math
from datetime import datetime, timedelta

from django.db import transaction

from tsuzuku.cards.errors import TooManyGuesses, TooManyNumbers
from tsuzuku.journal.counts import Limit, count_against
from tsuzuku.people.addresses import network_of

#: An address may be a whole airport behind one NAT, so it gets more than a card.
ADDRESS_LIMITS = (
    Limit("PIN, address in 15 min", 30, timedelta(minutes=15)),
    Limit("PIN, address in a day", 200, timedelta(days=1)),
)
#: Twenty a day: half of all four-digit PINs would take eight months.
CARD_LIMITS = (
    Limit("PIN, card in 15 min", 5, timedelta(minutes=15)),
    Limit("PIN, card in a day", 20, timedelta(days=1)),
)
#: The circuit breaker against many addresses trying many cards.
INSTALLATION_LIMITS = (Limit("PIN, installation in a min", 300, timedelta(minutes=1)),)

#: Of numbers that friends want to renew. A try that finds a card counts too: finding one is what a guess is for.
NUMBERS_ADDRESS_LIMITS = (
    Limit("numbers, address in 15 min", 10, timedelta(minutes=15)),
    Limit("numbers, address in a day", 40, timedelta(days=1)),
)
NUMBER_LIMITS = (
    Limit("number in 15 min", 6, timedelta(minutes=15)),
    Limit("number in a day", 20, timedelta(days=1)),
)
NUMBERS_INSTALLATION_LIMITS = (Limit("numbers, installation in a min", 60, timedelta(minutes=1)),)


def count_guess(*, number: str, address: str, now: datetime) -> TooManyGuesses | None:
    """Counts one guess at a PIN against the address, the card and the installation; returns the refusal, if any."""
    free_at = count_against(
        ((ADDRESS_LIMITS, network_of(address)), (CARD_LIMITS, number), (INSTALLATION_LIMITS, "")), now
    )
    if free_at is None:
        return None
    return TooManyGuesses(retry_after_seconds=math.ceil((free_at - now).total_seconds()))


def count_number(*, number: str, address: str, now: datetime) -> None:
    """Counts one try of a friend to renew the card of a number, whether there is one or not.

    It is counted apart from guesses at PINs: a friend, or a prober, keeps no holder out of their card.
    Must not run inside a transaction. Raises TooManyNumbers.
    """
    subjects = (
        (NUMBERS_ADDRESS_LIMITS, network_of(address)),
        (NUMBER_LIMITS, number),
        (NUMBERS_INSTALLATION_LIMITS, ""),
    )
    with transaction.atomic(durable=True):
        free_at = count_against(subjects, now)
    if free_at is not None:
        raise TooManyNumbers(retry_after_seconds=math.ceil((free_at - now).total_seconds()))
