# SPDX-License-Identifier: Apache-2.0
"""KOMOJU's objects as JSON."""

import secrets
from datetime import datetime, timedelta, timezone
from enum import StrEnum

from tsuzuku.testing.simulators.komoju.wire import moment, new_id
from tsuzuku.testing.simulators.object_books import Json, shown

_JAPAN = timezone(timedelta(hours=9))
#: A slip lives until the end of this day, in Japan, counted from the day on which it was issued.
_SLIP_DAYS = 3
STORES = ("seven-eleven", "family-mart", "lawson", "ministop", "seicomart")


class Trouble(StrEnum):
    """What goes wrong with the message that a slip was paid on its way to the merchant."""

    NONE = "none"
    LATE = "late"
    TWICE = "twice"
    #: That the slip was issued is told once more, after that it was paid.
    OUT_OF_ORDER = "out-of-order"
    #: Told to nobody, as when a webhook was deleted.
    LOST = "lost"


def session(fields: Json, *, url: str, now: datetime, due_at: datetime) -> Json:
    """A session on whose page nobody has chosen a store."""
    session_id = new_id()
    return {
        "id": session_id,
        "resource": "session",
        "mode": "payment",
        "amount": fields["amount"],
        "currency": fields["currency"],
        "session_url": f"{url}/sessions/{session_id}",
        "return_url": fields["return_url"],
        "default_locale": fields.get("default_locale", "ja"),
        "payment_methods": [{"type": "konbini", "brands": list(STORES)}],
        "metadata": fields.get("metadata", {}),
        "payment_data": fields.get("payment_data", {}),
        "email": fields.get("email"),
        "status": "pending",
        "expired": False,
        "created_at": moment(now),
        "cancelled_at": None,
        "completed_at": None,
        "payment": None,
        "_id": session_id,
        "_kind": "session",
        "_due_at": due_at.timestamp(),
    }


def shown_session(found: Json, payment: Json | None) -> Json:
    """A session as its merchant sees it, with its payment."""
    return {**shown(found), "payment": None if payment is None else shown(payment)}


def payment(of: Json, *, store: str, url: str, now: datetime) -> Json:
    """A slip that nobody has paid."""
    payment_id = new_id()
    last_day = now.astimezone(_JAPAN) + timedelta(days=_SLIP_DAYS)
    deadline = last_day.replace(hour=23, minute=59, second=59, microsecond=0)
    is_seven = store == "seven-eleven"
    return {
        "id": payment_id,
        "resource": "payment",
        "status": "authorized",
        "amount": of["amount"],
        "tax": 0,
        "customer": None,
        "payment_deadline": moment(deadline),
        "payment_details": {
            "type": "konbini",
            "email": of["email"],
            "store": store,
            "confirmation_code": None if is_seven else f"{secrets.randbelow(10**4):04d}",
            "receipt": f"{secrets.randbelow(10**13):013d}",
            "instructions_url": f"{url}/slips/{payment_id}",
        },
        "payment_method_fee": 190,
        "total": of["amount"] + 190,
        "currency": of["currency"],
        "description": None,
        "captured_at": None,
        "external_order_num": of["payment_data"].get("external_order_num"),
        "metadata": dict(of["metadata"]),
        "created_at": moment(now),
        "amount_refunded": 0,
        "locale": of["default_locale"],
        "session": of["id"],
        "refunds": [],
        "refund_requests": [],
        "_id": payment_id,
        "_kind": "payment",
        "_due_at": deadline.timestamp(),
    }


def refund(of: Json, *, amount: int, description: str, now: datetime) -> Json:
    """Money that went back, or in vain was to go back, by bank transfer."""
    return {
        "id": new_id(),
        "resource": "refund",
        "amount": amount,
        "currency": of["currency"],
        "payment": of["id"],
        "description": description or None,
        "created_at": moment(now),
        "chargeback": False,
    }


def event(kind: str, about: Json, *, now: datetime) -> Json:
    """An event about a payment as it is now."""
    return {
        "id": new_id(),
        "type": kind,
        "resource": "event",
        "data": shown(about),
        "created_at": moment(now),
        "reason": None,
    }
