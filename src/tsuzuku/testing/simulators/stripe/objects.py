# SPDX-License-Identifier: Apache-2.0
"""Stripe's objects as JSON. Names that begin with an underscore are the simulator's own and are never shown."""

import secrets
import string
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tsuzuku.testing.simulators.stripe.cards import Card, Decline, RefundEnd
from tsuzuku.testing.simulators.stripe.wire import API_VERSION

_LETTERS = string.ascii_letters + string.digits
Json = dict[str, Any]


def new_id(prefix: str) -> str:
    """Not to be guessed: whoever knows a session's may open its page."""
    return f"{prefix}_{''.join(secrets.choice(_LETTERS) for _ in range(24))}"


def shown(found: Mapping[str, Any]) -> Json:
    """An object as the merchant sees it."""
    return {name: value for name, value in found.items() if not name.startswith("_")}


def session(fields: Json, *, name: str, amount: int, currency: str, expires_at: int, url: str, now: datetime) -> Json:
    """A Checkout Session that nobody has paid."""
    session_id = new_id("cs_test")
    return {
        "id": session_id,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": fields.get("adaptive_pricing", {}).get("enabled") != "false"},
        "allowed_payment_method_types": fields.get("allowed_payment_method_types"),
        "amount_subtotal": amount,
        "amount_total": amount,
        "cancel_url": fields.get("cancel_url"),
        "client_reference_id": fields.get("client_reference_id"),
        "created": _seconds(now),
        "currency": currency,
        "customer": None,
        "customer_creation": fields.get("customer_creation", "if_required"),
        "expires_at": expires_at,
        "livemode": False,
        "locale": fields.get("locale"),
        "metadata": fields.get("metadata", {}),
        "mode": "payment",
        "payment_intent": None,
        "payment_method_options": fields.get("payment_method_options", {}),
        "payment_method_types": fields.get("allowed_payment_method_types", ["card"]),
        "payment_status": "unpaid",
        "status": "open",
        "success_url": fields.get("success_url"),
        "ui_mode": "hosted_page",
        "url": f"{url}/c/pay/{session_id}",
        "_name": name,
        "_intent": fields.get("payment_intent_data", {}),
        "_due_at": expires_at,
    }


def payment_intent(
    *,
    amount: int,
    currency: str,
    fields: Json,
    methods: Sequence[str],
    now: datetime,
    session_id: str | None = None,
) -> Json:
    """A PaymentIntent that nobody has tried to pay; a session makes one when its payer first tries to.

    `fields` are those with which it, or the session's `payment_intent_data`, was asked for.
    """
    intent_id = new_id("pi")
    return {
        "id": intent_id,
        "object": "payment_intent",
        "amount": amount,
        "amount_received": 0,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": new_id(f"{intent_id}_secret"),
        "confirmation_method": "automatic",
        "created": _seconds(now),
        "currency": currency,
        "customer": fields.get("customer"),
        "description": fields.get("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": fields.get("metadata", {}),
        "next_action": None,
        "payment_method": None,
        "payment_method_options": fields.get("payment_method_options", {}),
        "payment_method_types": list(methods),
        "setup_future_usage": fields.get("setup_future_usage"),
        "status": "requires_payment_method",
        "_session": session_id,
        "_return_url": fields.get("return_url"),
    }


def payment_method(kind: str, card: Card | None, *, billing: Json, now: datetime) -> Json:
    """What a payer pays with, once they have said it."""
    return {
        "id": new_id("pm"),
        "object": "payment_method",
        "billing_details": {"address": None, "email": None, "name": None, "phone": None, **billing},
        "created": _seconds(now),
        "customer": None,
        "livemode": False,
        "metadata": {},
        "type": kind,
        kind: _card_details(card) if card else {},
        "_number": card.number if card else None,
    }


def customer(*, now: datetime) -> Json:
    """To whom a kept payment method belongs."""
    return {
        "id": new_id("cus"),
        "object": "customer",
        "created": _seconds(now),
        "email": None,
        "livemode": False,
        "metadata": {},
        "name": None,
    }


def charge(intent: Json, method: Json, card: Card | None, *, decline: Decline | None, now: datetime) -> Json:
    """One try to take money, by a card or by another method."""
    return {
        "id": new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0 if decline else intent["amount"],
        "amount_refunded": 0,
        "billing_details": method["billing_details"],
        "captured": decline is None,
        "created": _seconds(now),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_code": decline.code if decline else None,
        "failure_message": decline.message if decline else None,
        "livemode": False,
        # A copy of the PaymentIntent's, as it was then.
        "metadata": dict(intent["metadata"]),
        "outcome": {
            "network_status": "declined_by_network" if decline else "approved_by_network",
            "reason": decline.decline_code if decline else None,
            "type": "issuer_declined" if decline else "authorized",
        },
        "paid": decline is None,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": _details(method, card),
        "refunded": False,
        "status": "failed" if decline else "succeeded",
        "_refund_end": card.refund.value if card else RefundEnd.DONE.value,
    }


def payment_error(decline: Decline, charge_id: str | None, method: Json | None) -> Json:
    """What a PaymentIntent keeps of its last failure."""
    fields = {
        "charge": charge_id,
        "code": decline.code,
        "decline_code": decline.decline_code,
        "message": decline.message,
        "payment_method": shown(method) if method else None,
        "type": "card_error",
    }
    return {name: value for name, value in fields.items() if value is not None}


def refund(of: Json, *, amount: int, metadata: Json, status: str, now: datetime) -> Json:
    """A refund of a charge, or of a part of it."""
    return {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "charge": of["id"],
        "created": _seconds(now),
        "currency": of["currency"],
        "failure_reason": None,
        "metadata": metadata,
        "payment_intent": of["payment_intent"],
        "reason": None,
        "status": status,
    }


def dispute(of: Json, *, reason: str, now: datetime) -> Json:
    """A payer's bank takes a charge back."""
    return {
        "id": new_id("du"),
        "object": "dispute",
        "amount": of["amount_captured"],
        "balance_transactions": [],
        "charge": of["id"],
        "created": _seconds(now),
        "currency": of["currency"],
        "evidence": {},
        "evidence_details": {"due_by": _seconds(now) + 7 * 86_400, "has_evidence": False, "submission_count": 0},
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": of["payment_intent"],
        "reason": reason,
        "status": "needs_response",
    }


def event(kind: str, about: Json, *, now: datetime) -> Json:
    """An event about an object as it is now."""
    return {
        "id": new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": _seconds(now),
        "data": {"object": shown(about)},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }


def listing(found: Sequence[Json], *, url: str, limit: int) -> Json:
    """A list of objects, newest first, as far as it was asked for."""
    newest = list(reversed(found))
    return {"object": "list", "url": url, "has_more": len(newest) > limit, "data": [shown(x) for x in newest[:limit]]}


def _details(method: Json, card: Card | None) -> Json:
    """What a charge tells of the method that it was tried with."""
    kind = method["type"]
    if card is None:
        return {"type": kind, kind: {}}
    secure = {"result": "authenticated"} if card.asks else None
    return {"type": kind, kind: _card_details(card) | {"three_d_secure": secure}}


def _card_details(card: Card) -> Json:
    return {
        "brand": card.brand,
        "country": "US",
        "exp_month": 12,
        "exp_year": 2034,
        "last4": "4242" if card.wallet else card.number[-4:],
        "wallet": {"type": card.wallet} if card.wallet else None,
    }


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
