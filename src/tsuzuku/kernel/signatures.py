# SPDX-License-Identifier: Apache-2.0
"""Signed bodies of webhooks: `t=<unix>,v1=<hex>` where v1 is HMAC-SHA256(secret, t + "." + raw body)."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from tsuzuku.kernel.errors import DomainError

#: How far the moment of signing may lie from ours, either way.
TOLERANCE = timedelta(seconds=300)


class SignatureForged(DomainError):
    """Missing, malformed, or made without one of the secrets."""

    code = "signature-forged"


class SignatureStale(DomainError):
    """Genuine, but made too long ago, or by a clock too far ahead."""

    code = "signature-stale"


def signature_header(body: bytes, *, secrets: Sequence[str], at: datetime) -> str:
    """The header for a body signed at a moment; one v1 per secret, so that a secret can be changed without a gap."""
    moment = str(int(at.timestamp()))
    return ",".join([f"t={moment}", *(f"v1={_digest(secret, moment, body)}" for secret in secrets)])


def check_signature(header: str, *, body: bytes, secrets: Sequence[str], now: datetime) -> None:
    """Passes if any v1 fits any of our secrets and the moment is near. Raises SignatureForged or SignatureStale."""
    fields = [field.strip().partition("=") for field in header.split(",")]
    moments = [value for name, _, value in fields if name == "t"]
    given = [value for name, _, value in fields if name == "v1"]
    if len(moments) != 1 or not (moments[0].isascii() and moments[0].isdigit()) or len(moments[0]) > 12:
        raise SignatureForged
    expected = [_digest(secret, moments[0], body) for secret in secrets]
    # Every pair is compared, so that the time taken tells nothing about which secret was near.
    fits = [hmac.compare_digest(ours.encode(), theirs.encode()) for ours in expected for theirs in given]
    if not any(fits):
        raise SignatureForged
    if abs(now - datetime.fromtimestamp(int(moments[0]), UTC)) > TOLERANCE:
        raise SignatureStale


def _digest(secret: str, moment: str, body: bytes) -> str:
    return hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
