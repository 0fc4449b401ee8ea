# SPDX-License-Identifier: Apache-2.0
"""Speaks with PayPal."""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from tsuzuku.kernel import clock
from tsuzuku.kernel.calls import WHOLE_SECONDS, Answer
from tsuzuku.kernel.money import Money
from tsuzuku.kernel.outcomes import OutcomeUnknown, Rejected, Unavailable, Unsupported
from tsuzuku.payments.adapters.paypal import settlement, webhook
from tsuzuku.payments.adapters.paypal.amounts import format_amount, parse_amount
from tsuzuku.payments.adapters.paypal.calls import Calls
from tsuzuku.payments.adapters.paypal.certificates import SigningCertificates
from tsuzuku.payments.adapters.paypal.config import Account
from tsuzuku.payments.ports import (
    Capabilities,
    PaymentRequest,
    ProviderEvent,
    RefundRequest,
    Settlement,
    StartedPayment,
    StartedRefund,
)

METHOD = "paypal"
_DESCRIPTION_CHARACTERS_MAX = 127
_LOCALES: Mapping[str, str] = {
    "zh-hans": "zh-CN",
    "zh-hant": "zh-TW",
    "ja": "ja-JP",
    "ko": "ko-KR",
    "en": "en-US",
}
#: PayPal knows the key of a capture for six hours. Later nothing is taken: a try that was declined would be made anew.
_AGREED_FOR = timedelta(hours=5)
#: Refusals of a capture that are no decline: the payer has not agreed, or must do something more on PayPal's page.
_NOT_AGREED = frozenset({"ORDER_NOT_APPROVED", "PAYER_ACTION_REQUIRED"})


class PayPalProvider:
    """The account's provider."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._calls = Calls(account)
        self._certificates = SigningCertificates(account)

    @property
    def capabilities(self) -> Capabilities:
        url = self._account.page_url()
        return Capabilities(
            methods=() if url is None else (METHOD,),
            currencies=("JPY",),
            refunds=True,
            redirect_origins=() if url is None else (url,),
            # Who comes back has agreed, and may be declined yet.
            returns_only_payers=False,
        )

    def start_payment(self, request: PaymentRequest) -> StartedPayment:
        if request.keep or request.kept_reference:
            raise Unsupported("keeps-no-methods")
        if request.method != METHOD:
            raise Rejected("method-unknown")
        answer = self._calls.post("/v2/checkout/orders", _order_fields(request), key=request.key)
        try:
            order = answer.fields()
            # PayPal answers a key that it knows with what it made then, whatever is asked now.
            _check_same(order["purchase_units"][0]["amount"], request.amount)
            reference = str(order["id"])
            # A payer who has agreed is no longer sent anywhere; the page still shows them what they agreed to.
            url = _link(order, "payer-action") or f"{self._account.page_url()}/checkoutnow?token={reference}"
            return StartedPayment(reference=reference, redirect_url=url, raw=answer.text)
        except webhook.UNREADABLE as problem:
            raise OutcomeUnknown("answer-malformed") from problem

    def find_payment(self, reference: str) -> tuple[ProviderEvent, ...]:
        """Looks, and takes the money of an order whose payer has agreed."""
        began = time.monotonic()
        answer = self._calls.get(f"/v2/checkout/orders/{quote(reference, safe='')}")
        try:
            order = answer.fields()
            if order["status"] == "APPROVED":
                # A token may have been fetched too: what would take longer than two calls is left to the next time.
                if time.monotonic() - began > WHOLE_SECONDS:
                    raise Unavailable("slow")
                return self._captured(order)
            return tuple(webhook.read_order(order))
        except webhook.UNREADABLE as problem:
            raise Unavailable("answer-malformed") from problem

    def find_charge(self, *, key: str, kept_reference: str, created_at: datetime) -> StartedPayment | None:
        raise Unsupported("keeps-no-methods")

    def refund(self, request: RefundRequest) -> StartedRefund:
        fields = {
            "amount": format_amount(request.amount),
            "custom_id": webhook.refund_id(payment_key=request.payment_key, refund_key=request.key),
        }
        path = f"/v2/payments/captures/{quote(request.capture_reference, safe='')}/refund"
        answer = self._calls.post(path, fields, key=request.key)
        try:
            refund = answer.fields()
            _check_same(refund["amount"], request.amount)
            if refund["status"] in {"FAILED", "CANCELLED"}:
                raise Rejected("refund-failed")
            is_done = refund["status"] == "COMPLETED"
            return StartedRefund(reference=str(refund["id"]), is_done=is_done, raw=answer.text)
        except webhook.UNREADABLE as problem:
            raise OutcomeUnknown("answer-malformed") from problem

    def read_webhook(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[ProviderEvent, ...]:
        webhook.verify(
            headers=headers,
            body=body,
            webhook_ids=self._account.webhook_ids(),
            certificates=self._certificates,
            now=now,
        )
        return (webhook.parse_body(body, now=now),)

    def read_settlement(self, body: bytes) -> Settlement | None:
        return settlement.read_settlement(body)

    def _captured(self, order: dict[str, Any]) -> tuple[ProviderEvent, ...]:
        """What came of taking an order's money. Raises Unavailable, or one of UNREADABLE."""
        now = clock.now()
        if now - webhook.moment(order["update_time"]) > _AGREED_FOR:
            return (webhook.refused(order, "ORDER_EXPIRED", now=now),)
        try:
            answer = self._capture(order)
        except Rejected as rejected:
            if rejected.code in _NOT_AGREED:
                return ()
            if rejected.code == "ORDER_ALREADY_CAPTURED":  # By another call of ours, since we looked.
                raise Unavailable(rejected.code) from rejected
            return (webhook.refused(order, rejected.code, now=now),)
        except OutcomeUnknown as problem:
            raise Unavailable(problem.code) from problem
        return tuple(webhook.read_order(answer.fields()))

    def _capture(self, order: Mapping[str, Any]) -> Answer:
        # An order can be captured once only. A try that was declined must be another after the payer has chosen another
        # card, and must be the same until then: nobody is charged by our asking.
        key = f"{order['id']}:{order['update_time']}"
        return self._calls.post(f"/v2/checkout/orders/{quote(str(order['id']), safe='')}/capture", {}, key=key)


def _order_fields(request: PaymentRequest) -> dict[str, object]:
    """Nothing here may depend on the moment: the same key must carry the same parameters."""
    return {
        "intent": "CAPTURE",
        "purchase_units": [
            {
                "amount": format_amount(request.amount),
                "description": request.description[:_DESCRIPTION_CHARACTERS_MAX],
                "custom_id": request.key,
                # An account may refuse to be paid twice for one invoice, and one order may see several tries.
                "invoice_id": f"{request.order_number}-{request.key[:8]}",
            }
        ],
        "payment_source": {
            "paypal": {
                "experience_context": {
                    "return_url": request.return_url,
                    "cancel_url": request.cancel_url,
                    "locale": _LOCALES.get(request.language.lower(), "en-US"),
                    "shipping_preference": "NO_SHIPPING",
                    "user_action": "PAY_NOW",
                    # No cheques, which would come or not come in days.
                    "payment_method_preference": "IMMEDIATE_PAYMENT_REQUIRED",
                }
            }
        },
    }


def _check_same(told: Mapping[str, Any], asked: Money) -> None:
    """Raises Rejected if a key was used for another amount before."""
    if parse_amount(told) != asked:
        raise Rejected("idempotency-key-reused")


def _link(fields: Mapping[str, Any], rel: str) -> str | None:
    return next((str(link["href"]) for link in fields.get("links") or [] if link["rel"] == rel), None)
