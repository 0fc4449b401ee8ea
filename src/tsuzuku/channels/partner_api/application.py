# SPDX-License-Identifier: Apache-2.0
"""The application as the server calls it: reads a call whole, finds its route, sends the answer."""

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from django.db import InterfaceError, OperationalError

from tsuzuku.channels.partner_api.calls_cards import CardCall
from tsuzuku.channels.partner_api.calls_renewals import RenewCall
from tsuzuku.channels.partner_api.gathering import Overloaded
from tsuzuku.channels.partner_api.http import BASE, Answer, Problem, Request, retry_after

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BODY_BYTES_MAX: Final = 16_000_000
#: On every answer: it is no page, nobody may keep it, and nobody may take it for something else.
_HEADERS: Final = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
log = logging.getLogger(__name__)


class ClientGone(Exception):
    """The client hung up before it had said everything. Nothing is done."""


class Application:
    """All calls of the partner API, for one event loop."""

    def __init__(self) -> None:
        self._renew = RenewCall()
        self._card = CardCall()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._answer(scope, receive)
        except ClientGone:
            return
        await send(
            {
                "type": "http.response.start",
                "status": answer.status,
                "headers": [
                    (b"content-type", answer.media_type.encode()),
                    (b"content-length", str(len(answer.body)).encode()),
                    *_HEADERS,
                    *answer.headers,
                ],
            }
        )
        await send({"type": "http.response.body", "body": answer.body if scope["method"] != "HEAD" else b""})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        try:
            body = await _body(receive)
            request = Request(scope["method"], scope["path"], dict(scope["headers"]), body)
            return await self._route(request)
        except Problem as problem:
            return problem.answer()
        except (OperationalError, InterfaceError, Overloaded) as problem:
            log.warning("answered try-again: %r", problem)
            return Problem("try-again", headers=retry_after(1)).answer()
        except ClientGone:
            raise
        except Exception:
            log.exception("the partner API failed")
            return Problem("internal").answer()

    async def _route(self, request: Request) -> Answer:
        match request.method, request.path.removeprefix(BASE).split("/")[1:]:
            case "POST", ["renewals"]:
                return await self._renew.answer(request)
            case "GET" | "HEAD", ["cards", iccid]:
                return await self._card.answer(request, iccid)
        raise Problem("path-unknown")


async def _body(receive: Receive) -> bytes:
    """The whole body. Raises Problem when it is too large, ClientGone when it ends before its end."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return body
    parts, size = [body], len(body)
    while message.get("more_body", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > BODY_BYTES_MAX:
            raise Problem("body-too-large")
    return b"".join(parts)
