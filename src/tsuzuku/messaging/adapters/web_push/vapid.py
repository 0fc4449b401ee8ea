# SPDX-License-Identifier: Apache-2.0
"""Who we are to push services (RFC 8292): one key of the installation, and a claim signed by it for each service."""

import json
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from tsuzuku.kernel.sealing import derived_key
from tsuzuku.messaging.adapters.web_push.encryption import point_of

#: RFC 8292, 2: a day at most.
_CLAIM_COUNTS_FOR = timedelta(hours=12)
#: The order of P-256 (SEC 2, 2.4.2).
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
#: Sixteen more than a key has, so that the remainder favours no key (FIPS 186-5, A.2.1).
_SEED_BYTES = 48


def vapid_key(secret: str) -> EllipticCurvePrivateKey:
    """The key that an installation's secret gives. A subscription is bound to it, so it must never change."""
    seed = int.from_bytes(derived_key(secret, "web push", _SEED_BYTES), "big")
    return derive_private_key(seed % (_ORDER - 1) + 1, SECP256R1())


def public_text(key: EllipticCurvePrivateKey) -> str:
    """The public key as browsers want it."""
    return encoded(point_of(key.public_key()))


def authorization(key: EllipticCurvePrivateKey, *, audience: str, subject: str, now: datetime) -> str:
    """The header that says who sends, for the push service of one origin."""
    until = int((now + _CLAIM_COUNTS_FOR).timestamp())
    parts = ({"typ": "JWT", "alg": "ES256"}, {"aud": audience, "exp": until, "sub": subject})
    signed = ".".join(encoded(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
    r, s = decode_dss_signature(key.sign(signed.encode(), ECDSA(SHA256())))
    token = f"{signed}.{encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
    return f"vapid t={token}, k={public_text(key)}"


def encoded(content: bytes) -> str:
    """base64url without padding, as everything in JWT and Web Push is."""
    return urlsafe_b64encode(content).rstrip(b"=").decode("ascii")
