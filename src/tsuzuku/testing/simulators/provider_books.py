# SPDX-License-Identifier: Apache-2.0
"""What the sandbox provider knows: payments, captures, refunds, and webhooks owed. It is on disk before it counts.

Everything here is called under one lock, the sandbox's.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tsuzuku.kernel.fingerprint import fingerprint
from tsuzuku.testing.simulators.deliveries import Delivery, postponed
from tsuzuku.testing.simulators.journal import Journal
from tsuzuku.testing.simulators.server import Refusal

#: By how much the first event comes last when webhooks arrive out of order.
_OUT_OF_ORDER = timedelta(seconds=3)


class Behaviour(StrEnum):
    """What a payer does, and what then goes wrong on the way to the merchant."""

    PAY = "pay"
    DECLINE_NETWORK = "decline-network"
    DECLINE_LIMIT = "decline-limit"
    DECLINE_REFUSED = "decline-refused"
    #: Goes back without paying.
    LEAVE = "leave"
    #: Goes back, and the money comes later.
    PAY_SLOWLY = "pay-slowly"
    #: Two captures.
    PAY_TWICE = "pay-twice"
    WEBHOOK_LATE = "webhook-late"
    WEBHOOK_TWICE = "webhook-twice"
    #: Is declined, then pays; the second is told before the first.
    WEBHOOK_OUT_OF_ORDER = "webhook-out-of-order"


_DECLINES = {
    Behaviour.DECLINE_NETWORK: "network_error",
    Behaviour.DECLINE_LIMIT: "limit_exceeded",
    Behaviour.DECLINE_REFUSED: "declined",
}


class RefundEnd(StrEnum):
    """How a refund goes."""

    DONE = "done"
    #: Done before the call is answered.
    AT_ONCE = "at-once"
    FAIL = "fail"


class Status(StrEnum):
    """Where a payment is. A declined one can still be paid."""

    OPEN = "open"
    DECLINED = "declined"
    PROCESSING = "processing"
    CAPTURED = "captured"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How slow the slow things are, in seconds."""

    slow_seconds: float = 15.0
    late_seconds: float = 30.0
    refund_seconds: float = 1.0


@dataclass(kw_only=True, slots=True)
class Payment:
    """What a merchant asked for, and where it is."""

    id: str
    key: str
    fingerprint: str
    amount_minor: int
    currency: str
    description: str
    order_number: str
    return_url: str
    language: str
    created_at: str
    status: Status = Status.OPEN
    #: The provider's own word for the last decline.
    failure: str | None = None
    events: list[dict[str, Any]] = field(default_factory=list)


@dataclass(kw_only=True, slots=True)
class Capture:
    """Money taken."""

    id: str
    payment: str
    amount_minor: int
    currency: str


@dataclass(kw_only=True, slots=True)
class Refund:
    """Money on its way back."""

    id: str
    key: str
    fingerprint: str
    capture: str
    amount_minor: int
    currency: str
    end: RefundEnd
    requested_at: str
    status: str = "pending"


@dataclass(kw_only=True, slots=True)
class SlowCapture:
    """A capture that comes later."""

    id: str
    payment: str
    due_at: str


class Books:
    """The state, rebuilt from the journal."""

    def __init__(self, path: Path) -> None:
        self.webhook_url = ""
        self.payments: dict[str, Payment] = {}
        self.captures: dict[str, Capture] = {}
        self.refunds: dict[str, Refund] = {}
        self.events: list[dict[str, Any]] = []
        #: Those still owed.
        self.deliveries: dict[str, Delivery] = {}
        self._slow_captures: dict[str, SlowCapture] = {}
        self._payments_by_key: dict[str, Payment] = {}
        self._refunds_by_key: dict[str, Refund] = {}
        self._journal = Journal(path)
        for record in self._journal.read():
            self._apply(record)

    def close(self) -> None:
        """Closes the journal."""
        self._journal.close()

    # -- what merchants ask ------------------------------------------------------------------------------------------

    def start_payment(self, *, key: str, wanted: Mapping[str, Any], now: datetime) -> tuple[Payment, bool]:
        """The payment of this key, and whether it is new. Raises Refusal if the key was used for something else."""
        digest = fingerprint(**wanted)
        if known := self._payments_by_key.get(key):
            _check_same(known.fingerprint, digest)
            return known, False
        payment = {"id": _new_id("pay"), "key": key, "fingerprint": digest, **wanted, "created_at": now.isoformat()}
        self._write({"is": "payment", "payment": payment})
        return self._payments_by_key[key], True

    def start_refund(
        self, *, key: str, wanted: Mapping[str, Any], end: RefundEnd, now: datetime
    ) -> tuple[Refund, bool]:
        """The refund of this key, and whether it is new. Raises Refusal."""
        digest = fingerprint(**wanted)
        if known := self._refunds_by_key.get(key):
            _check_same(known.fingerprint, digest)
            return known, False
        capture = self.captures.get(wanted["capture"])
        if capture is None:
            raise Refusal(HTTPStatus.NOT_FOUND, "capture-unknown")
        if wanted["currency"] != capture.currency:
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "refund-currency")
        returned = sum(
            refund.amount_minor
            for refund in self.refunds.values()
            if refund.capture == capture.id and refund.status != "failed"
        )
        if returned + wanted["amount_minor"] > capture.amount_minor:
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "refund-over-captured")
        refund = {"id": _new_id("ref"), "key": key, "fingerprint": digest, **wanted, "end": end.value}
        self._write({"is": "refund", "refund": {**refund, "requested_at": now.isoformat()}})
        if end is RefundEnd.AT_ONCE:
            self._end_refund(self._refunds_by_key[key], now=now)
        return self._refunds_by_key[key], True

    # -- what payers do ----------------------------------------------------------------------------------------------

    def act(
        self,
        payment: Payment,
        behaviour: Behaviour,
        *,
        pace: Pace,
        now: datetime,
        taken: dict[str, Any] | None = None,
    ) -> None:
        """Does what a payer does, unless the payment is paid or about to be: a second click changes nothing.

        Another amount_minor or currency than was asked for may be taken, to see what the merchant makes of it.
        """
        if payment.status in {Status.CAPTURED, Status.PROCESSING}:
            return
        late = now + timedelta(seconds=pace.late_seconds)
        match behaviour:
            case Behaviour.LEAVE:
                return
            case Behaviour.PAY_SLOWLY:
                due_at = now + timedelta(seconds=pace.slow_seconds)
                slow = SlowCapture(id=_new_id("slow"), payment=payment.id, due_at=due_at.isoformat())
                self._write({"is": "slow", "slow": asdict(slow)})
            case Behaviour.PAY_TWICE:
                self._capture(payment, taken, deliver_at=[now], now=now)
                self._capture(payment, taken, deliver_at=[now], now=now)
            case Behaviour.WEBHOOK_LATE:
                self._capture(payment, taken, deliver_at=[late], now=now)
            case Behaviour.WEBHOOK_TWICE:
                self._capture(payment, taken, deliver_at=[now, now], now=now)
            case Behaviour.WEBHOOK_OUT_OF_ORDER:
                self._decline(payment, "declined", deliver_at=now + _OUT_OF_ORDER, now=now)
                self._capture(payment, taken, deliver_at=[now], now=now)
            case Behaviour.PAY:
                self._capture(payment, taken, deliver_at=[now], now=now)
            case _:
                self._decline(payment, _DECLINES[behaviour], deliver_at=now, now=now)

    # -- what comes by itself ----------------------------------------------------------------------------------------

    def go_on(self, *, pace: Pace, now: datetime) -> None:
        """Makes the captures and ends the refunds whose time has come."""
        for slow in [slow for slow in self._slow_captures.values() if _is_due(slow.due_at, now)]:
            payment = self.payments[slow.payment]
            self._capture(payment, None, deliver_at=[now], now=now, slow=slow.id)
        for refund in self._pending_refunds():
            if _ends_at(refund, pace) <= now:
                self._end_refund(refund, now=now)

    def due_deliveries(self, *, now: datetime) -> list[Delivery]:
        """The webhooks to be sent now, oldest first; none while nobody knows where to."""
        if not self.webhook_url:
            return []
        return [delivery for delivery in self.deliveries.values() if _is_due(delivery.due_at, now)]

    def next_at(self, *, pace: Pace) -> datetime | None:
        """When something comes next by itself."""
        moments = [datetime.fromisoformat(slow.due_at) for slow in self._slow_captures.values()]
        moments += [_ends_at(refund, pace) for refund in self._pending_refunds()]
        if self.webhook_url:
            moments += [datetime.fromisoformat(delivery.due_at) for delivery in self.deliveries.values()]
        return min(moments, default=None)

    def delivered(self, delivery: Delivery) -> None:
        """The merchant has taken a webhook."""
        self._write({"is": "delivered", "delivery": delivery.id})

    def not_delivered(self, delivery: Delivery, *, now: datetime) -> None:
        """The merchant has not taken a webhook; it is owed for later."""
        self._write(postponed(delivery, now=now))

    def set_webhook_url(self, url: str) -> None:
        """Sets where webhooks go, those already owed included."""
        if url != self.webhook_url:
            self._write({"is": "webhook", "url": url})

    def emit(self, kind: str, *, now: datetime) -> None:
        """Tells the merchant something that names no payment."""
        self._tell({"type": kind}, deliver_at=[now], now=now)

    def deliver_again(self, event_id: str, *, times: int, now: datetime) -> None:
        """Owes a webhook some more times. Raises Refusal for an unknown one."""
        for event in self.events:
            if event["id"] == event_id:
                self._write({"is": "again", "event": event, "deliveries": _owed(event, [now] * times)})
                return
        raise Refusal(HTTPStatus.NOT_FOUND, "event-unknown")

    def _pending_refunds(self) -> list[Refund]:
        return [refund for refund in self.refunds.values() if refund.status == "pending"]

    # -- records -----------------------------------------------------------------------------------------------------

    def _capture(
        self,
        payment: Payment,
        taken: dict[str, Any] | None,
        *,
        deliver_at: Sequence[datetime],
        now: datetime,
        slow: str | None = None,
    ) -> None:
        event = {
            "type": "payment.captured",
            "payment": {"id": payment.id, "order_number": payment.order_number},
            "capture": {"id": _new_id("cap")},
            "amount": taken or {"amount_minor": payment.amount_minor, "currency": payment.currency},
        }
        self._tell(event, deliver_at=deliver_at, now=now, slow=slow)

    def _decline(self, payment: Payment, failure: str, *, deliver_at: datetime, now: datetime) -> None:
        event = {
            "type": "payment.failed",
            "payment": {"id": payment.id, "order_number": payment.order_number},
            "failure": failure,
        }
        self._tell(event, deliver_at=[deliver_at], now=now)

    def _end_refund(self, refund: Refund, *, now: datetime) -> None:
        payment = self.payments[self.captures[refund.capture].payment]
        event = {
            "type": "refund.failed" if refund.end is RefundEnd.FAIL else "refund.done",
            "payment": {"id": payment.id, "order_number": payment.order_number},
            "capture": {"id": refund.capture},
            "refund": {"id": refund.id, "key": refund.key},
            "amount": {"amount_minor": refund.amount_minor, "currency": refund.currency},
        }
        self._tell(event, deliver_at=[now], now=now)

    def _tell(
        self, event: Mapping[str, Any], *, deliver_at: Sequence[datetime], now: datetime, slow: str | None = None
    ) -> None:
        """Records that something happened and that the merchant is to hear of it, in one line of the journal."""
        told = {"id": _new_id("evt"), "created": now.isoformat(), **event}
        self._write({"is": "event", "event": told, "deliveries": _owed(told, deliver_at), "slow": slow})

    def _write(self, record: Mapping[str, Any]) -> None:
        self._journal.append(record)
        self._apply(record)

    def _apply(self, record: Mapping[str, Any]) -> None:
        """The one place that changes the state, by new records and by those of the journal alike."""
        match record["is"]:
            case "payment":
                payment = Payment(**record["payment"])
                self.payments[payment.id] = self._payments_by_key[payment.key] = payment
            case "refund":
                fields = record["refund"]
                refund = Refund(**{**fields, "end": RefundEnd(fields["end"])})
                self.refunds[refund.id] = self._refunds_by_key[refund.key] = refund
            case "slow":
                slow = SlowCapture(**record["slow"])
                self._slow_captures[slow.id] = slow
                self.payments[slow.payment].status = Status.PROCESSING
            case "event":
                self._slow_captures.pop(record["slow"] or "", None)
                self._apply_event(record["event"])
                self._owe(record)
            case "again":
                self._owe(record)
            case "delivered":
                del self.deliveries[record["delivery"]]
            case "postponed":
                delivery = self.deliveries[record["delivery"]]
                delivery.attempts, delivery.due_at = record["attempts"], record["due_at"]
            case "webhook":
                self.webhook_url = record["url"]

    def _apply_event(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        if "payment" not in event:
            return
        payment = self.payments[event["payment"]["id"]]
        payment.events.append(event)
        match event["type"]:
            case "payment.captured":
                capture = Capture(id=event["capture"]["id"], payment=payment.id, **event["amount"])
                self.captures[capture.id] = capture
                payment.status, payment.failure = Status.CAPTURED, None
            case "payment.failed":
                payment.status, payment.failure = Status.DECLINED, event["failure"]
            case "refund.done":
                self.refunds[event["refund"]["id"]].status = "done"
            case "refund.failed":
                self.refunds[event["refund"]["id"]].status = "failed"

    def _owe(self, record: Mapping[str, Any]) -> None:
        for delivery_id, due_at in record["deliveries"]:
            self.deliveries[delivery_id] = Delivery(id=delivery_id, event=record["event"], due_at=due_at)


def _owed(event: Mapping[str, Any], deliver_at: Sequence[datetime]) -> list[list[str]]:
    return [[_new_id("dlv"), at.isoformat()] for at in deliver_at]


def _check_same(known: str, digest: str) -> None:
    if known != digest:
        raise Refusal(HTTPStatus.CONFLICT, "idempotency-key-reused")


def _ends_at(refund: Refund, pace: Pace) -> datetime:
    return datetime.fromisoformat(refund.requested_at) + timedelta(seconds=pace.refund_seconds)


def _is_due(moment: str, now: datetime) -> bool:
    return datetime.fromisoformat(moment) <= now


def _new_id(prefix: str) -> str:
    """Not to be guessed: whoever knows a payment's may open its page."""
    return f"{prefix}_{secrets.token_urlsafe(18)}"
