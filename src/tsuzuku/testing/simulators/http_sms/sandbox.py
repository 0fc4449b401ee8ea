# SPDX-License-Identifier: Apache-2.0
"""POST /v1/messages with {"recipient", "content", "client_id", "callback"}; reports are posted to the callback."""

import hashlib
import hmac
import json
import secrets
from http import HTTPStatus
from pathlib import Path

from tsuzuku.testing.simulators.faults import Faults
from tsuzuku.testing.simulators.server import Refusal, Request, Response, Sandbox, answer_json

#: A number that is nobody's, and the code by which it is refused.
DEAD_NUMBER, DEAD_CODE = "819000000000", "number-unknown"


class HttpSmsSandbox(Sandbox):
    """One customer, in memory."""

    name = "http-sms-sandbox"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.key = secrets.token_urlsafe(24)
        self.report_secret = secrets.token_urlsafe(24)
        self.faults = Faults()
        #: Recipient and content by the gateway's id, oldest first.
        self.messages: dict[str, tuple[str, str]] = {}
        self._known: dict[str, str] = {}

    def address(self) -> dict[str, object]:
        return {}

    def start(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def description(self) -> dict[str, object]:
        """The gateway as an operator writes it into TSUZUKU_SMS_HTTP."""
        return {
            "url": f"{self.url}/v1/messages",
            "headers": {"Authorization": f"Bearer {self.key}"},
            "body": {
                "messages": [{"recipient": "{digits}", "content": "{text}", "client_id": "{id}"}],
                "callback": "{report_url}",
            },
            "reference": "messages.0.id",
            "dead_codes": [DEAD_CODE],
            "folds_repeats": True,
            "reports": {
                "secret": self.report_secret,
                "list": "reports",
                "reference": "id",
                "status": "state",
                "reason": "error",
                "bounced": ["unknown-subscriber"],
            },
        }

    def answer(self, request: Request) -> Response:
        if request.path != ("v1", "messages") or request.method != "POST":
            raise Refusal(HTTPStatus.NOT_FOUND, "not-found")
        if not hmac.compare_digest(request.headers.get("authorization", ""), f"Bearer {self.key}"):
            raise Refusal(HTTPStatus.UNAUTHORIZED, "key-wrong")
        (asked,) = request.fields()["messages"]
        return self.faults.play(lambda: self._create(str(asked["recipient"]), asked["content"], asked["client_id"]))

    def report(self, reference: str, state: str, *, error: str = "") -> tuple[dict[str, str], bytes]:
        """The headers and the body of a report."""
        body = json.dumps({"reports": [{"id": reference, "state": state, "error": error}]}).encode()
        signature = hmac.new(self.report_secret.encode(), body, hashlib.sha256).hexdigest()
        return {"Content-Type": "application/json", "X-Signature": signature}, body

    def _create(self, recipient: str, content: str, client_id: str) -> Response:
        if recipient == DEAD_NUMBER:
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, DEAD_CODE)
        reference = self._known.setdefault(client_id, secrets.token_hex(8))
        self.messages.setdefault(reference, (recipient, content))
        return answer_json({"messages": [{"id": reference, "state": "queued"}]}, status=HTTPStatus.ACCEPTED)
