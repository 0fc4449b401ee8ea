# SPDX-License-Identifier: Apache-2.0
"""What the contract does not look at: calls that are not the merchant's, pages, lost messages, books after a crash."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from tsuzuku.kernel import clock
from tsuzuku.payments.adapters.alipay import SimulatedAccount
from tsuzuku.payments.adapters.alipay.calls import stamp
from tsuzuku.payments.adapters.alipay.signing import read_answer, signed_fields
from tsuzuku.testing.receiver import WebhookReceiver, receiving
from tsuzuku.testing.simulators.alipay.sandbox import AlipaySandbox
from tsuzuku.testing.simulators.merchant_secrets import control_headers
from tsuzuku.testing.simulators.server import listening


class Running:
    """A simulator that listens in this process, and its merchant."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.http = httpx.Client(base_url=url, trust_env=False)
        app = SimulatedAccount(folder, notify_url="").app()
        assert app is not None
        self.app = app

    def call(self, method: str, fields: object, *, unsigned: str = "", **changes: str) -> dict[str, Any]:
        """What a call is answered; it may carry a field that was not signed."""
        params = {
            "app_id": self.app.app_id,
            "method": method,
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": stamp(clock.now()),
            "version": "1.0",
            "biz_content": json.dumps(fields),
            **changes,
        }
        signed = signed_fields(params, key=self.app.private_key)
        answer = self.http.get("/gateway.do", params={**signed, "unsigned": unsigned} if unsigned else signed)
        told, is_signed = read_answer(answer.content, method=method, alipay_keys=self.app.alipay_keys)
        assert (answer.status_code, is_signed) == (200, True)
        return told

    def wanted(self, **changes: object) -> dict[str, Any]:
        return {
            "out_trade_no": token_hex(16),
            "subject": "3 days <b>",
            "body": "T-1",
            "total_amount": "1180",
            "trans_currency": "JPY",
            "settle_currency": "JPY",
            **changes,
        }

    def order(self, **changes: object) -> tuple[str, str]:
        """An order's number, and the path of its code."""
        fields = self.wanted(**changes)
        answer = self.precreate(fields)
        assert answer["code"] == "10000", answer
        return fields["out_trade_no"], "/" + answer["qr_code"].rpartition("/")[2]

    def precreate(self, fields: dict[str, Any], **changes: str) -> dict[str, Any]:
        return self.call("alipay.trade.precreate", fields, **changes)

    def status(self, number: str) -> str:
        """What Alipay says of a trade."""
        told = self.call("alipay.trade.query", {"out_trade_no": number})
        return str(told.get("trade_status") or told["sub_code"])

    def press(self, code: str, **pressed: str) -> str:
        """The page after a button, as a browser in Chinese shows it."""
        chinese = {"Accept-Language": "zh-CN,zh;q=0.9"}
        return self.http.post(code, data=pressed, headers=chinese, follow_redirects=True).text

    def control(self, **fields: object) -> None:
        self.http.post("/control", json=fields, headers=control_headers(self.folder)).raise_for_status()

    def audit(self) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get("/audit", headers=control_headers(self.folder)).json()
        return found


@pytest.fixture(scope="module")
def receiver() -> Iterator[WebhookReceiver]:
    with receiving() as receiver:
        receiver.reply = b"success"
        yield receiver


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, receiver: WebhookReceiver) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("alipay") / "books"
    with listening(AlipaySandbox(folder, webhook=receiver.url, merchant="Shop <i>")) as sandbox:
        yield Running(folder, sandbox.url)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"app_id": "1"}, "isv.invalid-app-id"),
        ({"sign_type": "RSA"}, "isv.invalid-signature"),
        ({"timestamp": "2026-11-21"}, "isv.invalid-timestamp"),
        ({"timestamp": "2020-01-01 00:00:00"}, "isv.invalid-timestamp"),
        ({"biz_content": "[]"}, "isv.invalid-biz-content"),
    ],
)
def test_only_the_merchants_own_calls_are_taken(running: Running, changes: dict[str, str], told: str) -> None:
    answer = running.precreate(running.wanted(), **changes)
    assert (answer["code"], answer["sub_code"]) == ("40002", told)


def test_a_field_that_was_not_signed_is_refused(running: Running) -> None:
    answer = running.call("alipay.trade.query", {"out_trade_no": "a"}, unsigned="1")
    assert answer["sub_code"] == "isv.invalid-signature"
    for method, path in (("POST", "/control"), ("GET", "/audit"), ("POST", "/control/pay")):
        assert running.http.request(method, path).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"out_trade_no": "a b"},
        {"out_trade_no": "x" * 65},
        {"subject": "a/b"},
        {"subject": "続" * 86},
        {"total_amount": "0"},
        {"total_amount": "1180.5"},
        {"total_amount": "-1"},
        {"total_amount": 1180},
        {"time_expire": "2020-01-01 00:00:00"},
        {"time_expire": "tomorrow"},
    ],
)
def test_what_alipay_would_not_take_is_refused(running: Running, changes: dict[str, object]) -> None:
    assert running.precreate(running.wanted(**changes))["code"] in {"40002", "40004"}


def test_the_page_stands_for_the_app_in_the_browsers_language(running: Running, receiver: WebhookReceiver) -> None:
    number, code = running.order()
    assert running.status(number) == "ACQ.TRADE_NOT_EXIST"
    page = running.http.get(code).text
    assert running.status(number) == "WAIT_BUYER_PAY"
    assert '<html lang="en">' in page
    assert "Shop &lt;i&gt;" in page
    assert "3 days &lt;b&gt;" in page
    assert "¥1,180" in page
    declined = running.press(code, decline="network")
    assert '<html lang="zh-Hans">' in declined
    assert "拒绝：连不上银行" in declined
    assert running.status(number) == "WAIT_BUYER_PAY"
    assert "已付款" in running.press(code, trouble="none")
    assert running.status(number) == "TRADE_SUCCESS"
    receiver.take()
    assert running.http.get("/bax0nobodys").status_code == 404


def test_open_codes_are_listed_until_they_are_paid(running: Running, receiver: WebhookReceiver) -> None:
    (_, paid), (_, left) = running.order(), running.order()
    running.press(paid, trouble="none")
    listed = running.http.get("/").text
    assert (paid in listed, left in listed) == (False, True)
    receiver.take()


def test_a_trade_ends_by_itself_and_an_unscanned_code_leaves_no_trace(
    running: Running, receiver: WebhookReceiver
) -> None:
    soon = stamp(clock.now() + timedelta(seconds=2))
    (scanned, code), (unscanned, other) = running.order(time_expire=soon), running.order(time_expire=soon)
    running.http.get(code)
    ((_, body),) = receiver.take()
    assert parse_qs(body.decode())["trade_status"] == ["TRADE_CLOSED"]
    assert (running.status(scanned), running.status(unscanned)) == ("TRADE_CLOSED", "ACQ.TRADE_NOT_EXIST")
    for each in (code, other):
        assert "二维码已失效" in running.press(each, trouble="none")


@pytest.mark.parametrize(("trouble", "count"), [("twice", 2), ("late", 1)])
def test_messages_go_wrong_on_demand(running: Running, receiver: WebhookReceiver, trouble: str, count: int) -> None:
    running.control(late_seconds=0.2)
    running.press(running.order()[1], trouble=trouble)
    assert len({parse_qs(body.decode())["notify_id"][0] for _, body in receiver.take(count)}) == 1


def test_a_message_that_is_lost_is_found_in_the_books_alone(running: Running) -> None:
    number, code = running.order()
    running.press(code, trouble="lost")
    audit = running.audit()
    assert (audit["events"][-1]["out_trade_no"], audit["owed_deliveries"]) == (number, [])


def test_only_the_one_word_ends_the_telling(running: Running, receiver: WebhookReceiver) -> None:
    receiver.answers.append(500)
    running.press(running.order()[1], trouble="none")
    assert len({parse_qs(body.decode())["notify_id"][0] for _, body in receiver.take(2)}) == 1
    receiver.reply = b"success\n"
    running.press(running.order()[1], trouble="none")
    receiver.take()
    receiver.reply = b"success"
    receiver.take()


def test_books_and_keys_outlive_the_process(tmp_path: Path) -> None:
    folder = tmp_path / "books"
    with listening(AlipaySandbox(folder)) as sandbox:
        running = Running(folder, sandbox.url)
        number, code = running.order()
        running.press(code, trouble="none")
    with receiving() as receiver, listening(AlipaySandbox(folder, webhook=receiver.url)) as sandbox:
        receiver.reply = b"success"
        running = Running(folder, sandbox.url)
        assert running.status(number) == "TRADE_SUCCESS"
        ((_, body),) = receiver.take()
        assert parse_qs(body.decode())["out_trade_no"] == [number]
        until = time.monotonic() + 5
        while running.audit()["owed_deliveries"]:
            assert time.monotonic() < until
            time.sleep(0.02)
