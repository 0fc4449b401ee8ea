# SPDX-License-Identifier: Apache-2.0
"""Payers' banks that take charges back, and what becomes of it. Called under the books' lock and inside `change`."""

from datetime import datetime

from tsuzuku.testing.simulators.stripe import objects
from tsuzuku.testing.simulators.stripe.books import StripeBooks
from tsuzuku.testing.simulators.stripe.objects import Json
from tsuzuku.testing.simulators.stripe.wire import StripeRefusal


def open_dispute(books: StripeBooks, charge: Json, *, reason: str, now: datetime) -> None:
    """The bank takes the whole of a charge back, until it is decided. Raises StripeRefusal."""
    if not charge["captured"] or charge["disputed"]:
        raise StripeRefusal("There is no charge that can be disputed.")
    dispute = objects.dispute(charge, reason=reason, now=now)
    charge["disputed"] = True
    books.put(charge)
    books.put(dispute)
    for kind in ("charge.dispute.created", "charge.dispute.funds_withdrawn"):
        books.tell_of(kind, dispute, deliver_at=[now], now=now)


def close_dispute(books: StripeBooks, charge: Json, *, is_won: bool, now: datetime) -> None:
    """Decides the dispute about a charge; the money of one that is won comes back. Raises StripeRefusal."""
    dispute = books.dispute_of(charge["id"])
    if dispute is None or dispute["status"] != "needs_response":
        raise StripeRefusal("There is no dispute that is open.")
    dispute["status"] = "won" if is_won else "lost"
    books.put(dispute)
    for kind in ("charge.dispute.closed", *(("charge.dispute.funds_reinstated",) if is_won else ())):
        books.tell_of(kind, dispute, deliver_at=[now], now=now)
