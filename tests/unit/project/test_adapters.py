# SPDX-License-Identifier: Apache-2.0
"""Which providers an installation has, by what its settings say."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from tsuzuku.payments.registry import providers
from tsuzuku.project import adapters


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
