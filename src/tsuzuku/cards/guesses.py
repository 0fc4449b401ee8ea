# SPDX-License-Identifier: Apache-2.0
"""Counting guesses at PINs, so that four digits cannot be tried through."""

import math
from datetime import datetime, timedelta

from tsuzuku.cards.errors import TooManyGuesses
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


def count_guess(*, number: str, address: str, now: datetime) -> TooManyGuesses | None:
    """Counts one guess at a PIN against the address, the card and the installation; returns the refusal, if any."""
    free_at = count_against(
        ((ADDRESS_LIMITS, network_of(address)), (CARD_LIMITS, number), (INSTALLATION_LIMITS, "")), now
    )
    if free_at is None:
        return None
    return TooManyGuesses(retry_after_seconds=math.ceil((free_at - now).total_seconds()))
