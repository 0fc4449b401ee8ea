# SPDX-License-Identifier: Apache-2.0
"""Which providers an installation has, by what its settings say."""

import json
from ipaddress import ip_network
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from tsuzuku.messaging.ports import AddressDead, AddressKind, Capabilities, OutgoingMessage
from tsuzuku.payments.adapters.alipay import AlipayProvider
from tsuzuku.payments.adapters.wechat_pay import WeChatPayProvider
from tsuzuku.payments.registry import providers
from tsuzuku.project import adapters
from tsuzuku.testing.simulators.rsa_pairs import new_certified_pair, new_pair


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    found: dict[str, object] = {}
    monkeypatch.setattr(adapters, "register_provider", found.__setitem__)
    return found


def test_without_keys_stripe_is_not_offered(settings: Settings) -> None:
    assert (settings.STRIPE_KEY, settings.DEMO) == ("", False)
    assert "stripe" not in providers()


def test_with_keys_it_offers_what_is_named_in_its_own_order(settings: Settings, registered: dict[str, object]) -> None:
    from tsuzuku.payments.adapters.stripe import StripeProvider

    settings.STRIPE_KEY, settings.STRIPE_WEBHOOK_SECRETS = "sk_test_x", ["whsec_a"]
    settings.STRIPE_METHODS = ["konbini", "card"]
    settings.STRIPE_CHECKOUT_URL = "https://pay.example.com/"
    adapters._register_stripe()
    provider = registered["stripe"]
    assert isinstance(provider, StripeProvider)
    assert provider.capabilities.methods == ("card", "konbini")
    assert provider.capabilities.redirect_origins == ("https://pay.example.com",)
    assert provider.capabilities.keeps == ("card",)


def test_who_is_offered_a_wallet_may_be_led_to_it(settings: Settings, registered: dict[str, object]) -> None:
    from tsuzuku.payments.adapters.stripe import StripeProvider

    settings.STRIPE_KEY, settings.STRIPE_WEBHOOK_SECRETS = "sk_test_x", ["whsec_a"]
    settings.STRIPE_METHODS = ["paypay"]
    adapters._register_stripe()
    provider = registered["stripe"]
    assert isinstance(provider, StripeProvider)
    assert "https://pm-redirects.stripe.com" in provider.capabilities.redirect_origins
    assert provider.capabilities.keeps == ()


def test_the_demo_has_its_simulator(settings: Settings, registered: dict[str, object]) -> None:
    settings.DEMO = True
    adapters._register_stripe()
    assert list(registered) == ["stripe"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"STRIPE_WEBHOOK_SECRETS": []}, "TSUZUKU_STRIPE_WEBHOOK_SECRETS is missing"),
        ({"STRIPE_METHODS": ["card", "cheque"]}, "not 'cheque'"),
        ({"STRIPE_KONBINI_DAYS": 61}, "TSUZUKU_STRIPE_KONBINI_DAYS must be 1 to 60"),
    ],
)
def test_half_a_setup_is_refused_at_the_start(
    settings: Settings, registered: dict[str, object], changes: dict[str, object], told: str
) -> None:
    settings.STRIPE_KEY, settings.STRIPE_WEBHOOK_SECRETS = "sk_test_x", ["whsec_a"]
    for name, value in changes.items():
        setattr(settings, name, value)
    with pytest.raises(ImproperlyConfigured, match=told):
        adapters._register_stripe()
    assert registered == {}


@pytest.fixture
def wechat_pay(settings: Settings, tmp_path: Path) -> dict[str, str]:
    """The settings of a merchant of WeChat Pay, as they are set."""
    certified, theirs = new_certified_pair("merchant"), new_pair()
    files = {"cert.pem": certified.public, "key.pem": certified.private, "theirs.pem": theirs.public}
    for name, pem in files.items():
        (tmp_path / name).write_text(pem)
    settings.WECHAT_PAY_PLATFORM_KEYS = [f"PUB_KEY_ID_01={tmp_path / 'theirs.pem'}", str(tmp_path / "cert.pem")]
    found = {
        "WECHAT_PAY_MCHID": "1600000000",
        "WECHAT_PAY_APPID": "wx0000000000000000",
        "WECHAT_PAY_CERTIFICATE": str(tmp_path / "cert.pem"),
        "WECHAT_PAY_PRIVATE_KEY": str(tmp_path / "key.pem"),
        "WECHAT_PAY_API_V3_KEY": "0" * 32,
    }
    for name, value in found.items():
        setattr(settings, name, value)
    return found


def test_wechat_pay_is_offered_with_a_merchants_keys(
    settings: Settings, registered: dict[str, object], wechat_pay: dict[str, str]
) -> None:
    adapters._register_wechat_pay()
    provider = registered["wechat_pay"]
    assert isinstance(provider, WeChatPayProvider)
    assert provider.capabilities.methods == ("wechat_pay",)
    merchant = adapters._wechat_pay_account().known
    assert merchant.notify_url == f"{settings.PUBLIC_URL}/inbound/payments/wechat_pay"
    assert list(merchant.platform_keys) == ["PUB_KEY_ID_01", merchant.serial]


def test_wechat_pay_is_simulated_in_the_demo_alone(settings: Settings, registered: dict[str, object]) -> None:
    adapters._register_wechat_pay()
    assert registered == {}
    settings.DEMO = True
    adapters._register_wechat_pay()
    assert list(registered) == ["wechat_pay"]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("WECHAT_PAY_APPID", "", "TSUZUKU_WECHAT_PAY_APPID is missing"),
        ("WECHAT_PAY_PLATFORM_KEYS", [], "TSUZUKU_WECHAT_PAY_PLATFORM_KEYS is missing"),
        ("WECHAT_PAY_PLATFORM_KEYS", ["other={file}"], "begins with PUB_KEY_ID_"),
        ("WECHAT_PAY_API_V3_KEY", "short", "32 characters"),
        ("WECHAT_PAY_PRIVATE_KEY", "/nowhere.pem", "No such file"),
    ],
)
def test_half_a_merchant_is_refused_at_the_start(
    settings: Settings,
    registered: dict[str, object],
    wechat_pay: dict[str, str],
    name: str,
    value: str | list[str],
    told: str,
) -> None:
    file = wechat_pay["WECHAT_PAY_CERTIFICATE"]
    setattr(settings, name, value if isinstance(value, str) else [each.format(file=file) for each in value])
    with pytest.raises(ImproperlyConfigured, match=told):
        adapters._register_wechat_pay()
    assert registered == {}


@pytest.fixture
def alipay(settings: Settings, tmp_path: Path) -> None:
    """The settings of an app at Alipay."""
    ours, theirs = new_pair(), new_pair()
    for name, pem in {"app.pem": ours.private, "alipay.pem": theirs.public}.items():
        (tmp_path / name).write_text(pem)
    settings.ALIPAY_APP_ID, settings.ALIPAY_SELLER_ID = "2021000000000000", "2088000000000000"
    settings.ALIPAY_PRIVATE_KEY = str(tmp_path / "app.pem")
    settings.ALIPAY_PUBLIC_KEYS = [str(tmp_path / "alipay.pem")]


@pytest.mark.usefixtures("alipay")
def test_alipay_is_offered_with_an_apps_keys(settings: Settings, registered: dict[str, object]) -> None:
    settings.ALIPAY_GATEWAY = "https://globalopenapi.alipay.com/gateway.do"
    adapters._register_alipay()
    provider = registered["alipay"]
    assert isinstance(provider, AlipayProvider)
    assert provider.capabilities.methods == ("alipay",)
    app = adapters._alipay_account().known
    assert (app.gateway, app.is_real) == ("https://globalopenapi.alipay.com/gateway.do", True)
    assert app.notify_url == f"{settings.PUBLIC_URL}/inbound/payments/alipay"


def test_alipay_is_simulated_in_the_demo_alone(settings: Settings, registered: dict[str, object]) -> None:
    adapters._register_alipay()
    assert registered == {}
    settings.DEMO = True
    adapters._register_alipay()
    assert list(registered) == ["alipay"]


@pytest.mark.usefixtures("alipay")
@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("ALIPAY_SELLER_ID", "", "TSUZUKU_ALIPAY_SELLER_ID is missing"),
        ("ALIPAY_PUBLIC_KEYS", [], "TSUZUKU_ALIPAY_PUBLIC_KEYS is missing"),
        ("ALIPAY_PUBLIC_KEYS", ["/nowhere.pem"], "No such file"),
    ],
)
def test_half_an_app_is_refused_at_the_start(
    settings: Settings, registered: dict[str, object], name: str, value: str | list[str], told: str
) -> None:
    setattr(settings, name, value)
    with pytest.raises(ImproperlyConfigured, match=told):
        adapters._register_alipay()


# -- PayPal ----------------------------------------------------------------------------------------------------------


def test_without_keys_paypal_is_played_in_the_demo_only(settings: Settings, registered: dict[str, object]) -> None:
    adapters._register_paypal()
    assert registered == {}
    settings.DEMO = True
    adapters._register_paypal()
    assert list(registered) == ["paypal"]


@pytest.mark.parametrize(
    ("is_sandbox", "page"), [(True, "https://www.sandbox.paypal.com"), (False, "https://www.paypal.com")]
)
def test_with_keys_paypal_is_the_real_one_or_its_own_sandbox(
    settings: Settings, registered: dict[str, object], is_sandbox: bool, page: str
) -> None:
    from tsuzuku.payments.adapters.paypal import PayPalProvider

    settings.PAYPAL_CLIENT_ID, settings.PAYPAL_SECRET, settings.PAYPAL_WEBHOOK_IDS = "id", "secret", ["1JE4"]
    settings.PAYPAL_SANDBOX = is_sandbox
    adapters._register_paypal()
    provider = registered["paypal"]
    assert isinstance(provider, PayPalProvider)
    assert provider.capabilities.redirect_origins == (page,)


@pytest.mark.parametrize("missing", ["PAYPAL_SECRET", "PAYPAL_WEBHOOK_IDS"])
def test_half_a_setup_of_paypal_is_refused_at_the_start(
    settings: Settings, registered: dict[str, object], missing: str
) -> None:
    settings.PAYPAL_CLIENT_ID, settings.PAYPAL_SECRET, settings.PAYPAL_WEBHOOK_IDS = "id", "secret", ["1JE4"]
    setattr(settings, missing, "")
    with pytest.raises(ImproperlyConfigured, match=f"TSUZUKU_{missing}"):
        adapters._register_paypal()
    assert registered == {}


# -- KOMOJU ----------------------------------------------------------------------------------------------------------


def test_without_a_key_komoju_is_played_in_the_demo_only(settings: Settings, registered: dict[str, object]) -> None:
    adapters._register_komoju()
    assert registered == {}
    settings.DEMO = True
    adapters._register_komoju()
    assert list(registered) == ["komoju"]


def test_with_a_key_komoju_is_the_real_one(settings: Settings, registered: dict[str, object]) -> None:
    from tsuzuku.payments.adapters.komoju import KomojuProvider

    settings.KOMOJU_KEY, settings.KOMOJU_WEBHOOK_SECRETS = "sk_test_x", ["secret"]
    adapters._register_komoju()
    provider = registered["komoju"]
    assert isinstance(provider, KomojuProvider)
    assert provider.capabilities.redirect_origins == ("https://komoju.com",)


def test_komoju_without_a_webhook_secret_is_refused_at_the_start(
    settings: Settings, registered: dict[str, object]
) -> None:
    settings.KOMOJU_KEY = "sk_test_x"
    with pytest.raises(ImproperlyConfigured, match="TSUZUKU_KOMOJU_WEBHOOK_SECRETS"):
        adapters._register_komoju()
    assert registered == {}


@pytest.mark.parametrize(
    ("name", "changes", "told"),
    [
        ("pigeon", {}, "not 'pigeon'"),
        ("twilio", {"TWILIO_ACCOUNT_SID": "AC0", "TWILIO_AUTH_TOKEN": "x"}, "TSUZUKU_SMS_SENDER is missing"),
        ("smpp", {"SMPP_SYSTEM_ID": "x"}, "TSUZUKU_SMPP_HOST is missing"),
        (
            "smpp",
            {"SMPP_HOST": "x", "SMPP_SYSTEM_ID": "x", "SMPP_PASSWORD": "123456789", "SMS_SENDER": "x"},
            "TSUZUKU_SMPP_PASSWORD has at most 8",
        ),
        ("http", {}, "TSUZUKU_SMS_HTTP is missing"),
        ("http", {"SMS_HTTP": '{"url": "https://x.example"}'}, "TSUZUKU_SMS_HTTP: the description needs body"),
    ],
)
def test_half_a_gateway_is_refused_at_the_start(
    settings: Settings, name: str, changes: dict[str, str], told: str
) -> None:
    for each, value in changes.items():
        setattr(settings, each, value)
    with pytest.raises(ImproperlyConfigured, match=told):
        adapters._sms_gateway(name)


@pytest.mark.parametrize(
    ("service", "secret", "told"),
    [
        ("pigeon", "", "not 'pigeon'"),
        ("postmark", "", "TSUZUKU_EMAIL_REPORTS_SECRET is missing"),
        ("postmark", "a:b", "20 characters"),
    ],
)
def test_half_a_mail_service_is_refused_at_the_start(settings: Settings, service: str, secret: str, told: str) -> None:
    settings.EMAIL_REPORTS_SECRET = secret
    with pytest.raises(ImproperlyConfigured, match=told):
        adapters._mail_reports(service)


def test_an_sms_gateway_is_set_up_by_the_environment(settings: Settings) -> None:
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, settings.SMS_SENDER = "AC0", "x", "Tsuzuku"
    settings.SMS_HTTP = '{"url": "https://x.example", "body": {"to": "{to}"}}'
    assert [adapters._sms_gateway(name).capabilities for name in ("twilio", "http")] == [
        Capabilities(reports_by_webhook=True),
        Capabilities(),
    ]


def test_push_needs_no_account(settings: Settings) -> None:
    settings.INSTALLATION_SECRET = "a secret"
    keys = {adapters._push_gateway(name).capabilities.push_key for name in ("web_push", "mailbox")}
    assert [len(key) for key in keys] == [87]
    with pytest.raises(ImproperlyConfigured, match="not 'pigeon'"):
        adapters._push_gateway("pigeon")


def test_push_goes_into_no_network_of_ours_also_where_webhooks_may(settings: Settings) -> None:
    settings.INSTALLATION_SECRET = "a secret"
    settings.WEBHOOK_PRIVATE_NETWORKS = [ip_network("127.0.0.0/8")]
    keys = {"p256dh": adapters._push_gateway("web_push").capabilities.push_key, "auth": "A" * 22}
    message = OutgoingMessage(
        message_id="1",
        kind=AddressKind.PUSH,
        address=json.dumps({"endpoint": "https://127.0.0.1:9/one", "keys": keys}),
        language="en",
        subject="x",
        text="y",
        html="",
    )
    with pytest.raises(AddressDead) as refused:
        adapters._push_gateway("web_push").send(message)
    assert refused.value.code == "endpoint-not-public"
