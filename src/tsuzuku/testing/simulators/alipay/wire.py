# SPDX-License-Identifier: Apache-2.0
"""How Alipay speaks: everything by one gateway, yes and no alike with status 200, and signed."""

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from http import HTTPStatus
from urllib.parse import parse_qsl, urlencode

from tsuzuku.kernel import clock
from tsuzuku.kernel.rsa import is_signed, sign
from tsuzuku.testing.simulators.alipay.keys import Keys
from tsuzuku.testing.simulators.object_books import Json
from tsuzuku.testing.simulators.server import Refusal, Request, Response

CHINA = timezone(timedelta(hours=8))
_TOLERANCE = timedelta(minutes=15)


class Signing(StrEnum):
    """How an answer is signed."""

    RIGHT = "right"
    #: Not at all.
    NONE = "none"
    #: By a key that nobody knows.
    WRONG = "wrong"


class AlipayRefusal(Refusal):
    """Answered with a gateway's code, and the business's own word where it is about that."""

    def __init__(self, sub_code: str, *, code: str = "40004") -> None:
        super().__init__(HTTPStatus.OK, code)
        self.sub_code = sub_code

    def fields(self) -> Json:
        """The answer."""
        return {"code": self.code, "msg": _MESSAGES[self.code], "sub_code": self.sub_code, "sub_msg": self.sub_code}


_MESSAGES = {
    "20000": "Service Currently Unavailable",
    "40002": "Invalid Arguments",
    "40004": "Business Failed",
    "40005": "Call Limited",
}


def malformed(name: str) -> AlipayRefusal:
    """For a field that is missing or malformed."""
    return AlipayRefusal(f"isv.invalid-{name.replace('_', '-')}", code="40002")


def on_demand(refusal: Refusal) -> AlipayRefusal:
    """A refusal of the simulator's own, as Alipay would put it."""
    if isinstance(refusal, AlipayRefusal):
        return refusal
    if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return AlipayRefusal("isv.call-limited", code="40005")
    return AlipayRefusal("ACQ.INVALID_PARAMETER")


def params_of(request: Request) -> dict[str, str]:
    """What a call carries, in its address or its body."""
    text = f"{request.query}&{request.body.decode('utf-8', 'replace')}".strip("&")
    return dict(parse_qsl(text, keep_blank_values=True))


def check_app(params: Mapping[str, str], keys: Keys) -> None:
    """Passes if the merchant signed a call, not long ago by the clock of China. Raises AlipayRefusal."""
    if params.get("app_id") != keys.app_id:
        raise malformed("app_id")
    signed = "&".join(f"{name}={value}" for name, value in sorted(params.items()) if value and name != "sign")
    if params.get("sign_type") != "RSA2" or not is_signed(keys.app_key, signed.encode(), params.get("sign", "")):
        raise malformed("signature")
    try:
        at = datetime.strptime(params["timestamp"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
    except (KeyError, ValueError):
        raise malformed("timestamp") from None
    if abs(clock.now() - at) > _TOLERANCE:
        raise malformed("timestamp")


def business_of(params: Mapping[str, str]) -> Json:
    """What a call is about. Raises AlipayRefusal."""
    try:
        found = json.loads(params["biz_content"])
    except (KeyError, ValueError):
        raise malformed("biz_content") from None
    if not isinstance(found, dict):
        raise malformed("biz_content")
    return found


def answered(method: str, fields: Json, keys: Keys, *, signing: Signing = Signing.RIGHT) -> Response:
    """An answer with the signature of its very text."""
    text = json.dumps(fields, ensure_ascii=False)
    signature = sign(keys.alipay_key, text.encode())
    if signing is Signing.WRONG:
        signature = base64.b64encode(b"\0" * 256).decode()
    name = f"{method.replace('.', '_')}_response"
    signed = "" if signing is Signing.NONE else f',"sign":{json.dumps(signature)}'
    return Response(HTTPStatus.OK, f'{{"{name}":{text}{signed}}}'.encode(), {"Content-Type": "text/html;charset=utf-8"})


def notice_body(fields: Mapping[str, str], keys: Keys) -> bytes:
    """A notification as it is sent now: its time and its signature are those of this sending."""
    told = {**fields, "notify_time": stamp(clock.now())}
    signed = "&".join(f"{name}={value}" for name, value in sorted(told.items()))
    return urlencode({**told, "sign_type": "RSA2", "sign": sign(keys.alipay_key, signed.encode())}).encode()


def stamp(moment: datetime) -> str:
    """A moment as Alipay writes it."""
    return moment.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")
