# SPDX-License-Identifier: Apache-2.0
"""Sending signed webhooks."""

import json
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from tsuzuku.kernel import clock
from tsuzuku.kernel.signatures import signature_header

_TIMEOUT_SECONDS = 10


def is_webhook_url(url: str) -> bool:
    """Whether webhooks can be sent there."""
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def send_webhook(url: str, event: Mapping[str, object], *, secrets: Sequence[str]) -> bool:
    """Posts an event once, signed now by every secret; whether it was taken (2xx). Redirects are not followed."""
    body = json.dumps(event, ensure_ascii=False).encode()
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT_SECONDS)
    headers = {
        "Content-Type": "application/json",
        "Sandbox-Signature": signature_header(body, secrets=secrets, at=clock.now()),
        "Connection": "close",
    }
    try:
        connection.request("POST", f"{parts.path or '/'}?{parts.query}".rstrip("?"), body=body, headers=headers)
        return 200 <= connection.getresponse().status < 300
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
