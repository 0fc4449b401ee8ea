# SPDX-License-Identifier: Apache-2.0
"""What the contract does not look at: calls that are not the merchant's, pages, lost messages, books after a crash."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import pytest

from tsuzuku.kernel import clock
from tsuzuku.payments.adapters.wechat_pay import SimulatedAccount
from tsuzuku.payments.adapters.wechat_pay.signing import authorization
from tsuzuku.testing.receiver import WebhookReceiver, receiving
from tsuzuku.testing.simulators.merchant_secrets import control_headers
from tsuzuku.testing.simulators.server import listening
from tsuzuku.testing.simulators.wechat_pay.sandbox import WeChatPaySandbox

ORDERS, REFUNDS = "/v3/global/transactions", "/v3/global/refunds"


class Running:
    """A simulator that listens in this process, and its merchant."""

    def __init__(self, sandbox: WeChatPaySandbox) -> None:
        self.folder = sandbox.folder
        self.http = httpx.Client(base_url=sandbox.url, trust_env=False)
        merchant = SimulatedAccount(sandbox.folder, notify_url="").merchant()
        assert merchant is not None
        self.merchant = merchant

    def call(self, method: str, target: str, fields: object = None, *, signed: bytes | None = None) -> httpx.Response:
        body = b"" if fields is None else json.dumps(fields).encode()
        told = body if signed is None else signed
        header = authorization(self.merchant, method=method, target=target, body=told, now=clock.now())
        return self.http.request(method, target, content=body or None, headers={"Authorization": header})

    def order(self, **changes: object) -> dict[str, Any]:
        """An order that can be paid: its number and its code."""
        fields = self.wanted(**changes)
        answer = self.call("POST", f"{ORDERS}/native", fields)
        assert answer.status_code == 200, answer.text
        return {"number": fields["out_trade_no"], "code": answer.json()["code_url"].partition("?")[2]}

    def wanted(self, **changes: object) -> dict[str, Any]:
        return {
            "appid": self.merchant.appid,
            "mchid": self.merchant.mchid,
            "description": "3 days <b>",
            "out_trade_no": token_hex(16),
            "attach": "T-1",
            "notify_url": "https://shop.example/notify",
            "trade_type": "NATIVE",
            "merchant_category_code": "4814",
            "amount": {"total": 1180, "currency": "JPY"},
            **changes,
        }

    def press(self, code: str, **pressed: str) -> str:
        """The page after a button, as a browser in Chinese shows it."""
        chinese = {"Accept-Language": "zh-CN,zh;q=0.9"}
        return self.http.post(f"/pay?{code}", data=pressed, headers=chinese, follow_redirects=True).text

    def look(self, number: str) -> dict[str, Any]:
        target = f"{ORDERS}/out-trade-no/{number}?mchid={self.merchant.mchid}"
        found: dict[str, Any] = self.call("GET", target).json()
        return found

    def control(self, **fields: object) -> None:
        self.http.post("/control", json=fields, headers=control_headers(self.folder)).raise_for_status()


@pytest.fixture(scope="module")
def receiver() -> Iterator[WebhookReceiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, receiver: WebhookReceiver) -> Iterator[Running]:
    sandbox = WeChatPaySandbox(tmp_path_factory.mktemp("wechat") / "books", webhook=receiver.url, merchant="Shop <i>")
    with listening(sandbox):
        yield Running(sandbox)


def test_only_the_merchants_own_calls_are_taken(running: Running) -> None:
    fields = running.wanted()
    for answer in (
        running.http.post(f"{ORDERS}/native", json=fields),
        running.http.post(f"{ORDERS}/native", json=fields, headers={"Authorization": "WECHATPAY2-SHA256-RSA2048 x"}),
        running.call("POST", f"{ORDERS}/native", fields, signed=b"{}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_ERROR")
    assert running.look(fields["out_trade_no"])["code"] == "ORDER_NOT_EXIST"
    for path in ("/control", "/audit"):
        assert running.http.request("GET" if path == "/audit" else "POST", path).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"out_trade_no": "x" * 33},
        {"out_trade_no": "a b"},
        {"description": "続" * 43},
        {"notify_url": "https://shop.example/notify?a=1"},
        {"notify_url": "nowhere"},
        {"trade_type": "JSAPI"},
        {"amount": {"total": 0, "currency": "JPY"}},
        {"amount": {"total": 1.5, "currency": "JPY"}},
        {"amount": {"total": 1, "currency": "yen"}},
        {"time_expire": "2020-01-01T00:00:00+08:00"},
        {"time_expire": "tomorrow"},
        {"mchid": "1"},
    ],
)
def test_what_wechat_pay_would_not_take_is_refused(running: Running, changes: dict[str, object]) -> None:
    answer = running.call("POST", f"{ORDERS}/native", running.wanted(**changes))
    assert answer.status_code == 400
    assert "Wechatpay-Signature" not in answer.headers


def test_the_page_stands_for_the_app_in_the_browsers_language(running: Running, receiver: WebhookReceiver) -> None:
    order = running.order()
    page = running.http.get(f"/pay?{order['code']}")
    assert '<html lang="en">' in page.text
    assert "Shop &lt;i&gt;" in page.text
    assert "3 days &lt;b&gt;" in page.text
    assert "¥1,180" in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    declined = running.press(order["code"], decline="limit")
    assert '<html lang="zh-Hans">' in declined
    assert "拒绝：超出限额" in declined
    assert running.look(order["number"])["trade_state"] == "NOTPAY"
    assert "已付款" in running.press(order["code"], trouble="none")
    assert running.look(order["number"])["trade_state"] == "SUCCESS"
    receiver.take()
    assert running.http.get("/pay?pr=nobodys").status_code == 404
    assert running.press(order["code"], trouble="nonsense", decline="nonsense")


def test_open_codes_are_listed_until_they_are_paid_or_closed(running: Running, receiver: WebhookReceiver) -> None:
    paid, closed, left = running.order(), running.order(), running.order()
    running.press(paid["code"], trouble="none")
    target = f"{ORDERS}/out-trade-no/{closed['number']}/close"
    answer = running.call("POST", target, {"mchid": running.merchant.mchid})
    assert (answer.status_code, answer.content) == (204, b"")
    assert "Wechatpay-Signature" in answer.headers
    listed = running.http.get("/").text
    assert [each["code"] in listed for each in (paid, closed, left)] == [False, False, True]
    assert "二维码已失效" in running.press(closed["code"], trouble="none")
    receiver.take()


def test_a_code_ends_by_itself(running: Running) -> None:
    order = running.order(time_expire=(clock.now() + timedelta(seconds=0.3)).isoformat())
    until = time.monotonic() + 5
    while running.look(order["number"])["trade_state"] != "CLOSED":
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize(("trouble", "count"), [("twice", 2), ("late", 1)])
def test_messages_go_wrong_on_demand(running: Running, receiver: WebhookReceiver, trouble: str, count: int) -> None:
    running.control(late_seconds=0.2)
    running.press(running.order()["code"], trouble=trouble)
    ids = {json.loads(body)["id"] for _, body in receiver.take(count)}
    assert len(ids) == 1


def test_a_message_that_is_lost_is_found_in_the_books_alone(running: Running) -> None:
    order = running.order()
    running.press(order["code"], trouble="lost")
    audit = running.http.get("/audit", headers=control_headers(running.folder)).json()
    assert [event["resource"]["out_trade_no"] for event in audit["events"]][-1] == order["number"]
    assert audit["owed_deliveries"] == []


def test_a_notification_is_owed_until_it_is_taken(running: Running, receiver: WebhookReceiver) -> None:
    receiver.answers.extend([500, 302])
    running.press(running.order()["code"], trouble="none")
    bodies = [json.loads(body) for _, body in receiver.take(3)]
    assert len({each["id"] for each in bodies}) == 1
    # Encrypted anew each time.
    assert len({each["resource"]["nonce"] for each in bodies}) == 3


def test_refunds_are_listed_by_pages(running: Running, receiver: WebhookReceiver) -> None:
    order = running.order()
    running.press(order["code"], trouble="none")
    receiver.take()
    merchant, paid = running.merchant, running.look(order["number"])
    for number in ("r1", "r2", "r3"):
        fields = {
            "mchid": merchant.mchid,
            "transaction_id": paid["id"],
            "out_refund_no": f"{order['number']}{number}",
            "amount": {"refund": 100, "total": 1180, "currency": "JPY"},
        }
        assert running.call("POST", REFUNDS, fields).json()["status"] == "PROCESSING"
    target = f"{REFUNDS}?out_trade_no={order['number']}&mchid={merchant.mchid}"
    page = running.call("GET", f"{target}&offset=1&count=2").json()
    assert (page["total_num"], page["current_total_num"]) == (3, 2)
    assert [each["out_refund_no"][-2:] for each in page["data"]] == ["r2", "r1"]
    assert running.call("GET", f"{target}&offset=0&count=21").status_code == 400
    one = running.call("GET", f"{REFUNDS}/out-refund-no/{order['number']}r1?mchid={merchant.mchid}").json()
    assert one["amount"]["refund"] == 100
    running.control(end_refunds=True)
    receiver.take(3)


def test_books_and_keys_outlive_the_process(tmp_path: Path) -> None:
    with listening(WeChatPaySandbox(tmp_path / "books")) as sandbox:
        running = Running(sandbox)  # type: ignore[arg-type]  # it is the one that was given
        order = running.order()
        running.press(order["code"], trouble="none")
        paid = running.look(order["number"])
    with receiving() as receiver, listening(WeChatPaySandbox(tmp_path / "books", webhook=receiver.url)) as sandbox:
        running = Running(sandbox)  # type: ignore[arg-type]
        assert running.look(order["number"]) == paid
        ((_, body),) = receiver.take()
        assert json.loads(body)["event_type"] == "TRANSACTION.SUCCESS"
        until = time.monotonic() + 5
        while running.http.get("/audit", headers=control_headers(running.folder)).json()["owed_deliveries"]:
            assert time.monotonic() < until
            time.sleep(0.02)
