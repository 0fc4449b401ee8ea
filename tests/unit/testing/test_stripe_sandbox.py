# SPDX-License-Identifier: Apache-2.0
"""What the contract does not look at: the wire as it is, pages, messages that go wrong, and the books after a crash."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tsuzuku.testing.receiver import WebhookReceiver, receiving
from tsuzuku.testing.simulators.merchant_secrets import control_headers
from tsuzuku.testing.simulators.server import listening
from tsuzuku.testing.simulators.stripe.sandbox import StripeSandbox
from tsuzuku.testing.simulators.stripe.wire import StripeRefusal, parse_form

GOOD = "4242424242424242"
#: A PaymentIntent that is confirmed as it is made.
CONFIRMED = {
    "amount": "1180",
    "currency": "jpy",
    "confirm": "true",
    "return_url": "https://shop.example:8443/o/T-1?x=1",
}
SLIP = {
    "payment_method_data[type]": "konbini",
    "payment_method_data[billing_details][name]": "T-1",
    "payment_method_data[billing_details][email]": "a@example.com",
}
_STORES, _BILLING = "payment_method_options[konbini]", "payment_method_data[billing_details]"
WANTED = {
    "mode": "payment",
    "line_items[0][quantity]": "1",
    "line_items[0][price_data][currency]": "jpy",
    "line_items[0][price_data][unit_amount]": "1180",
    "line_items[0][price_data][product_data][name]": "3 days <b>",
    "client_reference_id": "T-1",
    "success_url": "https://shop.example:8443/o/T-1?back=1&s={CHECKOUT_SESSION_ID}",
    "cancel_url": "https://shop.example:8443/o/T-1",
}


class Running:
    """A simulator that listens in this process, and its merchant without any package."""

    def __init__(self, sandbox: StripeSandbox) -> None:
        self.key = control_headers(sandbox.folder)["Authorization"].removeprefix("Bearer ")
        self.http = httpx.Client(base_url=sandbox.url, headers=control_headers(sandbox.folder), trust_env=False)
        self.payer = httpx.Client(base_url=sandbox.url, trust_env=False)

    def create(self, key: str = "", **changes: str) -> httpx.Response:
        return self.http.post("/v1/checkout/sessions", data=WANTED | changes, headers={"Idempotency-Key": key})

    def session(self, **changes: str) -> dict[str, Any]:
        found: dict[str, Any] = self.create(**changes).raise_for_status().json()
        return found

    def confirm(self, kind: str = "", **changes: str) -> httpx.Response:
        """A PaymentIntent of a method, or as the changes say."""
        method = {"payment_method_data[type]": kind} if kind else {}
        return self.http.post("/v1/payment_intents", data=CONFIRMED | method | changes)

    def look(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(f"/v1/{path}").raise_for_status().json()
        return found

    def control(self, **fields: object) -> None:
        self.http.post("/control", json=fields).raise_for_status()


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def running(tmp_path: Path, receiver: WebhookReceiver) -> Iterator[Running]:
    sandbox = StripeSandbox(tmp_path, webhook=receiver.url, merchant="Nagi & Co")
    with listening(sandbox):
        yield Running(sandbox)


def error(answer: httpx.Response) -> tuple[int, str, str | None, str | None]:
    told = answer.json()["error"]
    assert told["message"]
    return answer.status_code, told["type"], told.get("code"), told.get("param")


def told(receiver: WebhookReceiver, count: int = 1) -> list[str]:
    """What is told of PaymentIntents, sessions and refunds; charges say the same."""
    kinds: list[str] = []
    while len(kinds) < count:
        kinds += [kind for _, body in receiver.take() if (kind := json.loads(body)["type"]) != "charge.succeeded"]
    return kinds


def left_to_tell(receiver: WebhookReceiver) -> list[str]:
    """What else is told in the next moments."""
    kinds: list[str] = []
    with suppress(TimeoutError):
        while True:
            kinds += [json.loads(body)["type"] for _, body in receiver.take(wait_seconds=0.2)]
    return kinds


def test_forms_with_brackets_are_objects_and_lists() -> None:
    assert parse_form("a[b][0][c]=1&a[b][1][c]=2&d[]=x&d[]=y&e=&f[g]=%E7%BB%AD") == {
        "a": {"b": [{"c": "1"}, {"c": "2"}]},
        "d": ["x", "y"],
        "e": "",
        "f": {"g": "续"},
    }
    with pytest.raises(StripeRefusal):
        parse_form("a=1&a[b]=2")


def test_a_key_is_taken_as_bearer_or_as_the_name_of_basic(running: Running) -> None:
    session = running.session()
    address = f"/v1/checkout/sessions/{session['id']}"
    assert running.payer.get(address, auth=(running.key, "")).json()["id"] == session["id"]
    for wrong in ({}, {"Authorization": "Bearer sk_test_wrong"}, {"Authorization": "Basic !"}):
        assert error(running.payer.get(address, headers=wrong)) == (401, "invalid_request_error", None, None)


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"mode": "setup"}, None, "mode"),
        ({"payment_method_types[0]": "card"}, "payment_method_types_no_longer_supported", "payment_method_types"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"line_items[0][price_data][unit_amount]": "ten"}, "parameter_invalid_integer", None),
        ({"line_items[0][price_data][unit_amount]": "-1"}, "parameter_invalid_integer", None),
        ({"line_items[0][price_data][unit_amount]": "49"}, "amount_too_small", None),
        ({"line_items[0][price_data][currency]": "YEN"}, None, None),
        ({"success_url": "nowhere"}, "url_invalid", "success_url"),
        ({"expires_at": "1"}, None, "expires_at"),
        ({"allowed_payment_method_types[0]": "barter"}, None, "allowed_payment_method_types"),
        ({"payment_intent_data[colour]": "red"}, "parameter_unknown", "payment_intent_data[colour]"),
        ({"customer_creation": "never"}, None, "customer_creation"),
    ],
)
def test_what_stripe_would_not_take_is_refused(
    running: Running, changes: dict[str, str], code: str | None, param: str | None
) -> None:
    status, kind, told_code, told_param = error(running.create(**changes))
    assert (status, kind, told_code) == (400, "invalid_request_error", code)
    assert param in {None, told_param}


def test_the_same_key_is_the_same_answer_and_a_refusal_of_the_form_frees_it(running: Running) -> None:
    assert running.create("k-1", mode="setup").status_code == 400
    first, again = running.create("k-1"), running.create("k-1")
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (first.json(), "true")
    assert error(running.create("k-1", locale="ja"))[:2] == (400, "idempotency_error")
    assert running.create().json()["id"] != running.create().json()["id"]


def test_nothing_of_the_simulators_own_is_shown(running: Running) -> None:
    session = running.session()
    assert not [name for name in session if name.startswith("_")]
    assert running.look(f"checkout/sessions/{session['id']}") == session


def test_paying_on_the_page_leads_back_to_the_merchant(running: Running, receiver: WebhookReceiver) -> None:
    session = running.session()
    page = running.payer.get(session["url"])
    assert "3 days &lt;b&gt;" in page.text
    assert "Nagi &amp; Co" in page.text
    assert "script" not in page.text
    assert "form-action 'self' https://shop.example:8443;" in page.headers["Content-Security-Policy"]
    pressed = running.payer.post(session["url"], data={"do": "pay", "card": GOOD})
    assert pressed.headers["Location"] == f"https://shop.example:8443/o/T-1?back=1&s={session['id']}"
    assert told(receiver) == ["payment_intent.succeeded"]
    again = running.payer.post(session["url"], data={"do": "pay", "card": GOOD})
    assert again.headers["Location"] == pressed.headers["Location"]
    assert len(running.look("events?type=payment_intent.succeeded")["data"]) == 1


@pytest.mark.parametrize("pressed", [{}, {"do": "fly"}, {"do": "pay"}, {"do": "pay", "card": "1"}, {"do": "bank-yes"}])
def test_a_button_that_no_page_has_does_nothing(running: Running, pressed: dict[str, str]) -> None:
    session = running.session()
    assert running.payer.post(session["url"], data=pressed).headers["Location"] == session["url"]
    assert running.look(f"checkout/sessions/{session['id']}") == session


@pytest.mark.parametrize("locale", ["zh", "ja"])
def test_each_page_stands_in_its_language(running: Running, locale: str) -> None:
    session = running.session(locale=locale)
    lang = {"zh": "zh-Hans", "ja": "en"}[locale]
    for step in ("", "?step=apple-pay"):
        assert f'<html lang="{lang}">' in running.payer.get(session["url"] + step).text
    running.payer.post(session["url"], data={"do": "pay", "card": "4000000000003220"})
    assert 'value="bank-yes"' in running.payer.get(session["url"]).text
    running.payer.post(session["url"], data={"do": "bank-no"})
    assert "payment_intent_authentication_failure" in running.payer.get(session["url"]).text
    running.control(expire=session["id"])
    assert "https://shop.example:8443/o/T-1" in running.payer.get(session["url"]).text
    assert running.payer.get("/c/pay/cs_test_nobodys").status_code == 404


@pytest.mark.parametrize(
    ("trouble", "kinds"),
    [
        ("late", ["payment_intent.succeeded"]),
        ("twice", ["payment_intent.succeeded"] * 2),
        ("out-of-order", ["payment_intent.succeeded", "payment_intent.payment_failed"]),
        ("lost", []),
    ],
)
def test_messages_go_wrong_as_asked(
    running: Running, receiver: WebhookReceiver, trouble: str, kinds: list[str]
) -> None:
    running.control(late_seconds=0.1)
    session = running.session()
    running.payer.post(session["url"], data={"do": "pay", "card": GOOD, "trouble": trouble})
    assert told(receiver, len(kinds)) == kinds
    # Webhooks come in any order, so the charge may be told after what it pays.
    assert set(left_to_tell(receiver)) <= {"charge.succeeded"}


def test_a_webhook_that_is_not_taken_comes_again(running: Running, receiver: WebhookReceiver) -> None:
    receiver.answers.extend([500, 302])
    session = running.session()
    running.control(expire=session["id"])
    first, second, third = receiver.take(3)
    assert first[1] == second[1] == third[1]


def test_a_page_ends_when_its_time_has_come(running: Running, receiver: WebhookReceiver) -> None:
    session = running.session(expires_at=str(int(time.time()) + 1801))
    sandbox_time = session["expires_at"] - session["created"]
    assert sandbox_time in {1800, 1801}
    running.control(expire=session["id"])
    assert told(receiver) == ["checkout.session.expired"]
    assert error(running.http.post(f"/v1/checkout/sessions/{session['id']}/expire"))[0] == 400


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"payment_method_types[0]": "konbini"}, "payment_method_types_no_longer_supported", "payment_method_types"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"confirm": "false"}, None, "confirm"),
        ({"amount": "119"}, "amount_too_small", "amount"),
        ({"amount": "300001"}, "amount_too_large", "amount"),
        ({"currency": "usd"}, "payment_method_currency_mismatch", "currency"),
        ({f"{_BILLING}[email]": ""}, "parameter_missing", f"{_BILLING}[email]"),
        ({f"{_BILLING}[name]": ""}, "parameter_missing", f"{_BILLING}[name]"),
        ({f"{_BILLING}[age]": "7"}, "parameter_unknown", f"{_BILLING}[age]"),
        ({"payment_method_data[type]": "barter"}, None, "payment_method_data[type]"),
        ({"payment_method_data[colour]": "red"}, "parameter_unknown", "payment_method_data[colour]"),
        (
            {"allowed_payment_method_types[0]": "alipay"},
            "payment_intent_incompatible_payment_method",
            "payment_method",
        ),
        ({f"{_STORES}[colour]": "red"}, "parameter_unknown", f"{_STORES}[colour]"),
        ({f"{_STORES}[product_description]": "x" * 23}, None, f"{_STORES}[product_description]"),
        ({f"{_STORES}[expires_at]": "1"}, None, f"{_STORES}[expires_at]"),
        ({f"{_STORES}[expires_after_days]": "61"}, None, f"{_STORES}[expires_after_days]"),
        ({f"{_STORES}[expires_after_days]": "2", f"{_STORES}[expires_at]": "1"}, "parameters_exclusive", None),
        (
            {"payment_method_data[type]": "wechat_pay"},
            "parameter_missing",
            "payment_method_options[wechat_pay][client]",
        ),
        ({"payment_method_data[type]": "alipay", "return_url": "nowhere"}, "parameter_missing", "return_url"),
        ({"payment_method": "pm_nobodys"}, None, "off_session"),
        ({"payment_method": "pm_nobodys", "off_session": "true"}, "resource_missing", "payment_method"),
    ],
)
def test_what_stripe_would_not_confirm_is_refused(
    running: Running, changes: dict[str, str], code: str | None, param: str | None
) -> None:
    assert error(running.confirm(**SLIP | changes)) == (400, "invalid_request_error", code, param)


def test_a_slip_lives_for_three_days_unless_another_number_is_asked_for(running: Running) -> None:
    ends = [
        running.confirm(**SLIP, **options).json()["next_action"]["konbini_display_details"]["expires_at"]
        for options in ({}, {f"{_STORES}[expires_after_days]": "4"})
    ]
    assert ends[1] - ends[0] == 86_400
    assert [(end + 9 * 3600 + 1) % 86_400 for end in ends] == [0, 0]


def test_a_slip_and_a_code_end_when_their_time_has_come(running: Running, receiver: WebhookReceiver) -> None:
    intent = running.confirm(**SLIP, **{f"{_STORES}[expires_at]": str(int(time.time()) + 2)}).json()
    assert told(receiver, 2) == ["payment_intent.requires_action", "payment_intent.payment_failed"]
    ended = running.look(f"payment_intents/{intent['id']}")
    assert (ended["status"], ended["next_action"], ended["latest_charge"]) == ("requires_payment_method", None, None)
    assert ended["last_payment_error"]["code"] == "payment_intent_payment_attempt_expired"
    assert ended["last_payment_error"]["payment_method"]["type"] == "konbini"


@pytest.mark.parametrize(("language", "lang"), [("zh-CN,zh;q=0.9", "zh-Hans"), ("ja", "en")])
def test_each_place_stands_in_the_language_of_the_browser(running: Running, language: str, lang: str) -> None:
    code = running.confirm("wechat_pay", **{"payment_method_options[wechat_pay][client]": "web"}).json()
    slip, wallet = running.confirm(**SLIP).json(), running.confirm("alipay").json()
    for url in (
        code["next_action"]["wechat_pay_display_qr_code"]["data"],
        slip["next_action"]["konbini_display_details"]["hosted_voucher_url"],
        wallet["next_action"]["alipay_handle_redirect"]["url"],
    ):
        page = running.payer.get(url, headers={"Accept-Language": language})
        assert f'<html lang="{lang}">' in page.text
        assert "script" not in page.text
        assert "Nagi &amp; Co" in page.text
        running.payer.post(url, data={"do": "fly"})
        running.payer.post(url, data={"do": "pay"})
        assert 'value="pay"' not in running.payer.get(url).text
    assert running.payer.get(f"/konbini/{wallet['id']}").status_code == 404
    assert running.payer.post("/authorize/pi_nobodys", data={"do": "pay"}).status_code == 404


def test_a_wallet_leads_back_with_what_stripe_adds(running: Running) -> None:
    intent = running.confirm("paypay").json()
    url = intent["next_action"]["redirect_to_url"]["url"]
    page = running.payer.get(url)
    assert "form-action 'self' https://shop.example:8443;" in page.headers["Content-Security-Policy"]
    assert CONFIRMED["return_url"] in page.text
    assert running.payer.post(url, data={"do": "pay"}).headers["Location"] == (
        f"{CONFIRMED['return_url']}&payment_intent={intent['id']}"
        f"&payment_intent_client_secret={intent['client_secret']}&redirect_status=succeeded"
    )


def test_the_books_outlive_the_process(tmp_path: Path, receiver: WebhookReceiver) -> None:
    with listening(StripeSandbox(tmp_path, webhook=receiver.url)) as sandbox:
        assert isinstance(sandbox, StripeSandbox)
        running = Running(sandbox)
        session = running.create("k-1").json()
        running.payer.post(session["url"], data={"do": "pay", "card": "4000000000007726"})
        assert told(receiver) == ["payment_intent.succeeded"]
        intent = running.look(f"checkout/sessions/{session['id']}")["payment_intent"]
        running.control(refund_seconds=3600)
        refund = running.http.post("/v1/refunds", data={"payment_intent": intent}).json()
        before = running.http.get("/audit").json()
    with listening(StripeSandbox(tmp_path, webhook=receiver.url)) as sandbox:
        assert isinstance(sandbox, StripeSandbox)
        running = Running(sandbox)
        assert running.http.get("/audit").json() == before
        assert running.create("k-1").json() == session
        assert refund["status"] == "pending"
        running.control(end_refunds=True)
        assert told(receiver) == ["refund.updated"]
        again = running.http.post("/v1/refunds", data={"payment_intent": intent})
        assert error(again) == (400, "invalid_request_error", "charge_already_refunded", None)
