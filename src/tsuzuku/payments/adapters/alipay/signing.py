# SPDX-License-Identifier: Apache-2.0
"""What both sides sign: names and values as they are meant, sorted and joined; of an answer its very text.

Rules: https://opendocs.alipay.com/common/02mse7 and https://opendocs.alipay.com/common/02khjm. Read: 2026-11-21.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from tsuzuku.kernel.rsa import RSAPrivateKey, RSAPublicKey, is_signed, sign

SIGN_TYPE = "RSA2"


class Forged(Exception):
    """Nobody knows who sent it."""


def signed_fields(fields: Mapping[str, str], *, key: RSAPrivateKey) -> dict[str, str]:
    """The fields of a call with the signature of all of them."""
    return {**fields, "sign": sign(key, _joined(fields))}


def check_notice(body: bytes, *, alipay_keys: Sequence[RSAPublicKey]) -> dict[str, str]:
    """The fields of a notification that Alipay signed. Raises Forged."""
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, strict_parsing=True)
    except ValueError:
        raise Forged from None
    fields = dict(pairs)
    if len(fields) != len(pairs) or fields.get("sign_type") != SIGN_TYPE:
        raise Forged
    signed = _joined({name: value for name, value in fields.items() if name not in {"sign", "sign_type"}})
    # Any of them fits, so that a key can be changed without a gap.
    if not any(is_signed(key, signed, fields.get("sign", "")) for key in alipay_keys):
        raise Forged
    return fields


def read_answer(body: bytes, *, method: str, alipay_keys: Sequence[RSAPublicKey]) -> tuple[dict[str, Any], bool]:
    """What a call was answered, and whether Alipay signed it. Raises ValueError, KeyError or RecursionError."""
    text = body.decode("utf-8")
    whole = json.loads(text)
    name = f"{method.replace('.', '_')}_response"
    # Some mistakes of ours are told under another name.
    if name not in whole:
        name = "error_response"
    answer = whole[name]
    if not isinstance(answer, dict):
        raise ValueError("the answer is no JSON object")
    signed, signature = _raw(text, name).encode(), whole.get("sign")
    is_theirs = isinstance(signature, str) and any(is_signed(key, signed, signature) for key in alipay_keys)
    return answer, is_theirs


def _joined(fields: Mapping[str, str]) -> bytes:
    return "&".join(f"{name}={value}" for name, value in sorted(fields.items())).encode()


def _raw(text: str, name: str) -> str:
    """The text of one member of a JSON object, as it stands there. Raises ValueError."""
    at = text.index(f'"{name}"') + len(name) + 2
    at = text.index(":", at) + 1
    while text[at].isspace():
        at += 1
    _, end = json.JSONDecoder().raw_decode(text, at)
    return text[at:end]
