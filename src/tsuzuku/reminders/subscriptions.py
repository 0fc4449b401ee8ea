# SPDX-License-Identifier: Apache-2.0
"""Push subscriptions as browsers give them out, with nothing in them that is not needed."""

import hashlib
import json
from dataclasses import dataclass

from tsuzuku.kernel.push_subscriptions import LENGTH_MAX, PushSubscription
from tsuzuku.reminders.errors import PushSubscriptionMalformed

#: As long as no subscription is.
TEXT_LENGTH_MAX = LENGTH_MAX


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription to keep, and what its browser is known by."""

    text: str
    endpoint_hash: str


def parse_subscription(text: str) -> Subscription:
    """Raises PushSubscriptionMalformed. Where an endpoint may lie is for who calls it to check, each time."""
    try:
        PushSubscription.parse(text)
    except ValueError:
        raise PushSubscriptionMalformed from None
    told = json.loads(text)
    keys = {name: told["keys"][name] for name in ("p256dh", "auth")}
    return Subscription(json.dumps({"endpoint": told["endpoint"], "keys": keys}), hash_of(told["endpoint"]))


def hash_of(endpoint: str) -> str:
    """What a device is known by."""
    return hashlib.sha256(endpoint.encode()).hexdigest()
