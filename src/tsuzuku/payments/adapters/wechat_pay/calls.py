# SPDX-License-Identifier: Apache-2.0
"""Calls of API v3, signed, and answers that are believed only if they are signed too."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import httpx

from tsuzuku.kernel import clock
from tsuzuku.kernel.calls import Answer, exchange
from tsuzuku.kernel.outcomes import OutcomeUnknown, PortError, Rejected, Unavailable
from tsuzuku.payments.adapters.wechat_pay.config import Merchant
from tsuzuku.payments.adapters.wechat_pay.signing import Forged, Stale, authorization, check

#: Refusals that are no word about what was asked, but about our keys, our contract, our balance or their load.
_TRY_AGAIN = frozenset({"FREQUENCY_LIMITED", "NO_AUTH", "NOT_ENOUGH", "RATELIMIT_EXCEEDED", "SIGN_ERROR"})


def call(
    client: httpx.Client,
    merchant: Merchant,
    method: str,
    path: str,
    *,
    query: Mapping[str, str | int] | None = None,
    fields: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """What a call was answered, as JSON; a GET changes nothing. Raises Rejected, Unavailable or OutcomeUnknown.

    A yes that is not signed by WeChat Pay, or for another moment, is no answer: whatever it says may be a lie.
    """
    target = f"{path}?{urlencode(query)}" if query else path
    body = b"" if fields is None else json.dumps(fields, ensure_ascii=False).encode()
    now = clock.now()
    headers = {
        "Accept": "application/json",
        "Authorization": authorization(merchant, method=method, target=target, body=body, now=now),
        "Content-Type": "application/json",
        "User-Agent": "tsuzuku",
        # By which of their keys the answer is to be signed.
        "Wechatpay-Serial": next(iter(merchant.platform_keys), ""),
    }
    changes_nothing = method == "GET"
    request = client.build_request(method, f"{merchant.api_url}{target}", headers=headers, content=body or None)
    answer = exchange(client, request, changes_nothing=changes_nothing)
    if not 200 <= answer.status < 300:
        raise _refusal(answer, changes_nothing=changes_nothing)
    try:
        check(headers=answer.headers, body=answer.body, platform_keys=merchant.platform_keys, now=clock.now())
    except Forged:
        raise _unusable("answer-forged", changes_nothing=changes_nothing) from None
    except Stale:
        raise _unusable("answer-stale", changes_nothing=changes_nothing) from None
    try:
        return answer.fields()
    except (ValueError, RecursionError) as problem:
        raise _unusable("answer-malformed", changes_nothing=changes_nothing) from problem


def _refusal(answer: Answer, *, changes_nothing: bool) -> PortError:
    """What a no means. It is believed without a signature, as TLS brought it; they do not sign all of them."""
    code = _code(answer)
    detail = f"HTTP {answer.status}"
    if code in _TRY_AGAIN or answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS}:
        return Unavailable(code, detail)
    if 400 <= answer.status < 500:
        return Rejected(code, detail)
    return _unusable(code, detail, changes_nothing=changes_nothing)


def _code(answer: Answer) -> str:
    """WeChat Pay's own word for what was wrong. Its sentences may hold what a payer typed, so they are not kept."""
    try:
        code = answer.fields().get("code")
    except (ValueError, RecursionError):
        code = None
    return code if isinstance(code, str) and code.isascii() and len(code) <= 64 else f"http-{answer.status}"


def _unusable(code: str, detail: str = "", *, changes_nothing: bool) -> PortError:
    return Unavailable(code, detail) if changes_nothing else OutcomeUnknown(code, detail)
