# SPDX-License-Identifier: Apache-2.0
"""Calls to PayPal: with a token that is fetched when the last one is about to end, and refusals told apart."""

import base64
import time
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any

import httpx

from tsuzuku.kernel.calls import Answer, exchange, new_client
from tsuzuku.kernel.outcomes import OutcomeUnknown, PortError, Rejected, Unavailable
from tsuzuku.payments.adapters.paypal.config import Account

#: A token is not used in its last minute: it must outlive the call that carries it.
_TOKEN_SPARE_SECONDS = 60.0
#: Refusals that are no word about what was asked: a wrong key or too few rights of ours, too many calls.
_TRY_AGAIN = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.SERVICE_UNAVAILABLE,
    }
)
#: A call under the same key is under way, and its answer will be this one's too.
_UNDER_WAY = frozenset({"PREVIOUS_REQUEST_IN_PROGRESS", "DUPLICATE_REQUEST_ID"})


class Calls:
    """Calls for one account; safe to share between threads."""

    def __init__(self, account: Account) -> None:
        self._account = account
        #: For whom and where it was fetched, the token, and until when by our own clock it may be used.
        self._token: tuple[object, str, float] | None = None

    def get(self, path: str) -> Answer:
        """Asks something. Raises Rejected or Unavailable."""
        return self._call("GET", path, {}, None, changes_nothing=True)

    def post(self, path: str, fields: Mapping[str, object], *, key: str) -> Answer:
        """Has something done once for this key. Raises Rejected, Unavailable or OutcomeUnknown."""
        headers = {"PayPal-Request-Id": key, "Prefer": "return=representation"}
        return self._call("POST", path, headers, fields, changes_nothing=False)

    def _call(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        fields: Mapping[str, object] | None,
        *,
        changes_nothing: bool,
    ) -> Answer:
        url = self._url()
        headers = {**headers, "Authorization": f"Bearer {self._valid_token(url)}"}
        request = self._client.build_request(method, f"{url}{path}", headers=headers, json=fields)
        answer = exchange(self._client, request, changes_nothing=changes_nothing)
        if 200 <= answer.status < 300:
            return answer
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self._token = None
        raise _refusal(answer, changes_nothing=changes_nothing)

    def _valid_token(self, url: str) -> str:
        """The token that is at hand, or a new one. Raises Unavailable: without one nothing has been asked yet."""
        credentials = self._account.credentials()
        known = self._token
        if known is not None and known[0] == (url, credentials) and time.monotonic() < known[2]:
            return known[1]
        basic = base64.b64encode(":".join(credentials).encode()).decode()
        request = self._client.build_request(
            "POST",
            f"{url}/v1/oauth2/token",
            headers={"Authorization": f"Basic {basic}"},
            data={"grant_type": "client_credentials"},
        )
        asked_at = time.monotonic()
        answer = exchange(self._client, request, changes_nothing=True)
        try:
            if answer.status != HTTPStatus.OK:
                raise Unavailable("token-refused", f"HTTP {answer.status}")
            told = answer.fields()
            token, seconds = str(told["access_token"]), float(told["expires_in"])
        except (ValueError, KeyError, TypeError) as problem:
            raise Unavailable("token-malformed") from problem
        self._token = ((url, credentials), token, asked_at + seconds - _TOKEN_SPARE_SECONDS)
        return token

    def _url(self) -> str:
        url = self._account.api_url()
        if url is None:
            raise Unavailable("paypal-not-started")
        return url

    @cached_property
    def _client(self) -> httpx.Client:
        return new_client(through_proxy=(self._account.api_url() or "").startswith("https:"))


def _refusal(answer: Answer, *, changes_nothing: bool) -> PortError:
    """What a refusal means. Its code is PayPal's `issue`; its sentences are not kept."""
    code = _issue(answer)
    if answer.status in _TRY_AGAIN:
        return Unavailable(code, f"HTTP {answer.status}")
    is_final = 400 <= answer.status < 500 and answer.status != HTTPStatus.CONFLICT
    if is_final and code not in _UNDER_WAY:
        return Rejected(code, f"HTTP {answer.status}")
    return (Unavailable if changes_nothing else OutcomeUnknown)(code, f"HTTP {answer.status}")


def _issue(answer: Answer) -> str:
    try:
        told: Any = answer.fields()
        details = told.get("details") or [{}]
        code = details[0].get("issue") or told.get("name")
    except (ValueError, LookupError, AttributeError, TypeError):
        code = None
    if isinstance(code, str) and code.isascii() and code.isprintable() and 0 < len(code) <= 64:
        return code
    return f"http-{answer.status}"
