# SPDX-License-Identifier: Apache-2.0
"""A browser with one subscription: reads what was encrypted for it (RFC 8188 and RFC 8291)."""

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class Browser:
    """`application_key` is the one that it was given when it subscribed; `endpoint` its push service's address."""

    def __init__(self, *, endpoint: str, application_key: str) -> None:
        self.endpoint = endpoint
        self.application_key = application_key
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._auth = secrets.token_bytes(16)

    @property
    def subscription(self) -> str:
        """What `JSON.stringify(subscription)` gives."""
        keys = {"p256dh": _encoded(self._point()), "auth": _encoded(self._auth)}
        return json.dumps({"endpoint": self.endpoint, "expirationTime": None, "keys": keys})

    def read(self, body: bytes) -> dict[str, Any]:
        """The JSON of a message. Raises cryptography's InvalidTag if it is for somebody else."""
        salt, length = body[:16], body[20]
        theirs, sealed = body[21 : 21 + length], body[21 + length :]
        shared = self._key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs))
        material = _hkdf(self._auth, shared, b"WebPush: info\x00" + self._point() + theirs, 32)
        key = _hkdf(salt, material, b"Content-Encoding: aes128gcm\x00", 16)
        nonce = _hkdf(salt, material, b"Content-Encoding: nonce\x00", 12)
        padded = AESGCM(key).decrypt(nonce, sealed, None)
        content, end, _padding = padded.rpartition(b"\x02")
        assert end, "the last record ends with a 2"
        found: dict[str, Any] = json.loads(content)
        return found

    def _point(self) -> bytes:
        return self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _hkdf(salt: bytes, material: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869, as far as one block of SHA-256 goes."""
    first = hmac.new(hmac.new(salt, material, hashlib.sha256).digest(), info + b"\x01", hashlib.sha256)
    return first.digest()[:length]


def _encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
