# SPDX-License-Identifier: Apache-2.0
"""What merchants ask KOMOJU for, what payers do on its page and at a store, and what its back office does.

Everything here is called under the books' lock, and what changes them inside `change`.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus

from tsuzuku.testing.simulators.deliveries import is_webhook_url
from tsuzuku.testing.simulators.komoju import objects
from tsuzuku.testing.simulators.komoju.objects import STORES, Trouble
from tsuzuku.testing.simulators.komoju.wire import KomojuRefusal, invalid, moment
from tsuzuku.testing.simulators.object_books import Json, ObjectBooks

_OPEN_MAX_SECONDS = 86_400
_AMOUNT_MAX = 299_999
_METADATA_KEY_MAX, _METADATA_VALUE_MAX = 30, 2000
_OUT_OF_ORDER = timedelta(seconds=3)
#: Under it our merchant writes down what is to go back; a person reads it in KOMOJU's dashboard.
_WANTED = "tsuzuku_refunds"


class Till:
    """The verbs, over the books. `late_seconds` sets the pace of what is late."""

    def __init__(self, books: ObjectBooks) -> None:
        self._books = books
        self.url = ""
        self.late_seconds = 30.0
        #: How many of the next refunds the bank sends back.
        self.refunds_to_reject = 0

    # -- what merchants ask ------------------------------------------------------------------------------------------

    def create_session(self, fields: Json, *, now: datetime) -> Json:
        """A session. Raises KomojuRefusal."""
        amount, seconds = fields.get("amount"), fields.get("expires_in_seconds", _OPEN_MAX_SECONDS)
        if fields.get("mode") != "payment":
            raise invalid("mode")
        if type(amount) is not int or not 0 < amount <= _AMOUNT_MAX:
            raise invalid("amount")
        if fields.get("currency") != "JPY":
            raise invalid("currency")
        if fields.get("payment_types") != ["konbini"]:
            raise invalid("payment_types")
        if not is_webhook_url(fields.get("return_url", "")):
            raise invalid("return_url")
        if type(seconds) is not int or not 0 < seconds <= _OPEN_MAX_SECONDS:
            raise invalid("expires_in_seconds")
        _check_metadata(fields.get("metadata", {}))
        made = objects.session(fields, url=self.url, now=now, due_at=now + timedelta(seconds=seconds))
        self._books.put(made)
        return made

    def update_payment(self, payment: Json, fields: Json) -> Json:
        """Changes what may be changed of a payment. Raises KomojuRefusal."""
        for name in fields:
            if name not in {"description", "metadata"}:
                raise invalid(name)
        _check_metadata(fields.get("metadata", {}))
        payment |= fields
        self._books.put(payment)
        return payment

    @staticmethod
    def refund_at_once() -> None:
        """What cash never allows. Raises KomojuRefusal."""
        raise KomojuRefusal("not_refundable", "The payment method does not support refunds.")

    # -- what payers do ----------------------------------------------------------------------------------------------

    def issue(self, session: Json, store: str, *, now: datetime) -> Json | None:
        """Chooses a store: a slip comes into being. None if nobody can choose any more, or there is no such store."""
        if session["status"] != "pending" or session["expired"] or store not in STORES:
            return None
        payment = objects.payment(session, store=store, url=self.url, now=now)
        session |= {"status": "completed", "completed_at": moment(now), "payment": payment["id"]}
        session.pop("_due_at", None)
        self._books.put(session)
        self._books.put(payment)
        self._tell("payment.authorized", payment, [now], now=now)
        return payment

    def pay(self, payment: Json, *, trouble: Trouble = Trouble.NONE, taken: Json | None = None, now: datetime) -> None:
        """Pays a slip at the till, with another amount if wanted; nothing if that cannot be any more."""
        if payment["status"] != "authorized":
            return
        deliver_at: Sequence[datetime] = {
            Trouble.LATE: [now + timedelta(seconds=self.late_seconds)],
            Trouble.TWICE: [now, now],
            Trouble.LOST: [],
        }.get(trouble, [now])
        if trouble is Trouble.OUT_OF_ORDER:
            self._tell("payment.authorized", payment, [now + _OUT_OF_ORDER], now=now)
        payment |= {"status": "captured", "captured_at": moment(now), **(taken or {})}
        payment.pop("_due_at", None)
        self._books.put(payment)
        self._tell("payment.captured", payment, deliver_at, now=now)

    def fail(self, session: Json, store: str, *, now: datetime) -> None:
        """The store's system issues no slip; the payer may choose again."""
        if session["status"] == "pending" and not session["expired"] and store in STORES:
            payment = objects.payment(session, store=store, url=self.url, now=now) | {"status": "failed"}
            del payment["_due_at"]
            self._books.put(payment)
            self._tell("payment.failed", payment, [now], now=now)

    def cancel(self, session: Json, *, now: datetime) -> None:
        """Gives up before a store was chosen."""
        if session["status"] == "pending":
            session |= {"status": "cancelled", "cancelled_at": moment(now)}
            session.pop("_due_at", None)
            self._books.put(session)

    # -- what comes by itself ----------------------------------------------------------------------------------------

    def go_on(self, *, now: datetime) -> None:
        """Ends sessions and slips whose time has come."""
        for found in self._books.due(now=now):
            with self._books.change():
                self.expire(found, now=now)

    def expire(self, found: Json, *, now: datetime) -> None:
        """Ends a session or a slip; nothing if it is not open."""
        found.pop("_due_at", None)
        if found["_kind"] == "session" and found["status"] == "pending":
            self._books.put({**found, "expired": True})
        elif found["_kind"] == "payment" and found["status"] == "authorized":
            found["status"] = "expired"
            self._books.put(found)
            self._tell("payment.expired", found, [now], now=now)

    # -- what the back office does -----------------------------------------------------------------------------------

    def make_refunds(self, *, now: datetime) -> None:
        """Does by bank transfer what merchants have written down: a person's work, here done in a moment."""
        for payment_id in [each for each, found in self._books.objects.items() if found["_kind"] == "payment"]:
            payment = self._books.get(payment_id)
            wanted = json.loads(payment["metadata"].get(_WANTED, "[]")) if payment else []
            for each in wanted if payment else []:
                if payment and each["key"] not in payment.get("_done", []):
                    with self._books.change():
                        self.refund(payment, amount=each["amount"], key=each["key"], now=now)

    def refund(self, payment: Json, *, amount: int, key: str = "", description: str = "", now: datetime) -> None:
        """Makes one refund by bank transfer, which the bank may send back."""
        made = objects.refund(payment, amount=amount, description=description, now=now)
        payment["_done"] = [*payment.get("_done", []), key]
        if self.refunds_to_reject:
            self.refunds_to_reject -= 1
            rejected = {**made, "resource": "refund_request", "status": "rejected"}
            payment["refund_requests"] = [*payment["refund_requests"], rejected]
            self._books.put(payment)
            return
        payment["refunds"] = [*payment["refunds"], made]
        payment["amount_refunded"] += amount
        is_all = payment["amount_refunded"] >= payment["amount"]
        if is_all:
            payment["status"] = "refunded"
        self._books.put(payment)
        self._tell("payment.refund.created", payment, [now], now=now)
        if is_all:
            self._tell("payment.refunded", payment, [now], now=now)

    def _tell(self, kind: str, payment: Json, deliver_at: Sequence[datetime], *, now: datetime) -> None:
        self._books.tell(objects.event(kind, payment, now=now), deliver_at=deliver_at)


def _check_metadata(metadata: object) -> None:
    is_good = isinstance(metadata, dict) and all(
        isinstance(value, str) and len(key) <= _METADATA_KEY_MAX and len(value) <= _METADATA_VALUE_MAX
        for key, value in metadata.items()
    )
    if not is_good:
        raise KomojuRefusal("invalid_parameter", "metadata is invalid", status=HTTPStatus.BAD_REQUEST, param="metadata")
