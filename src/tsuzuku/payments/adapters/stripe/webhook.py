# SPDX-License-Identifier: Apache-2.0
"""Reads what Stripe tells: verify the raw bytes, then parse by a table that has UNKNOWN."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from tsuzuku.kernel.signatures import SignatureForged, SignatureStale, check_signature
from tsuzuku.kernel.storable import storable
from tsuzuku.payments.adapters.stripe import objects
from tsuzuku.payments.ports import EventKind, ProviderEvent, WebhookForged, WebhookStale

SIGNATURE_HEADER = "stripe-signature"


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
    except objects.UNREADABLE:
        return ProviderEvent.unreadable(body, now=now)


def _parse_event(fields: Mapping[str, Any]) -> ProviderEvent:
    """The event that a webhook carries. Raises one of UNREADABLE."""
    event_id, occurred_at = storable(fields["id"]), objects.moment(fields["created"])
    read = _READERS.get(fields["type"])
    event = None if read is None else read(fields["data"]["object"])
    if event is None:
        return ProviderEvent(
            event_id=event_id, kind=EventKind.UNKNOWN, payment_reference="", occurred_at=occurred_at, raw=""
        )
    return replace(event, event_id=event_id, occurred_at=occurred_at)


#: The kinds of events that tell something of money; docs/operating/payments.md names them for the dashboard.
_READERS: Mapping[str, Callable[[Mapping[str, Any]], ProviderEvent | None]] = {
    "payment_intent.requires_action": objects.instructed,
    "payment_intent.succeeded": objects.captured_alone,
    "charge.succeeded": objects.captured_and_kept,
    "payment_intent.payment_failed": objects.failed,
    "payment_intent.canceled": objects.canceled,
    "checkout.session.expired": objects.session_expired,
    "refund.created": objects.refund_ended,
    "refund.updated": objects.refund_ended,
    "refund.failed": objects.refund_ended,
    # An inquiry that becomes a dispute is told by the money that it takes.
    "charge.dispute.created": objects.disputed,
    "charge.dispute.funds_withdrawn": objects.disputed,
    "charge.dispute.funds_reinstated": objects.disputed,
    "charge.dispute.closed": objects.disputed,
}
EVENT_TYPES = tuple(_READERS)
