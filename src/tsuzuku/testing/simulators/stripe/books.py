# SPDX-License-Identifier: Apache-2.0
"""What the simulator knows beside what every simulator does: which events are told, and what belongs to a charge."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from tsuzuku.testing.simulators.object_books import ObjectBooks
from tsuzuku.testing.simulators.stripe import objects
from tsuzuku.testing.simulators.stripe.objects import Json

#: What the endpoint of the webhooks listens to, as docs/operating/payments.md tells operators to set it.
ENABLED_EVENTS = frozenset(
    {
        "payment_intent.requires_action",
        "payment_intent.succeeded",
        "charge.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
        "checkout.session.expired",
        "refund.updated",
        "refund.failed",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
        "charge.dispute.closed",
    }
)


class StripeBooks(ObjectBooks):
    """Objects by the ids that they have at Stripe; `told` are its events."""

    _id_name: ClassVar[str] = "id"

    def tell_of(self, kind: str, about: Json, *, deliver_at: Sequence[datetime], now: datetime) -> None:
        """Keeps an event, and owes it to the merchant if the endpoint listens to its kind."""
        self.tell(objects.event(kind, about, now=now), deliver_at=deliver_at if kind in ENABLED_EVENTS else ())

    def refunds_of(self, charge_id: str) -> list[Json]:
        """The refunds of a charge, oldest first."""
        return [each for each in self.objects.values() if each["object"] == "refund" and each["charge"] == charge_id]

    def dispute_of(self, charge_id: str) -> Json | None:
        """A copy of the dispute about a charge, or None."""
        found = [each for each in self.objects.values() if each["object"] == "dispute" and each["charge"] == charge_id]
        return dict(found[-1]) if found else None
