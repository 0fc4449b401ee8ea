# SPDX-License-Identifier: Apache-2.0
"""One HTTP call to the outside, with strict time-outs, told apart into the outcomes that callers must tell apart."""

import json
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx

from tsuzuku.kernel.outcomes import OutcomeUnknown, PortError, Rejected, Unavailable

CONNECT_SECONDS = 2.0
SEND_SECONDS = 2.0
#: From the last byte sent to the first byte of the answer, and again to its last byte.
ANSWER_SECONDS = 5.0
#: A lease under which one call is made must be longer than this.
WHOLE_SECONDS = CONNECT_SECONDS + SEND_SECONDS + 2 * ANSWER_SECONDS
BODY_BYTES_MAX = 1_000_000

#: Refusals that are no word about what was asked: a wrong key of ours, too many calls. They are tried again.
_TRY_AGAIN = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.SERVICE_UNAVAILABLE,
    }
)
_CODE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

# Both write addresses into the log, and an address may hold the number of a card.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side answered, as it came."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def text(self) -> str:
        """The body to keep; bytes that are not UTF-8 are replaced."""
        return self.body.decode("utf-8", "replace")

    def fields(self) -> dict[str, Any]:
        """The body as a JSON object; ValueError if it is something else."""
        found = json.loads(self.body)
        if isinstance(found, dict):
            return found
        raise ValueError("the answer is no JSON object")


def new_client(*, through_proxy: bool = True) -> httpx.Client:
    """A client for `call`; safe to share between threads. `through_proxy`: heed the proxies named in the environment.

    Connections are not kept: on a fresh one, failing to connect proves that nothing was sent, while a kept one that the
    other side has closed leaves that open.
    """
    return httpx.Client(
        timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS, write=SEND_SECONDS),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        follow_redirects=False,
        trust_env=through_proxy,
    )


def call(
    client: httpx.Client,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    fields: Mapping[str, object] | None = None,
    changes_nothing: bool = False,
) -> Answer:
    """Sends `fields` as JSON and returns the answer if it is a yes (2xx).

    Raises Unavailable (not connected, 503, or a refusal that is about us rather than about what was asked), Rejected
    (any other 4xx; its code is the answer's `code`, else http-<status>) or OutcomeUnknown (sent, and no usable answer).
    When asking `changes_nothing`, there is no unknown outcome: that is Unavailable too.
    """
    request = client.build_request(method, url, headers=headers, json=fields)
    answer = exchange(client, request, changes_nothing=changes_nothing)
    if 200 <= answer.status < 300:
        return answer
    if answer.status in _TRY_AGAIN:
        raise Unavailable(_code(answer), f"HTTP {answer.status}")
    if 400 <= answer.status < 500:
        raise Rejected(_code(answer), f"HTTP {answer.status}")
    raise _unanswered(_code(answer), f"HTTP {answer.status}", changes_nothing=changes_nothing)


def exchange(client: httpx.Client, request: httpx.Request, *, changes_nothing: bool = False) -> Answer:
    """Sends a request and returns whatever is answered, a no as well: for those who read refusals themselves.

    Raises Unavailable (not connected) or OutcomeUnknown (sent, and no answer in time); when asking `changes_nothing`,
    Unavailable in both cases.
    """
    try:
        return _exchange(client, request)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as problem:
        raise Unavailable("unreachable", type(problem).__name__) from problem
    except httpx.TransportError as problem:
        raise _unanswered("unanswered", type(problem).__name__, changes_nothing=changes_nothing) from problem
    except _AnswerTooLong as problem:
        raise _unanswered("answer-too-long", changes_nothing=changes_nothing) from problem


class _AnswerTooLong(Exception):
    """More bytes or more seconds than any answer needs."""


def _exchange(client: httpx.Client, request: httpx.Request) -> Answer:
    response = client.send(request, stream=True)
    try:
        until = time.monotonic() + ANSWER_SECONDS
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > BODY_BYTES_MAX or time.monotonic() > until:
                raise _AnswerTooLong
        return Answer(response.status_code, bytes(body), response.headers)
    finally:
        response.close()


def _code(answer: Answer) -> str:
    """The answer's own code where it has one that may be shown and stored."""
    try:
        code = answer.fields().get("code")
    except ValueError:
        code = None
    if isinstance(code, str) and _CODE.fullmatch(code):
        return code
    return f"http-{answer.status}"


def _unanswered(code: str, detail: str = "", *, changes_nothing: bool) -> PortError:
    return Unavailable(code, detail) if changes_nothing else OutcomeUnknown(code, detail)
