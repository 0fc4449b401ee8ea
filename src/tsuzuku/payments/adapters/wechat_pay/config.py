# SPDX-License-Identifier: Apache-2.0
"""Which merchant we are at WeChat Pay, where it is, and the keys of both sides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tsuzuku.kernel.outcomes import Unavailable
from tsuzuku.kernel.rsa import RSAPrivateKey, RSAPublicKey, certificate_serial, private_key, public_key
from tsuzuku.kernel.whole_files import WatchedJson

API_URL = "https://apihk.mch.weixin.qq.com"
#: Telecommunication services, ISO 18245.
CATEGORY = "4814"
_API_V3_KEY_BYTES = 32
_PUBLIC_KEY_ID = "PUB_KEY_ID_"


@dataclass(frozen=True, kw_only=True, slots=True)
class Merchant:
    """Who we are to WeChat Pay, and what both sides know."""

    api_url: str
    mchid: str
    appid: str
    #: The merchant category code of what is sold, ISO 18245.
    category: str
    #: The serial number of our certificate, and its key.
    serial: str
    private_key: RSAPrivateKey
    #: By which notifications are encrypted.
    api_v3_key: bytes
    #: Theirs, by the id of a public key or the serial number of a certificate; two while one is being changed.
    platform_keys: Mapping[str, RSAPublicKey]
    #: Where they tell what happened.
    notify_url: str


class Account(Protocol):
    """What the adapter must know of an account."""

    def merchant(self) -> Merchant | None:
        """The account as it is now; None if there is nobody yet."""

    def app_page(self, code_url: str) -> str:
        """A page that stands for the payer's app; empty where the app is the real one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RealAccount:
    """A merchant's, as the merchant platform shows it."""

    known: Merchant

    def merchant(self) -> Merchant:
        return self.known

    def app_page(self, code_url: str) -> str:
        return ""


class SimulatedAccount:
    """The simulator's, as its folder says; read again when that changes."""

    def __init__(self, folder: Path, *, notify_url: str) -> None:
        self._address = WatchedJson(folder / "address.json")
        self._secrets = WatchedJson(folder / "secrets.json")
        self._notify_url = notify_url
        #: The address and the secrets as they were read, and what was made of them: keys are slow to read.
        self._known: tuple[object, object, Merchant] | None = None

    def merchant(self) -> Merchant | None:
        address, secrets = self._address.read(), self._secrets.read()
        if address is None or secrets is None:
            return None
        known = self._known
        if known is not None and known[0] is address and known[1] is secrets:
            return known[2]
        merchant = Merchant(
            api_url=str(address["url"]),
            mchid=secrets["mchid"],
            appid=secrets["appid"],
            category=CATEGORY,
            serial=secrets["merchant_serial"],
            private_key=private_key(secrets["merchant_private_key"]),
            api_v3_key=secrets["api_v3_key"].encode(),
            platform_keys={each["id"]: public_key(each["pem"]) for each in secrets["platform_keys"]},
            notify_url=self._notify_url,
        )
        self._known = (address, secrets, merchant)
        return merchant

    def app_page(self, code_url: str) -> str:
        address = self._address.read()
        return "" if address is None else f"{address['url']}/pay?{code_url.partition('?')[2]}"


def read_platform_keys(named: Sequence[str]) -> dict[str, RSAPublicKey]:
    """Keys from files, each `PUB_KEY_ID_...=FILE` for a public key or `FILE` for a certificate; the first is preferred.

    Raises ValueError or OSError.
    """
    found: dict[str, RSAPublicKey] = {}
    for each in named:
        key_id, _, path = each.rpartition("=")
        pem = Path(path).read_text(encoding="ascii")
        if key_id and not key_id.startswith(_PUBLIC_KEY_ID):
            raise ValueError(f"{key_id} is no id of a public key, which begins with {_PUBLIC_KEY_ID}")
        found[key_id or certificate_serial(pem)] = public_key(pem)
    return found


def api_v3_key(text: str) -> bytes:
    """The key as it was set at the merchant platform. Raises ValueError."""
    if len(text.encode()) != _API_V3_KEY_BYTES:
        raise ValueError(f"the APIv3 key has {_API_V3_KEY_BYTES} characters")
    return text.encode()


def merchant_of(account: Account) -> Merchant:
    """The account as it is now. Raises Unavailable if there is nobody yet."""
    merchant = account.merchant()
    if merchant is None:
        raise Unavailable("wechat-pay-not-started")
    return merchant
