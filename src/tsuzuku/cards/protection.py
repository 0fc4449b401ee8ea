# SPDX-License-Identifier: Apache-2.0
"""What of a card is protected at rest: its PIN, which nobody can read back, and its activation code, which one can.

Each purpose has a key of its own, derived from INSTALLATION_SECRET (HKDF, RFC 5869). Activation codes are under
AES-SIV (RFC 5297): authenticated, bound to their card, and the same text on the same card gives the same bytes, so
that an import sees whether a code has changed without revealing the old one.
"""

import hashlib
import hmac
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from tsuzuku.cards.models import Card
from tsuzuku.kernel.iccid import Iccid

_SIV_KEY_BYTES = 64
_HMAC_KEY_BYTES = 32


@lru_cache(maxsize=16)
def _derived_key(secret: str, purpose: str, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=f"tsuzuku cards {purpose}".encode()).derive(secret.encode())


@lru_cache(maxsize=2)
def _cipher(secret: str) -> AESSIV:
    return AESSIV(_derived_key(secret, "activation code", _SIV_KEY_BYTES))


def pin_hash(iccid: str, pin: str) -> bytes:
    """What is kept of a card's PIN."""
    key = _derived_key(settings.INSTALLATION_SECRET, "pin", _HMAC_KEY_BYTES)
    return hmac.digest(key, f"{iccid} {pin}".encode(errors="surrogatepass"), hashlib.sha256)


def guesser_digest(text: str) -> str:
    """A name for whom guesses are counted, from which neither number nor address can be told."""
    key = _derived_key(settings.INSTALLATION_SECRET, "guesses", _HMAC_KEY_BYTES)
    return hmac.digest(key, text.encode(errors="surrogatepass"), hashlib.sha256).hex()[:32]


def concealed_activation_code(iccid: Iccid, activation_code: str) -> bytes:
    """What is kept of an activation code."""
    return _cipher(settings.INSTALLATION_SECRET).encrypt(activation_code.encode(), [iccid.encode()])


def reveal_activation_code(card: Card) -> str | None:
    """The activation code for whoever may install this eSIM, or None.

    The only place where it is decrypted; never log it.
    Raises cryptography.exceptions.InvalidTag if the row was tampered with or the installation's secret has changed.
    """
    if card.activation_code_encrypted is None:
        return None
    kept = bytes(card.activation_code_encrypted)
    return _cipher(settings.INSTALLATION_SECRET).decrypt(kept, [card.iccid.encode()]).decode()
