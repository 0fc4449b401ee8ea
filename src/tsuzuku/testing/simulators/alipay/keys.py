# SPDX-License-Identifier: Apache-2.0
"""The keys of both sides. What the merchant may know is shared with it; what signs for Alipay is not."""

import json
from pathlib import Path
from secrets import randbelow, token_urlsafe
from typing import Any

from tsuzuku.kernel.rsa import RSAPrivateKey, RSAPublicKey, private_key
from tsuzuku.kernel.whole_files import write_whole
from tsuzuku.testing.simulators.merchant_secrets import SECRETS_FILE
from tsuzuku.testing.simulators.rsa_pairs import new_pair

_OWN_FILE = "alipay-keys.json"


class Keys:
    """The keys in a folder, made when there are none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        if not (folder / SECRETS_FILE).exists():
            self._make()
        self._read()

    def _read(self) -> None:
        shared: dict[str, Any] = json.loads((self._folder / SECRETS_FILE).read_text(encoding="utf-8"))
        #: Lets its owner control the simulator; nothing of Alipay's.
        self.control_key: str = shared["api_key"]
        self.app_id: str = shared["app_id"]
        self.seller_id: str = shared["seller_id"]
        self.app_key: RSAPublicKey = private_key(shared["app_private_key"]).public_key()
        own = json.loads((self._folder / _OWN_FILE).read_text(encoding="utf-8"))
        #: With which Alipay signs.
        self.alipay_key: RSAPrivateKey = private_key(own["private_key"])

    def change(self) -> None:
        """Signs with another key from now on; the merchant knows the one before beside it, older ones no longer."""
        shared = json.loads((self._folder / SECRETS_FILE).read_text(encoding="utf-8"))
        pair = new_pair()
        shared["alipay_public_keys"] = [pair.public, *shared["alipay_public_keys"][:1]]
        # The merchant's first, so that nothing is signed by a key that it does not know.
        write_whole(self._folder / SECRETS_FILE, json.dumps(shared), mode=0o600)
        write_whole(self._folder / _OWN_FILE, json.dumps({"private_key": pair.private}), mode=0o600)
        self._read()

    def _make(self) -> None:
        pair = new_pair()
        shared = {
            "api_key": f"control_{token_urlsafe(32)}",
            "app_id": f"2021{randbelow(10**12):012d}",
            "seller_id": f"2088{randbelow(10**12):012d}",
            "app_private_key": new_pair().private,
            "alipay_public_keys": [pair.public],
        }
        write_whole(self._folder / _OWN_FILE, json.dumps({"private_key": pair.private}), mode=0o600)
        write_whole(self._folder / SECRETS_FILE, json.dumps(shared), mode=0o600)
