# SPDX-License-Identifier: Apache-2.0
"""Speaks with the sandbox provider."""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import httpx

from tsuzuku.kernel.calls import Answer, call, new_client
from tsuzuku.kernel.outcomes import OutcomeUnknown, Unavailable, Unsupported
from tsuzuku.payments.adapters.sandbox import settlement, webhook
from tsuzuku.payments.adapters.sandbox.config import Config
from tsuzuku.payments.ports import (
    Capabilities,
    PaymentRequest,
    ProviderEvent,
    RefundRequest,
    Settlement,
    StartedPayment,
    StartedRefund,
)


class SandboxProvider:
    """The provider whose folder this is."""

    def __init__(self, folder: Path) -> None:
        self._config = Config(folder)

    @property
    def capabilities(self) -> Capabilities:
        url = self._config.url()
        # In an installation whose sandbox was never started nobody is offered a test payment.
        return Capabilities(
            methods=() if url is None else ("sandbox",),
            currencies=("JPY",),
            refunds=True,
            redirect_origins=() if url is None else (url,),
        )

    def start_payment(self, request: PaymentRequest) -> StartedPayment:
        fields = {
            "amount_minor": request.amount.amount_minor,
            "currency": request.amount.currency,
            "description": request.description,
            "order_number": request.order_number,
            "return_url": request.return_url,
            "language": request.language,
        }
        answer = self._post("/v1/payments", fields, key=request.key)
        try:
            started = answer.fields()
            return StartedPayment(reference=str(started["id"]), redirect_url=str(started["pay_url"]), raw=answer.text)
        except (KeyError, ValueError) as problem:
            raise OutcomeUnknown("answer-malformed") from problem

    def find_payment(self, reference: str) -> tuple[ProviderEvent, ...]:
        answer = call(
            self._client,
            "GET",
            f"{self._url()}/v1/payments/{quote(reference, safe='')}",
            headers=self._headers(),
            changes_nothing=True,
        )
        try:
            return tuple(webhook.parse_event(event) for event in answer.fields()["events"])
        except webhook.UNREADABLE as problem:
            raise Unavailable("answer-malformed") from problem

    def find_charge(self, *, key: str, kept_reference: str, created_at: datetime) -> StartedPayment | None:
        raise Unsupported("keeps-no-methods")

    def refund(self, request: RefundRequest) -> StartedRefund:
        fields = {
            "capture": request.capture_reference,
            "amount_minor": request.amount.amount_minor,
            "currency": request.amount.currency,
        }
        answer = self._post("/v1/refunds", fields, key=request.key)
        try:
            started = answer.fields()
            return StartedRefund(reference=str(started["id"]), is_done=started["status"] == "done", raw=answer.text)
        except (KeyError, ValueError) as problem:
            raise OutcomeUnknown("answer-malformed") from problem

    def read_webhook(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[ProviderEvent, ...]:
        webhook.verify(headers=headers, body=body, secrets=self._config.webhook_secrets(), now=now)
        return (webhook.parse_body(body, now=now),)

    def read_settlement(self, body: bytes) -> Settlement | None:
        return settlement.read_settlement(body)

    @cached_property
    def _client(self) -> httpx.Client:
        return new_client(through_proxy=False)

    def _post(self, path: str, fields: Mapping[str, object], *, key: str) -> Answer:
        headers = {**self._headers(), "Idempotency-Key": key}
        return call(self._client, "POST", f"{self._url()}{path}", headers=headers, fields=fields)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._config.api_key()}"}

    def _url(self) -> str:
        url = self._config.url()
        if url is None:
            raise Unavailable("sandbox-not-started")
        return url
