# SPDX-License-Identifier: Apache-2.0
"""Webhooks that are owed, and sending them, signed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from tsuzuku.kernel import clock
from tsuzuku.kernel.retries import retry_after
from tsuzuku.kernel.signatures import signature_header

_TIMEOUT_SECONDS = 10
_ANSWER_BYTES_MAX = 1000
#: A webhook that nobody takes is tried again after at most this long, without end.
_RETRY_AFTER_MAX = timedelta(seconds=30)


@dataclass(kw_only=True, slots=True)
class Delivery:
    """A webhook that is owed."""

    id: str
    event: dict[str, Any]
    due_at: str
    attempts: int = 0


def postponed(delivery: Delivery, *, now: datetime) -> dict[str, object]:
    """The record that a webhook was not taken, and when it is owed again."""
    attempts = delivery.attempts + 1
    due_at = now + min(retry_after(attempts), _RETRY_AFTER_MAX)
    return {"is": "postponed", "delivery": delivery.id, "attempts": attempts, "due_at": due_at.isoformat()}


def is_webhook_url(url: str) -> bool:
    """Whether webhooks can be sent there."""
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def send_webhook(url: str, event: Mapping[str, object], *, header: str, secrets: Sequence[str]) -> bool:
    """Posts an event once, with a header of now by every secret; whether it was taken (2xx), redirects not followed."""
    body = json.dumps(event, ensure_ascii=False).encode()
    signed = signature_header(body, secrets=secrets, at=clock.now())
    answer = post(url, body, {"Content-Type": "application/json", header: signed})
    return answer is not None and 200 <= answer.status < 300


@dataclass(frozen=True, slots=True)
class MerchantsAnswer:
    """What a merchant answered to a webhook."""

    status: int
    body: bytes


def post(url: str, body: bytes, headers: Mapping[str, str]) -> MerchantsAnswer | None:
    """Posts bytes once, redirects not followed, for those who sign in ways of their own; None if nobody answered."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT_SECONDS)
    path = f"{parts.path or '/'}?{parts.query}".rstrip("?")
    try:
        connection.request("POST", path, body=body, headers={**headers, "Connection": "close"})
        response = connection.getresponse()
        return MerchantsAnswer(response.status, response.read(_ANSWER_BYTES_MAX))
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
