# SPDX-License-Identifier: Apache-2.0
"""Reads what Stripe tells: verify the raw bytes, then parse by a table that has UNKNOWN."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tsuzuku.kernel.money import Money
from tsuzuku.kernel.signatures import SignatureForged, SignatureStale, check_signature
from tsuzuku.kernel.storable import storable
from tsuzuku.payments.ports import EventKind, FailureReason, ProviderEvent, WebhookForged, WebhookStale

SIGNATURE_HEADER = "stripe-signature"
#: What reading raises over a body that is no event.
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, OSError)
#: Under these our keys stand in the metadata of PaymentIntents and Refunds.
PAYMENT_KEY, REFUND_KEY = "tsuzuku_payment", "tsuzuku_refund"

#: Decline codes, https://docs.stripe.com/declines/codes; all others are refusals that another method may get around.
_FAILURES = {
    "processing_error": FailureReason.NETWORK,
    "issuer_not_available": FailureReason.NETWORK,
    "try_again_later": FailureReason.NETWORK,
    "reenter_transaction": FailureReason.NETWORK,
    "insufficient_funds": FailureReason.LIMIT,
    "card_velocity_exceeded": FailureReason.LIMIT,
    "withdrawal_count_limit_exceeded": FailureReason.LIMIT,
}
_REFUND_ENDS = {
    "succeeded": EventKind.REFUNDED,
    "failed": EventKind.REFUND_FAILED,
    "canceled": EventKind.REFUND_FAILED,
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
        return replace(_parse_event(json.loads(body)), raw=body.decode())
    except UNREADABLE:
        return ProviderEvent.unreadable(body, now=now)


def read_session(session: Mapping[str, Any]) -> list[ProviderEvent]:
    """What a Checkout Session tells when it is asked with its PaymentIntent and refunds. Raises one of UNREADABLE."""
    intent = session["payment_intent"]
    events = [] if intent is None else [*_intent_events(intent), *_refund_events(intent)]
    if session["status"] == "expired":
        events.append(_session_expired(session))
    return sorted(events, key=lambda event: event.occurred_at)


def refunds_of(intent: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The refunds of a PaymentIntent that was asked for with them. Raises one of UNREADABLE."""
    charge = intent["latest_charge"]
    return [] if charge is None else list(charge["refunds"]["data"])


def money(amount: object, currency: str) -> Money:
    """Stripe counts in the smallest unit too, and writes currencies in lower case. Raises one of UNREADABLE."""
    if type(amount) is not int or not 0 < amount < 2**63:
        raise ValueError("an amount that nobody can pay")
    return Money(amount, currency.upper())


def _parse_event(fields: Mapping[str, Any]) -> ProviderEvent:
    """The event that a webhook carries. Raises one of UNREADABLE."""
    event_id, occurred_at = storable(fields["id"]), _moment(fields["created"])
    read = _READERS.get(fields["type"])
    event = None if read is None else read(fields["data"]["object"])
    if event is None:
        return ProviderEvent(
            event_id=event_id, kind=EventKind.UNKNOWN, payment_reference="", occurred_at=occurred_at, raw=""
        )
    return replace(event, event_id=event_id, occurred_at=occurred_at)


def _intent_events(intent: Mapping[str, Any]) -> list[ProviderEvent]:
    found = [_captured(intent) if intent["status"] == "succeeded" else None, _failed(intent)]
    return [event for event in found if event is not None]


def _refund_events(intent: Mapping[str, Any]) -> list[ProviderEvent]:
    return [event for refund in refunds_of(intent) if (event := _refund_ended(refund)) is not None]


def _captured(intent: Mapping[str, Any]) -> ProviderEvent:
    charge = intent["latest_charge"]
    at = charge["created"] if isinstance(charge, Mapping) else intent["created"]
    return ProviderEvent(
        event_id=f"{intent['id']}:succeeded",
        kind=EventKind.CAPTURED,
        payment_reference="",
        payment_key=_key(intent, PAYMENT_KEY),
        capture_reference=storable(intent["id"]),
        amount=money(intent["amount_received"], intent["currency"]),
        occurred_at=_moment(at),
        raw=json.dumps(intent, ensure_ascii=False),
    )


def _failed(intent: Mapping[str, Any]) -> ProviderEvent | None:
    """The last failure, as long as nothing better has come of the PaymentIntent."""
    error, charge = intent.get("last_payment_error"), intent.get("latest_charge")
    if error is None:
        return None
    words = (error.get("decline_code"), error.get("code"))
    reason = next((_FAILURES[word] for word in words if word in _FAILURES), FailureReason.REFUSED)
    at = charge["created"] if isinstance(charge, Mapping) else intent["created"]
    return ProviderEvent(
        event_id=f"{intent['id']}:failed",
        kind=EventKind.FAILED,
        payment_reference="",
        payment_key=_key(intent, PAYMENT_KEY),
        failure=reason,
        occurred_at=_moment(at),
        raw=json.dumps(intent, ensure_ascii=False),
    )


def _session_expired(session: Mapping[str, Any]) -> ProviderEvent:
    return ProviderEvent(
        event_id=f"{session['id']}:expired",
        kind=EventKind.FAILED,
        payment_reference=storable(session["id"]),
        failure=FailureReason.EXPIRED,
        occurred_at=_moment(session["expires_at"]),
        raw=json.dumps(session, ensure_ascii=False),
    )


def _refund_ended(refund: Mapping[str, Any]) -> ProviderEvent | None:
    """How a refund ended; None while it is on its way, or waits for the payer."""
    kind = _REFUND_ENDS.get(refund["status"])
    if kind is None:
        return None
    return ProviderEvent(
        event_id=f"{refund['id']}:{refund['status']}",
        kind=kind,
        payment_reference="",
        payment_key=_key(refund, PAYMENT_KEY),
        capture_reference=storable(refund["payment_intent"]),
        refund_key=_key(refund, REFUND_KEY),
        amount=money(refund["amount"], refund["currency"]),
        occurred_at=_moment(refund["created"]),
        raw=json.dumps(refund, ensure_ascii=False),
    )


#: The kinds of events that tell something of money; docs/operating/payments.md names them for the dashboard.
_READERS: Mapping[str, Callable[[Mapping[str, Any]], ProviderEvent | None]] = {
    "payment_intent.succeeded": _captured,
    "payment_intent.payment_failed": _failed,
    "checkout.session.expired": _session_expired,
    "refund.created": _refund_ended,
    "refund.updated": _refund_ended,
    "refund.failed": _refund_ended,
}
EVENT_TYPES = tuple(_READERS)


def _key(fields: Mapping[str, Any], name: str) -> str | None:
    """A key of ours in the metadata; None on what somebody made by hand."""
    found = (fields.get("metadata") or {}).get(name)
    return None if found is None else storable(found)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
