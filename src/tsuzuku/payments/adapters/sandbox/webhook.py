# SPDX-License-Identifier: Apache-2.0
"""Reads the sandbox's events: verify the raw bytes, then parse by a table that has UNKNOWN."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tsuzuku.kernel.money import Money
from tsuzuku.kernel.signatures import SignatureForged, SignatureStale, check_signature
from tsuzuku.kernel.storable import storable
from tsuzuku.payments.ports import EventKind, FailureReason, ProviderEvent, WebhookForged, WebhookStale

SIGNATURE_HEADER = "sandbox-signature"
#: What reading raises over a body that is no event: wrong fields, a year before the first, nonsense nested too deep.
UNREADABLE = (ValueError, KeyError, TypeError, OverflowError, RecursionError)

_KINDS = {
    "payment.captured": EventKind.CAPTURED,
    "payment.failed": EventKind.FAILED,
    "refund.done": EventKind.REFUNDED,
    "refund.failed": EventKind.REFUND_FAILED,
}
_FAILURES = {
    "network_error": FailureReason.NETWORK,
    "limit_exceeded": FailureReason.LIMIT,
    "declined": FailureReason.REFUSED,
}


def verify(*, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> None:
    """Passes if the body was signed by one of the secrets, not long ago. Raises WebhookForged or WebhookStale."""
    signature = {name.lower(): value for name, value in headers.items()}.get(SIGNATURE_HEADER, "")
    try:
        check_signature(signature, body=body, secrets=secrets, now=now)
    except SignatureForged:
        raise WebhookForged from None
    except SignatureStale:
        raise WebhookStale from None


def parse_body(body: bytes, *, now: datetime) -> ProviderEvent:
    """The event of a genuine body, which may be one that nobody can read."""
    try:
        return replace(parse_event(json.loads(body)), raw=body.decode())
    except UNREADABLE:
        return ProviderEvent.unreadable(body, now=now)


def parse_event(fields: Mapping[str, Any]) -> ProviderEvent:
    """One event, as webhooks and the payment itself tell it.

    Raises one of UNREADABLE for what is none.
    """
    kind = _KINDS.get(fields["type"], EventKind.UNKNOWN)
    occurred_at = datetime.fromisoformat(fields["created"])
    if occurred_at.tzinfo is None:
        raise ValueError("a time without a zone")
    raw = json.dumps(fields, ensure_ascii=False)
    event_id = storable(fields["id"])
    occurred_at = occurred_at.astimezone(UTC)
    if kind is EventKind.UNKNOWN:
        return ProviderEvent(event_id=event_id, kind=kind, payment_reference="", occurred_at=occurred_at, raw=raw)
    amount = fields.get("amount")
    return ProviderEvent(
        event_id=event_id,
        kind=kind,
        payment_reference=storable(fields["payment"]["id"]),
        capture_reference=storable(fields["capture"]["id"]) if "capture" in fields else None,
        refund_key=storable(fields["refund"]["key"]) if "refund" in fields else None,
        amount=_amount(amount) if amount else None,
        failure=_FAILURES.get(fields.get("failure", ""), FailureReason.REFUSED) if kind is EventKind.FAILED else None,
        occurred_at=occurred_at,
        raw=raw,
    )


def _amount(fields: Mapping[str, Any]) -> Money:
    """What was moved: more than nothing, and no more than a ledger can hold. Raises one of UNREADABLE."""
    amount = Money(fields["amount_minor"], fields["currency"])
    if not 0 < amount.amount_minor < 2**63:
        raise ValueError("an amount that nobody can pay")
    return amount
