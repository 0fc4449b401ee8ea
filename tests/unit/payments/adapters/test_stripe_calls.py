# SPDX-License-Identifier: Apache-2.0
"""What Stripe's package makes of an answer becomes one of the outcomes that callers tell apart, however odd it is."""

import json
from collections.abc import Callable

import httpx
import pytest
import stripe

from tsuzuku.kernel.outcomes import OutcomeUnknown, PortError, Rejected, Unavailable
from tsuzuku.payments.adapters.stripe.calls import answered, new_stripe


def client(answer: Callable[[httpx.Request], httpx.Response], monkeypatch: pytest.MonkeyPatch) -> stripe.StripeClient:
    scripted = httpx.Client(transport=httpx.MockTransport(answer))
    monkeypatch.setattr("tsuzuku.payments.adapters.stripe.calls.new_client", lambda **_: scripted)
    return new_stripe(api_key="sk_test_x", api_url="http://stripe.test", through_proxy=False)


def refusal(code: str | None, kind: str = "invalid_request_error") -> str:
    return json.dumps({"error": {"type": kind, "code": code, "message": "4242 4242 4242 4242 is wrong"}})


@pytest.mark.parametrize(
    ("status", "body", "error", "code"),
    [
        (400, refusal("amount_too_small"), Rejected, "amount_too_small"),
        (400, refusal(None, "idempotency_error"), Rejected, "idempotency_error"),
        (400, refusal("rate_limit"), Unavailable, "rate_limit"),
        (402, refusal("card_declined", "card_error"), Rejected, "card_declined"),
        (404, refusal("resource_missing"), Rejected, "resource_missing"),
        (401, refusal(None), Unavailable, "invalid_request_error"),
        (403, refusal(None), Unavailable, "invalid_request_error"),
        (409, refusal("idempotency_key_in_use"), OutcomeUnknown, "idempotency_key_in_use"),
        (429, refusal("lock_timeout"), Unavailable, "lock_timeout"),
        (500, refusal(None, "api_error"), OutcomeUnknown, "api_error"),
        (503, "<html>", OutcomeUnknown, "http-503"),
        (404, "<html>", Rejected, "http-404"),
        (400, '{"error": ["?"]}', OutcomeUnknown, "answer-malformed"),
        (400, refusal("Karte abgelaufen é"), Rejected, "http-400"),
        (200, "", OutcomeUnknown, "http-200"),
        (200, "{", OutcomeUnknown, "http-200"),
        (200, "[]", OutcomeUnknown, "answer-malformed"),
        (200, "7", OutcomeUnknown, "answer-malformed"),
    ],
)
def test_a_refusal_is_told_apart(
    monkeypatch: pytest.MonkeyPatch, status: int, body: str, error: type[PortError], code: str
) -> None:
    refunds = client(lambda _: httpx.Response(status, text=body), monkeypatch).v1.refunds
    with pytest.raises(PortError) as raised:
        answered(lambda: refunds.create({"payment_intent": "pi_1"}, {"idempotency_key": "k"}))
    assert (type(raised.value), raised.value.code) == (error, code)
    assert "4242" not in str(raised.value)
    with pytest.raises(PortError) as asked:
        answered(lambda: refunds.retrieve("re_1"), changes_nothing=True)
    assert type(asked.value) is (Rejected if error is Rejected else Unavailable)


def test_a_call_is_sent_once_with_our_key_and_version(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(500, json={"error": {"type": "api_error"}})

    refunds = client(answer, monkeypatch).v1.refunds
    with pytest.raises(OutcomeUnknown):
        answered(lambda: refunds.create({"payment_intent": "pi_1", "metadata": {"a": "b c"}}, {"idempotency_key": "k"}))
    (request,) = sent
    assert request.headers["Idempotency-Key"] == "k"
    assert request.headers["Stripe-Version"] == "2026-10-28.endive"
    assert request.headers["Authorization"] == "Bearer sk_test_x"
    assert "X-Stripe-Client-Telemetry" not in request.headers
    assert request.content == b"payment_intent=pi_1&metadata[a]=b+c"


@pytest.mark.parametrize(
    ("problem", "error"), [(httpx.ConnectTimeout("x"), Unavailable), (httpx.ReadTimeout("x"), OutcomeUnknown)]
)
def test_a_broken_line_is_told_apart(
    monkeypatch: pytest.MonkeyPatch, problem: httpx.TransportError, error: type[PortError]
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise problem

    refunds = client(answer, monkeypatch).v1.refunds
    with pytest.raises(error):
        answered(lambda: refunds.create({"payment_intent": "pi_1"}))
    with pytest.raises(Unavailable):
        answered(lambda: refunds.retrieve("re_1"), changes_nothing=True)
