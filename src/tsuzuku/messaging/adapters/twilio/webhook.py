# SPDX-License-Identifier: Apache-2.0
"""Reads Twilio's status callbacks: verify, then parse by a table that has UNKNOWN.

A callback bears no moment of sending, so it cannot be too old; that one is not taken twice is seen to by the state of
its message.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs, parse_qsl, urlsplit

from tsuzuku.kernel.signatures import SignatureForged
from tsuzuku.messaging.ports import DeliveryReport, Verdict

SIGNATURE_HEADER = "x-twilio-signature"
#: In the query of the address that we give Twilio with each message.
MESSAGE = "message"

_VERDICTS: Mapping[str, Verdict] = {
    "delivered": Verdict.DELIVERED,
    "read": Verdict.DELIVERED,
    "undelivered": Verdict.FAILED,
    "failed": Verdict.FAILED,
}
#: Why nothing would ever arrive: no such number, no mobile, opted out. Other errors pass.
_DEAD = frozenset({"21211", "21610", "21614", "30005", "30006"})


def signature(*, url: str, body: bytes, auth_token: str) -> str:
    """The address that was called with every field behind it, sorted by name, each name with its value."""
    fields = sorted(set(_fields(body)))
    signed = url + "".join(f"{name}{value}" for name, value in fields)
    return b64encode(hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest()).decode("ascii")


def verify(*, url: str, headers: Mapping[str, str], body: bytes, auth_token: str) -> None:
    """Passes if the account signed the call. Raises SignatureForged."""
    given = {name.lower(): value for name, value in headers.items()}.get(SIGNATURE_HEADER, "")
    if not hmac.compare_digest(given.encode(), signature(url=url, body=body, auth_token=auth_token).encode()):
        raise SignatureForged


def parse(*, url: str, body: bytes) -> Sequence[DeliveryReport]:
    """What a genuine callback tells."""
    fields = dict(_fields(body))
    verdict = _VERDICTS.get(fields.get("MessageStatus", ""), Verdict.UNKNOWN)
    code = fields.get("ErrorCode", "")
    if verdict is Verdict.FAILED and code in _DEAD:
        verdict = Verdict.BOUNCED
    named = parse_qs(urlsplit(url).query).get(MESSAGE, [""])
    return [
        DeliveryReport(
            message_id=named[0],
            reference=fields.get("MessageSid", ""),
            verdict=verdict,
            reason=f"twilio-{code}" if code.isascii() and code.isdigit() else "",
        )
    ]


def _fields(body: bytes) -> list[tuple[str, str]]:
    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
