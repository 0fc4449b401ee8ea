# SPDX-License-Identifier: Apache-2.0
"""The simulator of Stripe as a process.

For merchants, as Stripe: `Authorization: Bearer <api key>` or Basic with the key as the name, forms with brackets, an
`Idempotency-Key` on every POST, `expand[]`:
POST /v1/checkout/sessions, /v1/checkout/sessions/{id}/expire, /v1/payment_intents (with confirm=true),
     /v1/payment_intents/{id}/cancel, /v1/refunds
GET  /v1/checkout/sessions/{id}, /v1/payment_intents/{id}, /v1/payment_intents, /v1/charges/{id}, /v1/customers/{id},
     /v1/payment_methods/{id}, /v1/refunds/{id}, /v1/refunds, /v1/disputes/{id}, /v1/disputes, /v1/events/{id},
     /v1/events

For payers: GET and POST /c/pay/{session}, and of PaymentIntents without a session /authorize/{payment_intent} (the page
of Alipay or PayPay), /konbini/{payment_intent} (a slip, and the store's till), /wechat/{payment_intent} (WeChat's app,
once it has scanned the code).

With the same key, not of Stripe's: GET /settlement?from=&to= (moments of RFC 3339), its books as the report that the
dashboard downloads; for tests, in JSON, POST /control and /control/pay, GET /audit.

Webhooks: POST of one event with `Stripe-Signature: t=<unix>,v1=<hex HMAC-SHA256(secret, t + "." + raw body)>`, a v1 for
each valid secret; until 2xx, also after a crash.
"""

import base64
import binascii
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from hmac import compare_digest
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs

from tsuzuku.kernel import clock
from tsuzuku.kernel.fingerprint import fingerprint
from tsuzuku.testing.simulators.clerk import Clerk
from tsuzuku.testing.simulators.deliveries import is_webhook_url, send_webhook
from tsuzuku.testing.simulators.faults import Faults
from tsuzuku.testing.simulators.merchant_secrets import own_secrets, rotate_webhook_secret
from tsuzuku.testing.simulators.server import Refusal, Request, Response, Sandbox, answer_json
from tsuzuku.testing.simulators.settlements import answer_settlement
from tsuzuku.testing.simulators.stripe import elsewhere_page, intents, objects, page, settlement
from tsuzuku.testing.simulators.stripe.books import StripeBooks
from tsuzuku.testing.simulators.stripe.cards import CARDS, Card, Decline, RefundEnd
from tsuzuku.testing.simulators.stripe.disputes import close_dispute, open_dispute
from tsuzuku.testing.simulators.stripe.objects import Json
from tsuzuku.testing.simulators.stripe.till import Till, Trouble
from tsuzuku.testing.simulators.stripe.views import Views
from tsuzuku.testing.simulators.stripe.wire import API_VERSION, StripeRefusal, no_such, parse_form, refused

T = TypeVar("T")

_KEY_CHARACTERS_MAX = 255


class StripeSandbox(Sandbox):
    """The provider."""

    name = "stripe-sandbox"

    def __init__(self, folder: Path, *, webhook: str | None = None, merchant: str = "Tsuzuku") -> None:
        super().__init__(folder)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._secrets = own_secrets(folder, key_prefix="sk_test_")
        self._merchant = merchant
        self._books = StripeBooks(folder / "books.jsonl")
        if webhook:
            self._books.set_webhook_url(webhook)
        self._till = Till(self._books)
        self._views = Views(self._books)
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
        return {"api_version": API_VERSION}

    def start(self) -> None:
        self._clerk.start()

    def close(self) -> None:
        self._clerk.close()
        with self._changed:
            self._books.close()

    def answer(self, request: Request) -> Response:
        match request.method, request.path:
            case "GET", ("c", "pay", session_id):
                return self._show_page(request, session_id)
            case "POST", ("c", "pay", session_id):
                return self._press(request, session_id)
            case "GET", (("authorize" | "konbini" | "wechat") as place, intent_id):
                return self._show_elsewhere(request, place, intent_id)
            case "POST", (("authorize" | "konbini" | "wechat") as place, intent_id):
                return self._press_elsewhere(request, place, intent_id)
            case _, ("v1", *words):
                return self._call(request, tuple(words))
        self._check_key(request)
        match request.method, request.path:
            case "POST", ("control",):
                return self._control(request.fields())
            case "POST", ("control", "pay"):
                return self._pay(request.fields())
            case "GET", ("settlement",):
                with self._changed:
                    return answer_settlement(request, lambda: settlement.booked(self._books), settlement.write)
            case "GET", ("audit",):
                return self._audit()
        raise Refusal(HTTPStatus.NOT_FOUND, "not-found")

    # -- for merchants -----------------------------------------------------------------------------------------------

    def _call(self, request: Request, words: tuple[str, ...]) -> Response:
        """A call of Stripe's API, refused in Stripe's form."""
        try:
            self._check_key(request)
            if request.method == "GET":
                return self._lookup_faults.play(lambda: self._look(request, words))
            return self._faults.play(lambda: self._do(request, words))
        except Refusal as refusal:
            return refused(refusal)

    def _check_key(self, request: Request) -> None:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            try:
                given = base64.b64decode(given, validate=True).decode("utf-8", "replace").partition(":")[0]
            except binascii.Error:
                given = ""
        if not compare_digest(given.encode(), self._secrets["api_key"].encode()):
            raise StripeRefusal("Invalid API Key provided", status=HTTPStatus.UNAUTHORIZED)

    def _look(self, request: Request, words: tuple[str, ...]) -> Response:
        fields = parse_form(request.query)
        with self._changed:
            return answer_json(self._views.look(words, fields), headers=_request_id())

    def _do(self, request: Request, words: tuple[str, ...]) -> Response:
        """A call that changes something; under a key that was used before, the answer of then."""
        fields = parse_form(request.body.decode("utf-8", "replace"))
        key = request.headers.get("idempotency-key", "")
        if len(key) > _KEY_CHARACTERS_MAX:
            raise StripeRefusal("The idempotency key is too long.", kind="idempotency_error")
        digest = fingerprint(words=words, fields=fields)
        with self._changed:
            if kept := self._books.replies.get(key):
                return _replayed(kept, digest, key)
            try:
                with self._books.change():
                    made = self._made(words, fields)
                    status = made.status if isinstance(made, StripeRefusal) else HTTPStatus.OK
                    body = made.body if isinstance(made, StripeRefusal) else self._views.expanded(made, fields)
                    self._keep(key, digest, status, body)
            except StripeRefusal as refusal:
                if refusal.is_kept:
                    with self._books.change():
                        self._keep(key, digest, refusal.status, refusal.body)
                raise
            self._changed.notify_all()
            return answer_json(body, status=status, headers=_request_id())

    def _made(self, words: tuple[str, ...], fields: Json) -> Json | StripeRefusal:
        """What was made; a refusal that is returned, not raised, tells of something that was made and counts."""
        now = clock.now()
        match words:
            case ("payment_intents",):
                refusals = self._till.next_charges
                return intents.create_intent(self._books, fields, url=self.url, refusals=refusals, now=now)
            case ("payment_intents", intent_id, "cancel"):
                return intents.cancel_intent(self._books, self._intent(intent_id), now=now)
            case ("checkout", "sessions"):
                return self._till.create_session(fields, url=self.url, now=now)
            case ("checkout", "sessions", session_id, "expire"):
                return self._till.expire_session(self._session(session_id), now=now)
            case ("refunds",):
                return self._till.create_refund(fields, now=now)
        raise StripeRefusal(f"Unrecognized request URL (POST: /v1/{'/'.join(words)}).", status=HTTPStatus.NOT_FOUND)

    def _keep(self, key: str, digest: str, status: int, body: Json) -> None:
        if key:
            self._books.keep_reply(key, {"digest": digest, "status": status, "body": body})

    def _session(self, session_id: object) -> Json:
        found = self._books.get(session_id)
        if found is None or found["object"] != "checkout.session":
            raise no_such("checkout.session", str(session_id), param="session")
        return found

    def _intent(self, intent_id: object) -> Json:
        found = self._books.get(intent_id)
        if found is None or found["object"] != "payment_intent":
            raise no_such("payment_intent", str(intent_id), param="intent")
        return found

    def _payable(self, reference: object) -> Json:
        """A session, or a PaymentIntent without one."""
        return self._intent(reference) if str(reference).startswith("pi_") else self._session(reference)

    def _charge(self, reference: object) -> Json:
        """The last charge of a session or PaymentIntent."""
        found = self._payable(reference)
        intent = self._books.get(found["payment_intent"]) if found["object"] == "checkout.session" else found
        charge = self._books.get(intent["latest_charge"]) if intent else None
        if charge is None:
            raise no_such("charge", str(reference))
        return charge

    # -- for payers --------------------------------------------------------------------------------------------------

    def _show_page(self, request: Request, session_id: str) -> Response:
        with self._changed:
            try:
                found = self._session(session_id)
            except StripeRefusal:
                return page.unknown_page(request)
            step = parse_qs(request.query).get("step", [""])[-1]
            intent = self._books.get(found["payment_intent"])
            return page.checkout_page(request, found, intent, step=step, merchant=self._merchant)

    def _press(self, request: Request, session_id: str) -> Response:
        pressed = {name: values[-1] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
        with self._changed:
            try:
                found = self._session(session_id)
            except StripeRefusal:
                return page.unknown_page(request)
            here = f"{self.url}/c/pay/{session_id}"
            with self._books.change():
                self._act(found, pressed)
            self._changed.notify_all()
            found, intent = self._session(session_id), self._books.get(found["payment_intent"])
            return page.next_page(found, intent, here=here, pressed=pressed)

    def _act(self, found: Json, pressed: Mapping[str, str]) -> None:
        """Does what a button of the page says; what no button says does nothing."""
        now = clock.now()
        card = CARDS.get(pressed.get("card", ""))
        match pressed.get("do"):
            case "pay" if card is not None:
                trouble = Trouble(pressed["trouble"]) if pressed.get("trouble") in set(Trouble) else Trouble.NONE
                self._till.pay(found, card, trouble=trouble, now=now)
            case "bank-yes" | "bank-no" as told:
                self._till.answer_bank(found, is_me=told == "bank-yes", now=now)

    def _show_elsewhere(self, request: Request, place: str, intent_id: str) -> Response:
        with self._changed:
            intent = self._intent_at(place, intent_id)
            if intent is None:
                return page.unknown_page(request)
            return elsewhere_page.elsewhere_page(request, intent, merchant=self._merchant)

    def _press_elsewhere(self, request: Request, place: str, intent_id: str) -> Response:
        pressed = parse_qs(request.body.decode("utf-8", "replace")).get("do", [""])[-1]
        now = clock.now()
        with self._changed:
            intent = self._intent_at(place, intent_id)
            if intent is None:
                return page.unknown_page(request)
            with self._books.change():
                match pressed:
                    case "pay":
                        self._till.pay(intent, None, now=now)
                    case "refuse":
                        intents.refuse(self._books, intent, now=now)
                    case "run-out":
                        intents.end(self._books, intent, now=now)
            self._changed.notify_all()
            return elsewhere_page.next_page(self._intent(intent_id), here=f"{self.url}/{place}/{intent_id}")

    def _intent_at(self, place: str, intent_id: str) -> Json | None:
        """A PaymentIntent without a session whose payer belongs to this place, or None."""
        intent = self._books.get(intent_id)
        if intent is None or intent["object"] != "payment_intent" or intent["_session"] is not None:
            return None
        return intent if elsewhere_page.PLACES.get(intent["payment_method_types"][0]) == place else None

    # -- for tests ---------------------------------------------------------------------------------------------------

    def _pay(self, fields: dict[str, Any]) -> Response:
        """Pays without a browser: {"payment", "card"}, and if wanted "trouble", "amount" and "currency".

        The payment is a session, or a PaymentIntent without one, which needs no card.
        """
        card: Card | None = CARDS.get(str(fields.get("card")))
        taken: Json = {name: fields[name] for name in ("amount", "currency") if name in fields}
        with self._changed:
            with self._books.change():
                trouble = _parse(lambda: Trouble(fields.get("trouble", "none")))
                self._till.pay(
                    self._payable(fields.get("payment")), card, trouble=trouble, taken=taken, now=clock.now()
                )
            self._changed.notify_all()
            return answer_json(objects.shown(self._payable(fields.get("payment"))))

    def _control(self, fields: dict[str, Any]) -> Response:
        """Changes how the simulator behaves from now on; what is not named stays.

        late_seconds, refund_seconds; next_refunds: how the next refunds go; next_charges: by which test cards' words
        the next charges of kept methods are declined; next_calls and next_lookups: faults of the next POSTs and GETs
        of the API; webhook, merchant; rotate_webhook_secret; end_refunds; expire: a session's id, or a PaymentIntent's
        that waits for its payer; open_dispute: {"payment", "reason"}; close_dispute: {"payment", "is_won"}; emit: the
        type of an event that is about nothing of ours; redeliver: {"event", "times"}.
        """
        now = clock.now()
        refusals = _parse(lambda: [_refusal(number) for number in fields.get("next_charges", [])])
        ends = _parse(lambda: [RefundEnd(each) for each in fields.get("next_refunds", [])])
        webhook = fields.get("webhook")
        if webhook is not None and not is_webhook_url(str(webhook)):
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "webhook-malformed")
        self._faults.add(fields.get("next_calls", []))
        self._lookup_faults.add(fields.get("next_lookups", []))
        with self._changed:
            self._till.next_refunds.extend(ends)
            self._till.next_charges.extend(refusals)
            self._till.late_seconds = float(fields.get("late_seconds", self._till.late_seconds))
            self._till.refund_seconds = float(fields.get("refund_seconds", self._till.refund_seconds))
            self._merchant = str(fields.get("merchant", self._merchant))
            if webhook is not None:
                self._books.set_webhook_url(str(webhook))
            if fields.get("rotate_webhook_secret"):
                self._secrets = rotate_webhook_secret(self.folder)
            if fields.get("end_refunds"):
                self._till.end_refunds(now=now)
            with self._books.change():
                if "expire" in fields:
                    self._expire(fields["expire"], now=now)
                if opened := fields.get("open_dispute"):
                    reason = str(opened.get("reason", "fraudulent"))
                    open_dispute(self._books, self._charge(opened["payment"]), reason=reason, now=now)
                if closed := fields.get("close_dispute"):
                    charge = self._charge(closed["payment"])
                    close_dispute(self._books, charge, is_won=bool(closed["is_won"]), now=now)
                if "emit" in fields:
                    about = {"id": objects.new_id("po"), "object": "payout"}
                    self._books.owe(objects.event(str(fields["emit"]), about, now=now), [now])
                if again := fields.get("redeliver"):
                    self._books.owe(self._views.event(again["event"]), [now] * int(again.get("times", 1)))
            self._changed.notify_all()
        return answer_json({})

    def _expire(self, reference: object, *, now: datetime) -> None:
        found = self._payable(reference)
        if found["object"] == "payment_intent":
            intents.end(self._books, found, now=now)
        else:
            self._till.expire_session(found, now=now)

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
        return send_webhook(url, event, header="Stripe-Signature", secrets=self._secrets["webhook_secrets"])


def _refusal(number: str) -> Decline:
    """The words by which a test card is declined. Raises ValueError."""
    decline = CARDS[number].decline
    if decline is None:
        raise ValueError(number)
    return decline


def _replayed(kept: Json, digest: str, key: str) -> Response:
    if kept["digest"] != digest:
        raise StripeRefusal(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. "
            f"Try using a key other than '{key}' if you meant to execute a different request.",
            kind="idempotency_error",
        )
    return answer_json(kept["body"], status=kept["status"], headers={**_request_id(), "Idempotent-Replayed": "true"})


def _request_id() -> dict[str, str]:
    return {"Request-Id": objects.new_id("req"), "Stripe-Version": API_VERSION}


def _parse(read: Callable[[], T]) -> T:
    """What `read` makes of the request's fields. Raises Refusal for what it cannot read."""
    try:
        return read()
    except (KeyError, TypeError, ValueError):
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "fields-malformed") from None
