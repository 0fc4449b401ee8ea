# SPDX-License-Identifier: Apache-2.0
"""The outside world, by name: a line for each adapter. This is the only place that names them."""

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
    register_gateway(AddressKind.EMAIL, _email_gateway(settings.EMAIL_GATEWAY))


def _email_gateway(name: str) -> Gateway:
    match name:
        case "smtp":
            return SmtpGateway(sender=settings.DEFAULT_FROM_EMAIL)
        case "mailbox":
            return MailboxGateway(home() / "mailbox")
    raise ImproperlyConfigured(f"TSUZUKU_EMAIL_GATEWAY must be smtp or mailbox, not {name!r}")
