# SPDX-License-Identifier: Apache-2.0
"""What the simulator knows: objects, answers under idempotency keys, webhooks owed. It is on disk before it counts.

Everything here is called under one lock, the sandbox's.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tsuzuku.testing.simulators.deliveries import Delivery, postponed
from tsuzuku.testing.simulators.journal import Journal
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


class StripeBooks:
    """The state, rebuilt from the journal. Changes are made inside `change` and count together or not at all."""

    def __init__(self, path: Path) -> None:
        self.webhook_url = ""
        #: By id, in order of creation.
        self.objects: dict[str, Json] = {}
        self.events: dict[str, Json] = {}
        #: By idempotency key: a digest of what was asked, and the answer.
        self.replies: dict[str, Json] = {}
        self.deliveries: dict[str, Delivery] = {}
        #: Objects to which something happens by itself, and when, in seconds since 1970.
        self.waiting: dict[str, float] = {}
        self._staged: Json | None = None
        self._journal = Journal(path)
        for record in self._journal.read():
            self._apply(record)

    def close(self) -> None:
        """Closes the journal."""
        self._journal.close()

    # -- changing ----------------------------------------------------------------------------------------------------

    @contextmanager
    def change(self) -> Iterator[None]:
        """One line of the journal for all that is put, told and replied inside."""
        self._staged = {"is": "change", "objects": {}, "events": [], "deliveries": [], "replies": {}}
        try:
            yield
            if any(part for name, part in self._staged.items() if name != "is"):
                self._write(self._staged)
        finally:
            self._staged = None

    def put(self, changed: Json) -> None:
        """Writes an object as it is now."""
        self._stage()["objects"][changed["id"]] = changed

    def get(self, object_id: object) -> Json | None:
        """A copy of an object, to be changed and put."""
        staged = self._staged["objects"] if self._staged else {}
        found = staged.get(object_id) or self.objects.get(str(object_id))
        return None if found is None else dict(found)

    def tell(self, kind: str, about: Json, *, deliver_at: Sequence[datetime], now: datetime) -> None:
        """Keeps an event, and owes it to the merchant if the endpoint listens to its kind."""
        event = objects.event(kind, about, now=now)
        self._stage()["events"].append(event)
        if kind in ENABLED_EVENTS:
            self.owe(event, deliver_at)

    def owe(self, event: Json, deliver_at: Sequence[datetime]) -> None:
        """Owes the merchant a webhook, whatever its kind."""
        owed = [{"id": objects.new_id("dlv"), "event": event, "due_at": at.isoformat()} for at in deliver_at]
        self._stage()["deliveries"].extend(owed)

    def keep_reply(self, key: str, *, digest: str, status: int, body: Json) -> None:
        """Keeps what a call under a key was answered."""
        self._stage()["replies"][key] = {"digest": digest, "status": status, "body": body}

    def set_webhook_url(self, url: str) -> None:
        """Sets where webhooks go, those already owed included."""
        if url != self.webhook_url:
            self._write({"is": "webhook", "url": url})

    # -- reading -----------------------------------------------------------------------------------------------------

    def refunds_of(self, charge_id: str) -> list[Json]:
        """The refunds of a charge, oldest first."""
        return [each for each in self.objects.values() if each["object"] == "refund" and each["charge"] == charge_id]

    def dispute_of(self, charge_id: str) -> Json | None:
        """A copy of the dispute about a charge, or None."""
        found = [each for each in self.objects.values() if each["object"] == "dispute" and each["charge"] == charge_id]
        return dict(found[-1]) if found else None

    def due(self, *, now: datetime) -> list[Json]:
        """Copies of the objects to which something happens by itself now."""
        return [dict(self.objects[each]) for each, at in self.waiting.items() if at <= now.timestamp()]

    def next_at(self) -> datetime | None:
        """When something comes next by itself."""
        moments = [datetime.fromtimestamp(at, UTC) for at in self.waiting.values()]
        if self.webhook_url:
            moments += [datetime.fromisoformat(delivery.due_at) for delivery in self.deliveries.values()]
        return min(moments, default=None)

    # -- webhooks ----------------------------------------------------------------------------------------------------

    def due_deliveries(self, *, now: datetime) -> list[Delivery]:
        """The webhooks to be sent now, oldest first; none while nobody knows where to."""
        if not self.webhook_url:
            return []
        return [each for each in self.deliveries.values() if datetime.fromisoformat(each.due_at) <= now]

    def delivered(self, delivery: Delivery) -> None:
        """The merchant has taken a webhook."""
        self._write({"is": "delivered", "delivery": delivery.id})

    def not_delivered(self, delivery: Delivery, *, now: datetime) -> None:
        """The merchant has not taken a webhook; it is owed for later."""
        self._write(postponed(delivery, now=now))

    # -- records -----------------------------------------------------------------------------------------------------

    def _stage(self) -> Json:
        if self._staged is None:
            raise RuntimeError("changes are made inside `change`")
        return self._staged

    def _write(self, record: dict[str, Any]) -> None:
        self._journal.append(record)
        self._apply(record)

    def _apply(self, record: dict[str, Any]) -> None:
        """The one place that changes the state, by new records and by those of the journal alike."""
        match record["is"]:
            case "change":
                self._apply_change(record)
            case "delivered":
                del self.deliveries[record["delivery"]]
            case "postponed":
                delivery = self.deliveries[record["delivery"]]
                delivery.attempts, delivery.due_at = record["attempts"], record["due_at"]
            case "webhook":
                self.webhook_url = record["url"]

    def _apply_change(self, record: dict[str, Any]) -> None:
        for object_id, changed in record["objects"].items():
            self.objects[object_id] = changed
            self.waiting.pop(object_id, None)
            if "_due_at" in changed:
                self.waiting[object_id] = changed["_due_at"]
        self.events.update({event["id"]: event for event in record["events"]})
        self.replies.update(record["replies"])
        self.deliveries.update({owed["id"]: Delivery(**owed) for owed in record["deliveries"]})
