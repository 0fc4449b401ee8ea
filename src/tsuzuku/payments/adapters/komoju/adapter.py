# SPDX-License-Identifier: Apache-2.0
"""Speaks with KOMOJU."""

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from tsuzuku.kernel.calls import Answer, exchange, new_client
from tsuzuku.kernel.outcomes import OutcomeUnknown, Rejected, Unavailable, Unsupported
from tsuzuku.payments.adapters.komoju import refunds, settlement, webhook
from tsuzuku.payments.adapters.komoju.config import Account
from tsuzuku.payments.ports import (
    Capabilities,
    PaymentRequest,
    ProviderEvent,
    RefundRequest,
    Settlement,
    StartedPayment,
    StartedRefund,
)

METHOD = "seven_eleven"
#: A session's page is open for a day at most; after a payer has chosen a store their slip lives on its own.
_OPEN_MIN, _OPEN_MAX = timedelta(minutes=15), timedelta(hours=24)
_LOCALES: Mapping[str, str] = {"zh-hans": "zh_CN", "zh-hant": "zh_TW", "ja": "ja", "ko": "ko", "en": "en"}
#: Refusals that are no word about what was asked: a wrong key of ours, too many calls.
_TRY_AGAIN = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.SERVICE_UNAVAILABLE,
    }
)


class KomojuProvider:
    """The account's provider."""

    def __init__(self, account: Account) -> None:
        self._account = account

    @property
    def capabilities(self) -> Capabilities:
        url = self._account.url()
        return Capabilities(
            methods=() if url is None else (METHOD,),
            currencies=("JPY",),
            refunds=True,
            redirect_origins=() if url is None else (url,),
        )

    def start_payment(self, request: PaymentRequest) -> StartedPayment:
        if request.keep or request.kept_reference:
            raise Unsupported("keeps-no-methods")
        if request.method != METHOD:
            raise Rejected("method-unknown")
        answer = self._call("POST", "/sessions", _session_fields(request), key=request.key)
        try:
            session = answer.fields()
            # KOMOJU answers a key that it knows as it did then, whatever is asked now.
            if (session["amount"], session["currency"]) != (request.amount.amount_minor, request.amount.currency):
                raise Rejected("idempotency-key-reused")
            return StartedPayment(
                reference=str(session["id"]), redirect_url=str(session["session_url"]), raw=answer.text
            )
        except webhook.UNREADABLE as problem:
            raise OutcomeUnknown("answer-malformed") from problem

    def find_payment(self, reference: str) -> tuple[ProviderEvent, ...]:
        session = self._look("sessions", reference)
        try:
            payment = session.get("payment")
            if payment is not None:
                return tuple(webhook.read_payment(self._look("payments", str(payment["id"]))))
            is_over = session["status"] == "cancelled" or session.get("expired")
            return (webhook.session_ended(session),) if is_over else ()
        except webhook.UNREADABLE as problem:
            raise Unavailable("answer-malformed") from problem

    def find_charge(self, *, key: str, kept_reference: str, created_at: datetime) -> StartedPayment | None:
        raise Unsupported("keeps-no-methods")

    def refund(self, request: RefundRequest) -> StartedRefund:
        """Writes down in the payment what is to go back: who pays cash is known to nobody but themselves."""
        payment = self._look("payments", request.capture_reference)
        wanted = refunds.Wanted(request.key, request.amount.amount_minor)
        try:
            known = next((each for each in refunds.wanted_of(payment) if each.key == wanted.key), None)
            if payment["currency"] != request.amount.currency:
                raise Rejected("refund-currency")
            if known is not None and known != wanted:
                raise Rejected("idempotency-key-reused")
            if known is None:
                if not payment.get("captured_at") or wanted.amount_minor > refunds.left_of(payment):
                    raise Rejected("refund-too-large")
                path = f"/payments/{quote(request.capture_reference, safe='')}"
                payment = self._call("PATCH", path, {"metadata": refunds.with_wanted(payment, wanted)}).fields()
            return StartedRefund(reference=f"{payment['id']}:{wanted.key}", is_done=False, raw=json.dumps(payment))
        except webhook.UNREADABLE as problem:
            raise OutcomeUnknown("answer-malformed") from problem

    def read_webhook(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[ProviderEvent, ...]:
        webhook.verify(headers=headers, body=body, secrets=self._account.webhook_secrets(), now=now)
        return (webhook.parse_body(body, now=now),)

    def read_settlement(self, body: bytes) -> Settlement | None:
        return settlement.read_settlement(body)

    def _look(self, kind: str, reference: str) -> dict[str, Any]:
        try:
            return self._call("GET", f"/{kind}/{quote(reference, safe='')}").fields()
        except ValueError as problem:
            raise Unavailable("answer-malformed") from problem

    def _call(self, method: str, path: str, fields: Mapping[str, object] | None = None, *, key: str = "") -> Answer:
        """A call that was answered with yes. Raises Rejected, Unavailable or, unless it only looks, OutcomeUnknown."""
        url = self._account.url()
        if url is None:
            raise Unavailable("komoju-not-started")
        basic = base64.b64encode(f"{self._account.secret_key()}:".encode()).decode()
        headers = {"Authorization": f"Basic {basic}", **({"X-KOMOJU-IDEMPOTENCY": key} if key else {})}
        request = self._client.build_request(method, f"{url}/api/v1{path}", headers=headers, json=fields)
        answer = exchange(self._client, request, changes_nothing=method == "GET")
        code, told = _code(answer), f"HTTP {answer.status}"
        if 200 <= answer.status < 300:
            return answer
        if answer.status in _TRY_AGAIN:
            raise Unavailable(code, told)
        # 409: a call under the same key is under way, and its answer will be this one's too.
        if 400 <= answer.status < 500 and answer.status != HTTPStatus.CONFLICT:
            raise Rejected(code, told)
        raise (Unavailable if method == "GET" else OutcomeUnknown)(code, told)

    @cached_property
    def _client(self) -> httpx.Client:
        return new_client(through_proxy=(self._account.url() or "").startswith("https:"))


def _session_fields(request: PaymentRequest) -> dict[str, object]:
    """Nothing here may depend on the moment: the same key must carry the same parameters."""
    is_open = min(max(request.expires_at - request.created_at, _OPEN_MIN), _OPEN_MAX)
    fields: dict[str, object] = {
        "mode": "payment",
        "amount": request.amount.amount_minor,
        "currency": request.amount.currency,
        "return_url": request.return_url,
        "payment_types": ["konbini"],
        "default_locale": _LOCALES.get(request.language.lower(), "en"),
        "expires_in_seconds": int(is_open.total_seconds()),
        # An order may see several tries, each with a number of its own.
        "payment_data": {"external_order_num": f"{request.order_number}-{request.key[:8]}"},
        "metadata": {"tsuzuku_payment": request.key},
    }
    return {**fields, "email": request.payer_email} if request.payer_email else fields


def _code(answer: Answer) -> str:
    """KOMOJU's own word for what was wrong. Its sentences are not kept."""
    try:
        code = answer.fields()["error"]["code"]
    except (ValueError, KeyError, TypeError):
        code = None
    is_fit = isinstance(code, str) and code.isascii() and code.isprintable() and 0 < len(code) <= 64
    return code if is_fit else f"http-{answer.status}"
