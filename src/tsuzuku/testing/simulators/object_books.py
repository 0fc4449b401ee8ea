# SPDX-License-Identifier: Apache-2.0
"""What a simulated provider knows: objects, what it told of them, webhooks owed. It is on disk before it counts.

Everything here is called under one lock, the sandbox's. Of an object, names that begin with an underscore are the
simulator's own: `_id`, by which it is found here (unless its own id will do), and `_due_at`, when something happens to
it by itself (seconds since 1970).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any, ClassVar

from tsuzuku.testing.simulators.deliveries import Delivery, postponed
from tsuzuku.testing.simulators.journal import Journal

Json = dict[str, Any]


def shown(found: Mapping[str, Any]) -> Json:
    """An object as the merchant sees it."""
    return {name: value for name, value in found.items() if not name.startswith("_")}


class ObjectBooks:
    """The state, rebuilt from the journal. Changes are made inside `change` and count together or not at all."""

    #: Under which name an object holds what it is found by.
    _id_name: ClassVar[str] = "_id"

    def __init__(self, path: Path) -> None:
        self.webhook_url = ""
        #: In order of creation.
        self.objects: dict[str, Json] = {}
        #: What was told, by its `id`.
        self.told: dict[str, Json] = {}
        #: What calls under idempotency keys came to, for providers that answer them again.
        self.replies: dict[str, Json] = {}
        self.deliveries: dict[str, Delivery] = {}
        #: Objects to which something happens by itself, and when.
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
        self._staged = {"is": "change", "objects": {}, "told": [], "deliveries": [], "replies": {}}
        try:
            yield
            if any(part for name, part in self._staged.items() if name != "is"):
                self._write(self._staged)
        finally:
            self._staged = None

    def put(self, changed: Json) -> None:
        """Writes an object as it is now."""
        self._stage()["objects"][changed[self._id_name]] = changed

    def get(self, object_id: object) -> Json | None:
        """A copy of an object, to be changed and put."""
        key = str(object_id)
        staged = self._staged["objects"] if self._staged else {}
        found = staged.get(key) or self.objects.get(key)
        return None if found is None else dict(found)

    def of(self, parent_id: str, kind: str) -> list[Json]:
        """Copies of the objects of a kind (`_kind`) that belong to another (`_of`), oldest first."""
        every = {**self.objects, **(self._staged["objects"] if self._staged else {})}.values()
        return [dict(each) for each in every if (each.get("_of"), each.get("_kind")) == (parent_id, kind)]

    def tell(self, notice: Json, *, deliver_at: Sequence[datetime]) -> None:
        """Keeps what is told under its `id`, and owes the merchant a webhook for each of the moments."""
        self._stage()["told"].append(notice)
        self.owe(notice, deliver_at)

    def owe(self, notice: Json, deliver_at: Sequence[datetime]) -> None:
        """Owes the merchant webhooks."""
        owed = [{"id": token_hex(8), "event": notice, "due_at": at.isoformat()} for at in deliver_at]
        self._stage()["deliveries"].extend(owed)

    def keep_reply(self, key: str, reply: Json) -> None:
        """Keeps what a call under a key came to."""
        self._stage()["replies"][key] = reply

    def set_webhook_url(self, url: str) -> None:
        """Sets where webhooks go, those already owed included."""
        if url != self.webhook_url:
            self._write({"is": "webhook", "url": url})

    # -- reading -----------------------------------------------------------------------------------------------------

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

    def _write(self, record: Json) -> None:
        self._journal.append(record)
        self._apply(record)

    def _apply(self, record: Json) -> None:
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

    def _apply_change(self, record: Json) -> None:
        for object_id, changed in record["objects"].items():
            self.objects[object_id] = changed
            self.waiting.pop(object_id, None)
            if "_due_at" in changed:
                self.waiting[object_id] = changed["_due_at"]
        self.told.update({notice["id"]: notice for notice in record["told"]})
        self.replies.update(record.get("replies", {}))
        self.deliveries.update({owed["id"]: Delivery(**owed) for owed in record["deliveries"]})
