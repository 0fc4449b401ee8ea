# SPDX-License-Identifier: Apache-2.0
"""Reads what mail services tell of deliveries, by the parsers of django-anymail; needs `tsuzuku[mail-reports]`.

Services name a message by an id of their own that SMTP never tells us, so a report names the address that it was for.
Bounces are also told of full mailboxes and suspected spam; only a code of RFC 3463 that means the address, or a service
that calls it invalid, or a reader who calls us spam, has it left alone.
"""

import hmac
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from anymail.exceptions import AnymailError
from anymail.signals import EventType, RejectReason
from anymail.webhooks.base import AnymailCoreWebhookView
from anymail.webhooks.brevo import BrevoTrackingWebhookView
from anymail.webhooks.mailjet import MailjetTrackingWebhookView
from anymail.webhooks.postmark import PostmarkTrackingWebhookView
from anymail.webhooks.sparkpost import SparkPostTrackingWebhookView
from django.core.handlers.wsgi import WSGIRequest

from tsuzuku.kernel.signatures import SignatureForged
from tsuzuku.messaging.ports import DeliveryReport, Verdict

#: Those whose webhooks prove themselves by a name and a password in their address.
SERVICES: Mapping[str, type[AnymailCoreWebhookView]] = {
    "brevo": BrevoTrackingWebhookView,
    "mailjet": MailjetTrackingWebhookView,
    "postmark": PostmarkTrackingWebhookView,
    "sparkpost": SparkPostTrackingWebhookView,
}
_ADDRESS_IS_DEAD = re.compile(r"\b5\.(1\.[0-9]{1,3}|2\.1)\b")
_VERDICTS: Mapping[str, Verdict] = {
    EventType.DELIVERED: Verdict.DELIVERED,
    EventType.BOUNCED: Verdict.FAILED,
    EventType.REJECTED: Verdict.FAILED,
    EventType.FAILED: Verdict.FAILED,
    EventType.COMPLAINED: Verdict.BOUNCED,
}
#: What the parsers raise over a body that is none of their service's.
_UNREADABLE = (AnymailError, ValueError, KeyError, TypeError, AttributeError, LookupError, RecursionError)


class MailReports:
    """`secret` is NAME:PASSWORD, as in the address that the service is given. Raises KeyError for another service."""

    def __init__(self, *, service: str, secret: str) -> None:
        self._view = SERVICES[service](webhook_secret=secret)
        self._authorization = f"Basic {b64encode(secret.encode()).decode('ascii')}"

    def read(self, *, headers: Mapping[str, str], body: bytes) -> Sequence[DeliveryReport]:
        """What a webhook tells. Raises SignatureForged."""
        given = {name.lower(): value for name, value in headers.items()}
        if not hmac.compare_digest(given.get("authorization", "").encode(), self._authorization.encode()):
            raise SignatureForged
        request = WSGIRequest(
            {
                "REQUEST_METHOD": "POST",
                "CONTENT_TYPE": given.get("content-type", "application/json"),
                "CONTENT_LENGTH": str(len(body)),
                "wsgi.input": BytesIO(body),
            }
        )
        try:
            return [_report(event) for event in self._view.parse_events(request)]
        except _UNREADABLE:
            return []


def _report(event: Any) -> DeliveryReport:  # noqa: ANN401  # anymail has no types
    verdict = _VERDICTS.get(event.event_type, Verdict.UNKNOWN)
    is_dead = event.reject_reason == RejectReason.INVALID or _ADDRESS_IS_DEAD.search(event.mta_response or "")
    if verdict is Verdict.FAILED and is_dead:
        verdict = Verdict.BOUNCED
    return DeliveryReport(
        address=event.recipient or "",
        verdict=verdict,
        reason="" if verdict is Verdict.DELIVERED else f"mail-{event.event_type}",
    )
