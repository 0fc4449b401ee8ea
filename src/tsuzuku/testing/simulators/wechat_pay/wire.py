# SPDX-License-Identifier: Apache-2.0
"""How WeChat Pay speaks: who signed what, what is encrypted, and errors."""

import base64
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from secrets import token_hex
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tsuzuku.kernel import clock
from tsuzuku.kernel.rsa import is_signed, sign
from tsuzuku.testing.simulators.object_books import Json
from tsuzuku.testing.simulators.server import Refusal, Request, Response, answer_json
from tsuzuku.testing.simulators.wechat_pay.keys import Keys

SCHEME = "WECHATPAY2-SHA256-RSA2048"
_FIELD = re.compile(r'(\w+)="([^"]*)"')
_TOLERANCE = timedelta(minutes=5)


class Signing(StrEnum):
    """How something is signed."""

    RIGHT = "right"
    #: Not at all.
    NONE = "none"
    #: By a key that nobody knows.
    WRONG = "wrong"
    #: By the right key, an hour ago.
    OLD = "old"
    #: As WeChat Pay does now and then, to see whether anybody looks.
    PROBE = "probe"


class WeChatRefusal(Refusal):
    """Answered with WeChat Pay's error object."""

    def __init__(self, code: str, message: str, *, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(status, code)
        self.message = message


def refused(refusal: Refusal) -> Response:
    """The answer to a call that was refused, in WeChat Pay's form whoever refused it."""
    if isinstance(refusal, WeChatRefusal):
        return answer_json({"code": refusal.code, "message": refusal.message}, status=refusal.status)
    if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE:
        busy = {"code": "FREQUENCY_LIMITED", "message": "Too many calls."}
        return answer_json(busy, status=HTTPStatus.TOO_MANY_REQUESTS)
    return answer_json({"code": "INVALID_REQUEST", "message": f"Refused on demand: {refusal.code}"}, status=400)


def missing(name: str) -> WeChatRefusal:
    """For a field that is missing or malformed."""
    return WeChatRefusal("PARAM_ERROR", f"The field {name} is missing or malformed.")


def check_merchant(request: Request, keys: Keys) -> None:
    """Passes if the merchant signed a request, not long ago. Raises WeChatRefusal."""
    scheme, _, told = request.headers.get("authorization", "").partition(" ")
    fields = dict(_FIELD.findall(told))
    try:
        moment = datetime.fromtimestamp(int(fields["timestamp"]), UTC)
        target = "/" + "/".join(request.path) + (f"?{request.query}" if request.query else "")
        parts = [request.method, target, fields["timestamp"], fields["nonce_str"], request.body.decode(), ""]
        is_theirs = (scheme, fields["mchid"], fields["serial_no"]) == (SCHEME, keys.mchid, keys.merchant_serial)
        signature = fields["signature"]
    except (KeyError, ValueError, OverflowError, OSError):
        raise _sign_error() from None
    if not (is_theirs and is_signed(keys.merchant_key, "\n".join(parts).encode(), signature)):
        raise _sign_error()
    if abs(clock.now() - moment) > _TOLERANCE:
        raise _sign_error()


def signature_headers(body: bytes, keys: Keys, *, by: str = "", signing: Signing = Signing.RIGHT) -> dict[str, str]:
    """The headers of an answer or a notification, signed by the key that was asked for if it is valid."""
    if signing is Signing.NONE:
        return {}
    key_id = by if by in keys.platform_keys else next(iter(keys.platform_keys))
    at = clock.now() - timedelta(hours=1) if signing is Signing.OLD else clock.now()
    moment, nonce = str(int(at.timestamp())), token_hex(16)
    signature = sign(keys.platform_keys[key_id], b"\n".join([moment.encode(), nonce.encode(), body, b""]))
    if signing is Signing.WRONG:
        signature = base64.b64encode(b"\0" * 256).decode()
    if signing is Signing.PROBE:
        signature = f"WECHATPAY/SIGNTEST/{signature[:16]}"
    return {
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Serial": key_id,
        "Wechatpay-Signature": signature,
        "Wechatpay-Signature-Type": SCHEME,
        "Wechatpay-Timestamp": moment,
    }


def encrypted(notice: Mapping[str, Any], keys: Keys) -> bytes:
    """A notification as it is sent: what it is about can be read by the merchant alone."""
    resource = notice["resource"]
    about, nonce = notice["_original_type"], token_hex(6)
    sealed = AESGCM(keys.api_v3_key).encrypt(nonce.encode(), _json(resource), about.encode())
    told = {name: value for name, value in notice.items() if not name.startswith("_")}
    told["resource"] = {
        "original_type": about,
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(sealed).decode(),
        "associated_data": about,
        "nonce": nonce,
    }
    return _json(told)


def fields_of(request: Request) -> Json:
    """The body of a call. Raises WeChatRefusal."""
    try:
        found = json.loads(request.body)
    except ValueError:
        raise missing("body") from None
    if not isinstance(found, dict):
        raise missing("body")
    return found


def _json(fields: object) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode()


def _sign_error() -> WeChatRefusal:
    return WeChatRefusal("SIGN_ERROR", "The signature is wrong.", status=HTTPStatus.UNAUTHORIZED)
