# SPDX-License-Identifier: Apache-2.0
"""The simulator of WeChat Pay as a process.

For merchants, as WeChat Pay outside mainland China, signed by the merchant and answered with a signature:
POST /v3/global/transactions/native, /v3/global/transactions/out-trade-no/{out_trade_no}/close, /v3/global/refunds
GET  /v3/global/transactions/out-trade-no/{out_trade_no}, /v3/global/transactions/id/{id},
     /v3/global/refunds, /v3/global/refunds/out-refund-no/{out_refund_no}, /v3/global/refunds/id/{id}

For payers: GET /, GET and POST /pay?pr={code}.

With a key that WeChat Pay has not: GET /settlement?from=&to= (moments of RFC 3339), its books as the bill that
merchants download; for tests, in JSON, POST /control and /control/pay, GET /audit.

Notifications are posted to the address the simulator was started with, whatever notify_url an order names: encrypted,
signed, until 200 or 204, also after a crash.
"""

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
from tsuzuku.testing.simulators.object_books import Json, ObjectBooks, shown
from tsuzuku.testing.simulators.pay_page import format_amount
from tsuzuku.testing.simulators.server import Refusal, Request, Response, Sandbox, answer_json
from tsuzuku.testing.simulators.settlements import answer_settlement
from tsuzuku.testing.simulators.wallets import Trouble, page
from tsuzuku.testing.simulators.wechat_pay import bill, objects
from tsuzuku.testing.simulators.wechat_pay.keys import Keys
from tsuzuku.testing.simulators.wechat_pay.till import RefundEnd, Till
from tsuzuku.testing.simulators.wechat_pay.wire import (
    Signing,
    WeChatRefusal,
    check_merchant,
    encrypted,
    fields_of,
    missing,
    refused,
    signature_headers,
)

T = TypeVar("T")

_REFUNDS_AT_ONCE = 20
_APP = page.App(service={"en": "WeChat Pay", "zh": "微信支付"}, name={"en": "WeChat", "zh": "微信"})


class WeChatPaySandbox(Sandbox):
    """The provider."""

    name = "wechat-pay-sandbox"

    def __init__(self, folder: Path, *, webhook: str | None = None, merchant: str = "Tsuzuku") -> None:
        super().__init__(folder)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._keys = Keys(folder)
        self._merchant = merchant
        self._books = ObjectBooks(folder / "books.jsonl")
        if webhook:
            self._books.set_webhook_url(webhook)
        self._till = Till(self._books, mchid=self._keys.mchid)
        self._faults = Faults()
        self._lookup_faults = Faults()
        #: How the next answers and notifications are signed.
        self._next_answers: list[Signing] = []
        self._next_notices: list[Signing] = []
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
        self._clerk.start()

    def close(self) -> None:
        self._clerk.close()
        with self._changed:
            self._books.close()

    def answer(self, request: Request) -> Response:
        match request.method, request.path:
            case "GET", ():
                with self._changed:
                    codes = [_shown(each) for each in self._open_orders()]
                    return page.codes_page(request, _APP, codes, merchant=self._merchant)
            case "GET", ("pay",):
                return self._show_page(request)
            case "POST", ("pay",):
                return self._press(request)
            case _, ("v3", "global", *words):
                return self._call(request, tuple(words))
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

    def _call(self, request: Request, words: tuple[str, ...]) -> Response:
        """A call of the API, refused in WeChat Pay's form, and answered with a signature."""
        try:
            check_merchant(request, self._keys)
            if request.method == "GET":
                answer = self._lookup_faults.play(lambda: self._look(request, words))
            else:
                answer = self._faults.play(lambda: self._do(request, words))
        except Refusal as refusal:
            return refused(refusal)
        by = request.headers.get("wechatpay-serial", "")
        signing = self._next_answers.pop(0) if self._next_answers else Signing.RIGHT
        signature = signature_headers(answer.body, self._keys, by=by, signing=signing)
        return Response(answer.status, answer.body, {**answer.headers, **signature})

    def _look(self, request: Request, words: tuple[str, ...]) -> Response:
        query = {name: values[-1] for name, values in parse_qs(request.query).items()}
        if query.get("mchid") != self._keys.mchid:
            raise missing("mchid")
        with self._changed:
            match words:
                case ("transactions", "out-trade-no", number):
                    return answer_json(shown(self._order(number)))
                case ("transactions", "id", transaction_id):
                    return answer_json(shown(self._order_by("id", transaction_id)))
                case ("refunds",):
                    return answer_json(self._refunds(query))
                case ("refunds", "out-refund-no", number):
                    return answer_json(shown(self._refund("out_refund_no", number)))
                case ("refunds", "id", refund_id):
                    return answer_json(shown(self._refund("id", refund_id)))
        raise Refusal(HTTPStatus.NOT_FOUND, "not-found")

    def _do(self, request: Request, words: tuple[str, ...]) -> Response:
        fields, now = fields_of(request), clock.now()
        with self._changed:
            with self._books.change():
                match words:
                    case ("transactions", "native"):
                        answer = answer_json(self._till.create_order(fields, now=now))
                    case ("transactions", "out-trade-no", number, "close"):
                        self._till.close_order(self._order(number))
                        answer = Response(HTTPStatus.NO_CONTENT, b"")
                    case ("refunds",):
                        answer = answer_json(shown(self._till.create_refund(fields, now=now)))
                    case _:
                        raise Refusal(HTTPStatus.NOT_FOUND, "not-found")
            self._changed.notify_all()
            return answer

    def _order(self, number: object) -> Json:
        found = self._books.get(objects.transaction_key(number))
        if found is None:
            raise WeChatRefusal("ORDER_NOT_EXIST", "There is no such order.", status=HTTPStatus.NOT_FOUND)
        return found

    def _order_by(self, name: str, value: str) -> Json:
        for each in self._books.objects.values():
            if "trade_state" in each and each.get(name) == value:
                return dict(each)
        raise WeChatRefusal("ORDER_NOT_EXIST", "There is no such order.", status=HTTPStatus.NOT_FOUND)

    def _open_orders(self) -> list[Json]:
        return [each for each in self._books.objects.values() if each.get("trade_state") == "NOTPAY"]

    def _refund(self, name: str, value: str) -> Json:
        for each in self._books.objects.values():
            if "out_refund_no" in each and each[name] == value:
                return each
        raise WeChatRefusal("RESOURCE_NOT_EXISTS", "There is no such refund.", status=HTTPStatus.NOT_FOUND)

    def _refunds(self, query: Mapping[str, str]) -> Json:
        """The refunds of a transaction. Raises WeChatRefusal."""
        if "transaction_id" in query:
            of = self._order_by("id", query["transaction_id"])
        else:
            of = self._order(query.get("out_trade_no"))
        found = [
            each
            for each in self._books.objects.values()
            if "out_refund_no" in each and each["out_trade_no"] == of["out_trade_no"]
        ]
        if not found:
            raise WeChatRefusal("RESOURCE_NOT_EXISTS", "Nothing went back.", status=HTTPStatus.NOT_FOUND)
        try:
            offset, count = int(query["offset"]), int(query["count"])
        except (KeyError, ValueError):
            raise missing("offset") from None
        if not (offset >= 0 and 1 <= count <= _REFUNDS_AT_ONCE):
            raise missing("count")
        return objects.listed(of, found, offset=offset, count=count)

    # -- for payers --------------------------------------------------------------------------------------------------

    def _show_page(self, request: Request) -> Response:
        with self._changed:
            try:
                found = self._order_by("_code", _code(request))
                return page.code_page(request, _APP, _shown(found), merchant=self._merchant)
            except WeChatRefusal:
                return page.unknown_page(request)

    def _press(self, request: Request) -> Response:
        pressed = {name: values[-1] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
        with self._changed:
            try:
                found = self._order_by("_code", _code(request))
            except WeChatRefusal:
                return page.unknown_page(request)
            with self._books.change():
                if pressed.get("decline") in page.DECLINES:
                    self._till.decline(found, pressed["decline"])
                elif pressed.get("trouble") in set(Trouble):
                    self._till.pay(found, trouble=Trouble(pressed["trouble"]), now=clock.now())
            self._changed.notify_all()
        return page.after_press(_shown(found))

    # -- for tests ---------------------------------------------------------------------------------------------------

    def _check_control(self, request: Request) -> None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not compare_digest(given.encode(), self._keys.control_key.encode()):
            raise Refusal(HTTPStatus.UNAUTHORIZED, "key-unknown")

    def _pay(self, fields: dict[str, Any]) -> Response:
        """Pays without a browser: {"out_trade_no"}, and if wanted "decline", "trouble", "total" and "currency"."""
        amount: Json = {name: fields[name] for name in ("total", "currency") if name in fields}
        trouble = _parse(lambda: Trouble(fields.get("trouble", "none")))
        with self._changed:
            with self._books.change():
                found = self._order(fields.get("out_trade_no"))
                if "decline" in fields:
                    self._till.decline(found, str(fields["decline"]))
                else:
                    self._till.pay(found, trouble=trouble, amount=amount, now=clock.now())
            self._changed.notify_all()
            return answer_json(shown(self._order(fields.get("out_trade_no"))))

    def _control(self, fields: dict[str, Any]) -> Response:
        """Changes how the simulator behaves from now on; what is not named stays.

        late_seconds, refund_seconds; next_refunds: how the next refunds go; next_calls and next_lookups: faults of the
        next POSTs and GETs of the API; next_answers and next_notices: how the next are signed; webhook, merchant;
        rotate_webhook_secret; end_refunds; close: an out_trade_no; emit: the type of a notification that is about
        nothing of ours; redeliver: {"event", "times"}.
        """
        now = clock.now()
        ends = _parse(lambda: [RefundEnd(each) for each in fields.get("next_refunds", [])])
        answers = _parse(lambda: [Signing(each) for each in fields.get("next_answers", [])])
        notices = _parse(lambda: [Signing(each) for each in fields.get("next_notices", [])])
        webhook = fields.get("webhook")
        if webhook is not None and not is_webhook_url(str(webhook)):
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "webhook-malformed")
        self._faults.add(fields.get("next_calls", []))
        self._lookup_faults.add(fields.get("next_lookups", []))
        with self._changed:
            self._till.next_refunds.extend(ends)
            self._next_answers.extend(answers)
            self._next_notices.extend(notices)
            self._till.late_seconds = float(fields.get("late_seconds", self._till.late_seconds))
            self._till.refund_seconds = float(fields.get("refund_seconds", self._till.refund_seconds))
            self._merchant = str(fields.get("merchant", self._merchant))
            if webhook is not None:
                self._books.set_webhook_url(str(webhook))
            if fields.get("rotate_webhook_secret"):
                self._keys.change()
            if fields.get("end_refunds"):
                self._till.end_refunds(now=now)
            with self._books.change():
                if "close" in fields:
                    self._till.close_order(self._order(fields["close"]))
                if "emit" in fields:
                    notice = objects.other_notice(str(fields["emit"]), self._keys.mchid, now=now)
                    self._books.tell(notice, deliver_at=[now])
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
        """Sends a notification; one whose signature was a probe is sent again, however it was answered."""
        with self._changed:
            signing = self._next_notices.pop(0) if self._next_notices else Signing.RIGHT
            body = encrypted(notice, self._keys)
            headers = signature_headers(body, self._keys, signing=signing)
        answer = post(url, body, {"Content-Type": "application/json", **headers})
        is_taken = answer is not None and answer.status in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}
        return is_taken and signing is not Signing.PROBE


def _shown(found: Json) -> page.Code:
    """An order as the app shows it."""
    state = {"NOTPAY": page.State.OPEN, "CLOSED": page.State.CLOSED}.get(found["trade_state"], page.State.PAID)
    return page.Code(
        path=f"/pay?pr={found['_code']}",
        order=found["attach"] or found["out_trade_no"],
        item=found["_asked"]["description"],
        amount=format_amount(found["amount"]["total"], found["amount"]["currency"]),
        state=state,
        declined=next(iter(reversed(found["_declines"])), ""),
    )


def _code(request: Request) -> str:
    return parse_qs(request.query).get("pr", [""])[-1]


def _parse(read: Callable[[], T]) -> T:
    """What `read` makes of the request's fields. Raises Refusal for what it cannot read."""
    try:
        return read()
    except (KeyError, TypeError, ValueError):
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "fields-malformed") from None
