# SPDX-License-Identifier: Apache-2.0
"""Speaks with WeChat Pay."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote

from tsuzuku.kernel import clock
from tsuzuku.kernel.calls import new_client
from tsuzuku.kernel.outcomes import OutcomeUnknown, Rejected, Unavailable, Unsupported
from tsuzuku.payments.adapters.wechat_pay import settlement, webhook
from tsuzuku.payments.adapters.wechat_pay.calls import call
from tsuzuku.payments.adapters.wechat_pay.config import API_URL, Account, Merchant, merchant_of
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

METHOD = "wechat_pay"
_TRANSACTIONS, _REFUNDS = "/v3/global/transactions", "/v3/global/refunds"
#: A code is good for two hours, whatever is asked for.
_OPEN_MIN, _OPEN_MAX = timedelta(minutes=15), timedelta(hours=2)
_DESCRIPTION_BYTES_MAX = 127
#: The most that one answer lists; those beyond are told by notifications alone. A payment may have fifty.
_REFUNDS_AT_ONCE = 20
#: The number is that of a payment that was paid, or of another one.
_NUMBER_USED = frozenset({"ORDERPAID", "ORDER_PAID", "OUT_TRADE_NO_USED"})
_CHINA = timezone(timedelta(hours=8))


class WeChatPayProvider:
    """The provider whose folder this is."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._clients = {through: new_client(through_proxy=through) for through in (True, False)}

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            methods=() if self._account.merchant() is None else (METHOD,),
            currencies=("JPY",),
            refunds=True,
            redirect_origins=(),
        )

    def start_payment(self, request: PaymentRequest) -> StartedPayment:
        if request.keep or request.kept_reference:
            raise Unsupported("keeping")
        if request.method != METHOD:
            raise Rejected("method-unknown")
        merchant = merchant_of(self._account)
        reference, expires_at = _number(request.key), _expires_at(request)
        try:
            answer = self._call(
                merchant, "POST", f"{_TRANSACTIONS}/native", fields=_order(request, merchant, reference, expires_at)
            )
        except Rejected as rejected:
            if rejected.code not in _NUMBER_USED:
                raise
            return self._paid_already(merchant, request, reference)
        try:
            code_url = str(answer["code_url"])
        except KeyError as problem:
            raise OutcomeUnknown("answer-malformed") from problem
        instructions = Instructions(expires_at=expires_at, qr_text=code_url, page_url=self._account.app_page(code_url))
        return StartedPayment(reference=reference, instructions=instructions, raw=json.dumps(answer))

    def find_payment(self, reference: str) -> tuple[ProviderEvent, ...]:
        """One question more of a payment of which something went back: the first answer says only that it did."""
        merchant = merchant_of(self._account)
        transaction = self._transaction(merchant, f"out-trade-no/{quote(reference, safe='')}")
        try:
            events = webhook.read_transaction(transaction, now=clock.now())
            if transaction["trade_state"] == "REFUND":
                events += webhook.read_refunds(self._refunds(merchant, reference))
        except webhook.UNREADABLE as problem:
            raise Unavailable("answer-malformed") from problem
        return tuple(sorted(events, key=lambda event: event.occurred_at))

    def find_charge(self, *, key: str, kept_reference: str, created_at: datetime) -> StartedPayment | None:
        raise Unsupported("keeps-no-methods")

    def refund(self, request: RefundRequest) -> StartedRefund:
        """Looks before it gives back: the whole of what was taken must be said, and its currency held to."""
        merchant = merchant_of(self._account)
        transaction = self._transaction(merchant, f"id/{quote(request.capture_reference, safe='')}")
        try:
            taken = webhook.money(transaction["amount"]["total"], transaction["amount"]["currency"])
        except webhook.UNREADABLE as problem:
            raise Unavailable("answer-malformed") from problem
        if taken.currency != request.amount.currency:
            raise Rejected("refund-currency")
        refund = self._call(
            merchant,
            "POST",
            _REFUNDS,
            fields={
                "appid": merchant.appid,
                "mchid": merchant.mchid,
                "transaction_id": request.capture_reference,
                "out_refund_no": _number(request.key),
                "notify_url": merchant.notify_url,
                "amount": {
                    "refund": request.amount.amount_minor,
                    "total": taken.amount_minor,
                    "currency": taken.currency,
                },
            },
        )
        try:
            return StartedRefund(
                reference=str(refund["id"]), is_done=refund.get("status") == "SUCCESS", raw=json.dumps(refund)
            )
        except KeyError as problem:
            raise OutcomeUnknown("answer-malformed") from problem

    def read_webhook(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[ProviderEvent, ...]:
        merchant = self._account.merchant()
        if merchant is None:
            raise WebhookForged
        webhook.verify(headers=headers, body=body, merchant=merchant, now=now)
        return (webhook.parse_body(body, merchant=merchant, now=now),)

    def read_settlement(self, body: bytes) -> Settlement | None:
        return settlement.read_settlement(body)

    def _paid_already(self, merchant: Merchant, request: PaymentRequest, reference: str) -> StartedPayment:
        """The payment of this key, which was started before and needs no code any more. Raises Rejected if another."""
        transaction = self._transaction(merchant, f"out-trade-no/{quote(reference, safe='')}")
        try:
            amount = webhook.money(transaction["amount"]["total"], transaction["amount"]["currency"])
            is_paid = transaction["trade_state"] in webhook.PAID_STATES
        except webhook.UNREADABLE as problem:
            raise Unavailable("answer-malformed") from problem
        if not is_paid or amount != request.amount:
            raise Rejected("idempotency-key-reused")
        return StartedPayment(reference=reference, raw=json.dumps(transaction))

    def _transaction(self, merchant: Merchant, name: str) -> dict[str, Any]:
        return self._call(merchant, "GET", f"{_TRANSACTIONS}/{name}", query={"mchid": merchant.mchid})

    def _refunds(self, merchant: Merchant, reference: str) -> dict[str, Any]:
        query: dict[str, str | int] = {
            "out_trade_no": reference,
            "mchid": merchant.mchid,
            "offset": 0,
            "count": _REFUNDS_AT_ONCE,
        }
        try:
            return self._call(merchant, "GET", _REFUNDS, query=query)
        except Rejected as rejected:
            # It is no word on the payment, which is there.
            raise Unavailable(rejected.code, rejected.detail) from rejected

    def _call(
        self,
        merchant: Merchant,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        fields: Mapping[str, object] | None = None,
    ) -> dict[str, Any]:
        client = self._clients[merchant.api_url == API_URL]
        return call(client, merchant, method, path, query=query, fields=fields)


def _order(request: PaymentRequest, merchant: Merchant, reference: str, expires_at: datetime) -> dict[str, object]:
    """Nothing here may depend on the moment: the same key must carry the same fields."""
    return {
        "appid": merchant.appid,
        "mchid": merchant.mchid,
        "description": _shortened(request.description) or request.order_number,
        "out_trade_no": reference,
        "time_expire": expires_at.astimezone(_CHINA).isoformat(),
        "attach": request.order_number,
        "notify_url": merchant.notify_url,
        "trade_type": "NATIVE",
        "merchant_category_code": merchant.category,
        "amount": {"total": request.amount.amount_minor, "currency": request.amount.currency},
    }


def _expires_at(request: PaymentRequest) -> datetime:
    """Until when it can be paid, in whole seconds."""
    expires_at = min(max(request.expires_at, request.created_at + _OPEN_MIN), request.created_at + _OPEN_MAX)
    return expires_at.replace(microsecond=0)


def _number(key: str) -> str:
    """A key as their numbers are: 32 letters and digits at most."""
    return key.replace("-", "")


def _shortened(text: str) -> str:
    return text.encode()[:_DESCRIPTION_BYTES_MAX].decode("utf-8", "ignore")
