# SPDX-License-Identifier: Apache-2.0
"""The payment providers that can be played on this machine, by the name of their adapter: a line for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tsuzuku.project.environment import env_text, home
from tsuzuku.testing.simulators.alipay.sandbox import AlipaySandbox
from tsuzuku.testing.simulators.komoju.sandbox import KomojuSandbox
from tsuzuku.testing.simulators.paypal.sandbox import PayPalSandbox
from tsuzuku.testing.simulators.provider import PaymentSandbox
from tsuzuku.testing.simulators.server import Sandbox
from tsuzuku.testing.simulators.stripe.sandbox import StripeSandbox
from tsuzuku.testing.simulators.wechat_pay.sandbox import WeChatPaySandbox


class MakesSandbox(Protocol):
    """A class of sandboxes that play a payment provider."""

    @property
    def name(self) -> str:
        """Of the folder in TSUZUKU_HOME in which it keeps its books, its secrets and its address."""

    def __call__(self, folder: Path, *, webhook: str | None = None, merchant: str = "Tsuzuku") -> Sandbox:
        """A sandbox that keeps its files in `folder`; its pages name the merchant."""


@dataclass(frozen=True, slots=True)
class Simulator:
    """A payment provider that can be played."""

    sandbox: MakesSandbox
    about: str
    #: The environment variable that holds the key of a real account; when it is set, the demo plays nothing.
    key_variable: str = ""

    @property
    def folder(self) -> Path:
        """Where it keeps its books, its secrets and its address."""
        return home() / self.sandbox.name


SIMULATORS: Mapping[str, Simulator] = {
    "sandbox": Simulator(PaymentSandbox, "a provider of our own, on whose page one chooses what happens"),
    "stripe": Simulator(StripeSandbox, "Stripe, with its test cards", "TSUZUKU_STRIPE_KEY"),
    "wechat_pay": Simulator(WeChatPaySandbox, "WeChat Pay, with a page for its app", "TSUZUKU_WECHAT_PAY_MCHID"),
    "alipay": Simulator(AlipaySandbox, "Alipay, with a page for its app", "TSUZUKU_ALIPAY_APP_ID"),
    "paypal": Simulator(PayPalSandbox, "PayPal", "TSUZUKU_PAYPAL_CLIENT_ID"),
    "komoju": Simulator(KomojuSandbox, "KOMOJU, with slips for 7-Eleven", "TSUZUKU_KOMOJU_KEY"),
}


def played_in_the_demo() -> list[str]:
    """The names of the simulators that take the place of an account that nobody has."""
    return [name for name, each in SIMULATORS.items() if not (each.key_variable and env_text(each.key_variable))]
