# SPDX-License-Identifier: Apache-2.0
"""Push subscriptions as browsers give them out (Push API, https://www.w3.org/TR/push-api/, checked 2026-11-21)."""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tsuzuku.reminders.errors import PushSubscriptionMalformed

#: As long as no subscription is.
TEXT_LENGTH_MAX = 4096
#: RFC 8291: an uncompressed point of P-256, and a secret.
_KEY_BYTES = {"p256dh": 65, "auth": 16}


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription with nothing in it that is not needed."""

    text: str
    endpoint_hash: str


def parse_subscription(text: str) -> Subscription:
    """Raises PushSubscriptionMalformed. Where an endpoint may lie is for who calls it to check, each time."""
    try:
        told: Any = json.loads(text) if len(text) <= TEXT_LENGTH_MAX else None
        endpoint, keys = told["endpoint"], {name: told["keys"][name] for name in _KEY_BYTES}
    except (ValueError, TypeError, KeyError, RecursionError):
        raise PushSubscriptionMalformed from None
    if not _is_https(endpoint) or any(_length(keys[name]) != size for name, size in _KEY_BYTES.items()):
        raise PushSubscriptionMalformed
    clean = json.dumps({"endpoint": endpoint, "keys": keys})
    return Subscription(clean, hash_of(endpoint))


def hash_of(endpoint: str) -> str:
    """What a device is known by."""
    return hashlib.sha256(endpoint.encode()).hexdigest()


def _is_https(endpoint: Any) -> bool:  # noqa: ANN401  # whatever a browser sends
    if not isinstance(endpoint, str) or not (endpoint.isascii() and endpoint.isprintable()):
        return False
    try:
        parts = urlsplit(endpoint)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and parts.username is None


def _length(key: Any) -> int:  # noqa: ANN401  # whatever a browser sends
    if not isinstance(key, str):
        return -1
    try:
        return len(base64.urlsafe_b64decode(key.rstrip("=") + "=" * (-len(key.rstrip("=")) % 4)))
    except (binascii.Error, ValueError):
        return -1
