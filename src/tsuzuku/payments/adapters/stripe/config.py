# SPDX-License-Identifier: Apache-2.0
"""Which account at Stripe, where Stripe is, and what it shares with us."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, get_args

from tsuzuku.kernel.whole_files import WatchedJson

API_URL = "https://api.stripe.com"
CHECKOUT_URL = "https://checkout.stripe.com"
#: Where Stripe sends the payers of a wallet, and where that sends them on. Stripe does not document these hosts; a
#: browser that holds back a payer names the one that is missing in its console.
WALLET_ORIGINS = (
    "https://pm-redirects.stripe.com",
    "https://hooks.stripe.com",
    "https://*.alipay.com",
    "https://*.paypay.ne.jp",
)

#: What is paid on Stripe's page, and what is not. Each must be switched on in the account; Apple Pay comes with cards.
CheckoutMethod = Literal["card", "apple_pay"]
IntentMethod = Literal["konbini", "alipay", "wechat_pay", "paypay"]
Method = Literal["card", "apple_pay", "konbini", "alipay", "wechat_pay", "paypay"]
METHODS: tuple[Method, ...] = get_args(Method)
INTENT_METHODS: tuple[IntentMethod, ...] = get_args(IntentMethod)
#: What Stripe sends the payer to and back from, whether they paid or not.
WALLETS: tuple[Method, ...] = ("alipay", "paypay")

#: For how many days after its own a slip can be paid, https://docs.stripe.com/payments/konbini/accept-a-payment.
KONBINI_DAYS, KONBINI_DAYS_MIN, KONBINI_DAYS_MAX = 3, 1, 60


class Account(Protocol):
    """What the adapter must know of an account."""

    def api_key(self) -> str:
        """The secret or restricted key that calls carry."""

    def api_url(self) -> str | None:
        """Where calls go; None if there is nobody yet."""

    def payer_origins(self) -> tuple[str, ...]:
        """Where payers go: scheme, host and port."""

    def methods(self) -> tuple[Method, ...]:
        """What payers are offered, in that order."""

    def konbini_days(self) -> int:
        """For how many days after its own a slip can be paid."""

    def webhook_secrets(self) -> tuple[str, ...]:
        """Those with which webhooks may be signed: two while one is being changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RealAccount:
    """An account at Stripe, in test mode or live, as its dashboard shows it."""

    key: str
    secrets: tuple[str, ...]
    offered: tuple[Method, ...] = ("card",)
    #: Another one only where the account has a domain of its own for Checkout.
    page: str = CHECKOUT_URL
    days: int = KONBINI_DAYS

    def api_key(self) -> str:
        return self.key

    def api_url(self) -> str:
        return API_URL

    def payer_origins(self) -> tuple[str, ...]:
        return (self.page, *WALLET_ORIGINS) if set(WALLETS).intersection(self.offered) else (self.page,)

    def methods(self) -> tuple[Method, ...]:
        return self.offered

    def konbini_days(self) -> int:
        return self.days

    def webhook_secrets(self) -> tuple[str, ...]:
        return self.secrets


class SimulatedAccount:
    """The simulator's, as its folder says; read again when that changes."""

    def __init__(self, folder: Path) -> None:
        self._address = WatchedJson(folder / "address.json")
        self._secrets = WatchedJson(folder / "secrets.json")

    def api_key(self) -> str:
        secrets = self._secrets.read()
        return "" if secrets is None else str(secrets["api_key"])

    def api_url(self) -> str | None:
        address = self._address.read()
        return None if address is None else str(address["url"])

    def payer_origins(self) -> tuple[str, ...]:
        url = self.api_url()
        return () if url is None else (url,)

    def methods(self) -> tuple[Method, ...]:
        return () if self._address.read() is None else METHODS

    def konbini_days(self) -> int:
        return KONBINI_DAYS

    def webhook_secrets(self) -> tuple[str, ...]:
        secrets = self._secrets.read()
        return () if secrets is None else tuple(secrets["webhook_secrets"])
