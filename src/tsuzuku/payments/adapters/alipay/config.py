# SPDX-License-Identifier: Apache-2.0
"""Which app of which merchant we are at Alipay, where it is, and the keys of both sides."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tsuzuku.kernel.outcomes import Unavailable
from tsuzuku.kernel.rsa import RSAPrivateKey, RSAPublicKey, private_key, public_key
from tsuzuku.kernel.whole_files import WatchedJson


@dataclass(frozen=True, kw_only=True, slots=True)
class App:
    """Who we are to Alipay, and what both sides know."""

    gateway: str
    app_id: str
    #: The merchant's number, which begins with 2088.
    seller_id: str
    private_key: RSAPrivateKey
    #: Alipay's; two while one is being changed.
    alipay_keys: tuple[RSAPublicKey, ...]
    #: Where they tell what happened.
    notify_url: str
    #: Whether Alipay is not on this machine.
    is_real: bool = True


class Account(Protocol):
    """What the adapter must know of an account."""

    def app(self) -> App | None:
        """The account as it is now; None if there is nobody yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RealAccount:
    """A merchant's, as the open platform shows it."""

    known: App

    def app(self) -> App:
        return self.known


class SimulatedAccount:
    """The simulator's, as its folder says; read again when that changes."""

    def __init__(self, folder: Path, *, notify_url: str) -> None:
        self._address = WatchedJson(folder / "address.json")
        self._secrets = WatchedJson(folder / "secrets.json")
        self._notify_url = notify_url
        #: The address and the secrets as they were read, and what was made of them: keys are slow to read.
        self._known: tuple[object, object, App] | None = None

    def app(self) -> App | None:
        address, secrets = self._address.read(), self._secrets.read()
        if address is None or secrets is None:
            return None
        known = self._known
        if known is not None and known[0] is address and known[1] is secrets:
            return known[2]
        app = App(
            gateway=f"{address['url']}/gateway.do",
            app_id=secrets["app_id"],
            seller_id=secrets["seller_id"],
            private_key=private_key(secrets["app_private_key"]),
            alipay_keys=tuple(public_key(pem) for pem in secrets["alipay_public_keys"]),
            notify_url=self._notify_url,
            is_real=False,
        )
        self._known = (address, secrets, app)
        return app


def app_of(account: Account) -> App:
    """The account as it is now. Raises Unavailable if there is nobody yet."""
    app = account.app()
    if app is None:
        raise Unavailable("alipay-not-started")
    return app
