# SPDX-License-Identifier: Apache-2.0
"""Doubles of the three ports, in memory, with outcomes on demand. They pass the same contracts as the real adapters."""

import json
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from tsuzuku.carriers import ports as carriers
from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.kernel.outcomes import OutcomeUnknown, Rejected, Unavailable, Unsupported
from tsuzuku.kernel.signatures import SignatureForged, SignatureStale, check_signature, signature_header
from tsuzuku.messaging import ports as messaging
from tsuzuku.payments import ports as payments


class Outcome(StrEnum):
    """What the next call comes to. Without a script, everything succeeds."""

    DONE = "done"
    #: Rejected: a final no, nothing happens.
    REFUSED = "refused"
    #: Unavailable: nothing happens.
    UNAVAILABLE = "unavailable"
    #: OutcomeUnknown, and it has happened.
    DONE_UNANSWERED = "done_unanswered"
    #: OutcomeUnknown, and it never happens.
    LOST = "lost"
    #: OutcomeUnknown, and it happens when `arrive` is called. For a carrier only.
    ARRIVES_LATER = "arrives_later"


class Script:
    """The outcomes to come, in order; safe to use from several threads."""

    def __init__(self) -> None:
        self._outcomes: deque[Outcome] = deque()

    def add(self, *outcomes: Outcome) -> None:
        """Sets the outcomes of the next calls."""
        self._outcomes.extend(outcomes)

    def take(self) -> Outcome:
        """The outcome of this call; raises what it means for calls that come to nothing."""
        outcome = self._outcomes.popleft() if self._outcomes else Outcome.DONE
        match outcome:
            case Outcome.REFUSED:
                raise Rejected("refused-on-demand")
            case Outcome.UNAVAILABLE:
                raise Unavailable("unavailable-on-demand")
            case Outcome.LOST:
                raise OutcomeUnknown("unanswered-on-demand")
        return outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Credited:
    """A line of the fake carrier's history."""

    request: carriers.ActivationRequest
    activation: carriers.Activation


class FakeCarrier:
    """A carrier that credits again when it is asked again, as the worst real ones do.

    `script` sets the outcomes of the next calls to `activate`, `history_script` of those to `find_activation`;
    `history` and `requests` tell what it credited and what it was asked; `is_down` makes everything Unavailable.
    """

    def __init__(self, *, confirms_at_once: bool = False, settles_within_seconds: int = 10) -> None:
        self.confirms_at_once = confirms_at_once
        self.settles_within_seconds = settles_within_seconds
        self.is_down = False
        self.script = Script()
        self.history_script = Script()
        self.requests: list[carriers.ActivationRequest] = []
        self.history: list[Credited] = []
        self._on_the_way: list[carriers.ActivationRequest] = []
        self._lock = threading.Lock()

    @property
    def capabilities(self) -> carriers.Capabilities:
        return carriers.Capabilities(
            confirms_at_once=self.confirms_at_once, settles_within_seconds=self.settles_within_seconds
        )

    def activate(self, request: carriers.ActivationRequest) -> carriers.Activation:
        with self._lock:
            self.requests.append(request)
            self._check_up()
            match self.script.take():
                case Outcome.ARRIVES_LATER:
                    self._on_the_way.append(request)
                    raise OutcomeUnknown("unanswered-on-demand")
                case Outcome.DONE_UNANSWERED:
                    self._credit(request)
                    raise OutcomeUnknown("unanswered-on-demand")
            return self._credit(request)

    def find_activation(self, *, iccid: str, reference: str) -> carriers.Activation | None:
        with self._lock:
            self._check_up()
            self.history_script.take()
            for credited in self.history:
                if credited.request.iccid == iccid and credited.request.reference == reference:
                    return credited.activation
        return None

    def arrive(self) -> None:
        """Credits every request that was to arrive later."""
        with self._lock:
            for request in self._on_the_way:
                self._credit(request)
            self._on_the_way.clear()

    def _check_up(self) -> None:
        if self.is_down:
            raise Unavailable("carrier-down")

    def _credit(self, request: carriers.ActivationRequest) -> carriers.Activation:
        number = f"F{len(self.history) + 1:06d}"
        activation = carriers.Activation(
            reference=request.reference,
            carrier_reference=number,
            credited_at=clock.now(),
            raw=json.dumps({"id": number, "reference": request.reference}),
        )
        self.history.append(Credited(request=request, activation=activation))
        return activation


@dataclass(kw_only=True, slots=True)
class FakePayment:
    """A payment as the fake provider keeps it."""

    request: payments.PaymentRequest
    started: payments.StartedPayment
    events: list[payments.ProviderEvent] = field(default_factory=list)


@dataclass(kw_only=True, slots=True)
class FakeRefund:
    """A refund as the fake provider keeps it; `is_failed` gives the amount back to the capture."""

    request: payments.RefundRequest
    started: payments.StartedRefund
    payment: FakePayment
    is_ended: bool = False
    is_failed: bool = False


class FakeProvider:
    """A provider whose payers do what the test says: `pay`, `decline`; `finish_refund` and `fail_refund` end refunds.

    Each returns its events; `webhook` makes of an event what would be delivered. `script` sets the outcomes of the next
    calls to `start_payment` and `refund`, `lookup_script` of those to `find_payment`. `methods` are what it offers, and
    `instructions` what payers by a method are told; by any other they are sent to its page. A method that was kept is
    charged at once; `refuse_charges` says why the next charges fail.
    """

    origin = "https://pay.fake.example"

    def __init__(self, *, secret: str = "fake webhook secret") -> None:  # noqa: S107 - a double keeps no secret
        self.secrets = [secret]
        self.is_down = False
        self.methods: tuple[str, ...] = ("fake",)
        self.instructions: dict[str, payments.Instructions] = {}
        self.script = Script()
        self.payments: dict[str, FakePayment] = {}
        self.lookup_script = Script()
        self.refunds: dict[str, FakeRefund] = {}
        #: What became of charges of kept methods and was not delivered yet; take it from here.
        self.untold: deque[payments.ProviderEvent] = deque()
        self._charge_failures: deque[payments.FailureReason] = deque()
        #: By reference: whose payment, which capture, how much, and why.
        self.disputes: dict[str, tuple[FakePayment, str, Money, str]] = {}
        self._by_key: dict[str, FakePayment] = {}
        self._events = 0
        self._lock = threading.RLock()

    @property
    def capabilities(self) -> payments.Capabilities:
        return payments.Capabilities(
            methods=self.methods,
            currencies=("JPY",),
            refunds=True,
            redirect_origins=(self.origin,),
            keeps=("fake",),
        )

    def start_payment(self, request: payments.PaymentRequest) -> payments.StartedPayment:
        with self._lock:
            self._check_up()
            outcome = self.script.take()
            payment = self._by_key.get(request.key)
            if payment is None:
                reference = f"fakepay_{len(self.payments) + 1}"
                told = self.instructions.get(request.method)
                url = "" if told or request.kept_reference else f"{self.origin}/{reference}"
                raw = json.dumps({"id": reference})
                started = payments.StartedPayment(reference=reference, redirect_url=url, instructions=told, raw=raw)
                payment = FakePayment(request=request, started=started)
                self.payments[reference] = self._by_key[request.key] = payment
                if request.kept_reference:
                    self._charge(payment)
            if payment.request != request:
                raise Rejected("idempotency-key-reused")
            _answer(outcome)
            return payment.started

    def refuse_charges(self, *reasons: payments.FailureReason) -> None:
        """The bank says no to the next charges of methods that were kept."""
        self._charge_failures.extend(reasons)

    def find_payment(self, reference: str) -> tuple[payments.ProviderEvent, ...]:
        with self._lock:
            self._check_up()
            self.lookup_script.take()
            return tuple(self._payment(reference).events)

    def find_charge(self, *, key: str, kept_reference: str, created_at: datetime) -> payments.StartedPayment | None:
        with self._lock:
            self._check_up()
            self.lookup_script.take()
            found = self._by_key.get(key)
            return None if found is None else found.started

    def refund(self, request: payments.RefundRequest) -> payments.StartedRefund:
        with self._lock:
            self._check_up()
            outcome = self.script.take()
            refund = self.refunds.get(request.key)
            if refund is None:
                refund = self._accept_refund(request)
                self.refunds[request.key] = refund
            if refund.request != request:
                raise Rejected("idempotency-key-reused")
            _answer(outcome)
            return refund.started

    def read_webhook(
        self, *, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> tuple[payments.ProviderEvent, ...]:
        signature = {name.lower(): value for name, value in headers.items()}.get("fake-signature", "")
        try:
            check_signature(signature, body=body, secrets=self.secrets, now=now)
        except SignatureForged:
            raise payments.WebhookForged from None
        except SignatureStale:
            raise payments.WebhookStale from None
        told = json.loads(body)
        for payment in self.payments.values():
            for event in payment.events:
                if event.event_id == told["id"]:
                    return (event,)
        return (
            payments.ProviderEvent(
                event_id=told["id"],
                kind=payments.EventKind.UNKNOWN,
                payment_reference="",
                occurred_at=now,
                raw=body.decode(),
            ),
        )

    def read_settlement(self, body: bytes) -> payments.Settlement | None:
        told, *lines = body.decode("utf-8", "replace").split("\n")
        if told != _FAKE_SETTLEMENT:
            return None
        if lines[-2:] != [str(len(lines) - 2), ""]:
            raise payments.SettlementMalformed(line=1 + len(lines), expected="the number of the lines")
        return payments.Settlement(
            lines=tuple(_settlement_line(number, line) for number, line in enumerate(lines[:-2], start=2))
        )

    def settlement(self, begins_at: datetime, ends_at: datetime) -> bytes:
        """Its own books of a period as a settlement file; it keeps a yen of each capture."""
        told = [
            {
                "kind": _SETTLED[event.kind],
                "capture_reference": event.capture_reference,
                "reference": self._settled_reference(event),
                "amount": [event.amount.amount_minor, event.amount.currency],
                "fee": [int(event.kind is payments.EventKind.CAPTURED), event.amount.currency],
                "booked_at": event.occurred_at.isoformat(),
            }
            for payment in self.payments.values()
            for event in payment.events
            if event.kind in _SETTLED and event.amount is not None and begins_at <= event.occurred_at < ends_at
        ]
        return "\n".join([_FAKE_SETTLEMENT, *(json.dumps(line) for line in told), str(len(told)), ""]).encode()

    def _settled_reference(self, event: payments.ProviderEvent) -> str:
        if event.refund_key:
            return self.refunds[event.refund_key].started.reference
        return event.dispute_reference or event.event_id

    def pay(self, reference: str, *, amount: Money | None = None, times: int = 1) -> tuple[payments.ProviderEvent, ...]:
        """The payer pays: a capture each time, of the payment's amount unless another is given."""
        with self._lock:
            payment = self._payment(reference)
            return tuple(
                self._record(
                    payment,
                    kind=payments.EventKind.CAPTURED,
                    capture_reference=f"fakecap_{self._events + 1}",
                    amount=amount or payment.request.amount,
                    kept=_kept(payment.request),
                )
                for _ in range(times)
            )

    def decline(self, reference: str, reason: payments.FailureReason) -> payments.ProviderEvent:
        """The payer's bank says no."""
        with self._lock:
            return self._record(self._payment(reference), kind=payments.EventKind.FAILED, failure=reason)

    def finish_refund(self, key: str) -> payments.ProviderEvent:
        """The money has gone back."""
        with self._lock:
            return self._end_refund(self.refunds[key], payments.EventKind.REFUNDED)

    def fail_refund(self, key: str) -> payments.ProviderEvent:
        """The money could not go back and is with the merchant again."""
        with self._lock:
            self.refunds[key].is_failed = True
            return self._end_refund(self.refunds[key], payments.EventKind.REFUND_FAILED)

    def dispute(
        self, capture_reference: str, *, amount: Money | None = None, reason: str = "fraudulent"
    ) -> payments.ProviderEvent:
        """The payer's bank takes a capture back, wholly unless an amount is given."""
        with self._lock:
            payment, captured = self._capture(capture_reference)
            reference = f"fakedisp_{self._events + 1}"
            self.disputes[reference] = (payment, capture_reference, amount or captured, reason)
            return self._tell_dispute(reference, payments.EventKind.DISPUTE_OPENED)

    def end_dispute(self, reference: str, *, is_won: bool) -> payments.ProviderEvent:
        """It is decided who keeps the money."""
        with self._lock:
            kind = payments.EventKind.DISPUTE_WON if is_won else payments.EventKind.DISPUTE_LOST
            return self._tell_dispute(reference, kind)

    def refunds_under_way(self) -> list[str]:
        """The keys of refunds that were accepted and have not ended."""
        return [key for key, refund in self.refunds.items() if not refund.is_ended]

    def webhook(self, event_id: str, *, at: datetime | None = None) -> tuple[dict[str, str], bytes]:
        """Headers and body that deliver an event, signed now or at another moment."""
        body = json.dumps({"id": event_id}).encode()
        return {"Fake-Signature": signature_header(body, secrets=self.secrets, at=at or clock.now())}, body

    def _charge(self, payment: FakePayment) -> None:
        if self._charge_failures:
            failure = self._charge_failures.popleft()
            self.untold.append(self._record(payment, kind=payments.EventKind.FAILED, failure=failure))
        else:
            self.untold.extend(self.pay(payment.started.reference))

    def _check_up(self) -> None:
        if self.is_down:
            raise Unavailable("provider-down")

    def _payment(self, reference: str) -> FakePayment:
        try:
            return self.payments[reference]
        except KeyError:
            raise Rejected("payment-unknown") from None

    def _accept_refund(self, request: payments.RefundRequest) -> FakeRefund:
        payment, captured = self._capture(request.capture_reference)
        returned = sum(
            each.request.amount.amount_minor
            for each in self.refunds.values()
            if each.request.capture_reference == request.capture_reference and not each.is_failed
        )
        if request.amount.currency != captured.currency:
            raise Rejected("refund-currency")
        if request.amount.amount_minor + returned > captured.amount_minor:
            raise Rejected("refund-over-captured")
        reference = f"fakeref_{len(self.refunds) + 1}"
        started = payments.StartedRefund(reference=reference, is_done=False, raw=json.dumps({"id": reference}))
        return FakeRefund(request=request, started=started, payment=payment)

    def _capture(self, capture_reference: str) -> tuple[FakePayment, Money]:
        for payment in self.payments.values():
            for event in payment.events:
                is_capture = event.kind is payments.EventKind.CAPTURED
                if is_capture and event.capture_reference == capture_reference and event.amount is not None:
                    return payment, event.amount
        raise Rejected("capture-unknown")

    def _end_refund(self, refund: FakeRefund, kind: payments.EventKind) -> payments.ProviderEvent:
        refund.is_ended = True
        return self._record(
            refund.payment,
            kind=kind,
            capture_reference=refund.request.capture_reference,
            refund_key=refund.request.key,
            amount=refund.request.amount,
        )

    def _tell_dispute(self, reference: str, kind: payments.EventKind) -> payments.ProviderEvent:
        payment, capture_reference, amount, reason = self.disputes[reference]
        return self._record(
            payment,
            kind=kind,
            capture_reference=capture_reference,
            amount=amount,
            dispute_reference=reference,
            dispute_reason=reason,
        )

    def _record(
        self,
        payment: FakePayment,
        *,
        kind: payments.EventKind,
        capture_reference: str | None = None,
        refund_key: str | None = None,
        amount: Money | None = None,
        failure: payments.FailureReason | None = None,
        kept: payments.KeptMethod | None = None,
        dispute_reference: str | None = None,
        dispute_reason: str = "",
    ) -> payments.ProviderEvent:
        self._events += 1
        event_id = f"fakeevt_{self._events}"
        event = payments.ProviderEvent(
            event_id=event_id,
            kind=kind,
            payment_reference=payment.started.reference,
            capture_reference=capture_reference,
            refund_key=refund_key,
            amount=amount,
            failure=failure,
            kept=kept,
            dispute_reference=dispute_reference,
            dispute_reason=dispute_reason,
            occurred_at=clock.now(),
            raw=json.dumps({"id": event_id}),
        )
        payment.events.append(event)
        return event


class FakeGateway:
    """A gateway that keeps what it was given, in `sent`; `script` sets the outcomes of the next sends.

    `dead` are addresses that take nothing. It reports by webhook, in JSON and under `secret`.
    """

    secret = "fake gateway"  # noqa: S105 - it guards nothing

    def __init__(self) -> None:
        self.script = Script()
        self.sent: list[messaging.KeptMessage] = []
        self.dead: set[str] = set()

    @property
    def capabilities(self) -> messaging.Capabilities:
        return messaging.Capabilities(keeps_copies=True, reports_by_webhook=True)

    def send(self, message: messaging.OutgoingMessage) -> messaging.Sent:
        outcome = self.script.take()
        if message.address in self.dead:
            raise messaging.AddressDead("dead-on-demand")
        self.sent.append(messaging.KeptMessage(message=message, sent_at=clock.now()))
        _answer(outcome)
        return messaging.Sent(raw="taken", reference=f"fake-{message.message_id}")

    def kept(self, *, limit: int) -> tuple[messaging.KeptMessage, ...]:
        return tuple(reversed(self.sent[-limit:]))

    def read_reports(
        self, *, url: str, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Sequence[messaging.DeliveryReport]:
        given = {name.lower(): value for name, value in headers.items()}
        check_signature(given.get("fake-signature", ""), body=body, secrets=[self.secret], now=now)
        return [
            messaging.DeliveryReport(**{**each, "verdict": messaging.Verdict(each["verdict"])})
            for each in json.loads(body)
        ]

    def collect_reports(self) -> Sequence[messaging.DeliveryReport]:
        raise Unsupported("reports-by-webhook")

    def report(self, message_id: str, verdict: messaging.Verdict, reason: str = "") -> tuple[bytes, dict[str, str]]:
        """The body and the headers of a webhook about a message, signed now."""
        body = json.dumps([{"message_id": message_id, "verdict": verdict.value, "reason": reason}]).encode()
        return body, {"Fake-Signature": signature_header(body, secrets=[self.secret], at=clock.now())}


def _kept(request: payments.PaymentRequest) -> payments.KeptMethod | None:
    """What a payer asked to keep; the same payer's method has another token each time it is kept."""
    return payments.KeptMethod(reference=f"fakekept_{request.key}", label="Fake ···· 0001") if request.keep else None


#: The first line of a fake provider's settlement file; then one of JSON for each move, and how many there were.
_FAKE_SETTLEMENT = "fake settlement"
_SETTLED = {
    payments.EventKind.CAPTURED: payments.SettlementKind.CAPTURE,
    payments.EventKind.REFUNDED: payments.SettlementKind.REFUND,
    payments.EventKind.DISPUTE_OPENED: payments.SettlementKind.DISPUTE,
    payments.EventKind.DISPUTE_WON: payments.SettlementKind.DISPUTE_RETURNED,
}


def _settlement_line(number: int, text: str) -> payments.SettlementLine:
    try:
        told = json.loads(text)
        return payments.SettlementLine(
            number=number,
            kind=payments.SettlementKind(told["kind"]),
            capture_reference=told["capture_reference"],
            reference=told["reference"],
            amount=Money(*told["amount"]),
            fee=Money(*told["fee"]),
            booked_at=datetime.fromisoformat(told["booked_at"]),
        )
    except (ValueError, KeyError, TypeError) as problem:
        raise payments.SettlementMalformed(line=number, expected=f"a line of the fake ({problem})") from None


def _answer(outcome: Outcome) -> None:
    """Raises what a call comes to that has done its work."""
    if outcome is Outcome.DONE_UNANSWERED:
        raise OutcomeUnknown("unanswered-on-demand")
    if outcome is Outcome.ARRIVES_LATER:
        raise ValueError("only a carrier's calls can arrive later")
