# SPDX-License-Identifier: Apache-2.0
"""The outside world, by name: a line for each adapter. This is the only place that names them."""

from email.utils import parseaddr
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from tsuzuku.carriers.adapters.sandbox import SandboxCarrier
from tsuzuku.carriers.registry import register_carrier
from tsuzuku.kernel.rsa import certificate_serial, private_key, public_key
from tsuzuku.messaging.adapters.http_sms import HttpGateway, HttpSmsGateway, parse_gateway
from tsuzuku.messaging.adapters.mailbox import MailboxGateway
from tsuzuku.messaging.adapters.smtp import ReadsReports, SmtpGateway
from tsuzuku.messaging.adapters.twilio import TwilioAccount, TwilioGateway
from tsuzuku.messaging.adapters.web_push import WebPushGateway, public_text, vapid_key
from tsuzuku.messaging.ports import AddressKind, Gateway
from tsuzuku.messaging.registry import register_gateway
from tsuzuku.payments.adapters import alipay, komoju, paypal, wechat_pay
from tsuzuku.payments.adapters.alipay import AlipayProvider
from tsuzuku.payments.adapters.komoju import KomojuProvider
from tsuzuku.payments.adapters.paypal import PayPalProvider
from tsuzuku.payments.adapters.sandbox import SandboxProvider
from tsuzuku.payments.adapters.wechat_pay import WeChatPayProvider
from tsuzuku.payments.registry import register_provider
from tsuzuku.project.environment import home


def register_adapters() -> None:
    """Makes the adapters known to their rooms; called once, when the application starts."""
    register_carrier("sandbox", SandboxCarrier(home() / "carrier-sandbox"))
    register_provider("sandbox", SandboxProvider(home() / "payment-sandbox"))
    # Of two providers that offer the same method the first takes it: a contract of one's own before Stripe.
    _register_wechat_pay()
    _register_alipay()
    _register_paypal()
    _register_komoju()
    _register_stripe()
    _register_gateways()


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


def _register_wechat_pay() -> None:
    """WeChat Pay with a contract of one's own, in the demo else its simulator."""
    if settings.WECHAT_PAY_MCHID:
        register_provider("wechat_pay", WeChatPayProvider(_wechat_pay_account()))
    elif settings.DEMO:
        account = wechat_pay.SimulatedAccount(home() / "wechat-pay-sandbox", notify_url=_notify_url("wechat_pay"))
        register_provider("wechat_pay", WeChatPayProvider(account))


def _wechat_pay_account() -> wechat_pay.RealAccount:
    """Raises ImproperlyConfigured."""
    try:
        return wechat_pay.RealAccount(
            known=wechat_pay.Merchant(
                api_url=wechat_pay.API_URL,
                mchid=settings.WECHAT_PAY_MCHID,
                appid=_needed("WECHAT_PAY_APPID"),
                category=settings.WECHAT_PAY_CATEGORY,
                serial=certificate_serial(_pem("WECHAT_PAY_CERTIFICATE")),
                private_key=private_key(_pem("WECHAT_PAY_PRIVATE_KEY")),
                api_v3_key=wechat_pay.api_v3_key(_needed("WECHAT_PAY_API_V3_KEY")),
                platform_keys=wechat_pay.read_platform_keys(_needed("WECHAT_PAY_PLATFORM_KEYS")),
                notify_url=_notify_url("wechat_pay"),
            )
        )
    except (ValueError, OSError) as problem:
        raise ImproperlyConfigured(f"WeChat Pay: {problem}") from problem


def _register_alipay() -> None:
    """Alipay with a contract of one's own, in the demo else its simulator."""
    if settings.ALIPAY_APP_ID:
        register_provider("alipay", AlipayProvider(_alipay_account()))
    elif settings.DEMO:
        account = alipay.SimulatedAccount(home() / "alipay-sandbox", notify_url=_notify_url("alipay"))
        register_provider("alipay", AlipayProvider(account))


def _alipay_account() -> alipay.RealAccount:
    """Raises ImproperlyConfigured."""
    try:
        return alipay.RealAccount(
            known=alipay.App(
                gateway=settings.ALIPAY_GATEWAY,
                app_id=settings.ALIPAY_APP_ID,
                seller_id=_needed("ALIPAY_SELLER_ID"),
                private_key=private_key(_pem("ALIPAY_PRIVATE_KEY")),
                alipay_keys=tuple(
                    public_key(Path(path).read_text(encoding="ascii")) for path in _needed("ALIPAY_PUBLIC_KEYS")
                ),
                notify_url=_notify_url("alipay"),
            )
        )
    except (ValueError, OSError) as problem:
        raise ImproperlyConfigured(f"Alipay: {problem}") from problem


def _needed(name: str) -> Any:  # noqa: ANN401  # whatever kind of setting it is
    """A setting that must be there. Raises ImproperlyConfigured."""
    found = getattr(settings, name)
    if not found:
        raise ImproperlyConfigured(f"TSUZUKU_{name} is missing")
    return found


def _pem(name: str) -> str:
    """What the file holds that a setting names. Raises ImproperlyConfigured or OSError."""
    return Path(_needed(name)).read_text(encoding="ascii")


def _notify_url(provider: str) -> str:
    """Where a provider that asks for it with every payment tells what happened."""
    return f"{settings.PUBLIC_URL}/inbound/payments/{provider}"


def _register_paypal() -> None:
    """PayPal with the keys of the environment, in the demo else its simulator."""
    if not settings.PAYPAL_CLIENT_ID:
        if settings.DEMO:
            register_provider("paypal", PayPalProvider(paypal.SimulatedAccount(home() / "paypal-sandbox")))
        return
    for name in ("SECRET", "WEBHOOK_IDS"):
        if not getattr(settings, f"PAYPAL_{name}"):
            raise ImproperlyConfigured(f"TSUZUKU_PAYPAL_CLIENT_ID needs TSUZUKU_PAYPAL_{name} beside it")
    account = paypal.RealAccount(
        client_id=settings.PAYPAL_CLIENT_ID,
        secret=settings.PAYPAL_SECRET,
        webhooks=tuple(settings.PAYPAL_WEBHOOK_IDS),
        is_sandbox=settings.PAYPAL_SANDBOX,
    )
    register_provider("paypal", PayPalProvider(account))


def _register_komoju() -> None:
    """KOMOJU with the keys of the environment, in the demo else its simulator."""
    if not settings.KOMOJU_KEY:
        if settings.DEMO:
            register_provider("komoju", KomojuProvider(komoju.SimulatedAccount(home() / "komoju-sandbox")))
        return
    if not settings.KOMOJU_WEBHOOK_SECRETS:
        raise ImproperlyConfigured("TSUZUKU_KOMOJU_WEBHOOK_SECRETS is missing; without it nothing KOMOJU says counts")
    account = komoju.RealAccount(key=settings.KOMOJU_KEY, secrets=tuple(settings.KOMOJU_WEBHOOK_SECRETS))
    register_provider("komoju", KomojuProvider(account))


def _register_gateways() -> None:
    """Who carries mails, and who SMS and push if anybody does."""
    register_gateway(AddressKind.EMAIL, _email_gateway(settings.EMAIL_GATEWAY))
    if settings.SMS_GATEWAY:
        register_gateway(AddressKind.SMS, _sms_gateway(settings.SMS_GATEWAY))
    if settings.PUSH_GATEWAY:
        register_gateway(AddressKind.PUSH, _push_gateway(settings.PUSH_GATEWAY))


def _email_gateway(name: str) -> Gateway:
    match name:
        case "smtp":
            return SmtpGateway(sender=settings.DEFAULT_FROM_EMAIL, reports=_mail_reports(settings.EMAIL_REPORTS))
        case "mailbox":
            return MailboxGateway(home() / "mailbox")
    raise ImproperlyConfigured(f"TSUZUKU_EMAIL_GATEWAY must be smtp or mailbox, not {name!r}")


def _mail_reports(service: str) -> ReadsReports | None:
    """Who reads what the mail service tells, if it is to be read; nowhere else is the package of it loaded."""
    if not service:
        return None
    try:
        from tsuzuku.messaging.adapters.smtp.reports import SERVICES, MailReports
    except ModuleNotFoundError as missing:
        raise ImproperlyConfigured("TSUZUKU_EMAIL_REPORTS needs: pip install 'tsuzuku[mail-reports]'") from missing
    if service not in SERVICES:
        raise ImproperlyConfigured(f"TSUZUKU_EMAIL_REPORTS must be one of {', '.join(SERVICES)}, not {service!r}")
    secret = _needed("EMAIL_REPORTS_SECRET")
    # A short one could be guessed, and whoever has it can have addresses left alone.
    if ":" not in secret or len(secret) < 20:
        raise ImproperlyConfigured("TSUZUKU_EMAIL_REPORTS_SECRET must be NAME:PASSWORD, of 20 characters or more")
    return MailReports(service=service, secret=secret)


def _sms_gateway(name: str) -> Gateway:
    report_url = f"{settings.PUBLIC_URL}/inbound/messages/{AddressKind.SMS.value}"
    match name:
        case "http":
            return HttpSmsGateway(_http_gateway(), report_url=report_url)
        case "twilio":
            account = TwilioAccount(
                account_sid=_needed("TWILIO_ACCOUNT_SID"),
                auth_token=_needed("TWILIO_AUTH_TOKEN"),
                sender=_needed("SMS_SENDER"),
                report_url=report_url,
            )
            return TwilioGateway(account)
        case "smpp":
            return _smpp_gateway()
        case "mailbox":
            return MailboxGateway(home() / "mailbox-sms")
    raise ImproperlyConfigured(f"TSUZUKU_SMS_GATEWAY must be http, twilio, smpp or mailbox, not {name!r}")


def _smpp_gateway() -> Gateway:
    """Nowhere else is its package loaded. Raises ImproperlyConfigured."""
    try:
        from tsuzuku.messaging.adapters.smpp import SmppAccount, SmppGateway
    except ModuleNotFoundError as missing:
        raise ImproperlyConfigured("TSUZUKU_SMS_GATEWAY=smpp needs: pip install 'tsuzuku[smpp]'") from missing
    try:
        account = SmppAccount(
            host=_needed("SMPP_HOST"),
            port=settings.SMPP_PORT,
            tls=settings.SMPP_TLS,
            system_id=_needed("SMPP_SYSTEM_ID"),
            password=_needed("SMPP_PASSWORD"),
            system_type=settings.SMPP_SYSTEM_TYPE,
            sender=_needed("SMS_SENDER"),
            dead_errors=frozenset(error.lstrip("0").upper() for error in settings.SMPP_DEAD_ERRORS),
        )
    except ValueError as problem:
        raise ImproperlyConfigured(str(problem)) from problem
    return SmppGateway(account)


def _http_gateway() -> HttpGateway:
    """Raises ImproperlyConfigured."""
    try:
        return parse_gateway(_needed("SMS_HTTP"))
    except ValueError as problem:
        raise ImproperlyConfigured(f"TSUZUKU_SMS_HTTP: {problem}") from problem


def _push_gateway(name: str) -> Gateway:
    key = vapid_key(settings.INSTALLATION_SECRET)
    match name:
        case "web_push":
            return WebPushGateway(
                key=key,
                subject=f"mailto:{parseaddr(settings.DEFAULT_FROM_EMAIL)[1]}",
                # Any customer names an endpoint, so none may lie in a network of ours, whatever partners' may.
                private_networks=(),
            )
        case "mailbox":
            return MailboxGateway(home() / "mailbox-push", push_key=public_text(key))
    raise ImproperlyConfigured(f"TSUZUKU_PUSH_GATEWAY must be web_push or mailbox, not {name!r}")
