# SPDX-License-Identifier: Apache-2.0
"""Which account at KOMOJU, where KOMOJU is, and what it shares with us."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tsuzuku.kernel.whole_files import WatchedJson

URL = "https://komoju.com"


class Account(Protocol):
    """What the adapter must know of an account."""

    def secret_key(self) -> str:
        """The key that calls carry."""

    def url(self) -> str | None:
        """Where calls and payers go: scheme, host and port; None if there is nobody yet."""

    def webhook_secrets(self) -> tuple[str, ...]:
        """Those with which webhooks may be signed: two while one is being changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RealAccount:
    """An account at KOMOJU, in test mode or live, as its dashboard shows it."""

    key: str
    secrets: tuple[str, ...]

    def secret_key(self) -> str:
        return self.key

    def url(self) -> str:
        return URL

    def webhook_secrets(self) -> tuple[str, ...]:
        return self.secrets


class SimulatedAccount:
    """The simulator's, as its folder says; read again when that changes."""

    def __init__(self, folder: Path) -> None:
        self._address = WatchedJson(folder / "address.json")
        self._secrets = WatchedJson(folder / "secrets.json")

    def secret_key(self) -> str:
        secrets = self._secrets.read()
        return "" if secrets is None else str(secrets["api_key"])

    def url(self) -> str | None:
        address = self._address.read()
        return None if address is None else str(address["url"])

    def webhook_secrets(self) -> tuple[str, ...]:
        secrets = self._secrets.read()
        return () if secrets is None else tuple(secrets["webhook_secrets"])
