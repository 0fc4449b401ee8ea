# SPDX-License-Identifier: Apache-2.0
"""Speaks with Alipay."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from tsuzuku.kernel import clock
from tsuzuku.kernel.calls import new_client
from tsuzuku.kernel.outcomes import OutcomeUnknown, Rejected, Unavailable, Unsupported
from tsuzuku.payments.adapters.alipay import settlement, webhook
from tsuzuku.payments.adapters.alipay.amounts import YUAN, format_amount, parse_amount
from tsuzuku.payments.adapters.alipay.calls import call, stamp
from tsuzuku.payments.adapters.alipay.config import Account, App, app_of
from tsuzuku.payments.ports import (
    Capabilities,
    Instructions,
    PaymentRequest,
    ProviderEvent,
    RefundRequest,
    Settlement,
    StartedPayment,
    StartedRefund,
    WebhookForged,
)

METHOD = "alipay"
#: By the contract for codes that are made for one order (订单码支付).
_PRODUCT = "QR_CODE_OFFLINE"
_OPEN_MIN, _OPEN_MAX = timedelta(minutes=15), timedelta(hours=2)
#: A trade that was paid in the last moment may be heard of so much later.
_GRACE = timedelta(minutes=5)
_SUBJECT_CHARACTERS_MAX = 128
_NOT_IN_SUBJECTS = str.maketrans(dict.fromkeys("/=&", " "))
_REFUNDED = "REFUND_SUCCESS"


@dataclass(frozen=True, slots=True)
class _Reference:
    """Our payment's: the trade's number, and until when it may be paid, in seconds since 1970."""

    number: str
    expires_at: int

    def __str__(self) -> str:
        return f"{self.number}.{self.expires_at}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises Rejected for what is none of ours."""
        number, _, moment = text.partition(".")
        if not (number.isalnum() and moment.isascii() and moment.isdigit() and len(moment) <= 12):
            raise Rejected("payment-unknown")
        return cls(number, int(moment))


class AlipayProvider:
    """The provider whose folder this is."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._clients = {through: new_client(through_proxy=through) for through in (True, False)}

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            methods=() if self._account.app() is None else (METHOD,),
            currencies=("JPY",),
            refunds=True,
            redirect_origins=(),
            webhook_reply="success",
        )

    def start_payment(self, request: PaymentRequest) -> StartedPayment:
        if request.keep or request.kept_reference:
            raise Unsupported("keeping")
        if request.method != METHOD:
            raise Rejected("method-unknown")
        app, expires_at = app_of(self._account), _expires_at(request)
        reference = _Reference(_number(request.key), int(expires_at.timestamp()))
        try:
            answer = self._call(app, "alipay.trade.precreate", _order(request, reference, expires_at), notify=True)
        except Rejected as rejected:
            if rejected.code != "ACQ.TRADE_HAS_SUCCESS":
                raise
            return self._paid_already(app, request, reference)
        try:
            code = str(answer["qr_code"])
        except KeyError as problem:
            raise OutcomeUnknown("answer-malformed") from problem
        # On the phone that has the app, the code's address opens it.
        instructions = Instructions(expires_at=expires_at, qr_text=code, page_url=code)
        return StartedPayment(reference=str(reference), instructions=instructions, raw=json.dumps(answer))

    def find_payment(self, reference: str) -> tuple[ProviderEvent, ...]:
        """Refunds are not found: Alipay tells of one only to who names it, and they end within their call."""
        app, ours, now = app_of(self._account), _Reference.parse(reference), clock.now()
        try:
            trade = self._trade(app, out_trade_no=ours.number)
        except Rejected as rejected:
            if rejected.code != "ACQ.TRADE_NOT_EXIST":
                raise
            ends_at = datetime.fromtimestamp(ours.expires_at, UTC)
            return () if now < ends_at + _GRACE else (webhook.expired(ours.number, at=ends_at),)
        try:
            return tuple(webhook.read_trade(trade, now=now))
        except webhook.UNREADABLE as problem:
            raise Unavailable("answer-malformed") from problem

    def find_charge(self, *, key: str, kept_reference: str, created_at: datetime) -> StartedPayment | None:
        raise Unsupported("keeps-no-methods")

    def refund(self, request: RefundRequest) -> StartedRefund:
        """Gives back, then looks if nothing has changed by that: it was done before, or not at all."""
        app, number = app_of(self._account), _number(request.key)
        fields = {
            "trade_no": request.capture_reference,
            "out_request_no": number,
            "refund_amount": format_amount(request.amount),
            "refund_currency": request.amount.currency,
        }
        answer = self._call(app, "alipay.trade.refund", fields)
        if answer.get("fund_change") != "Y":
            named = {"trade_no": request.capture_reference, "out_request_no": number}
            answer = self._call(app, "alipay.trade.fastpay.refund.query", named, changes_nothing=True)
            if answer.get("refund_status") != _REFUNDED:
                raise OutcomeUnknown("refund-unclear")
        return StartedRefund(reference=number, is_done=True, raw=json.dumps(answer))

    def read_webhook(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[ProviderEvent, ...]:
        app = self._account.app()
        if app is None:
            raise WebhookForged
        fields = webhook.verify(body, app=app, now=now)
        return (webhook.parse_fields(fields, body=body, app=app, now=now),)

    def read_settlement(self, body: bytes) -> Settlement | None:
        return settlement.read_settlement(body)

    def _paid_already(self, app: App, request: PaymentRequest, reference: _Reference) -> StartedPayment:
        """The payment of this key, which was started before and needs no code any more. Raises Rejected if another."""
        trade = self._trade(app, out_trade_no=reference.number)
        try:
            amount = parse_amount(trade["total_amount"], trade.get("trans_currency") or YUAN)
        except webhook.UNREADABLE as problem:
            raise Unavailable("answer-malformed") from problem
        if amount != request.amount:
            raise Rejected("idempotency-key-reused")
        return StartedPayment(reference=str(reference), raw=json.dumps(trade))

    def _trade(self, app: App, *, out_trade_no: str) -> dict[str, Any]:
        return self._call(app, "alipay.trade.query", {"out_trade_no": out_trade_no}, changes_nothing=True)

    def _call(
        self,
        app: App,
        method: str,
        fields: Mapping[str, object],
        *,
        notify: bool = False,
        changes_nothing: bool = False,
    ) -> dict[str, Any]:
        client = self._clients[app.is_real]
        return call(client, app, method, fields, notify=notify, changes_nothing=changes_nothing)


def _order(request: PaymentRequest, reference: _Reference, expires_at: datetime) -> dict[str, object]:
    """Nothing here may depend on the moment: the same key must carry the same fields."""
    subject = " ".join(request.description.translate(_NOT_IN_SUBJECTS).split())
    return {
        "out_trade_no": reference.number,
        "product_code": _PRODUCT,
        "subject": subject[:_SUBJECT_CHARACTERS_MAX] or request.order_number,
        "body": request.order_number,
        "total_amount": format_amount(request.amount),
        # What the price is in, and what the merchant gets; the payer pays yuan.
        "trans_currency": request.amount.currency,
        "settle_currency": request.amount.currency,
        "time_expire": stamp(expires_at),
    }


def _expires_at(request: PaymentRequest) -> datetime:
    """Until when it can be paid, in whole seconds."""
    expires_at = min(max(request.expires_at, request.created_at + _OPEN_MIN), request.created_at + _OPEN_MAX)
    return expires_at.replace(microsecond=0)


def _number(key: str) -> str:
    """A key as their numbers are: letters, digits and underscores."""
    return key.replace("-", "")
