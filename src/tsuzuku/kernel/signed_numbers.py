# SPDX-License-Identifier: Apache-2.0
"""Numbers of rows as texts that nobody can make up, short enough for an SMS or a small QR code.

The number in as few bytes as it needs, and 72 bits of signature, in letters that stand in an address as they are.
"""

import base64
import binascii
import hashlib
import hmac

_SIGNATURE_BYTES = 9
_NUMBER_BYTES_MAX = 8
_LENGTH_MAX = 30


def sign_number(number: int, *, secret: str, purpose: str) -> str:
    """The text of a number that is not below zero; always the same for the same secret and purpose."""
    raw = number.to_bytes((number.bit_length() + 7) // 8 or 1, "big")
    return base64.urlsafe_b64encode(raw + _signature(raw, secret, purpose)).rstrip(b"=").decode()


def read_signed_number(text: str, *, secret: str, purpose: str) -> int | None:
    """The number of a text that `sign_number` has made with this secret for this purpose; None for any other text."""
    if not (text.isascii() and len(text) <= _LENGTH_MAX):
        return None
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))[:-_SIGNATURE_BYTES]
    except (binascii.Error, ValueError):
        return None
    if not 0 < len(raw) <= _NUMBER_BYTES_MAX:
        return None
    number = int.from_bytes(raw, "big")
    # Compared as it is written: of some characters base64 reads a part only.
    is_ours = hmac.compare_digest(text, sign_number(number, secret=secret, purpose=purpose))
    # As large as a row's number can be.
    return number if is_ours and number < 2**63 else None


def _signature(raw: bytes, secret: str, purpose: str) -> bytes:
    key = hashlib.sha256(purpose.encode() + secret.encode()).digest()
    return hmac.digest(key, raw, "sha256")[:_SIGNATURE_BYTES]
