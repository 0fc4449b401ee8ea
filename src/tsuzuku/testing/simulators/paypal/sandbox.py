# SPDX-License-Identifier: Apache-2.0
"""The simulator of PayPal as a process.

For merchants, as PayPal: a token from POST /v1/oauth2/token (Basic with the client's id and secret), then as Bearer;
JSON; a `PayPal-Request-Id` under which the latest state of what was done is answered, whatever is asked then:
POST /v2/checkout/orders, /v2/checkout/orders/{id}/capture, /v2/payments/captures/{id}/refund
GET  /v2/checkout/orders/{id}, /v2/payments/captures/{id}, /v2/payments/refunds/{id}, /v1/customer/disputes/{id}

For everybody: GET /v1/notifications/certs/{name}, the certificates in PEM.

For payers: GET and POST /checkoutnow?token={order}.

For tests, in JSON and with `Authorization: Bearer` and the client's secret, not of PayPal's: POST /control and
/control/pay, GET /audit; and GET /settlement?from=&to= (moments of
RFC 3339), its books as the report that merchants download.

Webhooks: POST of one event, signed with RSA over `id|time|webhook id|crc32 of the raw body`; until 2xx, also after a
crash.
"""

import base64
import binascii
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from hmac import compare_digest
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs

from tsuzuku.kernel import clock
from tsuzuku.testing.simulators.clerk import Clerk
from tsuzuku.testing.simulators.deliveries import is_webhook_url, post
from tsuzuku.testing.simulators.faults import Faults
from tsuzuku.testing.simulators.merchant_secrets import own_secrets, rotate_webhook_secret
from tsuzuku.testing.simulators.object_books import Json, ObjectBooks, shown
from tsuzuku.testing.simulators.paypal import objects, page, report
from tsuzuku.testing.simulators.paypal.funding import Funding, RefundEnd, Trouble
from tsuzuku.testing.simulators.paypal.signing import Signer
from tsuzuku.testing.simulators.paypal.till import Till
from tsuzuku.testing.simulators.paypal.wire import CLIENT_ID, PayPalRefusal, error, new_id, not_found, refused
from tsuzuku.testing.simulators.server import Refusal, Request, Response, Sandbox, answer_json
from tsuzuku.testing.simulators.settlements import answer_settlement

T = TypeVar("T")

_REQUEST_ID_CHARACTERS_MAX = 108
_TOKEN_SECONDS = 32_400


class PayPalSandbox(Sandbox):
    """The provider."""

    name = "paypal-sandbox"

    def __init__(self, folder: Path, *, webhook: str | None = None, merchant: str = "Tsuzuku") -> None:
        super().__init__(folder)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._secrets = own_secrets(folder, key_prefix="E", new_secret=new_id)
        self._signer = Signer(folder, now=clock.now())
        self._merchant = merchant
        self._token_seconds = _TOKEN_SECONDS
        self._books = ObjectBooks(folder / "books.jsonl")
        if webhook:
            self._books.set_webhook_url(webhook)
        self._till = Till(self._books)
        self._faults = Faults()
        self._lookup_faults = Faults()
        #: Guards the books and wakes the clerk.
        self._changed = threading.Condition()
        self._clerk = Clerk(
            self._changed,
            self._books,
            go_on=lambda now: self._till.go_on(now=now),
            next_at=self._books.next_at,
            send=self._send,
        )

    def address(self) -> dict[str, object]:
        return {}

    def start(self) -> None:
        self._till.url = self.url
        self._clerk.start()

    def close(self) -> None:
        self._clerk.close()
        with self._changed:
            self._books.close()

    def answer(self, request: Request) -> Response:
        match request.method, request.path:
            case "GET", ("checkoutnow",):
                return self._show_page(request)
            case "POST", ("checkoutnow",):
                return self._press(request)
            case "GET", ("v1", "notifications", "certs", name):
                return self._certificate(name)
            case "POST", ("v1", "oauth2", "token"):
                return self._give_token(request)
            case _, ("v1" | "v2", *words):
                return self._call(request, tuple(words))
        if not compare_digest(_bearer(request), self._secrets["api_key"].encode()):
            raise Refusal(HTTPStatus.UNAUTHORIZED, "key-wrong")
        match request.method, request.path:
            case "POST", ("control",):
                return self._control(request.fields())
            case "POST", ("control", "pay"):
                return self._pay(request.fields())
        return self._show_books(request)

    def _show_books(self, request: Request) -> Response:
        match request.method, request.path:
            case "GET", ("settlement",):
                with self._changed:
                    return answer_settlement(request, lambda: report.booked(self._books), report.write)
            case "GET", ("audit",):
                return self._audit()
        raise Refusal(HTTPStatus.NOT_FOUND, "not-found")

    # -- who asks ----------------------------------------------------------------------------------------------------

    def _give_token(self, request: Request) -> Response:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            credentials = base64.b64decode(given, validate=True).decode() if kind.lower() == "basic" else ""
        except (binascii.Error, UnicodeDecodeError):
            credentials = ""
        if not compare_digest(credentials.encode(), f"{CLIENT_ID}:{self._secrets['api_key']}".encode()):
            told = {"error": "invalid_client", "error_description": "Client Authentication failed"}
            return answer_json(told, status=HTTPStatus.UNAUTHORIZED)
        fields = parse_qs(request.body.decode("utf-8", "replace"))
        if fields.get("grant_type") != ["client_credentials"]:
            told = {"error": "unsupported_grant_type", "error_description": "Grant Type is NULL"}
            return answer_json(told, status=HTTPStatus.BAD_REQUEST)
        until = int(clock.now().timestamp()) + self._token_seconds
        token = {
            "scope": "https://uri.paypal.com/services/payments/payment",
            "access_token": f"A21AA.{until}.{self._seal(until)}",
            "token_type": "Bearer",
            "app_id": "APP-80W284485P519543T",
            "expires_in": self._token_seconds,
        }
        return answer_json(token)

    def _seal(self, until: int) -> str:
        """What makes a token ours: the books need not remember it, and it outlives the process."""
        return hmac.new(self._secrets["api_key"].encode(), str(until).encode(), hashlib.sha256).hexdigest()

    def _check_token(self, request: Request) -> None:
        _, _, rest = _bearer(request).decode("utf-8", "replace").partition(".")
        until, _, seal = rest.partition(".")
        is_ours = until.isdigit() and len(until) < 16 and compare_digest(seal.encode(), self._seal(int(until)).encode())
        if not is_ours or int(until) <= clock.now().timestamp():
            raise Refusal(HTTPStatus.UNAUTHORIZED, "invalid_token")

    # -- for merchants -----------------------------------------------------------------------------------------------

    def _call(self, request: Request, words: tuple[str, ...]) -> Response:
        """A call of PayPal's API, refused in PayPal's form."""
        try:
            self._check_token(request)
            if request.method == "GET":
                return self._lookup_faults.play(lambda: self._look(words))
            return self._faults.play(lambda: self._do(request, words))
        except Refusal as refusal:
            if refusal.status == HTTPStatus.UNAUTHORIZED:
                told = {"error": "invalid_token", "error_description": "Token signature verification failed"}
                return answer_json(told, status=HTTPStatus.UNAUTHORIZED)
            return refused(refusal)

    def _look(self, words: tuple[str, ...]) -> Response:
        with self._changed:
            match words:
                case ("checkout", "orders", order_id):
                    return answer_json(self._till.shown(self._found(order_id, "order")))
                case ("payments", "captures", capture_id):
                    return answer_json(shown(self._found(capture_id, "capture")))
                case ("payments", "refunds", refund_id):
                    return answer_json(shown(self._found(refund_id, "refund")))
                case ("customer", "disputes", dispute_id):
                    return answer_json(shown(self._found(dispute_id, "dispute")))
        raise PayPalRefusal("INVALID_RESOURCE_ID", "No such address.", status=HTTPStatus.NOT_FOUND)

    def _do(self, request: Request, words: tuple[str, ...]) -> Response:
        """A call that changes something; under an id that was used before, the latest of what came of it."""
        fields = request.fields() if request.body else {}
        request_id = request.headers.get("paypal-request-id", "")
        if len(request_id) > _REQUEST_ID_CHARACTERS_MAX:
            raise PayPalRefusal("INVALID_STRING_LENGTH", "PayPal-Request-Id.", status=HTTPStatus.BAD_REQUEST)
        key = f"{'/'.join(words[:2])}/{words[-1]} {request_id}"
        with self._changed:
            kept = self._books.replies.get(key) if request_id else None
            if kept is None:
                kept = self._done(words, fields, key=key if request_id else "")
                self._changed.notify_all()
            if "refusal" in kept:
                return answer_json(kept["refusal"], status=kept["status"])
            body = self._latest(kept["id"])
        if request.headers.get("prefer", "") != "return=representation":
            body = {name: body[name] for name in ("id", "status", "links")}
        return answer_json(body, status=kept["status"])

    def _done(self, words: tuple[str, ...], fields: Json, *, key: str) -> Json:
        """Does it and keeps what came of it: repeated, it is answered with 200. Raises PayPalRefusal."""
        try:
            with self._books.change():
                made = self._made(words, fields)
                if key:
                    self._books.keep_reply(key, {"id": made, "status": HTTPStatus.OK})
        except PayPalRefusal as refusal:
            if not refusal.is_kept:
                raise
            kept = {"refusal": refusal.body, "status": refusal.status}
            with self._books.change():
                self._till.mark_declined(self._found(words[2], "order"), refusal.code)
                if key:
                    self._books.keep_reply(key, kept)
            return kept
        return {"id": made, "status": HTTPStatus.CREATED}

    def _made(self, words: tuple[str, ...], fields: Json) -> str:
        """Does what a call asks; the id of what it is answered with."""
        now = clock.now()
        match words:
            case ("checkout", "orders"):
                made = self._till.create_order(fields, now=now)
            case ("checkout", "orders", order_id, "capture"):
                made = self._till.capture(self._found(order_id, "order"), now=now)
            case ("payments", "captures", capture_id, "refund"):
                made = self._till.refund(self._found(capture_id, "capture"), fields, now=now)
            case _:
                raise PayPalRefusal("INVALID_RESOURCE_ID", "No such address.", status=HTTPStatus.NOT_FOUND)
        return str(made["id"])

    def _latest(self, object_id: str) -> Json:
        found = self._books.get(object_id)
        if found is None:
            raise not_found()
        return self._till.shown(found) if found["_kind"] == "order" else shown(found)

    def _found(self, object_id: object, kind: str) -> Json:
        found = self._books.get(object_id)
        if found is None or found["_kind"] != kind or found.get("_is_gone"):
            raise not_found()
        return found

    def _certificate(self, name: str) -> Response:
        found = self._signer.certificate(name)
        if found is None:
            return answer_json(error("RESOURCE_NOT_FOUND", "No such certificate."), status=HTTPStatus.NOT_FOUND)
        return Response(HTTPStatus.OK, found, {"Content-Type": "application/x-pem-file"})

    # -- for payers --------------------------------------------------------------------------------------------------

    def _show_page(self, request: Request) -> Response:
        with self._changed:
            try:
                return page.order_page(request, self._asked(request), merchant=self._merchant)
            except PayPalRefusal:
                return page.unknown_page(request)

    def _press(self, request: Request) -> Response:
        pressed = {name: values[-1] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
        with self._changed:
            try:
                order = self._asked(request)
            except PayPalRefusal:
                return page.unknown_page(request)
            if pressed.get("do") in set(Funding):
                trouble = pressed["trouble"] if pressed.get("trouble") in set(Trouble) else Trouble.NONE
                with self._books.change():
                    self._till.approve(dict(order), Funding(pressed["do"]), trouble=Trouble(trouble), now=clock.now())
                self._changed.notify_all()
            return page.next_page(self._found(order["id"], "order"), url=self.url)

    def _asked(self, request: Request) -> Json:
        return self._found(parse_qs(request.query).get("token", [""])[-1], "order")

    # -- for tests ---------------------------------------------------------------------------------------------------

    def _pay(self, fields: dict[str, Any]) -> Response:
        """Agrees without a browser: {"order", "funding"}, and if wanted "trouble" and "amount"."""
        funding = _parse(lambda: Funding(fields.get("funding", "good")))
        trouble = _parse(lambda: Trouble(fields.get("trouble", "none")))
        with self._changed:
            order = self._found(fields.get("order"), "order")
            with self._books.change():
                self._till.approve(order, funding, trouble=trouble, taken=fields.get("amount"), now=clock.now())
            self._changed.notify_all()
            return answer_json(self._latest(order["id"]))

    def _control(self, fields: dict[str, Any]) -> Response:
        """Changes how the simulator behaves from now on; what is not named stays.

        late_seconds, review_seconds, refund_seconds, token_seconds; refunds: how refunds go; next_refunds: how the next
        ones go; next_calls and next_lookups: faults of the next POSTs and GETs of the API; webhook, merchant;
        rotate_webhook_secret: another webhook and another certificate; renew_certificate; end_refunds; expire: an
        order; dispute: {"capture", "reason"}; resolve: {"dispute", "outcome"}; emit: the type of an event that is about
        nothing of ours; redeliver: {"event", "times"}.
        """
        now = clock.now()
        ends = _parse(lambda: [RefundEnd(each) for each in fields.get("next_refunds", [])])
        webhook = fields.get("webhook")
        if webhook is not None and not is_webhook_url(str(webhook)):
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "webhook-malformed")
        self._faults.add(fields.get("next_calls", []))
        self._lookup_faults.add(fields.get("next_lookups", []))
        answered: Json = {}
        with self._changed:
            till = self._till
            till.next_refunds.extend(ends)
            till.refund_end = _parse(lambda: RefundEnd(fields.get("refunds", till.refund_end)))
            for name in ("late_seconds", "review_seconds", "refund_seconds"):
                setattr(till, name, float(fields.get(name, getattr(till, name))))
            self._token_seconds = int(fields.get("token_seconds", self._token_seconds))
            self._merchant = str(fields.get("merchant", self._merchant))
            if webhook is not None:
                self._books.set_webhook_url(str(webhook))
            if fields.get("rotate_webhook_secret"):
                self._secrets = rotate_webhook_secret(self.folder, new_secret=new_id)
            if fields.get("rotate_webhook_secret") or fields.get("renew_certificate"):
                self._signer.renew(now=now)
            if fields.get("end_refunds"):
                till.end_refunds(now=now)
            with self._books.change():
                answered = self._bring_about(fields)
            self._changed.notify_all()
        return answer_json(answered)

    def _bring_about(self, fields: dict[str, Any]) -> Json:
        """What a test wants to happen to one thing."""
        now = clock.now()
        if "expire" in fields:
            self._till.expire(self._found(fields["expire"], "order"))
        if wanted := fields.get("resolve"):
            self._till.resolve(self._found(wanted["dispute"], "dispute"), outcome=wanted["outcome"], now=now)
        if "emit" in fields:
            about = {"id": new_id()}
            self._books.owe(objects.event(str(fields["emit"]), "payouts", about, url=self.url, now=now), [now])
        if again := fields.get("redeliver"):
            event = self._books.told.get(str(again["event"]))
            if event is None:
                raise not_found()
            self._books.owe(event, [now] * int(again.get("times", 1)))
        if wanted := fields.get("dispute"):
            reason = str(wanted.get("reason", "UNAUTHORISED"))
            return shown(self._till.dispute(self._found(wanted["capture"], "capture"), reason=reason, now=now))
        return {}

    def _audit(self) -> Response:
        with self._changed:
            books = self._books
            return answer_json(
                {
                    "objects": list(books.objects.values()),
                    "events": list(books.told.values()),
                    "owed_deliveries": [asdict(each) for each in books.deliveries.values()],
                }
            )

    def _send(self, event: Mapping[str, Any], url: str) -> bool:
        body = json.dumps(event, ensure_ascii=False).encode()
        webhook_id = self._secrets["webhook_secrets"][0]
        headers = self._signer.headers(body, webhook_id=webhook_id, url=self.url, now=clock.now())
        answer = post(url, body, {"Content-Type": "application/json", **headers})
        return answer is not None and 200 <= answer.status < 300


def _bearer(request: Request) -> bytes:
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    return given.encode() if kind.lower() == "bearer" else b""


def _parse(read: Callable[[], T]) -> T:
    """What `read` makes of the request's fields. Raises Refusal for what it cannot read."""
    try:
        return read()
    except (KeyError, TypeError, ValueError):
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "fields-malformed") from None
