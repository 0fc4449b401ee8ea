# SPDX-License-Identifier: Apache-2.0
"""Keys derived from one secret, a key for each purpose (HKDF, RFC 5869), and texts sealed under them at rest.

Sealed texts are under AES-SIV (RFC 5297): authenticated, bound to what they belong to, and the same text bound to the
same thing gives the same bytes, so that a change is seen without revealing what was there.
"""

from functools import lru_cache

from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_SIV_KEY_BYTES = 64


@lru_cache(maxsize=16)
def derived_key(secret: str, purpose: str, length: int) -> bytes:
    """`length` bytes that only this secret gives for this purpose."""
    return HKDF(SHA256(), length, salt=None, info=f"tsuzuku {purpose}".encode()).derive(secret.encode())


@lru_cache(maxsize=16)
def _cipher(secret: str, purpose: str) -> AESSIV:
    return AESSIV(derived_key(secret, purpose, _SIV_KEY_BYTES))


def seal(text: str, *, secret: str, purpose: str, belongs_to: str) -> bytes:
    """What is kept of a text that must be read again."""
    return _cipher(secret, purpose).encrypt(text.encode(), [belongs_to.encode()])


def unseal(kept: bytes, *, secret: str, purpose: str, belongs_to: str) -> str:
    """The text as it was; never log it.

    Raises cryptography.exceptions.InvalidTag if it was tampered with, belongs to something else, or the secret changed.
    """
    return _cipher(secret, purpose).decrypt(kept, [belongs_to.encode()]).decode()
