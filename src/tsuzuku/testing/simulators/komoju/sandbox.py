# SPDX-License-Identifier: Apache-2.0
"""The simulator of KOMOJU as a process.

For merchants, as KOMOJU: Basic with the secret key as the name, JSON, and an `X-KOMOJU-IDEMPOTENCY` under which a POST
is answered as it was the first time, whatever is asked then:
POST  /api/v1/sessions, /api/v1/payments/{id}/refund (which cash never allows)
GET   /api/v1/sessions/{id}, /api/v1/payments/{id}
PATCH /api/v1/payments/{id}

For payers: GET and POST /sessions/{session} and /slips/{payment}.

For tests, in JSON and with `Authorization: Bearer` and the secret key, not of KOMOJU's: POST /control and /control/pay,
GET /audit; and GET /settlement?from=&to= (moments of
RFC 3339), its books as the report that merchants download.

Webhooks: POST of one event with `X-Komoju-Signature: <hex HMAC-SHA256(secret, raw body)>`, by the newest secret; until
2xx, also after a crash, each time with the same body.
"""

import base64
import binascii
import hashlib
import hmac
import json
import threading
from collections.abc import Mapping
from dataclasses import asdict
from hmac import compare_digest
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from tsuzuku.kernel import clock
from tsuzuku.testing.simulators.clerk import Clerk
from tsuzuku.testing.simulators.deliveries import is_webhook_url, post
from tsuzuku.testing.simulators.faults import Faults
from tsuzuku.testing.simulators.komoju import objects, page, report
from tsuzuku.testing.simulators.komoju.objects import Trouble
from tsuzuku.testing.simulators.komoju.till import Till
from tsuzuku.testing.simulators.komoju.wire import KomojuRefusal, invalid, new_id, not_found, refused
from tsuzuku.testing.simulators.merchant_secrets import own_secrets, rotate_webhook_secret
from tsuzuku.testing.simulators.object_books import Json, ObjectBooks, shown
from tsuzuku.testing.simulators.server import Refusal, Request, Response, Sandbox, answer_json
from tsuzuku.testing.simulators.settlements import answer_settlement

_KEY_CHARACTERS_MAX = 100


class KomojuSandbox(Sandbox):
    """The provider."""

    name = "komoju-sandbox"

    def __init__(self, folder: Path, *, webhook: str | None = None, merchant: str = "Tsuzuku") -> None:
        super().__init__(folder)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._secrets = own_secrets(folder, key_prefix="sk_test_")
        self._merchant = merchant
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
        match request.path:
            case ("sessions", session_id):
                return self._session_page(request, session_id)
            case ("slips", payment_id):
                return self._slip_page(request, payment_id)
            case ("api", "v1", *words):
                return self._call(request, tuple(words))
        if not compare_digest(_key(request, "bearer"), self._secrets["api_key"].encode()):
            raise Refusal(HTTPStatus.UNAUTHORIZED, "key-wrong")
        match request.method, request.path:
            case "POST", ("control",):
                return self._control(request.fields())
            case "POST", ("control", "pay"):
                return self._pay(request.fields())
            case "GET", ("settlement",):
                with self._changed:
                    return answer_settlement(request, lambda: report.booked(self._books), report.write)
            case "GET", ("audit",):
                return self._audit()
        raise Refusal(HTTPStatus.NOT_FOUND, "not-found")

    # -- for merchants -----------------------------------------------------------------------------------------------

    def _call(self, request: Request, words: tuple[str, ...]) -> Response:
        """A call of KOMOJU's API, refused in KOMOJU's form."""
        try:
            if not compare_digest(_key(request, "basic"), self._secrets["api_key"].encode()):
                raise KomojuRefusal("unauthorized", "The key is not valid.", status=HTTPStatus.UNAUTHORIZED)
            if request.method == "GET":
                return self._lookup_faults.play(lambda: self._look(words))
            return self._faults.play(lambda: self._do(request, words))
        except Refusal as refusal:
            return refused(refusal)

    def _look(self, words: tuple[str, ...]) -> Response:
        with self._changed:
            match words:
                case ("sessions", session_id):
                    return answer_json(self._shown_session(self._found(session_id, "session")))
                case ("payments", payment_id):
                    return answer_json(shown(self._found(payment_id, "payment")))
        raise not_found()

    def _do(self, request: Request, words: tuple[str, ...]) -> Response:
        """A call that changes something; under a key that was used before, the answer of then."""
        fields = request.fields() if request.body else {}
        key = request.headers.get("x-komoju-idempotency", "") if request.method == "POST" else ""
        if len(key) > _KEY_CHARACTERS_MAX or not key.isascii():
            raise invalid("X-KOMOJU-IDEMPOTENCY")
        with self._changed:
            kept = self._books.replies.get(key) if key else None
            if kept is None:
                with self._books.change():
                    kept = self._made(request.method, words, fields)
                    if key:
                        self._books.keep_reply(key, kept)
                self._changed.notify_all()
            return answer_json(kept)

    def _made(self, method: str, words: tuple[str, ...], fields: Json) -> Json:
        match method, words:
            case "POST", ("sessions",):
                return self._shown_session(self._till.create_session(fields, now=clock.now()))
            case "POST", ("payments", payment_id, "refund"):
                self._found(payment_id, "payment")
                self._till.refund_at_once()
            case "PATCH", ("payments", payment_id):
                return shown(self._till.update_payment(self._found(payment_id, "payment"), fields))
        raise not_found()

    def _shown_session(self, session: Json) -> Json:
        return objects.shown_session(session, self._books.get(session["payment"]))

    def _found(self, object_id: object, kind: str) -> Json:
        found = self._books.get(object_id)
        if found is None or found["_kind"] != kind:
            raise not_found()
        return found

    # -- for payers --------------------------------------------------------------------------------------------------

    def _session_page(self, request: Request, session_id: str) -> Response:
        with self._changed:
            try:
                session = self._found(session_id, "session")
            except KomojuRefusal:
                return page.unknown_page(request)
            if request.method == "POST":
                return self._press_session(session, _pressed(request))
            payment = self._books.get(session["payment"])
            if payment is not None:
                return page.leave(payment["payment_details"]["instructions_url"])
            return page.session_page(request, session, merchant=self._merchant)

    def _press_session(self, session: Json, pressed: Mapping[str, str]) -> Response:
        now = clock.now()
        address = session["session_url"]
        with self._books.change():
            if "issue" in pressed:
                payment = self._till.issue(session, pressed["issue"], now=now)
                address = payment["payment_details"]["instructions_url"] if payment else address
            elif "refuse" in pressed:
                self._till.fail(session, pressed["refuse"], now=now)
            elif "cancel" in pressed:
                self._till.cancel(session, now=now)
                address = page.return_url(session)
        self._changed.notify_all()
        return page.leave(address)

    def _slip_page(self, request: Request, payment_id: str) -> Response:
        with self._changed:
            try:
                payment = self._found(payment_id, "payment")
            except KomojuRefusal:
                return page.unknown_page(request)
            session = self._found(payment["session"], "session")
            if request.method != "POST":
                return page.slip_page(request, session, payment, merchant=self._merchant)
            pressed, now = _pressed(request), clock.now()
            with self._books.change():
                if pressed.get("pay") in set(Trouble):
                    self._till.pay(payment, trouble=Trouble(pressed["pay"]), now=now)
                elif "expire" in pressed:
                    self._till.expire(payment, now=now)
            self._changed.notify_all()
            return page.leave(payment["payment_details"]["instructions_url"])

    # -- for tests ---------------------------------------------------------------------------------------------------

    def _pay(self, fields: dict[str, Any]) -> Response:
        """Chooses 7-Eleven and pays there: {"session"}, and if wanted "trouble", "amount" and "currency"."""
        now, trouble = clock.now(), fields.get("trouble", "none")
        if trouble not in set(Trouble):
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "fields-malformed")
        taken: Json = {name: fields[name] for name in ("amount", "currency") if name in fields}
        with self._changed:
            with self._books.change():
                session = self._found(fields.get("session"), "session")
                payment = self._books.get(session["payment"]) or self._till.issue(session, "seven-eleven", now=now)
                if payment is not None and not fields.get("slip_only"):
                    self._till.pay(payment, trouble=Trouble(trouble), taken=taken, now=now)
            self._changed.notify_all()
            return answer_json(self._shown_session(self._found(fields.get("session"), "session")))

    def _control(self, fields: dict[str, Any]) -> Response:
        """Changes how the simulator behaves from now on; what is not named stays.

        late_seconds; reject_refunds: how many of the next refunds come back; next_calls and next_lookups: faults of the
        next calls that change and that look; webhook, merchant; rotate_webhook_secret; make_refunds: those that are
        written down; refund: {"payment", "amount", "description"}, by hand; expire: the id of a session or a payment;
        emit: the type of an event that is about nothing of ours; redeliver: {"event", "times"}.
        """
        now, webhook = clock.now(), fields.get("webhook")
        if webhook is not None and not is_webhook_url(str(webhook)):
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "webhook-malformed")
        self._faults.add(fields.get("next_calls", []))
        self._lookup_faults.add(fields.get("next_lookups", []))
        with self._changed:
            self._till.late_seconds = float(fields.get("late_seconds", self._till.late_seconds))
            self._till.refunds_to_reject = int(fields.get("reject_refunds", self._till.refunds_to_reject))
            self._merchant = str(fields.get("merchant", self._merchant))
            if webhook is not None:
                self._books.set_webhook_url(str(webhook))
            if fields.get("rotate_webhook_secret"):
                self._secrets = rotate_webhook_secret(self.folder)
            if fields.get("make_refunds"):
                self._till.make_refunds(now=now)
            with self._books.change():
                if wanted := fields.get("refund"):
                    payment = self._found(wanted["payment"], "payment")
                    description = str(wanted.get("description", ""))
                    self._till.refund(payment, amount=int(wanted["amount"]), description=description, now=now)
                if found := self._books.get(fields.get("expire")):
                    self._till.expire(found, now=now)
                if "emit" in fields:
                    self._books.owe(objects.event(str(fields["emit"]), {"id": new_id()}, now=now), [now])
                if again := fields.get("redeliver"):
                    event = self._books.told.get(str(again["event"]))
                    if event is None:
                        raise not_found()
                    self._books.owe(event, [now] * int(again.get("times", 1)))
            self._changed.notify_all()
        return answer_json({})

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
        secret = self._secrets["webhook_secrets"][0]
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Komoju-Webhook",
            "X-Komoju-ID": new_id(),
            "X-Komoju-Event": str(event["type"]),
            "X-Komoju-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
        }
        answer = post(url, body, headers)
        return answer is not None and 200 <= answer.status < 300


def _key(request: Request, wanted: str) -> bytes:
    """The key of an Authorization header of one kind: bearer, or the name of basic."""
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != wanted:
        return b""
    if wanted == "bearer":
        return given.encode()
    try:
        return base64.b64decode(given, validate=True).partition(b":")[0]
    except binascii.Error:
        return b""


def _pressed(request: Request) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
