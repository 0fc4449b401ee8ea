# SPDX-License-Identifier: Apache-2.0
"""Hands SMS to a gateway that the operator has described."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tsuzuku.kernel.calls import call, new_client
from tsuzuku.kernel.outcomes import Rejected, Unsupported
from tsuzuku.kernel.signatures import SignatureForged
from tsuzuku.messaging.adapters.http_sms.config import HttpGateway, Reports
from tsuzuku.messaging.ports import (
    AddressDead,
    Capabilities,
    DeliveryReport,
    KeptMessage,
    OutgoingMessage,
    Sent,
    Verdict,
)


class HttpSmsGateway:
    """`report_url` is where the gateway tells of deliveries."""

    def __init__(self, gateway: HttpGateway, *, report_url: str) -> None:
        self._gateway = gateway
        self._report_url = report_url
        self._client = new_client()

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            folds_repeats=self._gateway.folds_repeats, reports_by_webhook=self._gateway.reports is not None
        )

    def send(self, message: OutgoingMessage) -> Sent:
        words = {
            "{to}": message.address,
            "{digits}": message.address.removeprefix("+"),
            "{id}": message.message_id,
            "{report_url}": self._report_url,
            # Last: whatever stands in a text is text.
            "{text}": message.text,
        }
        headers = {name: str(_filled(value, words)) for name, value in self._gateway.headers.items()}
        try:
            answer = call(
                self._client, "POST", self._gateway.url, headers=headers, fields=_filled(self._gateway.body, words)
            )
        except Rejected as refusal:
            if refusal.code.lower() in self._gateway.dead_codes:
                raise AddressDead(refusal.code, refusal.detail) from refusal
            raise
        try:
            reference = _at(json.loads(answer.body), self._gateway.reference)
        except ValueError:
            # It was taken, whatever it said then.
            reference = ""
        return Sent(raw=answer.text, reference=reference)

    def kept(self, *, limit: int) -> tuple[KeptMessage, ...]:
        raise Unsupported("keeps-no-copies")

    def read_reports(
        self, *, url: str, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Sequence[DeliveryReport]:
        reports = self._gateway.reports
        if reports is None:
            raise Unsupported("reports-nothing")
        _verify(reports, headers=headers, body=body)
        try:
            told = json.loads(body)
        except ValueError:
            return []
        found = _found(told, reports.list) if reports.list else [told]
        return [_report(reports, each) for each in found] if isinstance(found, list) else []

    def collect_reports(self) -> Sequence[DeliveryReport]:
        raise Unsupported("reports-by-webhook")


def _verify(reports: Reports, *, headers: Mapping[str, str], body: bytes) -> None:
    given = {name.lower(): value for name, value in headers.items()}.get(reports.header, "")
    secret = reports.secret.encode()
    if reports.proof == "secret":
        # The word before it, as in `Bearer`, says nothing.
        given, ours = given.rpartition(" ")[2], secret
    else:
        given, ours = given.removeprefix("sha256=").lower(), hmac.new(secret, body, hashlib.sha256).hexdigest().encode()
    if not hmac.compare_digest(given.encode(), ours):
        raise SignatureForged


def _report(reports: Reports, told: object) -> DeliveryReport:
    words = {_at(told, path).lower() for path in (reports.status, reports.reason) if path}
    verdicts = {
        # The reason says more than the status: of two that fit, what is for good.
        Verdict.BOUNCED: reports.bounced,
        Verdict.FAILED: reports.failed,
        Verdict.DELIVERED: reports.delivered,
    }
    return DeliveryReport(
        message_id=_at(told, reports.id),
        reference=_at(told, reports.reference),
        verdict=next((verdict for verdict, known in verdicts.items() if words & known), Verdict.UNKNOWN),
        reason=(_at(told, reports.reason) or _at(told, reports.status))[:64],
    )


def _filled(value: Any, words: Mapping[str, str]) -> Any:  # noqa: ANN401  # any JSON
    """A copy in which each text has its words in place, so that nothing of a message can become JSON."""
    if isinstance(value, str):
        for word, text in words.items():
            value = value.replace(word, text)
        return value
    if isinstance(value, dict):
        return {name: _filled(each, words) for name, each in value.items()}
    return [_filled(each, words) for each in value] if isinstance(value, list) else value


def _found(told: object, path: str) -> object:
    """What stands at a path, None if nothing does."""
    found = told
    for word in path.split("."):
        if isinstance(found, dict):
            found = found.get(word)
        elif isinstance(found, list) and word.isdigit() and int(word) < len(found):
            found = found[int(word)]
        else:
            return None
    return found


def _at(told: object, path: str) -> str:
    """The text or number at a path; empty if there is none."""
    found = _found(told, path) if path else None
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
