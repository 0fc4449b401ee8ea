# SPDX-License-Identifier: Apache-2.0
"""What of a card is protected at rest: its PIN, which nobody can read back, and its activation code, which one can.

Each purpose has a key of its own, derived from INSTALLATION_SECRET; activation codes are sealed (`kernel.sealing`), so
that an import sees whether a code has changed without revealing the old one.
"""

import hashlib
import hmac

from django.conf import settings

from tsuzuku.cards.models import Card
from tsuzuku.kernel.iccid import Iccid
from tsuzuku.kernel.sealing import derived_key, seal, unseal

_HMAC_KEY_BYTES = 32
_ACTIVATION_CODE = "cards activation code"


def pin_hash(iccid: str, pin: str) -> bytes:
    """What is kept of a card's PIN."""
    key = derived_key(settings.INSTALLATION_SECRET, "cards pin", _HMAC_KEY_BYTES)
    return hmac.digest(key, f"{iccid} {pin}".encode(errors="surrogatepass"), hashlib.sha256)


def concealed_activation_code(iccid: Iccid, activation_code: str) -> bytes:
    """What is kept of an activation code."""
    return seal(activation_code, secret=settings.INSTALLATION_SECRET, purpose=_ACTIVATION_CODE, belongs_to=iccid)


def reveal_activation_code(card: Card) -> str | None:
    """The activation code for whoever may install this eSIM, or None.

    The only place where it is decrypted; never log it.
    Raises cryptography.exceptions.InvalidTag if the row was tampered with or the installation's secret has changed.
    """
    if card.activation_code_encrypted is None:
        return None
    return unseal(
        bytes(card.activation_code_encrypted),
        secret=settings.INSTALLATION_SECRET,
        purpose=_ACTIVATION_CODE,
        belongs_to=card.iccid,
    )
