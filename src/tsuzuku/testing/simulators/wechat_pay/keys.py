# SPDX-License-Identifier: Apache-2.0
"""The keys of both sides. What the merchant may know is shared with it; what signs for WeChat Pay is not."""

import json
from pathlib import Path
from secrets import randbelow, token_hex, token_urlsafe
from typing import Any

from tsuzuku.kernel.rsa import RSAPrivateKey, RSAPublicKey, certificate_serial, private_key
from tsuzuku.kernel.whole_files import write_whole
from tsuzuku.testing.simulators.merchant_secrets import SECRETS_FILE
from tsuzuku.testing.simulators.rsa_pairs import Pair, new_certified_pair, new_pair

_OWN_FILE = "platform-keys.json"
PUBLIC_KEY_ID = "PUB_KEY_ID_"


class Keys:
    """The keys in a folder, made when there are none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        if not (folder / SECRETS_FILE).exists():
            self._make()
        self._read()

    def _read(self) -> None:
        shared: dict[str, Any] = json.loads((self._folder / SECRETS_FILE).read_text(encoding="utf-8"))
        own: dict[str, str] = json.loads((self._folder / _OWN_FILE).read_text(encoding="utf-8"))
        #: Lets its owner control the simulator; nothing of WeChat Pay's.
        self.control_key: str = shared["api_key"]
        self.mchid: str = shared["mchid"]
        self.merchant_serial: str = shared["merchant_serial"]
        self.merchant_key: RSAPublicKey = private_key(shared["merchant_private_key"]).public_key()
        self.api_v3_key: bytes = shared["api_v3_key"].encode()
        #: By id, newest first: those with which answers may be signed.
        self.platform_keys: dict[str, RSAPrivateKey] = {
            each["id"]: private_key(own[each["id"]]) for each in shared["platform_keys"]
        }

    def change(self) -> None:
        """Signs with another key from now on; the one before stays valid beside it, older ones do not.

        Public keys follow on certificates and the other way round, as when a merchant moves from one to the other.
        """
        shared = json.loads((self._folder / SECRETS_FILE).read_text(encoding="utf-8"))
        own = json.loads((self._folder / _OWN_FILE).read_text(encoding="utf-8"))
        key_id, pair = _new_platform_key(certified=shared["platform_keys"][0]["id"].startswith(PUBLIC_KEY_ID))
        shared["platform_keys"] = [{"id": key_id, "pem": pair.public}, *shared["platform_keys"][:1]]
        self._write(shared, {**own, key_id: pair.private})
        self._read()

    def _make(self) -> None:
        key_id, pair = _new_platform_key(certified=True)
        shared = {
            "api_key": f"control_{token_urlsafe(32)}",
            "mchid": f"16{randbelow(10**8):08d}",
            "appid": f"wx{token_hex(8)}",
            "merchant_serial": token_hex(20).upper(),
            "merchant_private_key": new_pair().private,
            "api_v3_key": token_hex(16),
            "platform_keys": [{"id": key_id, "pem": pair.public}],
        }
        self._write(shared, {key_id: pair.private})

    def _write(self, shared: dict[str, Any], own: dict[str, str]) -> None:
        """The private keys first, so that nothing is valid with which nobody can sign."""
        write_whole(self._folder / _OWN_FILE, json.dumps(own), mode=0o600)
        write_whole(self._folder / SECRETS_FILE, json.dumps(shared), mode=0o600)


def _new_platform_key(*, certified: bool) -> tuple[str, Pair]:
    if certified:
        pair = new_certified_pair("Tenpay.com sign")
        return certificate_serial(pair.public), pair
    return f"{PUBLIC_KEY_ID}{randbelow(10**22):022d}", new_pair()
