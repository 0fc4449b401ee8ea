# SPDX-License-Identifier: Apache-2.0
"""A browser's push subscription, as its `PushSubscription.toJSON()` writes it (W3C Push API, 8). Pure."""

import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import Self

import httpx
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

from tsuzuku.kernel.public_hosts import AddressRefused, parse_https_url

#: RFC 8291, 3.2: what the browser makes up for each subscription.
_AUTH_BYTES = 16
#: Characters of JSON; no browser's is as long.
LENGTH_MAX = 4000


@dataclass(frozen=True, slots=True)
class PushSubscription:
    """Where the push service takes messages, the browser's public key as a point, and its secret."""

    endpoint: httpx.URL
    p256dh: bytes
    auth: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """A subscription whose endpoint is an https address and whose key is one. Raises ValueError."""
        try:
            if len(text) > LENGTH_MAX:
                raise ValueError("longer than any subscription")
            found = json.loads(text)
            endpoint = parse_https_url(str(found["endpoint"]))
            p256dh, auth = (_decoded(str(found["keys"][name])) for name in ("p256dh", "auth"))
        except (AddressRefused, KeyError, TypeError, RecursionError) as problem:
            raise ValueError("no push subscription") from problem
        if len(auth) != _AUTH_BYTES:
            raise ValueError("no secret of a push subscription")
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), p256dh)
        return cls(endpoint, p256dh, auth)


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
