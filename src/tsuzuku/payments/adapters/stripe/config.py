# SPDX-License-Identifier: Apache-2.0
"""Which account at Stripe, where Stripe is, and what it shares with us."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, get_args

from tsuzuku.kernel.whole_files import WatchedJson

API_URL = "https://api.stripe.com"
CHECKOUT_URL = "https://checkout.stripe.com"


#: What ends on Stripe's page while the payer is there. Each must be switched on in the account.
Method = Literal["card", "alipay", "wechat_pay", "paypay"]
METHODS: tuple[Method, ...] = get_args(Method)


class Account(Protocol):
    """What the adapter must know of an account."""

    def api_key(self) -> str:
        """The secret or restricted key that calls carry."""

    def api_url(self) -> str | None:
        """Where calls go; None if there is nobody yet."""

    def checkout_url(self) -> str | None:
        """Where payers go: scheme, host and port."""

    def methods(self) -> tuple[Method, ...]:
        """What payers are offered, in that order."""

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

    def api_key(self) -> str:
        return self.key

    def api_url(self) -> str:
        return API_URL

    def checkout_url(self) -> str:
        return self.page

    def methods(self) -> tuple[Method, ...]:
        return self.offered

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

    def checkout_url(self) -> str | None:
        return self.api_url()

    def methods(self) -> tuple[Method, ...]:
        return () if self._address.read() is None else METHODS

    def webhook_secrets(self) -> tuple[str, ...]:
        secrets = self._secrets.read()
        return () if secrets is None else tuple(secrets["webhook_secrets"])
