# SPDX-License-Identifier: Apache-2.0
"""A message that only the browser can read (RFC 8291), in one record of aes128gcm (RFC 8188)."""

import secrets
import struct

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_RECORD_BYTES = 4096
_SALT_BYTES = 16
#: RFC 8188, 2: ends the last record.
_LAST = b"\x02"
#: A push service takes 4096 bytes (RFC 8030, 7.2), of which 86 are the header, 16 the seal and one the end.
CONTENT_BYTES_MAX = 3993


def encrypt(content: bytes, *, p256dh: bytes, auth: bytes) -> bytes:
    """Encrypts to a browser's key and secret, under a key and a salt of its own each time."""
    own_key = generate_private_key(SECP256R1())
    return encrypt_with(content, p256dh=p256dh, auth=auth, own_key=own_key, salt=secrets.token_bytes(_SALT_BYTES))


def encrypt_with(content: bytes, *, p256dh: bytes, auth: bytes, own_key: EllipticCurvePrivateKey, salt: bytes) -> bytes:
    """The same with a given key and salt, which are never to be used twice; for the RFC's example."""
    ours = point_of(own_key.public_key())
    shared = own_key.exchange(ECDH(), EllipticCurvePublicKey.from_encoded_point(SECP256R1(), p256dh))
    material = _derived(shared, salt=auth, info=b"WebPush: info\x00" + p256dh + ours, length=32)
    key = _derived(material, salt=salt, info=b"Content-Encoding: aes128gcm\x00", length=16)
    nonce = _derived(material, salt=salt, info=b"Content-Encoding: nonce\x00", length=12)
    header = salt + struct.pack(">IB", _RECORD_BYTES, len(ours)) + ours
    return header + AESGCM(key).encrypt(nonce, content + _LAST, None)


def point_of(key: EllipticCurvePublicKey) -> bytes:
    """A public key as 65 bytes."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _derived(material: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=salt, info=info).derive(material)
