# SPDX-License-Identifier: Apache-2.0
"""What the contract does not look at: the page, messages that go wrong, refusals, and the books after a crash."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tsuzuku.kernel import clock
from tsuzuku.testing.receiver import WebhookReceiver, receiving
from tsuzuku.testing.simulators.merchant_secrets import control_headers
from tsuzuku.testing.simulators.paypal.sandbox import PayPalSandbox
from tsuzuku.testing.simulators.paypal.signing import Signer
from tsuzuku.testing.simulators.server import listening

CONTEXT = {
    "return_url": "https://shop.example:8443/o/T-1?back=1&x=%E7%BB%AD",
    "cancel_url": "https://shop.example:8443/o/T-1",
    "locale": "zh-CN",
}
UNIT = {
    "amount": {"currency_code": "JPY", "value": "1180"},
    "description": "3 days <b>",
    "custom_id": "key-1",
    "invoice_id": "T-1",
}
COMPLETED, APPROVED = "PAYMENT.CAPTURE.COMPLETED", "CHECKOUT.ORDER.APPROVED"


class Running:
    """A simulator that listens in this process, and its merchant without any package."""

    def __init__(self, sandbox: PayPalSandbox) -> None:
        self.owner = httpx.Client(base_url=sandbox.url, headers=control_headers(sandbox.folder), trust_env=False)
        self.payer = httpx.Client(base_url=sandbox.url, trust_env=False)
        self.secret = control_headers(sandbox.folder)["Authorization"].removeprefix("Bearer ")
        token = self.token(("simulated", self.secret)).raise_for_status().json()["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Prefer": "return=representation"}
        self.http = httpx.Client(base_url=sandbox.url, headers=headers, trust_env=False)

    def token(self, auth: tuple[str, str], **data: str) -> httpx.Response:
        sent = {"grant_type": "client_credentials"} | data
        return self.payer.post("/v1/oauth2/token", data=sent, auth=auth)

    def create(self, key: str = "", **changes: Any) -> httpx.Response:  # noqa: ANN401  # whatever a body holds
        fields = {
            "intent": "CAPTURE",
            "purchase_units": [UNIT],
            "payment_source": {"paypal": {"experience_context": CONTEXT}},
        } | changes
        return self.http.post("/v2/checkout/orders", json=fields, headers={"PayPal-Request-Id": key} if key else {})

    def order(self) -> dict[str, Any]:
        found: dict[str, Any] = self.create().raise_for_status().json()
        return found

    def capture(self, order: dict[str, Any], key: str = "") -> httpx.Response:
        headers = {"PayPal-Request-Id": key} if key else {}
        return self.http.post(f"/v2/checkout/orders/{order['id']}/capture", json={}, headers=headers)

    def press(self, order: dict[str, Any], **pressed: str) -> httpx.Response:
        return self.payer.post("/checkoutnow", params={"token": order["id"]}, data=pressed)

    def page(self, order: dict[str, Any]) -> httpx.Response:
        return self.payer.get("/checkoutnow", params={"token": order["id"]})

    def control(self, **fields: object) -> dict[str, Any]:
        found: dict[str, Any] = self.owner.post("/control", json=fields).raise_for_status().json()
        return found


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def running(tmp_path: Path, receiver: WebhookReceiver) -> Iterator[Running]:
    sandbox = PayPalSandbox(tmp_path, webhook=receiver.url, merchant="Nagi & Co")
    with listening(sandbox):
        yield Running(sandbox)


def issue(answer: httpx.Response) -> tuple[int, str]:
    told = answer.json()
    assert told["name"]
    assert told["debug_id"]
    return answer.status_code, told["details"][0]["issue"]


def told(receiver: WebhookReceiver, count: int = 1) -> list[str]:
    return [json.loads(body)["event_type"] for _, body in receiver.take(count)]


def test_only_its_merchant_gets_a_token_and_only_with_one_is_anybody_answered(running: Running) -> None:
    assert running.token(("simulated", "wrong")).json()["error"] == "invalid_client"
    assert running.token(("simulated", running.secret), grant_type="password").status_code == 400
    for wrong in ({}, {"Authorization": "Bearer A21AA.99999999999.00"}, {"Authorization": f"Bearer {running.secret}"}):
        answer = running.payer.get("/v2/checkout/orders/X", headers=wrong)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert running.payer.get("/audit").status_code == 401


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"intent": "AUTHORIZE"}, (422, "INVALID_PARAMETER_VALUE")),
        ({"purchase_units": []}, (400, "MISSING_REQUIRED_PARAMETER")),
        ({"purchase_units": [UNIT, UNIT]}, (400, "MISSING_REQUIRED_PARAMETER")),
        ({"purchase_units": [{"amount": {"currency_code": "JPY"}}]}, (400, "MISSING_REQUIRED_PARAMETER")),
        ({"purchase_units": [UNIT | {"custom_id": "x" * 128}]}, (400, "INVALID_STRING_LENGTH")),
        ({"payment_source": {}}, (400, "MISSING_REQUIRED_PARAMETER")),
        *(
            ({"purchase_units": [{"amount": {"currency_code": currency, "value": value}}]}, (422, refusal))
            for currency, value, refusal in (
                ("JPY", "1180.00", "DECIMALS_NOT_SUPPORTED"),
                ("USD", "1.005", "DECIMALS_NOT_SUPPORTED"),
                ("JPY", "0", "CANNOT_BE_ZERO_OR_NEGATIVE"),
                ("JPY", "ten", "CANNOT_BE_ZERO_OR_NEGATIVE"),
                ("yen", "10", "CURRENCY_NOT_SUPPORTED"),
            )
        ),
    ],
    ids=range(11),
)
def test_what_paypal_would_not_take_is_refused(
    running: Running, changes: dict[str, Any], refusal: tuple[int, str]
) -> None:
    assert issue(running.create(**changes)) == refusal


def test_the_same_id_is_the_same_thing_as_it_is_now_whatever_is_asked(running: Running) -> None:
    assert running.create("k-1", intent="AUTHORIZE").status_code == 422
    first = running.create("k-1")
    running.press(first.json(), do="good")
    again = running.create("k-1", purchase_units=[])
    assert (first.status_code, again.status_code) == (201, 200)
    assert (again.json()["id"], again.json()["status"]) == (first.json()["id"], "APPROVED")
    assert running.create().json()["id"] != running.create().json()["id"]
    assert issue(running.create("k" * 109)) == (400, "INVALID_STRING_LENGTH")


def test_nothing_of_the_simulators_own_is_shown(running: Running) -> None:
    order = running.order()
    running.press(order, do="good")
    captured = running.capture(order).json()
    assert '"_' not in json.dumps(captured)
    (capture,) = captured["purchase_units"][0]["payments"]["captures"]
    looked = running.http.get(f"/v2/payments/captures/{capture['id']}").json()
    assert looked == capture


def test_paying_on_the_page_leads_back_to_the_merchant(running: Running, receiver: WebhookReceiver) -> None:
    order = running.order()
    page = running.page(order)
    assert "3 days &lt;b&gt;" in page.text
    assert "Nagi &amp; Co" in page.text
    assert "script" not in page.text
    assert "form-action 'self' https://shop.example:8443;" in page.headers["Content-Security-Policy"]
    pressed = running.press(order, do="good")
    assert pressed.headers["Location"].startswith("https://shop.example:8443/o/T-1?back=1&x=%E7%BB%AD&token=")
    assert told(receiver) == [APPROVED]
    again = running.press(order, do="INSTRUMENT_DECLINED")
    assert again.headers["Location"] == pressed.headers["Location"]
    assert running.capture(order).json()["status"] == "COMPLETED"
    assert told(receiver) == [COMPLETED]


@pytest.mark.parametrize("pressed", [{}, {"do": "fly"}, {"trouble": "late"}])
def test_a_button_that_no_page_has_does_nothing(running: Running, pressed: dict[str, str]) -> None:
    order = running.order()
    assert running.press(order, **pressed).headers["Location"].endswith(f"/checkoutnow?token={order['id']}")
    assert running.http.get(f"/v2/checkout/orders/{order['id']}").json() == order


@pytest.mark.parametrize("locale", ["zh-CN", "ja-JP"])
def test_each_page_stands_in_its_language(running: Running, locale: str) -> None:
    context = CONTEXT | {"locale": locale}
    order = running.create(payment_source={"paypal": {"experience_context": context}}).json()
    lang = {"zh-CN": "zh-Hans", "ja-JP": "en"}[locale]
    assert f'<html lang="{lang}">' in running.page(order).text
    running.press(order, do="INSTRUMENT_DECLINED")
    assert 'name="do"' not in running.page(order).text
    assert running.capture(order).status_code == 422
    assert "<code>INSTRUMENT_DECLINED</code>" in running.page(order).text
    running.press(order, do="good")
    running.capture(order)
    assert f'<html lang="{lang}">' in running.page(order).text
    assert running.payer.get("/checkoutnow?token=nobodys").status_code == 404


@pytest.mark.parametrize(
    ("trouble", "kinds"),
    [
        ("late", [APPROVED, COMPLETED]),
        ("twice", [APPROVED, APPROVED, COMPLETED, COMPLETED]),
        ("out-of-order", [COMPLETED, APPROVED]),
        ("lost", []),
    ],
)
def test_messages_go_wrong_as_asked(
    running: Running, receiver: WebhookReceiver, trouble: str, kinds: list[str]
) -> None:
    running.control(late_seconds=0.1)
    order = running.order()
    running.press(order, do="good", trouble=trouble)
    early = told(receiver, kinds.index(COMPLETED)) if kinds else []
    running.capture(order)
    assert early + told(receiver, len(kinds) - len(early)) == kinds
    with pytest.raises(TimeoutError):
        receiver.take(wait_seconds=0.2)


def test_a_webhook_that_is_not_taken_comes_again_in_a_transmission_of_its_own(
    running: Running, receiver: WebhookReceiver
) -> None:
    receiver.answers.extend([500, 302])
    running.press(running.order(), do="good")
    sent = receiver.take(3)
    assert len({body for _, body in sent}) == 1
    assert len({headers["PayPal-Transmission-Id"] for headers, _ in sent}) == 3


def test_an_order_that_nobody_agreed_to_ends(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    order = running.order()
    later = clock.now() + timedelta(hours=3, minutes=1)
    monkeypatch.setattr("tsuzuku.testing.simulators.clerk.clock.now", lambda: later)
    running.control()
    until = clock.now() + timedelta(seconds=10)
    while running.page(order).status_code == 200 and clock.now() < until:
        pass
    monkeypatch.undo()
    assert issue(running.http.get(f"/v2/checkout/orders/{order['id']}")) == (404, "INVALID_RESOURCE_ID")


def test_the_books_outlive_the_process(tmp_path: Path, receiver: WebhookReceiver) -> None:
    with listening(PayPalSandbox(tmp_path, webhook=receiver.url)) as sandbox:
        assert isinstance(sandbox, PayPalSandbox)
        running = Running(sandbox)
        running.control(refunds="done", refund_seconds=3600)
        order = running.create("k-1").json()
        running.press(order, do="good")
        (capture,) = running.capture(order, "k-2").json()["purchase_units"][0]["payments"]["captures"]
        refund = running.http.post(f"/v2/payments/captures/{capture['id']}/refund", json={}).json()
        assert sorted(told(receiver, 2)) == [APPROVED, COMPLETED]
        address = receiver.url
        while (before := running.owner.get("/audit").json())["owed_deliveries"]:
            pass
    with listening(PayPalSandbox(tmp_path, webhook=address)) as sandbox:
        assert isinstance(sandbox, PayPalSandbox)
        again = Running(sandbox)
        again.http.headers["Authorization"] = running.http.headers["Authorization"]
        assert again.owner.get("/audit").json() == before
        assert again.create("k-1").json()["id"] == order["id"]
        assert again.capture(order, "k-2").status_code == 200
        assert refund["status"] == "PENDING"
        again.control(end_refunds=True)
        assert told(receiver) == ["PAYMENT.CAPTURE.REFUNDED"]
        refused = again.http.post(f"/v2/payments/captures/{capture['id']}/refund", json={})
        assert issue(refused) == (422, "CAPTURE_FULLY_REFUNDED")


def test_certificates_are_for_everybody_keys_for_nobody(running: Running, receiver: WebhookReceiver) -> None:
    running.press(running.order(), do="good")
    ((headers, _),) = receiver.take()
    found = httpx.get(headers["PayPal-Cert-Url"], trust_env=False)
    assert found.text.startswith("-----BEGIN CERTIFICATE-----")
    for name in ("authority-key", "signer", "CERT-1", "CERT-..%2F..%2Fsigner", "%2E%2E"):
        assert running.payer.get(f"/v1/notifications/certs/{name}").status_code == 404


def test_a_certificate_that_is_about_to_end_is_renewed_at_the_start(tmp_path: Path) -> None:
    first = Signer(tmp_path, now=clock.now())
    assert Signer(tmp_path, now=clock.now()).certificate_id == first.certificate_id
    later = Signer(tmp_path, now=clock.now() + timedelta(days=364))
    assert later.certificate_id != first.certificate_id
    assert first.certificate(first.certificate_id)
