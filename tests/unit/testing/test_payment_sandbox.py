# SPDX-License-Identifier: Apache-2.0
import gzip
import http.client
import json
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit

import pytest

from tsuzuku.kernel import clock
from tsuzuku.kernel.signatures import SignatureForged, check_signature
from tsuzuku.testing.processes import SandboxProcess
from tsuzuku.testing.receiver import WebhookReceiver, receiving
from tsuzuku.testing.simulators.merchant_secrets import control_headers
from tsuzuku.testing.simulators.pay_page import format_amount
from tsuzuku.testing.simulators.provider import PaymentSandbox
from tsuzuku.testing.simulators.server import listening

WANTED = {
    "amount_minor": 1180,
    "currency": "JPY",
    "description": "3 days <b>",
    "order_number": "T-1",
    "return_url": "http://shop.example:8000/o/T-1?step=2",
    "language": "zh-hans",
}


class Running:
    """A sandbox that listens in this process, and its merchant."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.http = SandboxProcess([], folder=folder, env={})

    def post(self, path: str, fields: dict[str, Any], **headers: str) -> dict[str, Any]:
        return self.http.post(path, fields, **control_headers(self.folder), **headers)

    def refused(self, path: str, fields: dict[str, Any], **headers: str) -> tuple[int, str]:
        with pytest.raises(HTTPError) as refusal:
            self.post(path, fields, **headers)
        with refusal.value as answer:
            return answer.code, json.loads(answer.read())["code"]

    def start(self, key: str = "k-1", **fields: object) -> dict[str, Any]:
        return self.post("/v1/payments", {**WANTED, **fields}, **{"Idempotency-Key": key})

    def simulate(self, payment: dict[str, Any], behaviour: str, **fields: object) -> dict[str, Any]:
        return self.post(f"/v1/payments/{payment['id']}/simulate", {"behaviour": behaviour, **fields})

    def find(self, payment: dict[str, Any]) -> dict[str, Any]:
        return self.http.get(f"/v1/payments/{payment['id']}", **control_headers(self.folder))

    def audit(self) -> dict[str, Any]:
        return self.http.get("/audit", **control_headers(self.folder))

    def page(
        self, url: str, *, press: str | None = None, encoding: str = ""
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=5)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept-Encoding": encoding}
        try:
            if press is None:
                connection.request("GET", parts.path, headers=headers)
            else:
                connection.request("POST", parts.path, body=urlencode({"behaviour": press}), headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def running(tmp_path: Path, receiver: WebhookReceiver) -> Iterator[Running]:
    with listening(PaymentSandbox(tmp_path, webhook=receiver.url, merchant="Nagi & Co")):
        yield Running(tmp_path)


def told(receiver: WebhookReceiver, count: int) -> list[str]:
    return [json.loads(body)["type"] for _, body in receiver.take(count)]


# -- merchants ---------------------------------------------------------------------------------------------------------


def test_the_first_answer_is_given_again(running: Running) -> None:
    first = running.start()
    running.simulate(first, "pay")
    assert running.start() == first
    assert running.refused("/v1/payments", {**WANTED, "amount_minor": 1}, **{"Idempotency-Key": "k-1"}) == (
        409,
        "idempotency-key-reused",
    )
    assert len(running.audit()["payments"]) == 1


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"amount_minor": 0}, "amount-malformed"),
        ({"amount_minor": True}, "amount-malformed"),
        ({"amount_minor": 10.5}, "amount-malformed"),
        ({"amount_minor": 10**10}, "amount-malformed"),
        ({"currency": "yen"}, "currency-malformed"),
        ({"order_number": ""}, "order-number-malformed"),
        ({"description": "x" * 1001}, "description-malformed"),
        ({"return_url": "javascript:alert(1)"}, "return-url-malformed"),
        ({"return_url": "/o/T-1"}, "return-url-malformed"),
    ],
)
def test_refuses_a_malformed_payment(running: Running, fields: dict[str, object], code: str) -> None:
    assert running.refused("/v1/payments", {**WANTED, **fields}, **{"Idempotency-Key": "k"}) == (422, code)


def test_wants_the_key_of_its_merchant(running: Running) -> None:
    for headers in ({}, {"Authorization": "Bearer sk_wrong"}, {"Authorization": "Bearer \u00ff"}):
        with pytest.raises(HTTPError) as refusal:
            running.http.post("/v1/payments", WANTED, **{"Idempotency-Key": "k", **headers})
        refusal.value.close()
        assert refusal.value.code == 401
    assert running.refused("/v1/payments", WANTED) == (400, "idempotency-key-missing")


def test_keeps_its_secrets_to_its_owner(running: Running, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


# -- payers ------------------------------------------------------------------------------------------------------------


def test_the_page_says_who_takes_what_for_which_order(running: Running) -> None:
    status, headers, body = running.page(running.start()["pay_url"])
    html = body.decode()
    assert status == 200
    assert '<html lang="zh-Hans">' in html
    for text in ("Nagi &amp; Co", "T-1", "3 days &lt;b&gt;", "支付 ¥1,180"):
        assert text in html
    assert re.findall('value="([^"]+)"', html) == [
        "pay",
        "decline-network",
        "decline-limit",
        "decline-refused",
        "leave",
        "pay-slowly",
        "pay-twice",
        "webhook-late",
        "webhook-twice",
        "webhook-out-of-order",
    ]
    nonce = re.findall('<style nonce="([^"]+)">', html)
    assert headers["Content-Security-Policy"] == (
        f"default-src 'none'; style-src 'nonce-{nonce[0]}'; img-src data:; "
        "form-action 'self' http://shop.example:8000; base-uri 'none'; frame-ancestors 'none'"
    )


@pytest.mark.parametrize(
    ("language", "lang"),
    [("zh-hans", "zh-Hans"), ("zh-CN", "zh-Hans"), ("en", "en"), ("zh-hant", "en"), ("ja", "en"), ("ko", "en")],
)
def test_the_page_speaks_the_payers_language_or_english(running: Running, language: str, lang: str) -> None:
    _, _, body = running.page(running.start(language=language)["pay_url"])
    assert re.findall('<html lang="([^"]+)">', body.decode()) == [lang]


def test_the_page_is_light(running: Running) -> None:
    _, headers, body = running.page(running.start()["pay_url"], encoding="gzip")
    assert headers["Content-Encoding"] == "gzip"
    assert len(body) < 5_000
    assert gzip.decompress(body).startswith(b"<!doctype html>")


def test_the_way_back_carries_the_payment(running: Running) -> None:
    payment = running.start()
    status, headers, _ = running.page(payment["pay_url"], press="leave")
    assert (status, headers["Location"]) == (303, f"http://shop.example:8000/o/T-1?step=2&payment={payment['id']}")
    assert running.find(payment)["status"] == "open"


def test_a_second_press_takes_nothing_more(running: Running, receiver: WebhookReceiver) -> None:
    payment = running.start()
    for behaviour in ("pay", "pay", "pay-twice", "decline-limit"):
        assert running.page(payment["pay_url"], press=behaviour)[0] == 303
    assert [event["type"] for event in running.find(payment)["events"]] == ["payment.captured"]
    assert told(receiver, 1) == ["payment.captured"]
    _, _, body = running.page(payment["pay_url"])
    assert "<form" not in body.decode()
    assert '<h1 class="sum">已付款</h1>' in body.decode()


def test_a_declined_payment_can_be_paid(running: Running, receiver: WebhookReceiver) -> None:
    payment = running.start()
    running.page(payment["pay_url"], press="decline-limit")
    assert told(receiver, 1) == ["payment.failed"]
    _, _, body = running.page(payment["pay_url"])
    assert '<p class="warn" role="status">' in body.decode()
    running.page(payment["pay_url"], press="pay")
    assert told(receiver, 1) == ["payment.captured"]
    assert running.find(payment)["status"] == "captured"


def test_an_address_that_is_no_payments_is_not_found(running: Running) -> None:
    url = running.start()["pay_url"]
    for press in (None, "pay"):
        assert running.page(f"{url}x", press=press)[0] == 404
    assert running.page(url, press="steal")[0] == 422


@pytest.mark.parametrize(
    ("amount_minor", "currency", "text"),
    [(1180, "JPY", "¥1,180"), (1234567, "JPY", "¥1,234,567"), (1005, "USD", "USD 10.05"), (900, "KRW", "KRW 900")],
)
def test_amounts_read_as_people_write_them(amount_minor: int, currency: str, text: str) -> None:
    assert format_amount(amount_minor, currency) == text


# -- what goes wrong on the way ----------------------------------------------------------------------------------------


def test_slow_money_comes_later(running: Running, receiver: WebhookReceiver) -> None:
    running.post("/control", {"slow_seconds": 0.3})
    payment = running.start()
    assert running.simulate(payment, "pay-slowly")["status"] == "processing"
    assert running.simulate(payment, "pay")["events"] == []
    _, _, body = running.page(payment["pay_url"])
    assert '<h1 class="sum">正在处理付款</h1>' in body.decode()
    assert told(receiver, 1) == ["payment.captured"]
    assert running.find(payment)["status"] == "captured"


def test_a_late_webhook_tells_of_money_that_is_there(running: Running, receiver: WebhookReceiver) -> None:
    running.post("/control", {"late_seconds": 0.5})
    payment = running.start()
    assert running.simulate(payment, "webhook-late")["status"] == "captured"
    with pytest.raises(TimeoutError):
        receiver.take(1, wait_seconds=0.2)
    assert told(receiver, 1) == ["payment.captured"]


def test_a_doubled_webhook_carries_one_event(running: Running, receiver: WebhookReceiver) -> None:
    running.simulate(running.start(), "webhook-twice")
    first, second = (json.loads(body) for _, body in receiver.take(2))
    assert first == second


def test_webhooks_out_of_order(running: Running, receiver: WebhookReceiver) -> None:
    payment = running.start()
    running.simulate(payment, "webhook-out-of-order")
    assert [event["type"] for event in running.find(payment)["events"]] == ["payment.failed", "payment.captured"]
    assert told(receiver, 2) == ["payment.captured", "payment.failed"]


def test_a_refund_can_be_told_before_its_payment(running: Running, receiver: WebhookReceiver) -> None:
    running.post("/control", {"late_seconds": 1, "next_refunds": ["at-once"]})
    (event,) = running.simulate(running.start(), "webhook-late")["events"]
    refund = running.post(
        "/v1/refunds",
        {"capture": event["capture"]["id"], "amount_minor": 1180, "currency": "JPY"},
        **{"Idempotency-Key": "r-1"},
    )
    assert refund["status"] == "done"
    assert told(receiver, 2) == ["refund.done", "payment.captured"]


def test_another_amount_than_was_asked_for_can_be_taken(running: Running, receiver: WebhookReceiver) -> None:
    running.simulate(running.start(), "pay", amount_minor=118, currency="USD")
    ((_, body),) = receiver.take()
    assert json.loads(body)["amount"] == {"amount_minor": 118, "currency": "USD"}


def test_the_next_press_can_be_scripted(running: Running, receiver: WebhookReceiver) -> None:
    running.post("/control", {"next_pays": ["decline-network", "pay-twice"]})
    payment = running.start()
    for _ in range(2):
        running.page(payment["pay_url"], press="pay")
    assert [event["type"] for event in running.find(payment)["events"]] == [
        "payment.failed",
        "payment.captured",
        "payment.captured",
    ]


def test_an_event_can_be_sent_ten_times_at_once(running: Running, receiver: WebhookReceiver) -> None:
    running.simulate(running.start(), "pay")
    ((_, body),) = receiver.take()
    running.post("/control", {"redeliver": {"event": json.loads(body)["id"], "times": 10}})
    assert [again for _, again in receiver.take(10)] == [body] * 10
    assert running.refused("/control", {"redeliver": {"event": "evt_none"}}) == (404, "event-unknown")


@pytest.mark.parametrize(
    "fields",
    [
        {"next_pays": ["steal"]},
        {"next_refunds": "fail"},
        {"slow_seconds": "long"},
        {"redeliver": 7},
        {"redeliver": {}},
        {"webhook": "ftp://x"},
    ],
)
def test_takes_only_orders_that_it_understands(running: Running, fields: dict[str, object]) -> None:
    with pytest.raises(HTTPError) as refusal:
        running.post("/control", fields)
    refusal.value.close()
    assert refusal.value.code == 422


# -- webhooks ----------------------------------------------------------------------------------------------------------


def test_webhooks_are_signed_and_sent_until_they_are_taken(running: Running, receiver: WebhookReceiver) -> None:
    receiver.answers.extend([503, 302])
    running.simulate(running.start(), "pay")
    bodies = set()
    secrets = json.loads((running.folder / "secrets.json").read_text(encoding="utf-8"))["webhook_secrets"]
    for headers, body in receiver.take(3):
        check_signature(headers["Sandbox-Signature"], body=body, secrets=secrets, now=clock.now())
        with pytest.raises(SignatureForged):
            check_signature(headers["Sandbox-Signature"], body=body, secrets=["another"], now=clock.now())
        bodies.add(body)
    assert len(bodies) == 1
    until = time.monotonic() + 5
    while running.audit()["owed_deliveries"] and time.monotonic() < until:
        time.sleep(0.02)
    assert running.audit()["owed_deliveries"] == []


def test_what_is_owed_outlives_the_process(tmp_path: Path, receiver: WebhookReceiver) -> None:
    with listening(PaymentSandbox(tmp_path)):
        running = Running(tmp_path)
        running.post("/control", {"slow_seconds": 0.3, "refund_seconds": 0.3})
        paid, slow = running.start("k-1"), running.start("k-2")
        running.simulate(slow, "pay-slowly")
        (event,) = running.simulate(paid, "pay")["events"]
        running.post(
            "/v1/refunds",
            {"capture": event["capture"]["id"], "amount_minor": 1180, "currency": "JPY"},
            **{"Idempotency-Key": "r-1"},
        )
        before = running.audit()
    with listening(PaymentSandbox(tmp_path, webhook=receiver.url)):
        running = Running(tmp_path)
        assert sorted(told(receiver, 3)) == ["payment.captured", "payment.captured", "refund.done"]
        after = running.audit()
        assert after["captures"][:1] == before["captures"]
        assert [refund["status"] for refund in after["refunds"]] == ["done"]
    with listening(PaymentSandbox(tmp_path)):
        # The webhook's address is kept, and nothing is told twice.
        running = Running(tmp_path)
        running.simulate(running.start("k-3"), "decline-refused")
        assert told(receiver, 1) == ["payment.failed"]
