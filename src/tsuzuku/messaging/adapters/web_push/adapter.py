# SPDX-License-Identifier: Apache-2.0
"""Hands messages to the push services of browsers."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from tsuzuku.kernel import clock
from tsuzuku.kernel.outcomes import OutcomeUnknown, PortError, Rejected, Unavailable, Unsupported
from tsuzuku.kernel.public_calls import Answer, post
from tsuzuku.kernel.public_hosts import Network, Refused
from tsuzuku.kernel.push_subscriptions import PushSubscription
from tsuzuku.messaging.adapters.web_push.encryption import CONTENT_BYTES_MAX, encrypt
from tsuzuku.messaging.adapters.web_push.vapid import authorization, encoded, public_text
from tsuzuku.messaging.ports import (
    AddressDead,
    Capabilities,
    DeliveryReport,
    KeptMessage,
    OutgoingMessage,
    Sent,
)

#: How long a push service keeps a message for a browser that is not there.
_KEPT_FOR = timedelta(hours=12)
#: RFC 8030, 5.4: at most 32 characters of base64url, by which the service puts a repeat in the place of the first.
_TOPIC_BYTES = 24
#: RFC 8030, 7.3: a subscription that is over.
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
#: About us rather than about the message.
_TRY_AGAIN = frozenset(
    {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
)
_UNKNOWN = frozenset({"unanswered", "answer-malformed"})


class WebPushGateway:
    """`subject` is how a push service reaches the operator: mailto: or https:. It calls nothing in our own network."""

    def __init__(self, *, key: EllipticCurvePrivateKey, subject: str, private_networks: Sequence[Network]) -> None:
        self._key = key
        self._subject = subject
        self._private_networks = private_networks

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(folds_repeats=True, push_key=public_text(self._key))

    def send(self, message: OutgoingMessage) -> Sent:
        try:
            subscription = PushSubscription.parse(message.address)
        except ValueError as problem:
            raise AddressDead("subscription-malformed") from problem
        content = json.dumps(_told(message), ensure_ascii=False).encode()
        if len(content) > CONTENT_BYTES_MAX:
            raise Rejected("message-too-long", f"{len(content)} bytes")
        endpoint = subscription.endpoint
        answer = post(
            endpoint,
            encrypt(content, p256dh=subscription.p256dh, auth=subscription.auth),
            headers={
                "Authorization": authorization(
                    self._key,
                    audience=f"https://{endpoint.netloc.decode('ascii')}",
                    subject=self._subject,
                    now=clock.now(),
                ),
                "Content-Encoding": "aes128gcm",
                "Content-Type": "application/octet-stream",
                "TTL": str(int(_KEPT_FOR.total_seconds())),
                "Topic": encoded(hashlib.sha256(message.message_id.encode()).digest()[:_TOPIC_BYTES]),
            },
            private_networks=self._private_networks,
        )
        if not answer.is_receipt:
            raise _refused(answer)
        return Sent(raw=f"HTTP {answer.status}")

    def kept(self, *, limit: int) -> tuple[KeptMessage, ...]:
        raise Unsupported("keeps-no-copies")

    def read_reports(
        self, *, url: str, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Sequence[DeliveryReport]:
        raise Unsupported("reports-nothing")

    def collect_reports(self) -> Sequence[DeliveryReport]:
        raise Unsupported("reports-nothing")


def _told(message: OutgoingMessage) -> dict[str, str]:
    return {
        "id": message.message_id,
        "title": message.subject,
        "text": message.text,
        "link": message.link,
        "language": message.language,
    }


def _refused(answer: Answer) -> PortError:
    if answer.status is None:
        if answer.problem == f"address-{Refused.NOT_PUBLIC}":
            return AddressDead("endpoint-not-public")
        return OutcomeUnknown(answer.problem) if answer.problem in _UNKNOWN else Unavailable(answer.problem)
    code = f"http-{answer.status}"
    if answer.status in _GONE:
        return AddressDead("subscription-gone", code)
    if answer.status in _TRY_AGAIN or answer.status < 400:
        return Unavailable(code)
    return Rejected(code) if answer.status < 500 else OutcomeUnknown(code)
