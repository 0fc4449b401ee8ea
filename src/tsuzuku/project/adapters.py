# SPDX-License-Identifier: Apache-2.0
"""The outside world, by name: a line for each adapter. This is the only place that names them."""

from importlib.util import find_spec

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from tsuzuku.carriers.adapters.sandbox import SandboxCarrier
from tsuzuku.carriers.registry import register_carrier
from tsuzuku.messaging.adapters.mailbox import MailboxGateway
from tsuzuku.messaging.adapters.smtp import SmtpGateway
from tsuzuku.messaging.ports import AddressKind, Gateway
from tsuzuku.messaging.registry import register_gateway
from tsuzuku.payments.adapters.sandbox import SandboxProvider
from tsuzuku.payments.registry import register_provider
from tsuzuku.project.environment import home


def register_adapters() -> None:
    """Makes the adapters known to their rooms; called once, when the application starts."""
    register_carrier("sandbox", SandboxCarrier(home() / "carrier-sandbox"))
    register_provider("sandbox", SandboxProvider(home() / "payment-sandbox"))
    _register_stripe()
    register_gateway(AddressKind.EMAIL, _email_gateway(settings.EMAIL_GATEWAY))


def _register_stripe() -> None:
    """Stripe with the keys of the environment, in the demo else its simulator; nowhere else is its package loaded."""
    if not settings.STRIPE_KEY and not (settings.DEMO and find_spec("stripe")):
        return
    try:
        from tsuzuku.payments.adapters.stripe import (
            KONBINI_DAYS_MAX,
            KONBINI_DAYS_MIN,
            METHODS,
            RealAccount,
            SimulatedAccount,
            StripeProvider,
        )
    except ModuleNotFoundError as missing:
        raise ImproperlyConfigured("TSUZUKU_STRIPE_KEY needs the package: pip install 'tsuzuku[stripe]'") from missing
    if not settings.STRIPE_KEY:
        register_provider("stripe", StripeProvider(SimulatedAccount(home() / "stripe-sandbox")))
        return
    if not settings.STRIPE_WEBHOOK_SECRETS:
        raise ImproperlyConfigured("TSUZUKU_STRIPE_WEBHOOK_SECRETS is missing; without it nothing Stripe says counts")
    if unknown := sorted(set(settings.STRIPE_METHODS).difference(METHODS)):
        raise ImproperlyConfigured(f"TSUZUKU_STRIPE_METHODS may name {', '.join(METHODS)}, not {unknown[0]!r}")
    if not KONBINI_DAYS_MIN <= settings.STRIPE_KONBINI_DAYS <= KONBINI_DAYS_MAX:
        raise ImproperlyConfigured(f"TSUZUKU_STRIPE_KONBINI_DAYS must be {KONBINI_DAYS_MIN} to {KONBINI_DAYS_MAX}")
    account = RealAccount(
        key=settings.STRIPE_KEY,
        secrets=tuple(settings.STRIPE_WEBHOOK_SECRETS),
        offered=tuple(method for method in METHODS if method in settings.STRIPE_METHODS),
        page=settings.STRIPE_CHECKOUT_URL.rstrip("/"),
        days=settings.STRIPE_KONBINI_DAYS,
    )
    register_provider("stripe", StripeProvider(account))


def _email_gateway(name: str) -> Gateway:
    match name:
        case "smtp":
            return SmtpGateway(sender=settings.DEFAULT_FROM_EMAIL)
        case "mailbox":
            return MailboxGateway(home() / "mailbox")
    raise ImproperlyConfigured(f"TSUZUKU_EMAIL_GATEWAY must be smtp or mailbox, not {name!r}")
