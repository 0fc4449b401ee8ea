# SPDX-License-Identifier: Apache-2.0
"""How both sides sign, and how notifications are encrypted.

Rules: https://pay.weixin.qq.com/wiki/doc/api_external/ch/wechatpay/wechatpay4_1.shtml and 4_2. Read: 2026-11-21.
"""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tsuzuku.kernel.rsa import RSAPublicKey, is_signed, sign
from tsuzuku.payments.adapters.wechat_pay.config import Merchant

SCHEME = "WECHATPAY2-SHA256-RSA2048"
#: How far the moment of signing may lie from ours, either way.
TOLERANCE = timedelta(minutes=5)


class Forged(Exception):
    """Nobody knows who sent it."""


class Stale(Exception):
    """Rightly signed, but for a moment too far from now."""


def authorization(merchant: Merchant, *, method: str, target: str, body: bytes, now: datetime) -> str:
    """The header by which a request is ours; `target` is the path with its query, as it is sent."""
    moment, nonce = str(int(now.timestamp())), token_hex(16)
    signed = b"\n".join([method.encode(), target.encode(), moment.encode(), nonce.encode(), body, b""])
    fields = {
        "mchid": merchant.mchid,
        "nonce_str": nonce,
        "signature": sign(merchant.private_key, signed),
        "timestamp": moment,
        "serial_no": merchant.serial,
    }
    return f"{SCHEME} {','.join(f'{name}={_quoted(value)}' for name, value in fields.items())}"


def check(*, headers: Mapping[str, str], body: bytes, platform_keys: Mapping[str, RSAPublicKey], now: datetime) -> None:
    """Passes if an answer or a notification was signed by WeChat Pay, not long ago. Raises Forged or Stale.

    Now and then they send a signature that is none (WECHATPAY/SIGNTEST/...) to see whether anybody looks: forged too.
    """
    given = {name.lower(): value for name, value in headers.items()}
    moment, nonce = given.get("wechatpay-timestamp", ""), given.get("wechatpay-nonce", "")
    key = platform_keys.get(_key_id(given.get("wechatpay-serial", "")))
    if key is None or given.get("wechatpay-signature-type", SCHEME) != SCHEME:
        raise Forged
    if not (moment.isascii() and moment.isdigit() and len(moment) <= 12):
        raise Forged
    signed = b"\n".join([moment.encode(), nonce.encode("utf-8", "replace"), body, b""])
    if not is_signed(key, signed, given.get("wechatpay-signature", "")):
        raise Forged
    if abs(now - datetime.fromtimestamp(int(moment), UTC)) > TOLERANCE:
        raise Stale


def decrypted(resource: Mapping[str, Any], *, api_v3_key: bytes) -> bytes:
    """What a notification holds. Raises ValueError, KeyError, TypeError or AttributeError."""
    if resource["algorithm"] != "AEAD_AES_256_GCM":
        raise ValueError("encrypted in another way")
    sealed = base64.b64decode(resource["ciphertext"], validate=True)
    about = (resource.get("associated_data") or "").encode()
    try:
        return AESGCM(api_v3_key).decrypt(resource["nonce"].encode(), sealed, about)
    except InvalidTag as problem:
        raise ValueError("encrypted under another key") from problem


def _quoted(value: str) -> str:
    return f'"{value}"'


def _key_id(serial: str) -> str:
    """As `platform_keys` names it: serial numbers of certificates are told with zeros in front, and in any case."""
    return serial if serial.startswith("PUB_KEY_ID_") else serial.upper().lstrip("0")
