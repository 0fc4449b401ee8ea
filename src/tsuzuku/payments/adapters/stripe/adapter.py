# SPDX-License-Identifier: Apache-2.0
"""Speaks with Stripe."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

import stripe
from stripe.params.checkout import SessionCreateParams

from tsuzuku.kernel.outcomes import OutcomeUnknown, Rejected, Unavailable
from tsuzuku.payments.adapters.stripe import webhook
from tsuzuku.payments.adapters.stripe.calls import answered, new_stripe
from tsuzuku.payments.adapters.stripe.config import API_URL, METHODS, Account, Method
from tsuzuku.payments.ports import (
    Capabilities,
    PaymentRequest,
    ProviderEvent,
    RefundRequest,
    StartedPayment,
    StartedRefund,
)

#: A session may live from half an hour to a day after it was made, which may be a while after it was first asked for.
_OPEN_MIN, _OPEN_MAX = timedelta(minutes=45), timedelta(hours=23)
_NAME_CHARACTERS_MAX = 250
_REFUNDS_AT_ONCE = 100

_LOCALES: Mapping[str, Literal["zh", "zh-TW", "ja", "ko", "en"]] = {
    "zh-hans": "zh",
    "zh-hant": "zh-TW",
    "ja": "ja",
    "ko": "ko",
    "en": "en",
}


class StripeProvider:
    """The provider whose folder this is."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._client: tuple[tuple[str, str], stripe.StripeClient] | None = None

    @property
    def capabilities(self) -> Capabilities:
        url = self._account.checkout_url()
        return Capabilities(
            methods=self._account.methods(),
            currencies=("JPY",),
            refunds=True,
            redirect_origins=() if url is None else (url,),
            returns_only_payers=True,
        )

    def start_payment(self, request: PaymentRequest) -> StartedPayment:
        sessions, params = self._stripe().v1.checkout.sessions, _session_params(request)
        session = answered(lambda: sessions.create(params, {"idempotency_key": request.key}))
        try:
            return StartedPayment(
                reference=str(session["id"]), redirect_url=str(session["url"]), raw=json.dumps(session)
            )
        except KeyError as problem:
            raise OutcomeUnknown("answer-malformed") from problem

    def find_payment(self, reference: str) -> tuple[ProviderEvent, ...]:
        sessions = self._stripe().v1.checkout.sessions
        session = answered(
            lambda: sessions.retrieve(reference, {"expand": ["payment_intent.latest_charge.refunds"]}),
            changes_nothing=True,
        )
        try:
            if session["payment_intent"] is not None:
                self._complete_refunds(session["payment_intent"])
            return tuple(webhook.read_session(session))
        except webhook.UNREADABLE as problem:
            raise Unavailable("answer-malformed") from problem

    def refund(self, request: RefundRequest) -> StartedRefund:
        """Looks before it gives back: Stripe forgets idempotency keys after a day, and refunds have no currency."""
        known = self._known_refund(request)
        refunds = self._stripe().v1.refunds
        refund = known or answered(
            lambda: refunds.create(
                {
                    "payment_intent": request.capture_reference,
                    "amount": request.amount.amount_minor,
                    "metadata": {webhook.PAYMENT_KEY: request.payment_key, webhook.REFUND_KEY: request.key},
                },
                {"idempotency_key": request.key},
            )
        )
        try:
            return StartedRefund(
                reference=str(refund["id"]), is_done=refund["status"] == "succeeded", raw=json.dumps(refund)
            )
        except KeyError as problem:
            raise OutcomeUnknown("answer-malformed") from problem

    def read_webhook(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[ProviderEvent, ...]:
        webhook.verify(headers=headers, body=body, secrets=self._account.webhook_secrets(), now=now)
        return (webhook.parse_body(body, now=now),)

    def _known_refund(self, request: RefundRequest) -> dict[str, Any] | None:
        """The refund of this key, if it was made already. Raises Rejected if it, or the capture, is another."""
        intents = self._stripe().v1.payment_intents
        intent = answered(
            lambda: intents.retrieve(request.capture_reference, {"expand": ["latest_charge.refunds"]}),
            changes_nothing=True,
        )
        try:
            self._complete_refunds(intent)
            if intent["currency"].upper() != request.amount.currency:
                raise Rejected("refund-currency")
            for refund in webhook.refunds_of(intent):
                if (refund.get("metadata") or {}).get(webhook.REFUND_KEY) == request.key:
                    if refund["amount"] != request.amount.amount_minor:
                        raise Rejected("idempotency-key-reused")
                    return refund
        except webhook.UNREADABLE as problem:
            raise Unavailable("answer-malformed") from problem
        return None

    def _complete_refunds(self, intent: dict[str, Any]) -> None:
        """A charge tells its newest ten refunds; the few that have more are asked once more."""
        charge = intent["latest_charge"]
        if charge is not None and charge["refunds"]["has_more"]:
            refunds = self._stripe().v1.refunds
            charge["refunds"] = answered(
                lambda: refunds.list({"payment_intent": intent["id"], "limit": _REFUNDS_AT_ONCE}),
                changes_nothing=True,
            )

    def _stripe(self) -> stripe.StripeClient:
        """A client for the account as it is now: a simulator may come back elsewhere."""
        url = self._account.api_url()
        if url is None:
            raise Unavailable("stripe-not-started")
        wanted = (self._account.api_key(), url)
        if self._client is None or self._client[0] != wanted:
            self._client = (wanted, new_stripe(api_key=wanted[0], api_url=url, through_proxy=url == API_URL))
        return self._client[1]


def _method(name: str) -> Method:
    """A method by Stripe's own name, which is ours too. Raises Rejected."""
    found = next((method for method in METHODS if method == name), None)
    if found is None:
        raise Rejected("method-unknown")
    return found


def _session_params(request: PaymentRequest) -> SessionCreateParams:
    """Nothing here may depend on the moment: the same key must carry the same parameters."""
    keys = {webhook.PAYMENT_KEY: request.key}
    expires_at = min(max(request.expires_at, request.created_at + _OPEN_MIN), request.created_at + _OPEN_MAX)
    return {
        "mode": "payment",
        # Apple Pay and Google Pay hold cards, and are offered where the device has them.
        "allowed_payment_method_types": [_method(request.method)],
        # The page of WeChat Pay shows a QR code, and asks to be told that a browser shows it.
        "payment_method_options": {"wechat_pay": {"client": "web"}} if request.method == "wechat_pay" else {},
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": request.amount.currency.lower(),
                    "unit_amount": request.amount.amount_minor,
                    "product_data": {"name": request.description[:_NAME_CHARACTERS_MAX]},
                },
            }
        ],
        # What was promised is what is charged: no prices in the payer's currency at a rate with a fee.
        "adaptive_pricing": {"enabled": False},
        "client_reference_id": request.order_number,
        "metadata": keys,
        "payment_intent_data": {"description": request.order_number, "metadata": keys},
        "success_url": request.return_url,
        "cancel_url": request.cancel_url,
        "locale": _LOCALES.get(request.language.lower(), "auto"),
        "expires_at": int(expires_at.timestamp()),
    }
