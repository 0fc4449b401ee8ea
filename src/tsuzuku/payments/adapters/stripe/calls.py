# SPDX-License-Identifier: Apache-2.0
"""Calls by Stripe's own package, with our time-outs, told apart into the outcomes that callers must tell apart."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import stripe

from tsuzuku.kernel.calls import exchange, new_client
from tsuzuku.kernel.outcomes import OutcomeUnknown, PortError, Rejected, Unavailable

# It would send how long calls took, and an id that it keeps in the home of whoever runs this.
stripe.enable_telemetry = False

#: Refusals that are no word about what was asked: a wrong key of ours, too many calls.
_TRY_AGAIN = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS})


def new_stripe(*, api_key: str, api_url: str, through_proxy: bool) -> stripe.StripeClient:
    """A client that sends every call once; who may repeat it is decided by us."""
    return stripe.StripeClient(
        api_key,
        base_addresses={"api": api_url},
        http_client=_Transport(through_proxy=through_proxy),
        max_network_retries=0,
    )


def answered(call: Callable[[], stripe.StripeObject], *, changes_nothing: bool = False) -> dict[str, Any]:
    """What a call was answered, as JSON. Raises Rejected, Unavailable or OutcomeUnknown."""
    try:
        response = call().last_response
    except stripe.StripeError as error:
        raise _outcome(error, changes_nothing=changes_nothing) from error
    except AttributeError as problem:  # The package takes for granted that an answer is an object.
        raise _unusable("answer-malformed", "", changes_nothing=changes_nothing) from problem
    if response is None or not isinstance(response.data, dict):
        raise _unusable("answer-malformed", "", changes_nothing=changes_nothing)
    return response.data


def answered_or_declined(call: Callable[[], stripe.StripeObject]) -> dict[str, Any]:
    """The PaymentIntent that a call made and confirmed, as JSON. Raises Rejected, Unavailable or OutcomeUnknown.

    One that was declined at once is an error on the wire, though it was made: it is returned like any other.
    """
    try:
        return answered(call)
    except Rejected as rejected:
        error = rejected.__cause__
        told = error.json_body if isinstance(error, stripe.CardError) else None
        intent = told["error"].get("payment_intent") if isinstance(told, dict) else None
        if isinstance(intent, dict):
            return intent
        raise


class _Transport(stripe.HTTPClient):
    """Sends the package's calls as the kernel sends calls: strict time-outs, and no connection used twice."""

    name = "httpx"

    def __init__(self, *, through_proxy: bool) -> None:
        super().__init__()
        self._client = new_client(through_proxy=through_proxy)

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,  # noqa: ANN401  # as the package declares it
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        request = self._client.build_request(method, url, headers=headers, content=post_data or None)
        answer = exchange(self._client, request, changes_nothing=method.lower() == "get")
        return answer.text, answer.status, answer.headers

    def close(self) -> None:
        self._client.close()


def _outcome(error: stripe.StripeError, *, changes_nothing: bool) -> PortError:
    status = error.http_status or 0
    code = _code(error)
    if status in _TRY_AGAIN or isinstance(error, stripe.RateLimitError):
        return Unavailable(code, f"HTTP {status}")
    # 409: a call under the same key is under way, and its answer will be this one's too.
    if 400 <= status < 500 and status != HTTPStatus.CONFLICT:
        return Rejected(code, f"HTTP {status}")
    return _unusable(code, f"HTTP {status}", changes_nothing=changes_nothing)


def _code(error: stripe.StripeError) -> str:
    """Stripe's own word for what was wrong. Its sentences may hold what a payer typed, so they are not kept."""
    told = error.json_body.get("error", {}) if isinstance(error.json_body, dict) else {}
    code = told.get("code") or told.get("type") if isinstance(told, dict) else None
    return code if isinstance(code, str) and code.isascii() and len(code) <= 64 else f"http-{error.http_status}"


def _unusable(code: str, detail: str, *, changes_nothing: bool) -> PortError:
    return Unavailable(code, detail) if changes_nothing else OutcomeUnknown(code, detail)
