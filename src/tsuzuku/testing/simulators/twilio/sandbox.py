# SPDX-License-Identifier: Apache-2.0
"""Plays Twilio: POST /2010-04-01/Accounts/{sid}/Messages.json, form fields in and JSON out."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from email.utils import format_datetime
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from tsuzuku.kernel import clock
from tsuzuku.kernel.sms_parts import sms_parts
from tsuzuku.testing.simulators.faults import Faults
from tsuzuku.testing.simulators.server import Refusal, Request, Response, Sandbox, answer_json

#: Twilio's own: not a number; cannot receive SMS.
NO_NUMBER, NO_MOBILE = "+15005550001", "+15005550009"
_REFUSALS = {
    NO_NUMBER: (21211, "The 'To' number is not a valid phone number."),
    NO_MOBILE: (21614, "'To' number is not a valid mobile number"),
}


class TwilioSandbox(Sandbox):
    """One account, in memory."""

    name = "twilio-sandbox"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.account_sid = f"AC{secrets.token_hex(16)}"
        self.auth_token = secrets.token_hex(16)
        self.faults = Faults()
        #: The fields of each message as they were posted, by its SID, oldest first.
        self.messages: dict[str, Mapping[str, str]] = {}

    def address(self) -> dict[str, object]:
        return {}

    def start(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def answer(self, request: Request) -> Response:
        if request.path != ("2010-04-01", "Accounts", self.account_sid, "Messages.json") or request.method != "POST":
            return _error(HTTPStatus.NOT_FOUND, 20404, "The requested resource was not found")
        secret = base64.b64encode(f"{self.account_sid}:{self.auth_token}".encode()).decode()
        if not hmac.compare_digest(request.headers.get("authorization", ""), f"Basic {secret}"):
            return _error(HTTPStatus.UNAUTHORIZED, 20003, "Authenticate")
        try:
            return self.faults.play(lambda: self._create(dict(parse_qsl(request.body.decode()))))
        except Refusal as refusal:
            if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE:
                return _error(refusal.status, 20503, "Service unavailable")
            return _error(HTTPStatus.BAD_REQUEST, 21617, "The concatenated message body exceeds the limit")

    def callback(self, sid: str, status: str, *, error_code: str = "") -> tuple[str, dict[str, str], bytes]:
        """The address, the headers and the body of a status callback, signed as Twilio signs."""
        message = self.messages[sid]
        fields = {
            "AccountSid": self.account_sid,
            "ApiVersion": "2010-04-01",
            "From": message.get("From", "+15005550006"),
            "MessageSid": sid,
            "MessageStatus": status,
            "SmsSid": sid,
            "SmsStatus": status,
            "To": message["To"],
        }
        if error_code:
            fields["ErrorCode"] = error_code
        url = message["StatusCallback"]
        signed = url + "".join(name + fields[name] for name in sorted(fields))
        digest = hmac.new(self.auth_token.encode(), signed.encode(), hashlib.sha1).digest()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "X-Twilio-Signature": base64.b64encode(digest).decode(),
        }
        return url, headers, urlencode(fields).encode()

    def _create(self, fields: Mapping[str, str]) -> Response:
        if not fields.get("To"):
            return _error(HTTPStatus.BAD_REQUEST, 21604, "A 'To' phone number is required.")
        if not (fields.get("From") or fields.get("MessagingServiceSid")):
            return _error(HTTPStatus.BAD_REQUEST, 21603, "A 'From' phone number is required.")
        if not fields.get("Body"):
            return _error(HTTPStatus.BAD_REQUEST, 21602, "Message body is required.")
        if fields["To"] in _REFUSALS:
            return _error(HTTPStatus.BAD_REQUEST, *_REFUSALS[fields["To"]])
        sid = f"SM{secrets.token_hex(16)}"
        self.messages[sid] = fields
        return answer_json(
            {
                "account_sid": self.account_sid,
                "api_version": "2010-04-01",
                "body": fields["Body"],
                "date_created": format_datetime(clock.now()),
                "direction": "outbound-api",
                "error_code": None,
                "error_message": None,
                "from": fields.get("From"),
                "messaging_service_sid": fields.get("MessagingServiceSid"),
                "num_segments": str(len(sms_parts(fields["Body"]))),
                "sid": sid,
                "status": "accepted" if "MessagingServiceSid" in fields else "queued",
                "to": fields["To"],
                "uri": f"/2010-04-01/Accounts/{self.account_sid}/Messages/{sid}.json",
            },
            status=HTTPStatus.CREATED,
        )


def _error(status: int, code: int, message: str) -> Response:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return answer_json({"code": code, "message": message, "more_info": more, "status": status}, status=status)
