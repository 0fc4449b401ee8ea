# SPDX-License-Identifier: Apache-2.0
"""How a try to pay a PaymentIntent ends, with or without a Checkout Session around it.

Everything here is called under the books' lock and inside `change`.
"""

from collections.abc import Sequence
from datetime import datetime

from tsuzuku.testing.simulators.stripe import objects
from tsuzuku.testing.simulators.stripe.books import StripeBooks
from tsuzuku.testing.simulators.stripe.cards import CARDS, EXPIRED, Card, Decline
from tsuzuku.testing.simulators.stripe.disputes import open_dispute
from tsuzuku.testing.simulators.stripe.objects import Json


def use_method(books: StripeBooks, intent: Json, card: Card | None, *, now: datetime) -> Json:
    """The payment method of a try, put on its PaymentIntent: the one that is there if it is this card or no card."""
    known = books.get(intent["payment_method"])
    number = card.number if card else None
    if known is not None and known["_number"] == number:
        return known
    method = objects.payment_method(intent["payment_method_types"][0], card, billing={}, now=now)
    books.put(method)
    intent["payment_method"] = method["id"]
    return method


def card_of(books: StripeBooks, intent: Json) -> Card | None:
    """The card that is on a PaymentIntent, if it is one."""
    method = books.get(intent["payment_method"])
    return None if method is None else CARDS.get(method["_number"] or "")


def wait_for_payer(books: StripeBooks, intent: Json, action: Json, *, due_at: int | None, now: datetime) -> None:
    """The payer has to do something elsewhere, until a moment if there is one."""
    intent |= {"status": "requires_action", "next_action": action}
    if due_at is not None:
        intent["_due_at"] = due_at
    books.put(intent)
    books.tell_of("payment_intent.requires_action", intent, deliver_at=[now], now=now)


def decline(
    books: StripeBooks,
    intent: Json,
    card: Card | None,
    refusal: Decline,
    *,
    deliver_at: Sequence[datetime],
    now: datetime,
) -> None:
    """The bank or the payer says no."""
    method = use_method(books, intent, card, now=now)
    charge = objects.charge(intent, method, card, decline=refusal, now=now)
    books.put(charge)
    books.tell_of("charge.failed", charge, deliver_at=deliver_at, now=now)
    intent["latest_charge"] = charge["id"]
    _fail(books, intent, objects.payment_error(refusal, charge["id"], method), deliver_at=deliver_at, now=now)


def run_out(books: StripeBooks, intent: Json, *, now: datetime) -> None:
    """Nobody paid a slip or scanned a code in time; nothing was tried, so there is no charge."""
    method = books.get(intent["payment_method"])
    _fail(books, intent, objects.payment_error(EXPIRED, None, method), deliver_at=[now], now=now)


def cancel(books: StripeBooks, intent: Json, *, reason: str | None, now: datetime) -> None:
    """Nobody can pay it any more."""
    intent |= {
        "status": "canceled",
        "cancellation_reason": reason,
        "canceled_at": int(now.timestamp()),
        "next_action": None,
    }
    intent.pop("_due_at", None)
    books.put(intent)
    books.tell_of("payment_intent.canceled", intent, deliver_at=[now], now=now)


def succeed(
    books: StripeBooks, intent: Json, card: Card | None, *, deliver_at: Sequence[datetime], taken: Json, now: datetime
) -> None:
    """Takes the money, or another amount and currency than was asked for, and ends the session if there is one."""
    session = books.get(intent["_session"])
    intent |= taken
    method = use_method(books, intent, card, now=now)
    if session is not None and session["customer_creation"] == "always":
        customer = objects.customer(now=now)
        books.put(customer)
        session["customer"] = intent["customer"] = customer["id"]
        if intent["setup_future_usage"]:
            method["customer"] = customer["id"]
            books.put(method)
    charge = objects.charge(intent, method, card, decline=None, now=now)
    intent |= {
        "amount_received": intent["amount"],
        "status": "succeeded",
        "latest_charge": charge["id"],
        "last_payment_error": None,
        "next_action": None,
    }
    intent.pop("_due_at", None)
    books.put(charge)
    books.put(intent)
    books.tell_of("charge.succeeded", charge, deliver_at=deliver_at, now=now)
    books.tell_of("payment_intent.succeeded", intent, deliver_at=deliver_at, now=now)
    if session is not None:
        session |= {"status": "complete", "payment_status": "paid", "url": None}
        session.pop("_due_at", None)
        books.put(session)
        books.tell_of("checkout.session.completed", session, deliver_at=deliver_at, now=now)
    if card is not None and card.disputes:
        open_dispute(books, charge, reason="fraudulent", now=now)


def _fail(books: StripeBooks, intent: Json, error: Json, *, deliver_at: Sequence[datetime], now: datetime) -> None:
    intent |= {
        "status": "requires_payment_method",
        "last_payment_error": error,
        "next_action": None,
        "payment_method": None,
    }
    intent.pop("_due_at", None)
    books.put(intent)
    books.tell_of("payment_intent.payment_failed", intent, deliver_at=deliver_at, now=now)
