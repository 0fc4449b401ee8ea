# SPDX-License-Identifier: Apache-2.0
"""Speaks with Stripe."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import stripe

from tsuzuku.kernel import clock
from tsuzuku.kernel.outcomes import OutcomeUnknown, Rejected, Unavailable, Unsupported
from tsuzuku.payments.adapters.stripe import objects, settlement, webhook
from tsuzuku.payments.adapters.stripe.calls import answered, answered_or_declined, new_stripe
from tsuzuku.payments.adapters.stripe.checkout import session_params
from tsuzuku.payments.adapters.stripe.config import API_URL, INTENT_METHODS, METHODS, WALLETS, Account, IntentMethod
from tsuzuku.payments.adapters.stripe.instructions import instructions_of, redirect_of
from tsuzuku.payments.adapters.stripe.intents import charge_params, intent_params
from tsuzuku.payments.ports import (
    Capabilities,
    PaymentRequest,
    ProviderEvent,
    RefundRequest,
    Settlement,
    StartedPayment,
    StartedRefund,
)

_LISTED_AT_ONCE = 100
#: How far Stripe's clock, by which charges are listed, may be behind ours.
_CLOCKS_DIFFER_MAX = timedelta(hours=1)
#: Stripe forgets idempotency keys after a day, https://docs.stripe.com/api/idempotent_requests; our clocks may differ.
_KEYS_ARE_KEPT = timedelta(hours=23)


class StripeProvider:
    """The provider whose folder this is."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._client: tuple[tuple[str, str], stripe.StripeClient] | None = None

    @property
    def capabilities(self) -> Capabilities:
        offered = self._account.methods()
        return Capabilities(
            methods=offered,
            currencies=("JPY",),
            refunds=True,
            redirect_origins=self._account.payer_origins(),
            returns_only_payers=True,
            returns_everybody=WALLETS,
            keeps=tuple(method for method in offered if method == "card"),
        )

    def start_payment(self, request: PaymentRequest) -> StartedPayment:
        if request.method not in METHODS:
            raise Rejected("method-unknown")
        if (request.keep or request.kept_reference) and request.method != "card":
            raise Unsupported("keeps-only-cards")
        if request.kept_reference:
            return self._charge(request)
        method = next((each for each in INTENT_METHODS if each == request.method), None)
        return self._open_page(request) if method is None else self._confirm(request, method)

    def find_payment(self, reference: str) -> tuple[ProviderEvent, ...]:
        if reference.startswith("pi_"):
            return self._find_intent(reference)
        sessions = self._stripe().v1.checkout.sessions
        session = answered(
            lambda: sessions.retrieve(reference, {"expand": ["payment_intent.latest_charge.refunds"]}),
            changes_nothing=True,
        )
        try:
            disputes = self._complete(session["payment_intent"])
            return tuple(objects.read_session(session, disputes))
        except objects.UNREADABLE as problem:
            raise Unavailable("answer-malformed") from problem

    def find_charge(self, *, key: str, kept_reference: str, created_at: datetime) -> StartedPayment | None:
        """Lists the charges of the card's owner: Stripe's search by metadata may be minutes behind."""
        customer, _method = objects.read_kept(kept_reference)
        intents, since = self._stripe().v1.payment_intents, int((created_at - _CLOCKS_DIFFER_MAX).timestamp())
        listed = answered(
            lambda: intents.list({"customer": customer, "created": {"gte": since}, "limit": _LISTED_AT_ONCE}),
            changes_nothing=True,
        )
        try:
            found = next((intent for intent in listed["data"] if objects.key_of(intent) == key), None)
            return found and StartedPayment(reference=str(found["id"]), raw=json.dumps(found))
        except objects.UNREADABLE as problem:
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
                    "metadata": {objects.PAYMENT_KEY: request.payment_key, objects.REFUND_KEY: request.key},
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

    def read_settlement(self, body: bytes) -> Settlement | None:
        return settlement.read_settlement(body)

    # -- starting ----------------------------------------------------------------------------------------------------

    def _open_page(self, request: PaymentRequest) -> StartedPayment:
        sessions, params = self._stripe().v1.checkout.sessions, session_params(request)
        session = answered(lambda: sessions.create(params, {"idempotency_key": request.key}))
        try:
            return StartedPayment(
                reference=str(session["id"]), redirect_url=str(session["url"]), raw=json.dumps(session)
            )
        except KeyError as problem:
            raise OutcomeUnknown("answer-malformed") from problem

    def _confirm(self, request: PaymentRequest, method: IntentMethod) -> StartedPayment:
        """Starts what is paid elsewhere than on Stripe's page. A no at this moment is final: nobody can pay it."""
        params = intent_params(request, method, konbini_days=self._account.konbini_days())
        intent = self._create_intent(params, key=request.key)
        try:
            redirect_url, instructions = redirect_of(intent), instructions_of(intent)
            if not redirect_url and instructions is None:
                raise Rejected(str((intent["last_payment_error"] or {}).get("code") or "next-action-unknown"))
            return StartedPayment(
                reference=str(intent["id"]),
                redirect_url=redirect_url,
                instructions=instructions,
                raw=json.dumps(intent),
            )
        except objects.UNREADABLE as problem:
            raise OutcomeUnknown("answer-malformed") from problem

    def _charge(self, request: PaymentRequest) -> StartedPayment:
        """Charges a kept card. A bank's no is a payment that was started and has failed, as its events will tell."""
        params = charge_params(request)
        if (known := self._forgotten_charge(request)) is not None:
            return known
        intent = self._create_intent(params, key=request.key)
        try:
            return StartedPayment(reference=str(intent["id"]), raw=json.dumps(intent))
        except KeyError as problem:
            raise OutcomeUnknown("answer-malformed") from problem

    def _create_intent(self, params: stripe.params.PaymentIntentCreateParams, *, key: str) -> dict[str, Any]:
        intents = self._stripe().v1.payment_intents
        return answered_or_declined(lambda: intents.create(params, {"idempotency_key": key}))

    def _forgotten_charge(self, request: PaymentRequest) -> StartedPayment | None:
        """The charge of this key, if it may be so old that Stripe has forgotten the key: nobody is charged twice."""
        if clock.now() - request.created_at < _KEYS_ARE_KEPT:
            return None
        return self.find_charge(key=request.key, kept_reference=request.kept_reference, created_at=request.created_at)

    # -- asking ------------------------------------------------------------------------------------------------------

    def _find_intent(self, reference: str) -> tuple[ProviderEvent, ...]:
        intent = self._look(reference)
        try:
            disputes = self._complete(intent)
            return tuple(objects.read_intent(intent, disputes))
        except objects.UNREADABLE as problem:
            raise Unavailable("answer-malformed") from problem

    def _look(self, intent_id: str) -> dict[str, Any]:
        intents = self._stripe().v1.payment_intents
        return answered(
            lambda: intents.retrieve(intent_id, {"expand": ["latest_charge.refunds"]}), changes_nothing=True
        )

    def _known_refund(self, request: RefundRequest) -> dict[str, Any] | None:
        """The refund of this key, if it was made already. Raises Rejected if it, or the capture, is another."""
        intent = self._look(request.capture_reference)
        try:
            self._complete_refunds(intent)
            if intent["currency"].upper() != request.amount.currency:
                raise Rejected("refund-currency")
            for refund in objects.refunds_of(intent):
                if (refund.get("metadata") or {}).get(objects.REFUND_KEY) == request.key:
                    if refund["amount"] != request.amount.amount_minor:
                        raise Rejected("idempotency-key-reused")
                    return refund
        except objects.UNREADABLE as problem:
            raise Unavailable("answer-malformed") from problem
        return None

    def _complete(self, intent: dict[str, Any] | None) -> list[dict[str, Any]]:
        """Asks for what a PaymentIntent does not bring along, with one call at most; returns its disputes.

        One that is disputed and has more than ten refunds tells of the newest ten only.
        """
        charge = None if intent is None else intent["latest_charge"]
        if intent is None or charge is None:
            return []
        if not charge["disputed"]:
            self._complete_refunds(intent)
            return []
        disputes = self._stripe().v1.disputes
        found = answered(
            lambda: disputes.list({"payment_intent": intent["id"], "limit": _LISTED_AT_ONCE}), changes_nothing=True
        )
        return list(found["data"])

    def _complete_refunds(self, intent: dict[str, Any]) -> None:
        """A charge tells its newest ten refunds; the few that have more are asked once more."""
        charge = intent["latest_charge"]
        if charge is not None and charge["refunds"]["has_more"]:
            refunds = self._stripe().v1.refunds
            charge["refunds"] = answered(
                lambda: refunds.list({"payment_intent": intent["id"], "limit": _LISTED_AT_ONCE}),
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
