# SPDX-License-Identifier: Apache-2.0
"""The application as the server calls it: finds a call's route, sends the answer."""

import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from typing import Any, Final
from urllib.parse import unquote

from django.db import InterfaceError, OperationalError

from tsuzuku.channels.partner_api.calls_account import AccountCall
from tsuzuku.channels.partner_api.calls_batch import BatchCall
from tsuzuku.channels.partner_api.calls_cards import CardCalls
from tsuzuku.channels.partner_api.calls_renewals import RenewalCalls
from tsuzuku.channels.partner_api.calls_usage import UsageCall
from tsuzuku.channels.partner_api.docs import docs, openapi
from tsuzuku.channels.partner_api.gathering import Overloaded
from tsuzuku.channels.partner_api.http import BASE, Answer, Problem, retry_after
from tsuzuku.channels.partner_api.long_calls import LongBodies
from tsuzuku.channels.partner_api.refusals import problem_of
from tsuzuku.channels.partner_api.request import ClientGone, Receive, Request, request_of
from tsuzuku.channels.partner_api.threads import Threads
from tsuzuku.kernel.errors import DomainError

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
#: A call, with the words of its address that are not fixed.
Call = Callable[..., Awaitable[Answer]]

#: On every answer: nobody may keep it, and nobody may take it for something else.
_HEADERS: Final = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)
#: On an answer that has no policy of its own: it is no page.
_NO_PAGE: Final = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
log = logging.getLogger(__name__)


class Application:
    """All calls of the partner API, for one event loop."""

    def __init__(self) -> None:
        threads = Threads("calls", count=4, waiting_max=1_000)
        bodies = LongBodies(threads)
        cards, renewals = CardCalls(threads), RenewalCalls(threads)
        #: Addresses, in which None stands for any word, and what they take by method. What is asked most comes first.
        self._routes: Sequence[tuple[Sequence[str | None], Mapping[str, Call]]] = (
            (("renewals",), {"POST": renewals.renew}),
            (("cards", None), {"GET": cards.read}),
            (("cards", None, "plans"), {"GET": cards.plans}),
            (("cards", None, "lots", None, "start"), {"POST": cards.start_lot}),
            (("renewals", "batch"), {"POST": BatchCall(bodies).renew}),
            (("renewals", None), {"GET": renewals.read}),
            (("usage",), {"POST": UsageCall(bodies).take}),
            (("account",), {"GET": AccountCall(threads).read}),
            (("openapi.json",), {"GET": openapi}),
            (("docs",), {"GET": docs}),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = request_of(scope, receive)
        answer = await self._answer(scope, request)
        if request.has_body:
            # Whoever has hung up does not hear the answer; the server drops it.
            with suppress(ClientGone):
                await request.body.discard()
        headers = [
            (b"content-type", answer.media_type.encode()),
            (b"content-length", str(len(answer.body)).encode()),
            *_HEADERS,
            *answer.headers,
        ]
        if not answer.headers or not any(name == _NO_PAGE[0] for name, _ in answer.headers):
            headers.append(_NO_PAGE)
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body if request.method != "HEAD" else b""})

    async def _answer(self, scope: Scope, request: Request) -> Answer:
        try:
            words = _words(scope["raw_path"])
            calls, asked = self._calls(words)
            method = "GET" if request.method == "HEAD" else request.method
            if method not in calls:
                raise Problem("method-not-allowed", headers=((b"allow", _allow(calls)),))
            return await calls[method](request, *asked)
        except Problem as problem:
            return problem.answer()
        except DomainError as refusal:
            return problem_of(refusal).answer()
        except (OperationalError, InterfaceError, Overloaded) as problem:
            log.warning("answered try-again: %r", problem)
            return Problem("try-again", headers=retry_after(1)).answer()
        except ClientGone:
            # Or sent a body whose framing is broken, which the server tells in the same way.
            return Problem("body-malformed", detail="It broke off.").answer()
        except Exception:
            log.exception("the partner API failed")
            return Problem("internal").answer()

    def _calls(self, words: Sequence[str]) -> tuple[Mapping[str, Call], Sequence[str]]:
        """What an address takes by method, and the words of it that say about what. Raises Problem."""
        for fixed, calls in self._routes:
            if len(fixed) == len(words) and all(ours in (None, word) for ours, word in zip(fixed, words, strict=True)):
                asked = [word for ours, word in zip(fixed, words, strict=True) if ours is None]
                if all(asked):
                    return calls, asked
        raise Problem("path-unknown")


def is_partner_api(path: str) -> bool:
    """Whether an address is this door's, whether it leads anywhere or not."""
    return path == BASE or path.startswith(f"{BASE}/")


def _words(raw_path: bytes) -> list[str]:
    """What stands between the slashes after the base, as it was before it was escaped. Raises Problem."""
    base, *words = raw_path.removeprefix(BASE.encode()).split(b"/")
    if base:
        raise Problem("path-unknown")
    try:
        return [unquote(word.decode("ascii"), errors="strict") for word in words]
    except UnicodeDecodeError as error:
        raise Problem("path-unknown", detail="The address is not UTF-8.") from error


def _allow(calls: Mapping[str, Call]) -> bytes:
    return ", ".join(f"{method}, HEAD" if method == "GET" else method for method in calls).encode()
