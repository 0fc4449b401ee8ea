# SPDX-License-Identifier: Apache-2.0
"""Stripe's objects, read as events, and our keys in them. What reads raises one of UNREADABLE over odd objects."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tsuzuku.kernel.money import Money
from tsuzuku.kernel.outcomes import Rejected
from tsuzuku.kernel.storable import storable
from tsuzuku.payments.adapters.stripe.instructions import instructions_of
from tsuzuku.payments.ports import EventKind, FailureReason, KeptMethod, PaymentRequest, ProviderEvent

#: What reading raises over a body that is no event.
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, OSError)
#: Under these our keys stand in the metadata of PaymentIntents and Refunds.
PAYMENT_KEY, REFUND_KEY = "tsuzuku_payment", "tsuzuku_refund"
#: On PaymentIntents whose method is to be kept, and thereby on their Charges, which copy the metadata when they are
#: made, https://docs.stripe.com/metadata.
KEEP_KEY = "tsuzuku_keep"
#: On sessions: which of our methods was chosen.
METHOD_KEY = "tsuzuku_method"

#: Decline codes, https://docs.stripe.com/declines/codes; all others are refusals that another method may get around.
_FAILURES = {
    "processing_error": FailureReason.NETWORK,
    "issuer_not_available": FailureReason.NETWORK,
    "try_again_later": FailureReason.NETWORK,
    "reenter_transaction": FailureReason.NETWORK,
    "insufficient_funds": FailureReason.LIMIT,
    "card_velocity_exceeded": FailureReason.LIMIT,
    "withdrawal_count_limit_exceeded": FailureReason.LIMIT,
    # Nobody paid a slip or scanned a code in time: the PaymentIntent is told as failed, and wants a method again,
    # https://docs.stripe.com/error-codes and https://docs.stripe.com/payments/konbini/accept-a-payment.
    "payment_intent_payment_attempt_expired": FailureReason.EXPIRED,
}
_REFUND_ENDS = {
    "succeeded": EventKind.REFUNDED,
    "failed": EventKind.REFUND_FAILED,
    "canceled": EventKind.REFUND_FAILED,
}
#: Statuses of disputes about which money moved. An inquiry (`warning_…`) takes none, a `prevented` one ends as a
#: refund, and what is appealed is lost until it is won; https://docs.stripe.com/api/disputes/object.
_DISPUTES = {
    "needs_response": EventKind.DISPUTE_OPENED,
    "under_review": EventKind.DISPUTE_OPENED,
    "won": EventKind.DISPUTE_WON,
    "lost": EventKind.DISPUTE_LOST,
}
_BRANDS = {
    "amex": "American Express",
    "diners": "Diners Club",
    "discover": "Discover",
    "jcb": "JCB",
    "mastercard": "Mastercard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}


# -- our keys --------------------------------------------------------------------------------------------------------


def keys_of(request: PaymentRequest) -> dict[str, str]:
    """What we write on the PaymentIntent of a payment."""
    return {PAYMENT_KEY: request.key, **({KEEP_KEY: "yes"} if request.keep else {})}


def key_of(intent: Mapping[str, Any]) -> str | None:
    """Our key of the payment that a PaymentIntent, Charge or Refund belongs to."""
    return _key(intent, PAYMENT_KEY)


def read_kept(reference: str) -> tuple[str, str]:
    """Customer and payment method of a kept method. Raises Rejected."""
    customer, slash, method = reference.partition("/")
    if not (slash and customer and method):
        raise Rejected("kept-method-unknown")
    return customer, method


# -- what a payment tells when it is asked about ----------------------------------------------------------------------


def read_session(session: Mapping[str, Any], disputes: Sequence[Mapping[str, Any]]) -> list[ProviderEvent]:
    """What a Checkout Session tells that came with its PaymentIntent, charge and refunds."""
    intent = session["payment_intent"]
    events = [] if intent is None else _told_by(intent, (captured, failed), disputes)
    if session["status"] == "expired":
        events.append(session_expired(session))
    return sorted(events, key=lambda event: event.occurred_at)


def read_intent(intent: Mapping[str, Any], disputes: Sequence[Mapping[str, Any]]) -> list[ProviderEvent]:
    """What a PaymentIntent without a session tells that came with its charge and refunds."""
    events = _told_by(intent, (instructed, captured, failed, canceled), disputes)
    return sorted(events, key=lambda event: event.occurred_at)


def refunds_of(intent: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The refunds of a PaymentIntent that was asked for with them."""
    charge = intent["latest_charge"]
    return [] if charge is None else list(charge["refunds"]["data"])


def _told_by(
    intent: Mapping[str, Any], readers: Sequence[Any], disputes: Sequence[Mapping[str, Any]]
) -> list[ProviderEvent]:
    found = [read(intent) for read in readers]
    found += [refund_ended(refund) for refund in refunds_of(intent)]
    for dispute in disputes:
        now = disputed(dispute)
        if now is not None and now.kind is not EventKind.DISPUTE_OPENED:
            found.append(disputed({**dispute, "status": "needs_response"}))
        found.append(now)
    return [event for event in found if event is not None]


# -- PaymentIntents and their charges --------------------------------------------------------------------------------


def instructed(intent: Mapping[str, Any]) -> ProviderEvent | None:
    """How to pay elsewhere, while the PaymentIntent waits for that; None for what happens on a page."""
    if intent["status"] != "requires_action":
        return None
    instructions = instructions_of(intent)
    if instructions is None:
        return None
    return ProviderEvent(
        event_id=f"{storable(intent['id'])}:instructed",
        kind=EventKind.INSTRUCTED,
        payment_reference="",
        payment_key=key_of(intent),
        instructions=instructions,
        occurred_at=moment(intent["created"]),
        raw=json.dumps(intent, ensure_ascii=False),
    )


def captured(intent: Mapping[str, Any]) -> ProviderEvent | None:
    """A capture, with the method that is kept if the charge came along."""
    if intent["status"] != "succeeded":
        return None
    charge = intent["latest_charge"]
    known = charge if isinstance(charge, Mapping) else None
    return ProviderEvent(
        event_id=f"{intent['id']}:succeeded",
        kind=EventKind.CAPTURED,
        payment_reference="",
        payment_key=key_of(intent),
        capture_reference=storable(intent["id"]),
        amount=money(intent["amount_received"], intent["currency"]),
        kept=None if known is None else _kept(known),
        occurred_at=moment((known or intent)["created"]),
        raw=json.dumps(intent, ensure_ascii=False),
    )


def captured_alone(intent: Mapping[str, Any]) -> ProviderEvent | None:
    """A capture as a webhook tells it, whose charge is a name only: None where the charge tells it, with the card."""
    return None if _key(intent, KEEP_KEY) else captured(intent)


def captured_and_kept(charge: Mapping[str, Any]) -> ProviderEvent | None:
    """A capture whose method is kept; a PaymentIntent's own webhook knows the card by a name only."""
    kept = _kept(charge)
    if kept is None or not charge["captured"]:
        return None
    return ProviderEvent(
        event_id=f"{charge['id']}:succeeded",
        kind=EventKind.CAPTURED,
        payment_reference="",
        payment_key=key_of(charge),
        capture_reference=storable(charge["payment_intent"]),
        amount=money(charge["amount_captured"], charge["currency"]),
        kept=kept,
        occurred_at=moment(charge["created"]),
        raw=json.dumps(charge, ensure_ascii=False),
    )


def failed(intent: Mapping[str, Any]) -> ProviderEvent | None:
    """The last failure, as long as nothing better has come of the PaymentIntent."""
    error, charge = intent.get("last_payment_error"), intent.get("latest_charge")
    if error is None:
        return None
    words = (error.get("decline_code"), error.get("code"))
    reason = next((_FAILURES[word] for word in words if word in _FAILURES), FailureReason.REFUSED)
    at = charge["created"] if isinstance(charge, Mapping) else intent["created"]
    return _failure(intent, "failed", reason, at=at)


def canceled(intent: Mapping[str, Any]) -> ProviderEvent | None:
    """Nobody can pay a PaymentIntent any more that somebody has canceled, or Stripe has."""
    if intent["status"] != "canceled":
        return None
    return _failure(intent, "canceled", FailureReason.EXPIRED, at=intent["canceled_at"])


def session_expired(session: Mapping[str, Any]) -> ProviderEvent:
    """Nobody can pay on a page any more."""
    return ProviderEvent(
        event_id=f"{session['id']}:expired",
        kind=EventKind.FAILED,
        payment_reference=storable(session["id"]),
        failure=FailureReason.EXPIRED,
        occurred_at=moment(session["expires_at"]),
        raw=json.dumps(session, ensure_ascii=False),
    )


def _failure(intent: Mapping[str, Any], how: str, reason: FailureReason, *, at: float) -> ProviderEvent:
    return ProviderEvent(
        event_id=f"{intent['id']}:{how}",
        kind=EventKind.FAILED,
        payment_reference="",
        payment_key=key_of(intent),
        failure=reason,
        occurred_at=moment(at),
        raw=json.dumps(intent, ensure_ascii=False),
    )


def _kept(charge: Mapping[str, Any]) -> KeptMethod | None:
    """The card that was kept, from the charge that it paid; None if it was not to be."""
    if not _key(charge, KEEP_KEY):
        return None
    card = charge["payment_method_details"]["card"]
    return KeptMethod(
        reference=f"{storable(charge['customer'])}/{storable(charge['payment_method'])}",
        label=f"{_BRANDS.get(card['brand'], 'Card')} ···· {storable(card['last4'])[-4:]}",
    )


# -- refunds and disputes --------------------------------------------------------------------------------------------


def refund_ended(refund: Mapping[str, Any]) -> ProviderEvent | None:
    """How a refund ended; None while it is on its way, or waits for the payer."""
    kind = _REFUND_ENDS.get(refund["status"])
    if kind is None:
        return None
    return ProviderEvent(
        event_id=f"{refund['id']}:{refund['status']}",
        kind=kind,
        payment_reference="",
        payment_key=key_of(refund),
        capture_reference=storable(refund["payment_intent"]),
        refund_key=_key(refund, REFUND_KEY),
        amount=money(refund["amount"], refund["currency"]),
        occurred_at=moment(refund["created"]),
        raw=json.dumps(refund, ensure_ascii=False),
    )


def disputed(dispute: Mapping[str, Any]) -> ProviderEvent | None:
    """How a dispute stands; None for one about which no money moves."""
    kind = _DISPUTES.get(dispute["status"])
    if kind is None:
        return None
    return ProviderEvent(
        event_id=f"{storable(dispute['id'])}:{kind}",
        kind=kind,
        payment_reference="",
        capture_reference=storable(dispute["payment_intent"]),
        dispute_reference=storable(dispute["id"]),
        dispute_reason=storable(dispute["reason"]),
        amount=money(dispute["amount"], dispute["currency"]),
        occurred_at=moment(dispute["created"]),
        raw=json.dumps(dispute, ensure_ascii=False),
    )


# -- parts -----------------------------------------------------------------------------------------------------------


def money(amount: object, currency: str) -> Money:
    """Stripe counts in the smallest unit too, and writes currencies in lower case."""
    if type(amount) is not int or not 0 < amount < 2**63:
        raise ValueError("an amount that nobody can pay")
    return Money(amount, currency.upper())


def moment(seconds: float) -> datetime:
    """A moment as Stripe writes it."""
    return datetime.fromtimestamp(seconds, UTC)


def _key(fields: Mapping[str, Any], name: str) -> str | None:
    """A key of ours in the metadata; None on what somebody made by hand."""
    found = (fields.get("metadata") or {}).get(name)
    return None if found is None else storable(found)
