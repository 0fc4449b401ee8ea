# SPDX-License-Identifier: Apache-2.0
"""Where the sandbox provider is, and what it shares with its merchant, as its folder says."""

from pathlib import Path

from tsuzuku.kernel.whole_files import WatchedJson


class Config:
    """Reads the files of a sandbox's folder, again when they have changed."""

    def __init__(self, folder: Path) -> None:
        self._address = WatchedJson(folder / "address.json")
        self._secrets = WatchedJson(folder / "secrets.json")

    def url(self) -> str | None:
        """Where it listens, or listened last; None if it was never started."""
        address = self._address.read()
        return None if address is None else str(address["url"])

    def api_key(self) -> str:
        """The key that calls carry; empty if it was never started."""
        secrets = self._secrets.read()
        return "" if secrets is None else str(secrets["api_key"])

    def webhook_secrets(self) -> tuple[str, ...]:
        """Those with which webhooks may be signed: two while one is being changed, none if it was never started."""
        secrets = self._secrets.read()
        return () if secrets is None else tuple(secrets["webhook_secrets"])
