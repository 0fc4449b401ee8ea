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
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT_SECONDS)
    headers = {
        "Content-Type": "application/json",
        header: signature_header(body, secrets=secrets, at=clock.now()),
        "Connection": "close",
    }
    try:
        connection.request("POST", f"{parts.path or '/'}?{parts.query}".rstrip("?"), body=body, headers=headers)
        return 200 <= connection.getresponse().status < 300
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
