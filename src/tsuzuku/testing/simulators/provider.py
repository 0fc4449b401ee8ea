# SPDX-License-Identifier: Apache-2.0
"""A payment provider with a pay page of its own.

For merchants, with `Authorization: Bearer <api key>` (secrets.json in the sandbox's folder):
POST /v1/payments   {"amount_minor", "currency", "description", "order_number", "return_url", "language"} and
                    `Idempotency-Key` → 201 {"id", "status", "pay_url", ...}; the key again: 200 and the same payment
GET  /v1/payments/{id}           → {"id", "status", "events": [...]}, the events as webhooks tell them, oldest first
POST /v1/payments/{id}/simulate  {"behaviour", "amount_minor", "currency"}: pays without a browser
POST /v1/refunds    {"capture", "amount_minor", "currency"} and `Idempotency-Key` → 201 {"id", "status": "pending"}
POST /control       next_pays, next_refunds, next_calls, next_lookups, slow_seconds, late_seconds, refund_seconds,
                    webhook, merchant, rotate_webhook_secret, emit, redeliver: see `_control`
GET  /settlement?from=&to=       → its books of a period as CSV; moments of RFC 3339
GET  /audit                      → everything

For payers: GET and POST /pay/{id}.

Webhooks: POST of one event with `Sandbox-Signature: t=<unix>,v1=<hex HMAC-SHA256(secret, t + "." + raw body)>`, a v1
for each valid secret; until 2xx, also after a crash.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from hmac import compare_digest
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlencode, urlsplit

from tsuzuku.kernel import clock
from tsuzuku.testing.simulators.clerk import Clerk
from tsuzuku.testing.simulators.deliveries import is_webhook_url, send_webhook
from tsuzuku.testing.simulators.faults import Faults
from tsuzuku.testing.simulators.merchant_secrets import own_secrets, rotate_webhook_secret
from tsuzuku.testing.simulators.pay_page import pay_page, unknown_page
from tsuzuku.testing.simulators.provider_books import Behaviour, Books, Pace, Payment, Refund, RefundEnd
from tsuzuku.testing.simulators.provider_settlement import booked, write
from tsuzuku.testing.simulators.server import Refusal, Request, Response, Sandbox, answer_json
from tsuzuku.testing.simulators.settlements import answer_settlement

T = TypeVar("T")

_AMOUNT_MINOR_MAX = 1_000_000_000


class PaymentSandbox(Sandbox):
    """The provider."""

    name = "payment-sandbox"

    def __init__(self, folder: Path, *, webhook: str | None = None, merchant: str = "Tsuzuku") -> None:
        super().__init__(folder)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._secrets = own_secrets(folder, key_prefix="sk_")
        self._merchant = merchant
        self._pace = Pace()
        self._books = Books(folder / "books.jsonl")
        if webhook:
            self._books.set_webhook_url(webhook)
        self._next_pays: deque[Behaviour] = deque()
        self._next_refunds: deque[RefundEnd] = deque()
        self._faults = Faults()
        self._lookup_faults = Faults()
        #: Guards the books and wakes the clerk.
        self._changed = threading.Condition()
        self._clerk = Clerk(
            self._changed,
            self._books,
            go_on=lambda now: self._books.go_on(pace=self._pace, now=now),
            next_at=lambda: self._books.next_at(pace=self._pace),
            send=self._send,
        )

    def address(self) -> dict[str, object]:
        return {"mode": "sandbox"}

    def start(self) -> None:
        self._clerk.start()

    def close(self) -> None:
        self._clerk.close()
        with self._changed:
            self._books.close()

    def answer(self, request: Request) -> Response:
        match request.method, request.path:
            case "GET", ("pay", payment_id):
                return self._show_pay_page(request, payment_id)
            case "POST", ("pay", payment_id):
                return self._press(request, payment_id)
        given = request.headers.get("authorization", "").encode()
        if not compare_digest(given, f"Bearer {self._secrets['api_key']}".encode()):
            raise Refusal(HTTPStatus.UNAUTHORIZED, "key-unknown")
        match request.method, request.path:
            case "POST", ("v1", "payments"):
                return self._faults.play(lambda: self._start_payment(request))
            case "GET", ("v1", "payments", payment_id):
                return self._lookup_faults.play(lambda: self._find_payment(payment_id))
            case "POST", ("v1", "payments", payment_id, "simulate"):
                return self._simulate(request.fields(), payment_id)
            case "POST", ("v1", "refunds"):
                return self._faults.play(lambda: self._start_refund(request))
            case "POST", ("control",):
                return self._control(request.fields())
        return self._show_books(request)

    def _show_books(self, request: Request) -> Response:
        match request.method, request.path:
            case "GET", ("settlement",):
                with self._changed:
                    return answer_settlement(request, lambda: booked(self._books), write)
            case "GET", ("audit",):
                return self._audit()
        raise Refusal(HTTPStatus.NOT_FOUND, "not-found")

    # -- for merchants -----------------------------------------------------------------------------------------------

    def _start_payment(self, request: Request) -> Response:
        fields = request.fields()
        wanted = {
            **_amount(fields),
            "description": _text(fields, "description"),
            "order_number": _text(fields, "order_number"),
            "return_url": _text(fields, "return_url"),
            "language": _text(fields, "language"),
        }
        if not is_webhook_url(wanted["return_url"]):
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "return-url-malformed")
        with self._changed:
            payment, is_new = self._books.start_payment(key=_key(request), wanted=wanted, now=clock.now())
            return _created({**self._shown(payment), "status": "open"}, is_new=is_new)

    def _find_payment(self, payment_id: str) -> Response:
        with self._changed:
            payment = self._payment(payment_id)
            return answer_json({**self._shown(payment), "events": payment.events})

    def _simulate(self, fields: dict[str, Any], payment_id: str) -> Response:
        behaviour = _parse(lambda: Behaviour(fields["behaviour"]))
        with self._changed:
            payment = self._payment(payment_id)
            asked = {"amount_minor": payment.amount_minor, "currency": payment.currency}
            taken = _amount({name: fields.get(name, value) for name, value in asked.items()})
            self._act(payment, behaviour, taken=taken)
            return answer_json({**self._shown(payment), "events": payment.events})

    def _start_refund(self, request: Request) -> Response:
        fields = request.fields()
        wanted = {"capture": _text(fields, "capture"), **_amount(fields)}
        with self._changed:
            end = self._next_refunds[0] if self._next_refunds else RefundEnd.DONE
            refund, is_new = self._books.start_refund(key=_key(request), wanted=wanted, end=end, now=clock.now())
            if is_new and self._next_refunds:
                self._next_refunds.popleft()
            self._changed.notify_all()
            first_status = "done" if refund.end is RefundEnd.AT_ONCE else "pending"
            return _created({**_shown_refund(refund), "status": first_status}, is_new=is_new)

    def _shown(self, payment: Payment) -> dict[str, object]:
        return {
            "id": payment.id,
            "status": payment.status.value,
            "amount_minor": payment.amount_minor,
            "currency": payment.currency,
            "order_number": payment.order_number,
            "pay_url": f"{self.url}/pay/{payment.id}",
        }

    def _payment(self, payment_id: str) -> Payment:
        try:
            return self._books.payments[payment_id]
        except KeyError:
            raise Refusal(HTTPStatus.NOT_FOUND, "payment-unknown") from None

    # -- for payers --------------------------------------------------------------------------------------------------

    def _show_pay_page(self, request: Request, payment_id: str) -> Response:
        with self._changed:
            payment = self._books.payments.get(payment_id)
            if payment is None:
                return unknown_page(request)
            return pay_page(request, replace(payment), merchant=self._merchant, back_url=_back(payment))

    def _press(self, request: Request, payment_id: str) -> Response:
        pressed = parse_qs(request.body.decode("utf-8", "replace")).get("behaviour", [Behaviour.PAY.value])[-1]
        behaviour = _parse(lambda: Behaviour(pressed))
        with self._changed:
            payment = self._books.payments.get(payment_id)
            if payment is None:
                return unknown_page(request)
            if behaviour is Behaviour.PAY and self._next_pays:
                behaviour = self._next_pays.popleft()
            self._act(payment, behaviour)
            return Response(HTTPStatus.SEE_OTHER, b"", {"Location": _back(payment), "Cache-Control": "no-store"})

    def _act(self, payment: Payment, behaviour: Behaviour, *, taken: dict[str, Any] | None = None) -> None:
        self._books.act(payment, behaviour, pace=self._pace, now=clock.now(), taken=taken)
        self._changed.notify_all()

    # -- for tests ---------------------------------------------------------------------------------------------------

    def _control(self, fields: dict[str, Any]) -> Response:
        """Changes how the sandbox behaves from now on; what is not named stays.

        next_pays: what the next presses of the pay button do; next_refunds: how the next refunds go; next_calls and
        next_lookups: faults of the next POSTs to payments and refunds, and of the next GETs of a payment; emit: the
        type of an event that names no payment; redeliver: {"event", "times"}.
        """
        pace = _parse(lambda: Pace(**{name: float(fields.get(name, old)) for name, old in asdict(self._pace).items()}))
        pays = _parse(lambda: [Behaviour(each) for each in fields.get("next_pays", [])])
        refunds = _parse(lambda: [RefundEnd(each) for each in fields.get("next_refunds", [])])
        again = _parse(lambda: _redelivery(fields["redeliver"])) if "redeliver" in fields else None
        webhook = fields.get("webhook")
        if webhook is not None and not is_webhook_url(str(webhook)):
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "webhook-malformed")
        self._faults.add(fields.get("next_calls", []))
        self._lookup_faults.add(fields.get("next_lookups", []))
        with self._changed:
            self._pace = pace
            self._next_pays.extend(pays)
            self._next_refunds.extend(refunds)
            self._merchant = str(fields.get("merchant", self._merchant))
            if webhook is not None:
                self._books.set_webhook_url(str(webhook))
            if fields.get("rotate_webhook_secret"):
                self._secrets = rotate_webhook_secret(self.folder)
            if "emit" in fields:
                self._books.emit(str(fields["emit"]), now=clock.now())
            if again:
                event_id, times = again
                self._books.deliver_again(event_id, times=times, now=clock.now())
            self._changed.notify_all()
        return answer_json({})

    def _audit(self) -> Response:
        with self._changed:
            books = self._books
            return answer_json(
                {
                    "payments": [{**self._shown(each), "key": each.key} for each in books.payments.values()],
                    "captures": [asdict(each) for each in books.captures.values()],
                    "refunds": [_shown_refund(each) for each in books.refunds.values()],
                    "events": books.events,
                    "owed_deliveries": [asdict(each) for each in books.deliveries.values()],
                }
            )

    def _send(self, event: Mapping[str, Any], url: str) -> bool:
        return send_webhook(url, event, header="Sandbox-Signature", secrets=self._secrets["webhook_secrets"])


def _back(payment: Payment) -> str:
    """The merchant's address with the payment's id, which proves nothing."""
    parts = urlsplit(payment.return_url)
    query = "&".join(filter(None, [parts.query, urlencode({"payment": payment.id})]))
    return parts._replace(query=query).geturl()


def _redelivery(asked: dict[str, Any]) -> tuple[str, int]:
    """Which event to send again, and how often."""
    return str(asked["event"]), int(asked.get("times", 1))


def _shown_refund(refund: Refund) -> dict[str, object]:
    return {
        "id": refund.id,
        "key": refund.key,
        "status": refund.status,
        "capture": refund.capture,
        "amount_minor": refund.amount_minor,
        "currency": refund.currency,
    }


def _created(fields: dict[str, object], *, is_new: bool) -> Response:
    if is_new:
        return answer_json(fields, status=HTTPStatus.CREATED)
    return answer_json(fields, status=HTTPStatus.OK, headers={"Idempotent-Replayed": "true"})


def _key(request: Request) -> str:
    key = request.headers.get("idempotency-key", "")
    if not (0 < len(key) <= 255 and key.isascii() and key.isprintable()):
        raise Refusal(HTTPStatus.BAD_REQUEST, "idempotency-key-missing")
    return key


def _amount(fields: dict[str, Any]) -> dict[str, Any]:
    amount_minor, currency = fields.get("amount_minor"), fields.get("currency")
    if type(amount_minor) is not int or not 0 < amount_minor <= _AMOUNT_MINOR_MAX:
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "amount-malformed")
    if not (isinstance(currency, str) and len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "currency-malformed")
    return {"amount_minor": amount_minor, "currency": currency}


def _text(fields: dict[str, Any], name: str) -> str:
    text = fields.get(name)
    if not isinstance(text, str) or not 0 < len(text) <= 1000:
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name.replace('_', '-')}-malformed")
    return text


def _parse(read: Callable[[], T]) -> T:
    """What `read` makes of the request's fields. Raises Refusal for what it cannot read."""
    try:
        return read()
    except (KeyError, TypeError, ValueError):
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "fields-malformed") from None
