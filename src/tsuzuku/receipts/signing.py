# SPDX-License-Identifier: Apache-2.0
"""The signed part of a receipt: a JWS (RFC 7515) under Ed25519 (RFC 8037), so that any JOSE library can check it.

It says who sold, when and for how much, and nothing about who bought. Pure, and without Django: the check works on a
machine that has only the text and the public keys.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tsuzuku.kernel.money import Money
from tsuzuku.kernel.sealing import derived_key
from tsuzuku.receipts.errors import ReceiptNotGenuine

#: Between the issuer's address and the token in what the QR holds.
_PATH = "/verify?r="
#: Longer than anything we sign.
_LENGTH_MAX = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedReceipt:
    """What a signature vouches for."""

    #: The issuer's address, such as https://sim.example.
    issuer_url: str
    issuer_name: str
    #: T and 13 digits; empty for an issuer without one.
    tax_number: str
    number: str
    sold_on: date
    amount: Money
    tax: Money


@lru_cache(maxsize=4)
def signing_key(secret: str) -> Ed25519PrivateKey:
    """The key that an installation's secret gives."""
    return Ed25519PrivateKey.from_private_bytes(derived_key(secret, "receipt signing", 32))


def public_x(secret: str) -> str:
    """Its public half, as a JWK's `x`."""
    return _encode(signing_key(secret).public_key().public_bytes_raw())


def key_id(x: str) -> str:
    """What a key is called in what it signs: from the key itself, so that two never share a name."""
    return _encode(hashlib.sha256(_decode(x)).digest()[:6])


def sign(receipt: SignedReceipt, *, secret: str) -> str:
    """The token: header, claims and signature."""
    claims = {
        "iss": receipt.issuer_url,
        "name": receipt.issuer_name,
        "tax_no": receipt.tax_number,
        "no": receipt.number,
        "on": receipt.sold_on.isoformat(),
        "amount": receipt.amount.amount_minor,
        "tax": receipt.tax.amount_minor,
        "cur": receipt.amount.currency,
    }
    signed = f"{_header(key_id(public_x(secret)))}.{_encode(_json(claims))}"
    return f"{signed}.{_encode(signing_key(secret).sign(signed.encode()))}"


def _header(kid: str) -> str:
    return _encode(_json({"alg": "EdDSA", "kid": kid}))


def verify_address(token: str, *, issuer_url: str) -> str:
    """What the QR holds: where the token is checked."""
    return f"{issuer_url}{_PATH}{token}"


def token_in(text: str) -> str:
    """The token in what a QR holds, or in what somebody copied."""
    return text.strip().rpartition(_PATH)[2]


def check_receipt(text: str, *, keys: Mapping[str, str]) -> SignedReceipt:
    """What a genuine text says; `keys` are public keys (`x`) by their ids. Raises ReceiptNotGenuine.

    Every character counts, also those of the address before the token: it is compared with what was signed.
    """
    address, _path, token = text.strip().rpartition(_PATH)
    try:
        receipt = _checked(token, keys)
    except (InvalidSignature, ValueError, KeyError, TypeError) as problem:
        raise ReceiptNotGenuine from problem
    if address not in {"", receipt.issuer_url}:
        raise ReceiptNotGenuine
    return receipt


def _checked(token: str, keys: Mapping[str, str]) -> SignedReceipt:
    if len(token) > _LENGTH_MAX:
        raise ValueError("too long")
    header_text, claims_text, signature = token.split(".")
    # Headers are compared and never parsed: only what we would write ourselves is looked at further.
    x = {_header(kid): x for kid, x in keys.items()}[header_text]
    public = Ed25519PublicKey.from_public_bytes(_decode(x))
    public.verify(_decode(signature), f"{header_text}.{claims_text}".encode("ascii"))
    claims: dict[str, Any] = json.loads(_decode(claims_text))
    return SignedReceipt(
        issuer_url=claims["iss"],
        issuer_name=claims["name"],
        tax_number=claims["tax_no"],
        number=claims["no"],
        sold_on=date.fromisoformat(claims["on"]),
        amount=Money(claims["amount"], claims["cur"]),
        tax=Money(claims["tax"], claims["cur"]),
    )


def jwks(keys: Mapping[str, str]) -> dict[str, Any]:
    """Public keys as a JWK set (RFC 7517)."""
    return {
        "keys": [
            {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": x}
            for kid, x in keys.items()
        ]
    }


def keys_in(document: str) -> dict[str, str]:
    """The Ed25519 keys of a JWK set. Raises ValueError if it is none."""
    try:
        listed = json.loads(document)["keys"]
        return {key["kid"]: key["x"] for key in listed if key["crv"] == "Ed25519"}
    except (KeyError, TypeError, ValueError) as problem:
        raise ValueError("not a JWK set with Ed25519 keys") from problem


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode("ascii").rstrip("=")


def _decode(text: str) -> bytes:
    """The bytes of a text in base64url. Raises ValueError, also where the last character could be another one."""
    try:
        value = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as problem:
        raise ValueError("not base64url") from problem
    if _encode(value) != text:
        raise ValueError("not how base64url is written")
    return value
