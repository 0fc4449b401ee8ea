# SPDX-License-Identifier: Apache-2.0
"""Reads what KOMOJU tells: verify the raw bytes, then parse by a table that has UNKNOWN."""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tsuzuku.kernel.money import Money
from tsuzuku.kernel.storable import storable
from tsuzuku.payments.adapters.komoju import refunds
from tsuzuku.payments.ports import (
    EventKind,
    FailureReason,
    Instructions,
    ProviderEvent,
    StoreSlip,
    WebhookForged,
    WebhookStale,
)

SIGNATURE_HEADER = "x-komoju-signature"
#: What reading raises over a body that is no event.
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, LookupError, OverflowError, RecursionError)
#: KOMOJU signs no moment of sending, and sends an event again as it was for as long as nobody takes it. So an event may
#: be old; that one is not taken twice is seen to by its id. Nothing comes from the future but by a clock that is off.
OLD_MAX, EARLY_MAX = timedelta(days=3), timedelta(minutes=5)

#: KOMOJU's names of stores where they are not ours with hyphens.
_STORES = {"family-mart": "familymart"}


# -- believing -------------------------------------------------------------------------------------------------------


def verify(*, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> None:
    """Passes if one of the secrets signed the body, and it is not too old. Raises WebhookForged or WebhookStale."""
    given = {name.lower(): value for name, value in headers.items()}.get(SIGNATURE_HEADER, "").encode()
    expected = [hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode() for secret in secrets]
    fits = [hmac.compare_digest(given, ours) for ours in expected]
    if not any(fits):
        raise WebhookForged
    try:
        age = now - moment(json.loads(body)["created_at"])
    except UNREADABLE:
        return  # It will be taken for UNKNOWN, and moves nothing.
    if not -EARLY_MAX <= age <= OLD_MAX:
        raise WebhookStale


# -- reading ---------------------------------------------------------------------------------------------------------


def parse_body(body: bytes, *, now: datetime) -> ProviderEvent:
    """The event of a genuine body, which may be one that nobody can read."""
    try:
        return replace(_parse_event(json.loads(body)), raw=body.decode())
    except UNREADABLE:
        return ProviderEvent.unreadable(body, now=now)


def read_payment(payment: Mapping[str, Any]) -> list[ProviderEvent]:
    """What a payment tells when it is asked. Raises one of UNREADABLE."""
    read = {"authorized": _instructed, "expired": _ended, "cancelled": _ended, "failed": _failed}.get(payment["status"])
    found = [] if read is None else [read(payment)]
    if payment.get("captured_at"):
        found.append(_captured(payment))
    found += [_refund(payment, told) for told in refunds.told_of(payment)]
    return sorted(found, key=lambda event: event.occurred_at)


def session_ended(session: Mapping[str, Any]) -> ProviderEvent:
    """That nobody can choose a store on a session's page any more. Raises one of UNREADABLE."""
    return ProviderEvent(
        event_id=storable(f"{session['id']}:ended"),
        kind=EventKind.FAILED,
        payment_reference=storable(session["id"]),
        failure=FailureReason.EXPIRED,
        occurred_at=moment(session.get("cancelled_at") or session["created_at"]),
        raw=json.dumps(session, ensure_ascii=False),
    )


def moment(text: str) -> datetime:
    """A moment as KOMOJU writes it. Raises one of UNREADABLE."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("a time without a zone")
    return found.astimezone(UTC)


def money(amount: object, currency: str) -> Money:
    """KOMOJU counts in the smallest unit too. Raises one of UNREADABLE."""
    if type(amount) is not int or not 0 < amount < 2**63:
        raise ValueError("an amount that nobody can pay")
    return Money(amount, currency)


def _parse_event(fields: Mapping[str, Any]) -> ProviderEvent:
    """The event that a webhook carries. Raises one of UNREADABLE."""
    event_id, occurred_at = storable(fields["id"]), moment(fields["created_at"])
    read = _READERS.get(fields["type"])
    if read is None:
        return ProviderEvent(
            event_id=event_id, kind=EventKind.UNKNOWN, payment_reference="", occurred_at=occurred_at, raw=""
        )
    return replace(read(fields["data"]), event_id=event_id, occurred_at=occurred_at)


def _instructed(payment: Mapping[str, Any]) -> ProviderEvent:
    details = payment["payment_details"]
    # 7-Eleven asks for one number, which is called a receipt; other stores ask for a confirmation code beside it.
    number, code = details.get("receipt") or "", details.get("confirmation_code") or ""
    store = str(details["store"])
    slip = StoreSlip(
        store=storable(_STORES.get(store, store.replace("-", "_"))),
        payment_number=storable(number or code),
        confirmation_number=storable(code) if number else "",
    )
    instructions = Instructions(
        expires_at=moment(payment["payment_deadline"]),
        slips=(slip,),
        page_url=storable(details.get("instructions_url") or ""),
    )
    return _event(payment, EventKind.INSTRUCTED, payment["created_at"], instructions=instructions)


def _captured(payment: Mapping[str, Any]) -> ProviderEvent:
    return _event(
        payment,
        EventKind.CAPTURED,
        payment["captured_at"],
        capture_reference=storable(payment["id"]),
        amount=money(payment["amount"], payment["currency"]),
    )


def _ended(payment: Mapping[str, Any]) -> ProviderEvent:
    return _event(payment, EventKind.FAILED, payment["created_at"], failure=FailureReason.EXPIRED)


def _failed(payment: Mapping[str, Any]) -> ProviderEvent:
    return _event(payment, EventKind.FAILED, payment["created_at"], failure=FailureReason.REFUSED)


def _refunded(payment: Mapping[str, Any]) -> ProviderEvent:
    """The newest refund: the one that an event is about."""
    return _refund(payment, [told for told in refunds.told_of(payment) if told.is_made][-1])


def _refund(payment: Mapping[str, Any], told: refunds.Told) -> ProviderEvent:
    event = _event(
        payment,
        EventKind.REFUNDED if told.is_made else EventKind.REFUND_FAILED,
        told.record["created_at"],
        capture_reference=storable(payment["id"]),
        refund_key=None if told.key is None else storable(told.key),
        amount=money(told.record["amount"], payment["currency"]),
    )
    return replace(event, event_id=storable(f"{told.record['id']}:{event.kind.value}"))


def _event(payment: Mapping[str, Any], kind: EventKind, at: str, **fields: Any) -> ProviderEvent:  # noqa: ANN401  # of an event
    session = payment.get("session")
    return ProviderEvent(
        event_id=storable(f"{payment['id']}:{kind.value}"),
        kind=kind,
        payment_reference=storable(session) if session else "",
        occurred_at=moment(at),
        raw=json.dumps(payment, ensure_ascii=False),
        **fields,
    )


#: The kinds of events that tell something; docs/operating/payments.md names them for the dashboard. payment.refunded
#: comes after the last payment.refund.created and tells nothing else.
_READERS: Mapping[str, Callable[[Mapping[str, Any]], ProviderEvent]] = {
    "payment.authorized": _instructed,
    "payment.captured": _captured,
    "payment.expired": _ended,
    "payment.cancelled": _ended,
    "payment.failed": _failed,
    "payment.refund.created": _refunded,
}
EVENT_TYPES = tuple(_READERS)
