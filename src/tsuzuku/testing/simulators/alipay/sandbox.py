# SPDX-License-Identifier: Apache-2.0
"""The simulator of Alipay as a process.

For merchants, as Alipay's open API: GET and POST /gateway.do, signed by the merchant's app and answered with a
signature; alipay.trade.precreate, .query, .close, .refund, .fastpay.refund.query.

For payers: GET /, GET and POST /{code}. Opening a code's address is scanning it.

With a key that Alipay has not: GET /settlement?from=&to= (moments of RFC 3339), its books as the bill that merchants
download; for tests, in JSON, POST /control and /control/pay, GET /audit.

Notifications are posted as forms to the address the simulator was started with, whatever notify_url a call names, until
they are answered with the word success, also after a crash.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from decimal import Decimal
from hmac import compare_digest
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs

from tsuzuku.kernel import clock
from tsuzuku.testing.simulators.alipay import bill, objects
from tsuzuku.testing.simulators.alipay.keys import Keys
from tsuzuku.testing.simulators.alipay.till import RefundEnd, Till
from tsuzuku.testing.simulators.alipay.wire import (
    Signing,
    answered,
    business_of,
    check_app,
    malformed,
    notice_body,
    on_demand,
    params_of,
)
from tsuzuku.testing.simulators.clerk import Clerk
from tsuzuku.testing.simulators.deliveries import is_webhook_url, post
from tsuzuku.testing.simulators.faults import Faults
from tsuzuku.testing.simulators.object_books import Json, ObjectBooks
from tsuzuku.testing.simulators.pay_page import WHOLE_CURRENCIES, format_amount
from tsuzuku.testing.simulators.server import Refusal, Request, Response, Sandbox, answer_json
from tsuzuku.testing.simulators.settlements import answer_settlement
from tsuzuku.testing.simulators.wallets import Trouble, page

T = TypeVar("T")

_APP = page.App(service={"en": "Alipay", "zh": "支付宝"}, name={"en": "Alipay", "zh": "支付宝"})
_LOOKUPS = frozenset({"alipay.trade.query", "alipay.trade.fastpay.refund.query"})
_TAKEN = b"success"


class AlipaySandbox(Sandbox):
    """The provider."""

    name = "alipay-sandbox"

    def __init__(self, folder: Path, *, webhook: str | None = None, merchant: str = "Tsuzuku") -> None:
        super().__init__(folder)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._keys = Keys(folder)
        self._merchant = merchant
        self._books = ObjectBooks(folder / "books.jsonl")
        if webhook:
            self._books.set_webhook_url(webhook)
        self._till = Till(self._books)
        self._faults = Faults()
        self._lookup_faults = Faults()
        #: How the next answers are signed.
        self._next_answers: list[Signing] = []
        #: Guards the books and wakes the clerk.
        self._changed = threading.Condition()
        self._clerk = Clerk(
            self._changed,
            self._books,
            go_on=lambda now: self._till.go_on(self._keys, now=now),
            next_at=self._books.next_at,
            send=self._send,
        )

    def address(self) -> dict[str, object]:
        return {}

    def start(self) -> None:
        self._clerk.start()

    def close(self) -> None:
        self._clerk.close()
        with self._changed:
            self._books.close()

    def answer(self, request: Request) -> Response:
        match request.method, request.path:
            case "GET", ():
                with self._changed:
                    codes = [_shown(each) for each in self._books.objects.values() if "_due_at" in each]
                    return page.codes_page(request, _APP, codes, merchant=self._merchant)
            case _, ("gateway.do",):
                return self._call(params_of(request))
            case "GET", (code,) if code.startswith("bax"):
                return self._show_page(request, code)
            case "POST", (code,) if code.startswith("bax"):
                return self._press(request, code)
        self._check_control(request)
        match request.method, request.path:
            case "POST", ("control",):
                return self._control(request.fields())
            case "POST", ("control", "pay"):
                return self._pay(request.fields())
            case "GET", ("settlement",):
                with self._changed:
                    return answer_settlement(request, lambda: bill.booked(self._books), bill.write)
            case "GET", ("audit",):
                return self._audit()
        raise Refusal(HTTPStatus.NOT_FOUND, "not-found")

    # -- for merchants -----------------------------------------------------------------------------------------------

    def _call(self, params: Mapping[str, str]) -> Response:
        """A call of the API, answered with a signature, whatever it comes to."""
        method = params.get("method", "")
        faults = self._lookup_faults if method in _LOOKUPS else self._faults
        try:
            check_app(params, self._keys)
            fields = faults.play(lambda: self._answer(method, business_of(params)))
        except Refusal as refusal:
            return answered(method, on_demand(refusal).fields(), self._keys)
        signing = self._next_answers.pop(0) if self._next_answers else Signing.RIGHT
        return answered(method, {"code": "10000", "msg": "Success", **fields}, self._keys, signing=signing)

    def _answer(self, method: str, fields: Json) -> Json:
        now = clock.now()
        with self._changed:
            with self._books.change():
                match method:
                    case "alipay.trade.precreate":
                        answer = self._till.precreate(fields, url=self.url, now=now)
                    case "alipay.trade.query":
                        answer = self._till.query(fields)
                    case "alipay.trade.close":
                        answer = self._till.close(fields, self._keys, now=now)
                    case "alipay.trade.refund":
                        answer = self._till.refund(fields, self._keys, now=now)
                    case "alipay.trade.fastpay.refund.query":
                        answer = self._till.query_refund(fields)
                    case _:
                        raise malformed("method")
            self._changed.notify_all()
            return answer

    # -- for payers --------------------------------------------------------------------------------------------------

    def _show_page(self, request: Request, code: str) -> Response:
        with self._changed:
            found = self._by("_code", code)
            if found is None:
                return page.unknown_page(request)
            with self._books.change():
                found = self._till.scan(found, now=clock.now())
            return page.code_page(request, _APP, _shown(found), merchant=self._merchant)

    def _press(self, request: Request, code: str) -> Response:
        pressed = {name: values[-1] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
        with self._changed:
            found = self._by("_code", code)
            if found is None:
                return page.unknown_page(request)
            with self._books.change():
                if pressed.get("decline") in page.DECLINES:
                    self._till.decline(found, pressed["decline"], now=clock.now())
                elif pressed.get("trouble") in set(Trouble):
                    self._till.pay(found, self._keys, trouble=Trouble(pressed["trouble"]), now=clock.now())
            self._changed.notify_all()
        return page.after_press(_shown(found))

    def _by(self, name: str, value: object) -> Json | None:
        """A copy of the code or trade with this field."""
        found = (dict(each) for each in self._books.objects.values() if "_code" in each and each[name] == value)
        return next(found, None)

    # -- for tests ---------------------------------------------------------------------------------------------------

    def _check_control(self, request: Request) -> None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not compare_digest(given.encode(), self._keys.control_key.encode()):
            raise Refusal(HTTPStatus.UNAUTHORIZED, "key-unknown")

    def _pay(self, fields: dict[str, Any]) -> Response:
        """Pays without a browser: {"out_trade_no"}, and if wanted "decline", "trouble", "total_amount", "currency"."""
        trouble = _parse(lambda: Trouble(fields.get("trouble", "none")))
        with self._changed:
            found = self._by("out_trade_no", fields.get("out_trade_no"))
            if found is None:
                raise Refusal(HTTPStatus.NOT_FOUND, "not-found")
            with self._books.change():
                if "decline" in fields:
                    self._till.decline(found, str(fields["decline"]), now=clock.now())
                else:
                    self._till.pay(
                        found,
                        self._keys,
                        trouble=trouble,
                        total_amount=str(fields.get("total_amount", "")),
                        currency=str(fields.get("currency", "")),
                        now=clock.now(),
                    )
            self._changed.notify_all()
        return answer_json({})

    def _control(self, fields: dict[str, Any]) -> Response:
        """Changes how the simulator behaves from now on; what is not named stays.

        late_seconds; next_refunds: how the next refunds go; next_calls and next_lookups: faults of the next calls that
        change something and of those that do not; next_answers: how the next are signed; webhook, merchant;
        rotate_webhook_secret; end: an out_trade_no; emit: the type of a notification that is about nothing of ours;
        redeliver: {"event", "times"}.
        """
        now = clock.now()
        ends = _parse(lambda: [RefundEnd(each) for each in fields.get("next_refunds", [])])
        answers = _parse(lambda: [Signing(each) for each in fields.get("next_answers", [])])
        webhook = fields.get("webhook")
        if webhook is not None and not is_webhook_url(str(webhook)):
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "webhook-malformed")
        self._faults.add(fields.get("next_calls", []))
        self._lookup_faults.add(fields.get("next_lookups", []))
        with self._changed:
            self._till.next_refunds.extend(ends)
            self._next_answers.extend(answers)
            self._till.late_seconds = float(fields.get("late_seconds", self._till.late_seconds))
            self._merchant = str(fields.get("merchant", self._merchant))
            if webhook is not None:
                self._books.set_webhook_url(str(webhook))
            if fields.get("rotate_webhook_secret"):
                self._keys.change()
            with self._books.change():
                if (ended := self._by("out_trade_no", fields.get("end"))) is not None:
                    self._till.end(ended, self._keys, now=now)
                if "emit" in fields:
                    self._books.tell(objects.other_notice(str(fields["emit"]), self._keys), deliver_at=[now])
                if again := fields.get("redeliver"):
                    notice = _parse(lambda: self._books.told[again["event"]])
                    self._books.owe(notice, [now] * int(again.get("times", 1)))
            self._changed.notify_all()
        return answer_json({})

    def _audit(self) -> Response:
        with self._changed:
            return answer_json(
                {
                    "objects": list(self._books.objects.values()),
                    "events": list(self._books.told.values()),
                    "owed_deliveries": [asdict(each) for each in self._books.deliveries.values()],
                }
            )

    def _send(self, notice: Mapping[str, Any], url: str) -> bool:
        fields = {**notice, "notify_id": notice["id"]}
        del fields["id"]
        with self._changed:
            body = notice_body(fields, self._keys)
        answer = post(url, body, {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
        return answer is not None and (answer.status, answer.body) == (HTTPStatus.OK, _TAKEN)


def _shown(found: Json) -> page.Code:
    """A code or trade as the app shows it."""
    if "send_pay_date" in found:
        state = page.State.PAID
    else:
        state = page.State.OPEN if "_due_at" in found else page.State.CLOSED
    currency = found["trans_currency"]
    hundredths = 1 if currency in WHOLE_CURRENCIES else 100
    return page.Code(
        path=f"/{found['_code']}",
        order=found["_asked"].get("body") or found["out_trade_no"],
        item=found["_asked"]["subject"],
        amount=format_amount(int(Decimal(found["total_amount"]) * hundredths), currency),
        state=state,
        declined=next(iter(reversed(found["_declines"])), ""),
    )


def _parse(read: Callable[[], T]) -> T:
    """What `read` makes of the request's fields. Raises Refusal for what it cannot read."""
    try:
        return read()
    except (KeyError, TypeError, ValueError):
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "fields-malformed") from None
