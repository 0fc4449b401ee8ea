# SPDX-License-Identifier: Apache-2.0
"""Hands SMS to Twilio."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlencode

from tsuzuku.kernel.calls import Answer, exchange, new_client
from tsuzuku.kernel.outcomes import OutcomeUnknown, PortError, Rejected, Unavailable, Unsupported
from tsuzuku.messaging.adapters.twilio import webhook
from tsuzuku.messaging.adapters.twilio.config import TwilioAccount
from tsuzuku.messaging.ports import (
    AddressDead,
    Capabilities,
    DeliveryReport,
    KeptMessage,
    OutgoingMessage,
    Sent,
)

#: https://www.twilio.com/docs/api/errors: no number, not reachable, opted out by STOP, no mobile.
_DEAD = frozenset({21211, 21214, 21217, 21610, 21614})
#: About us rather than about the message: a wrong key, a closed account, too many calls, an outage.
_TRY_AGAIN = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.SERVICE_UNAVAILABLE,
    }
)


class TwilioGateway:
    """Twilio takes a repeat for another message: nothing in its API names one by a key of ours."""

    def __init__(self, account: TwilioAccount) -> None:
        self._account = account
        self._client = new_client()

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(reports_by_webhook=True)

    def send(self, message: OutgoingMessage) -> Sent:
        known = self._account
        secret = b64encode(f"{known.account_sid}:{known.auth_token}".encode()).decode("ascii")
        request = self._client.build_request(
            "POST",
            f"{known.api_url}/2010-04-01/Accounts/{known.account_sid}/Messages.json",
            headers={"Authorization": f"Basic {secret}"},
            data={
                "To": message.address,
                "Body": message.text,
                "MessagingServiceSid" if known.sender.startswith("MG") else "From": known.sender,
                # Signed with the rest, so that a report names our message even before we know Twilio's name of it.
                "StatusCallback": f"{known.report_url}?{urlencode({webhook.MESSAGE: message.message_id})}",
            },
        )
        answer = exchange(self._client, request)
        if not 200 <= answer.status < 300:
            raise _refused(answer)
        try:
            return Sent(raw=answer.text, reference=str(answer.fields()["sid"]))
        except (ValueError, KeyError) as problem:
            raise OutcomeUnknown("answer-malformed") from problem

    def kept(self, *, limit: int) -> tuple[KeptMessage, ...]:
        raise Unsupported("keeps-no-copies")

    def read_reports(
        self, *, url: str, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Sequence[DeliveryReport]:
        webhook.verify(url=url, headers=headers, body=body, auth_token=self._account.auth_token)
        return webhook.parse(url=url, body=body)

    def collect_reports(self) -> Sequence[DeliveryReport]:
        raise Unsupported("reports-by-webhook")


def _refused(answer: Answer) -> PortError:
    try:
        found = answer.fields().get("code")
    except ValueError:
        found = None
    code = f"twilio-{found}" if isinstance(found, int) else f"http-{answer.status}"
    detail = f"HTTP {answer.status}"
    if answer.status in _TRY_AGAIN:
        return Unavailable(code, detail)
    if 400 <= answer.status < 500:
        return AddressDead(code, detail) if found in _DEAD else Rejected(code, detail)
    return OutcomeUnknown(code, detail)
