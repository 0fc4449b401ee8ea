# SPDX-License-Identifier: Apache-2.0
"""Which account at PayPal, where PayPal is, and who vouches for what it signs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import certifi

from tsuzuku.kernel.whole_files import WatchedJson

_CERTIFICATES_PATH = "/v1/notifications/certs/"
#: The file of a simulator's folder with the authority of its certificates.
AUTHORITY_FILE = "authority.pem"


class Account(Protocol):
    """What the adapter must know of an account."""

    def credentials(self) -> tuple[str, str]:
        """The client id and its secret."""

    def api_url(self) -> str | None:
        """Where calls go; None if there is nobody yet."""

    def page_url(self) -> str | None:
        """Where payers go: scheme, host and port."""

    def webhook_ids(self) -> tuple[str, ...]:
        """The ids of our webhook, which every signature covers: two while one takes the other's place."""

    def may_serve_certificates(self, url: str) -> bool:
        """Whether a certificate may be fetched there. ValueError if it is no URL."""

    def authorities(self) -> Path:
        """A file, in PEM, of the authorities that may vouch for a signer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RealAccount:
    """An app of an account at PayPal, live or in PayPal's own sandbox, as the developer dashboard shows it."""

    client_id: str
    secret: str
    webhooks: tuple[str, ...]
    #: In PayPal's sandbox no money moves; its apps, pages and webhooks are others.
    is_sandbox: bool = False

    def credentials(self) -> tuple[str, str]:
        return self.client_id, self.secret

    def api_url(self) -> str:
        return "https://api-m.sandbox.paypal.com" if self.is_sandbox else "https://api-m.paypal.com"

    def page_url(self) -> str:
        return "https://www.sandbox.paypal.com" if self.is_sandbox else "https://www.paypal.com"

    def webhook_ids(self) -> tuple[str, ...]:
        return self.webhooks

    def may_serve_certificates(self, url: str) -> bool:
        parts = urlsplit(url)
        host = parts.hostname or ""
        is_paypal = parts.scheme == "https" and host.endswith(".paypal.com") and parts.netloc.lower() == host
        return is_paypal and parts.path.startswith(_CERTIFICATES_PATH)

    def authorities(self) -> Path:
        """Those of the web: PayPal has changed its authority before, and will not ask us the next time."""
        return Path(certifi.where())


class SimulatedAccount:
    """The simulator's, as its folder says; read again when that changes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._address = WatchedJson(folder / "address.json")
        self._secrets = WatchedJson(folder / "secrets.json")

    def credentials(self) -> tuple[str, str]:
        secrets = self._secrets.read()
        return ("", "") if secrets is None else ("simulated", str(secrets["api_key"]))

    def api_url(self) -> str | None:
        address = self._address.read()
        return None if address is None else str(address["url"])

    def page_url(self) -> str | None:
        return self.api_url()

    def webhook_ids(self) -> tuple[str, ...]:
        secrets = self._secrets.read()
        return () if secrets is None else tuple(secrets["webhook_secrets"])

    def may_serve_certificates(self, url: str) -> bool:
        origin = self.api_url()
        return origin is not None and url.startswith(f"{origin}{_CERTIFICATES_PATH}")

    def authorities(self) -> Path:
        return self._folder / AUTHORITY_FILE
