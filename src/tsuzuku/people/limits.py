# SPDX-License-Identifier: Apache-2.0
"""How often one address may ask for what is open to everybody and costs us work.

Counted in the cache, roughly: it keeps a machine from being kept busy. What must not be guessed is counted in rows
(journal/counts.py).
"""

from django.core.cache import cache
from django.http import HttpRequest

from tsuzuku.kernel import clock
from tsuzuku.people.addresses import client_address, network_of

WINDOW_SECONDS = 60


def is_within_limit(request: HttpRequest, what: str, *, a_minute_max: int) -> bool:
    """Counts one more of `what` from this address; whether that is still within so many in a minute."""
    minute = int(clock.now().timestamp()) // WINDOW_SECONDS
    key = f"limit:{what}:{network_of(client_address(request))}:{minute}"
    count = cache.get_or_set(key, 0, WINDOW_SECONDS) or 0
    cache.set(key, count + 1, WINDOW_SECONDS)
    return count < a_minute_max
