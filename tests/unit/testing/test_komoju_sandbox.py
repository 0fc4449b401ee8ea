# SPDX-License-Identifier: Apache-2.0
"""What the contract does not look at: the pages, messages that go wrong, refusals, and the books after a crash."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tsuzuku.testing.receiver import WebhookReceiver, receiving
from tsuzuku.testing.simulators.komoju.sandbox import KomojuSandbox
from tsuzuku.testing.simulators.merchant_secrets import control_headers
from tsuzuku.testing.simulators.server import listening

WANTED = {
    "mode": "payment",
    "amount": 1180,
    "currency": "JPY",
    "payment_types": ["konbini"],
    "return_url": "https://shop.example:8443/o/T-1?back=1",
    "default_locale": "zh_CN",
    "payment_data": {"external_order_num": "T-1 <b>"},
    "metadata": {"tsuzuku_payment": "key-1"},
}
AUTHORIZED, CAPTURED = "payment.authorized", "payment.captured"


class Running:
    """A simulator that listens in this process, and its merchant without any package."""

    def __init__(self, sandbox: KomojuSandbox) -> None:
        headers = control_headers(sandbox.folder)
        self.owner = httpx.Client(base_url=sandbox.url, headers=headers, trust_env=False)
        self.payer = httpx.Client(base_url=sandbox.url, trust_env=False)
        key = headers["Authorization"].removeprefix("Bearer ")
        self.http = httpx.Client(base_url=f"{sandbox.url}/api/v1", auth=(key, ""), trust_env=False)

    def create(self, key: str = "", **changes: Any) -> httpx.Response:  # noqa: ANN401  # whatever a body holds
        headers = {"X-KOMOJU-IDEMPOTENCY": key} if key else {}
        return self.http.post("/sessions", json=WANTED | changes, headers=headers)

    def session(self, **changes: Any) -> dict[str, Any]:  # noqa: ANN401  # whatever a body holds
        found: dict[str, Any] = self.create(**changes).raise_for_status().json()
        return found

    def slip(self, store: str = "seven-eleven", **changes: Any) -> dict[str, Any]:  # noqa: ANN401  # whatever a body holds
        """A payment whose store was chosen on the page."""
        session = self.session(**changes)
        self.payer.post(session["session_url"], data={"issue": store})
        found: dict[str, Any] = self.look(f"sessions/{session['id']}")["payment"]
        return found

    def press(self, payment: dict[str, Any], **pressed: str) -> httpx.Response:
        return self.payer.post(payment["payment_details"]["instructions_url"], data=pressed)

    def look(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(f"/{path}").raise_for_status().json()
        return found

    def control(self, **fields: object) -> None:
        self.owner.post("/control", json=fields).raise_for_status()


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def running(tmp_path: Path, receiver: WebhookReceiver) -> Iterator[Running]:
    sandbox = KomojuSandbox(tmp_path, webhook=receiver.url, merchant="Nagi & Co")
    with listening(sandbox):
        yield Running(sandbox)


def error(answer: httpx.Response) -> tuple[int, str, str | None]:
    told = answer.json()["error"]
    assert told["message"]
    return answer.status_code, told["code"], told["param"]


def told(receiver: WebhookReceiver, count: int = 1) -> list[str]:
    return [json.loads(body)["type"] for _, body in receiver.take(count)]


def test_a_key_is_the_name_of_basic(running: Running) -> None:
    for wrong in (("sk_test_wrong", ""), ("", ""), None):
        assert error(running.payer.get("/api/v1/sessions/x", auth=wrong)) == (401, "unauthorized", None)
    assert running.payer.get("/audit").status_code == 401
    assert error(running.http.get("/sessions/nobodys")) == (404, "not_found", None)


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"mode": "customer"}, "mode"),
        ({"amount": "1180"}, "amount"),
        ({"amount": 0}, "amount"),
        ({"amount": 300_000}, "amount"),
        ({"currency": "USD"}, "currency"),
        ({"payment_types": ["credit_card"]}, "payment_types"),
        ({"return_url": "nowhere"}, "return_url"),
        ({"expires_in_seconds": 86_401}, "expires_in_seconds"),
        ({"metadata": {"k": 1}}, "metadata"),
        ({"metadata": {"k" * 31: "v"}}, "metadata"),
    ],
    ids=range(10),
)
def test_what_komoju_would_not_take_is_refused(running: Running, changes: dict[str, Any], param: str) -> None:
    _, code, told_param = error(running.create(**changes))
    assert (code, told_param) == ("invalid_parameter", param)


def test_the_same_key_is_the_same_answer_whatever_is_asked(running: Running) -> None:
    assert running.create("k-1", mode="customer").status_code == 422
    first, again = running.create("k-1"), running.create("k-1", amount=1)
    assert again.json() == first.json()
    assert running.session()["id"] != running.session()["id"]
    assert error(running.create("k" * 101))[1] == "invalid_parameter"


def test_only_words_of_a_payment_may_be_changed_and_cash_is_not_refunded_at_once(running: Running) -> None:
    address = f"/payments/{running.slip()['id']}"
    changed = running.http.patch(address, json={"description": "d", "metadata": {"a": "b"}}).json()
    assert (changed["description"], changed["metadata"]) == ("d", {"a": "b"})
    assert error(running.http.patch(address, json={"amount": 1}))[1:] == ("invalid_parameter", "amount")
    assert error(running.http.post(f"{address}/refund", json={})) == (422, "not_refundable", None)
    assert '"_' not in json.dumps(running.look(address.removeprefix("/")))


def test_a_store_is_chosen_and_the_slip_paid(running: Running, receiver: WebhookReceiver) -> None:
    session = running.session()
    page = running.payer.get(session["session_url"])
    assert "T-1 &lt;b&gt;" in page.text
    assert "Nagi &amp; Co" in page.text
    assert "script" not in page.text
    assert "form-action 'self' https://shop.example:8443;" in page.headers["Content-Security-Policy"]
    slip = running.payer.post(session["session_url"], data={"issue": "seven-eleven"}).headers["Location"]
    payment = running.look(f"sessions/{session['id']}")["payment"]
    shown = running.payer.get(slip)
    assert payment["payment_details"]["receipt"] in shown.text
    assert "23:59 JST" in shown.text
    assert f"back=1&amp;session_id={session['id']}" in shown.text
    running.press(payment, pay="none")
    assert told(receiver, 2) == [AUTHORIZED, CAPTURED]
    running.press(payment, pay="none")
    running.press(payment, expire="yes")
    assert running.look(f"payments/{payment['id']}")["status"] == "captured"
    assert 'name="pay"' not in running.payer.get(slip).text


@pytest.mark.parametrize("pressed", [{}, {"issue": "supermarket"}, {"pay": "none"}, {"refuse": "supermarket"}])
def test_a_button_that_no_page_has_does_nothing(running: Running, pressed: dict[str, str]) -> None:
    session = running.session()
    answer = running.payer.post(session["session_url"], data=pressed)
    assert answer.headers["Location"] == session["session_url"]
    assert running.look(f"sessions/{session['id']}") == session
    payment = running.slip()
    running.press(payment, pay="gold")
    assert running.look(f"payments/{payment['id']}") == payment


@pytest.mark.parametrize("locale", ["zh_CN", "ja"])
def test_each_page_stands_in_its_language(running: Running, locale: str) -> None:
    lang = f'<html lang="{ {"zh_CN": "zh-Hans", "ja": "en"}[locale] }">'
    session = running.session(default_locale=locale)
    assert lang in running.payer.get(session["session_url"]).text
    payment = running.slip("lawson", default_locale=locale)
    address = payment["payment_details"]["instructions_url"]
    assert payment["payment_details"]["confirmation_code"] in running.payer.get(address).text
    running.press(payment, expire="yes")
    assert lang in running.payer.get(address).text
    left = running.payer.post(session["session_url"], data={"cancel": "yes"})
    assert left.headers["Location"].endswith(f"&session_id={session['id']}")
    assert 'name="issue"' not in running.payer.get(session["session_url"]).text
    for nobodys in ("/sessions/nobodys", "/slips/nobodys", f"/slips/{session['id']}"):
        assert running.payer.get(nobodys).status_code == 404


@pytest.mark.parametrize(
    ("trouble", "kinds"),
    [
        ("late", [AUTHORIZED, CAPTURED]),
        ("twice", [AUTHORIZED, CAPTURED, CAPTURED]),
        ("out-of-order", [AUTHORIZED, CAPTURED, AUTHORIZED]),
        ("lost", [AUTHORIZED]),
    ],
)
def test_messages_go_wrong_as_asked(
    running: Running, receiver: WebhookReceiver, trouble: str, kinds: list[str]
) -> None:
    running.control(late_seconds=0.1)
    running.press(running.slip(), pay=trouble)
    assert told(receiver, len(kinds)) == kinds
    with pytest.raises(TimeoutError):
        receiver.take(wait_seconds=0.2)


def test_a_webhook_that_is_not_taken_comes_again_as_it_was(running: Running, receiver: WebhookReceiver) -> None:
    receiver.answers.extend([500, 302])
    running.slip()
    sent = receiver.take(3)
    assert len({(body, headers["X-Komoju-Signature"]) for headers, body in sent}) == 1
    assert len({headers["X-Komoju-ID"] for headers, _ in sent}) == 3
    assert {headers["X-Komoju-Event"] for headers, _ in sent} == {AUTHORIZED}


def test_the_books_outlive_the_process(tmp_path: Path, receiver: WebhookReceiver) -> None:
    with listening(KomojuSandbox(tmp_path, webhook=receiver.url)) as sandbox:
        assert isinstance(sandbox, KomojuSandbox)
        running = Running(sandbox)
        session = running.create("k-1").json()
        payment = running.slip()
        running.press(payment, pay="none")
        wanted = json.dumps([{"key": "r-1", "amount": 180}])
        running.http.patch(f"/payments/{payment['id']}", json={"metadata": {"tsuzuku_refunds": wanted}})
        assert told(receiver, 2) == [AUTHORIZED, CAPTURED]
        while (before := running.owner.get("/audit").json())["owed_deliveries"]:
            pass
    with listening(KomojuSandbox(tmp_path, webhook=receiver.url)) as sandbox:
        assert isinstance(sandbox, KomojuSandbox)
        running = Running(sandbox)
        assert running.owner.get("/audit").json() == before
        assert running.create("k-1").json() == session
        for _ in range(2):
            running.control(make_refunds=True)
        assert told(receiver) == ["payment.refund.created"]
        assert running.look(f"payments/{payment['id']}")["amount_refunded"] == 180
