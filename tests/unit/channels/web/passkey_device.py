# SPDX-License-Identifier: Apache-2.0
"""A device that makes passkeys and signs with them, as a browser would hand its answers on."""

import hashlib
import json
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_encode

if TYPE_CHECKING:
    from tsuzuku.people.models import User

ORIGIN = "http://localhost"
_PRESENT, _VERIFIED, _HAS_KEY = 1, 4, 64


@dataclass
class Device:
    """One device with one passkey. `is_verified` is whether it asked for a finger, a face or a code."""

    origin: str = ORIGIN
    host: str = "localhost"
    is_verified: bool = True
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    user_handle: str = ""

    @property
    def key_id(self) -> bytes:
        return hashlib.sha256(repr(self.key.public_key().public_numbers()).encode()).digest()

    def make(self, options: dict[str, Any]) -> str:
        """What a browser answers to the options of making one."""
        asked = options["publicKey"]
        self.user_handle = asked["user"]["id"]
        public = cbor.encode(dict(ES256.from_cryptography_key(self.key.public_key())))  # type: ignore[no-untyped-call]  # fido2's
        attested = bytes(16) + struct.pack(">H", len(self.key_id)) + self.key_id + public
        data = self._data(_HAS_KEY) + attested
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer("webauthn.create", asked["challenge"], attestationObject=websafe_encode(attestation))

    def sign(self, options: dict[str, Any]) -> str:
        """What a browser answers to the options of showing one."""
        challenge = options["publicKey"]["challenge"]
        data = self._data(0)
        client = self._client("webauthn.get", challenge)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            "webauthn.get",
            challenge,
            authenticatorData=websafe_encode(data),
            signature=websafe_encode(signature),
            userHandle=self.user_handle,
        )

    def _data(self, flags: int) -> bytes:
        flags |= _PRESENT | (_VERIFIED if self.is_verified else 0)
        return hashlib.sha256(self.host.encode()).digest() + bytes([flags]) + struct.pack(">I", 0)

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, kind: str, challenge: str, **response: str) -> str:
        return json.dumps(
            {
                "id": websafe_encode(self.key_id),
                "rawId": websafe_encode(self.key_id),
                "type": "public-key",
                "clientExtensionResults": {},
                "response": {"clientDataJSON": websafe_encode(self._client(kind, challenge)), **response},
            }
        )


def user_handle_of(user: "User") -> str:
    """The handle under which a passkey of this user is made."""
    from allauth.account.utils import user_pk_to_url_str

    return websafe_encode(user_pk_to_url_str(user).encode())
