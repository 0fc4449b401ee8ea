# SPDX-License-Identifier: Apache-2.0
"""Reads what PayPal tells: verify the raw bytes, then parse by a table that has UNKNOWN."""

import base64
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from tsuzuku.kernel.storable import storable
from tsuzuku.payments.adapters.paypal.amounts import parse_amount
from tsuzuku.payments.adapters.paypal.certificates import SigningCertificates
from tsuzuku.payments.ports import EventKind, FailureReason, ProviderEvent, WebhookForged, WebhookStale

#: What reading raises over a body that is no event.
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError)
#: Each transmission has a moment of its own, also when the same event is sent again.
TOLERANCE = timedelta(minutes=5)
_ALGORITHM = "sha256withrsa"
#: Between our key of the payment and our key of the refund, in the `custom_id` of a refund.
_BETWEEN_KEYS = ":"

#: https://developer.paypal.com/api/rest/reference/orders/v2/errors/ and, of four digits, what banks answer. All others
#: are refusals that another method may get around.
_FAILURES = {
    "TRANSACTION_LIMIT_EXCEEDED": FailureReason.LIMIT,
    "TRANSACTION_RECEIVING_LIMIT_EXCEEDED": FailureReason.LIMIT,
    "5120": FailureReason.LIMIT,
    "5710": FailureReason.LIMIT,
    "0800": FailureReason.NETWORK,
    "0960": FailureReason.NETWORK,
    "5910": FailureReason.NETWORK,
    "5920": FailureReason.NETWORK,
    "9600": FailureReason.NETWORK,
    "ORDER_EXPIRED": FailureReason.EXPIRED,
}
_REFUND_ENDS = {
    "COMPLETED": EventKind.REFUNDED,
    "FAILED": EventKind.REFUND_FAILED,
    "CANCELLED": EventKind.REFUND_FAILED,
}
#: Outcomes in which the money stays ours. CANCELED_BY_BUYER is the payer's own second thought.
_DISPUTES_WON = frozenset({"RESOLVED_SELLER_FAVOUR", "RESOLVED_WITH_PAYOUT", "CANCELED_BY_BUYER", "DENIED"})


# -- believing -------------------------------------------------------------------------------------------------------


def verify(
    *,
    headers: Mapping[str, str],
    body: bytes,
    webhook_ids: Sequence[str],
    certificates: SigningCertificates,
    now: datetime,
) -> None:
    """Passes if PayPal signed the body for one of our webhooks, not long ago. Raises WebhookForged or WebhookStale."""
    given = {name.lower(): value for name, value in headers.items()}
    try:
        transmission, time = given["paypal-transmission-id"], given["paypal-transmission-time"]
        sent_at = datetime.fromisoformat(time)
        signature = base64.b64decode(given["paypal-transmission-sig"], validate=True)
        url = given["paypal-cert-url"]
        if given["paypal-auth-algo"].lower() != _ALGORITHM or sent_at.tzinfo is None:
            raise WebhookForged
    except (KeyError, ValueError):
        raise WebhookForged from None
    key = certificates.key(url, now=now)
    signed = [f"{transmission}|{time}|{webhook_id}|{zlib.crc32(body)}" for webhook_id in webhook_ids]
    if not any(_fits(key, signature, text) for text in signed):
        raise WebhookForged
    if abs(now - sent_at) > TOLERANCE:
        raise WebhookStale


def _fits(key: RSAPublicKey, signature: bytes, text: str) -> bool:
    try:
        key.verify(signature, text.encode(), PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


# -- reading ---------------------------------------------------------------------------------------------------------


def refund_id(*, payment_key: str, refund_key: str) -> str:
    """The `custom_id` of a refund: by it webhooks name both."""
    return f"{payment_key}{_BETWEEN_KEYS}{refund_key}"


def moment(text: str) -> datetime:
    """A moment as PayPal writes it. Raises ValueError."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("a time without a zone")
    return found.astimezone(UTC)


def parse_body(body: bytes, *, now: datetime) -> ProviderEvent:
    """The event of a genuine body, which may be one that nobody can read."""
    try:
        return replace(_parse_event(json.loads(body)), raw=body.decode())
    except UNREADABLE:
        return ProviderEvent.unreadable(body, now=now)


def read_order(order: Mapping[str, Any]) -> list[ProviderEvent]:
    """What an order tells when it is asked. Raises one of UNREADABLE."""
    payments = order["purchase_units"][0].get("payments") or {}
    found = [_capture_ended(capture) for capture in payments.get("captures") or []]
    found += [_refund_ended(refund) for refund in payments.get("refunds") or []]
    if order["status"] == "VOIDED":
        found.append(refused(order, "ORDER_EXPIRED", now=moment(order["update_time"])))
    return sorted((event for event in found if event is not None), key=lambda event: event.occurred_at)


def refused(order: Mapping[str, Any], issue: str, *, now: datetime) -> ProviderEvent:
    """That the money of an order could not be taken, in PayPal's word for it. Raises one of UNREADABLE."""
    return ProviderEvent(
        event_id=storable(f"{order['id']}:{issue}:{order['update_time']}"),
        kind=EventKind.FAILED,
        payment_reference="",
        payment_key=_custom(order["purchase_units"][0]),
        failure=_FAILURES.get(issue, FailureReason.REFUSED),
        occurred_at=now,
        raw=json.dumps({"order": order, "issue": issue}, ensure_ascii=False),
    )


def _parse_event(fields: Mapping[str, Any]) -> ProviderEvent:
    """The event that a webhook carries. Raises one of UNREADABLE."""
    event_id, occurred_at = storable(fields["id"]), moment(fields["create_time"])
    read = _READERS.get(fields["event_type"])
    event = None if read is None else read(fields["resource"])
    if event is None:
        return ProviderEvent(
            event_id=event_id, kind=EventKind.UNKNOWN, payment_reference="", occurred_at=occurred_at, raw=""
        )
    return replace(event, event_id=event_id, occurred_at=occurred_at)


def _approved(order: Mapping[str, Any]) -> ProviderEvent:
    return ProviderEvent(
        event_id=f"{order['id']}:approved",
        kind=EventKind.APPROVED,
        payment_reference=storable(order["id"]),
        occurred_at=moment(order["create_time"]),
        raw=json.dumps(order, ensure_ascii=False),
    )


def _capture_ended(capture: Mapping[str, Any]) -> ProviderEvent | None:
    """A capture that took its money, or could not; None while PayPal or a bank still looks at it."""
    common: dict[str, Any] = {
        "event_id": storable(f"{capture['id']}:{capture['status']}"),
        "payment_reference": "",
        "payment_key": _custom(capture),
        "occurred_at": moment(capture["create_time"]),
        "raw": json.dumps(capture, ensure_ascii=False),
    }
    match capture["status"]:
        case "COMPLETED" | "PARTIALLY_REFUNDED" | "REFUNDED":
            reference, amount = storable(capture["id"]), parse_amount(capture["amount"])
            return ProviderEvent(kind=EventKind.CAPTURED, capture_reference=reference, amount=amount, **common)
        case "DECLINED" | "DENIED" | "FAILED":
            code = str((capture.get("processor_response") or {}).get("response_code", ""))
            return ProviderEvent(kind=EventKind.FAILED, failure=_FAILURES.get(code, FailureReason.REFUSED), **common)
    return None


def _refund_ended(refund: Mapping[str, Any]) -> ProviderEvent | None:
    """How a refund ended; None while it is on its way."""
    kind = _REFUND_ENDS.get(refund["status"])
    if kind is None:
        return None
    payment_key, _, refund_key = (_custom(refund) or "").partition(_BETWEEN_KEYS)
    return ProviderEvent(
        event_id=storable(f"{refund['id']}:{refund['status']}"),
        kind=kind,
        payment_reference="",
        payment_key=payment_key or None,
        capture_reference=_linked(refund, "up"),
        refund_key=refund_key or None,
        amount=parse_amount(refund["amount"]),
        occurred_at=moment(refund["create_time"]),
        raw=json.dumps(refund, ensure_ascii=False),
    )


def _dispute_opened(dispute: Mapping[str, Any]) -> ProviderEvent:
    return _dispute(dispute, EventKind.DISPUTE_OPENED)


def _dispute_resolved(dispute: Mapping[str, Any]) -> ProviderEvent:
    is_won = dispute["dispute_outcome"]["outcome_code"] in _DISPUTES_WON
    return _dispute(dispute, EventKind.DISPUTE_WON if is_won else EventKind.DISPUTE_LOST)


def _dispute(dispute: Mapping[str, Any], kind: EventKind) -> ProviderEvent:
    transaction = dispute["disputed_transactions"][0]
    custom = transaction.get("custom")
    return ProviderEvent(
        event_id=f"{dispute['dispute_id']}:{kind.value}",
        kind=kind,
        payment_reference="",
        payment_key=storable(custom) if custom else None,
        capture_reference=storable(transaction["seller_transaction_id"]),
        amount=parse_amount(dispute["dispute_amount"]),
        dispute_reference=storable(dispute["dispute_id"]),
        dispute_reason=storable(dispute.get("reason", "")),
        occurred_at=moment(dispute["create_time"]),
        raw=json.dumps(dispute, ensure_ascii=False),
    )


#: The kinds of events that tell something; docs/operating/payments.md names them for the dashboard. There is none for
#: a refund that failed: asking finds it. PAYMENT.CAPTURE.REVERSED is not among them: the dispute that it follows tells
#: the same, and the money must not be booked twice.
_READERS: Mapping[str, Callable[[Mapping[str, Any]], ProviderEvent | None]] = {
    "CHECKOUT.ORDER.APPROVED": _approved,
    "PAYMENT.CAPTURE.COMPLETED": _capture_ended,
    "PAYMENT.CAPTURE.PENDING": _capture_ended,
    "PAYMENT.CAPTURE.DECLINED": _capture_ended,
    "PAYMENT.CAPTURE.DENIED": _capture_ended,
    "PAYMENT.CAPTURE.REFUNDED": _refund_ended,
    "CUSTOMER.DISPUTE.CREATED": _dispute_opened,
    "CUSTOMER.DISPUTE.RESOLVED": _dispute_resolved,
}
EVENT_TYPES = tuple(_READERS)


def _custom(fields: Mapping[str, Any]) -> str | None:
    """What stands in `custom_id`; None on what somebody made by hand."""
    found = fields.get("custom_id")
    return storable(found) if found else None


def _linked(fields: Mapping[str, Any], rel: str) -> str | None:
    """The id at the end of a link."""
    found = next((link["href"] for link in fields.get("links") or [] if link["rel"] == rel), None)
    return None if found is None else storable(found.rstrip("/").rpartition("/")[2])
