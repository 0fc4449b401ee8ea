# SPDX-License-Identifier: Apache-2.0
"""Hands messages to a mail server."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from smtplib import (
    SMTPDataError,
    SMTPException,
    SMTPNotSupportedError,
    SMTPRecipientsRefused,
    SMTPResponseException,
)
from typing import Protocol

from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend

from tsuzuku.kernel.outcomes import OutcomeUnknown, PortError, Rejected, Unavailable, Unsupported
from tsuzuku.messaging.ports import (
    AddressDead,
    Capabilities,
    DeliveryReport,
    KeptMessage,
    OutgoingMessage,
    Sent,
    unsubscribe_headers,
)

_ENHANCED = re.compile(rb"5\.([0-9]{1,3})\.[0-9]{1,3}")
#: Of each exchange with the server, of which a message needs six.
_TIMEOUT_SECONDS = 8


class ReadsReports(Protocol):
    """Verifies and parses a mail service's webhooks."""

    def read(self, *, headers: Mapping[str, str], body: bytes) -> Sequence[DeliveryReport]:
        """What a webhook tells. Raises SignatureForged."""


class SmtpGateway:
    """`sender` is the From of every message; `reports` reads what the mail service tells of deliveries."""

    def __init__(self, *, sender: str, reports: ReadsReports | None = None) -> None:
        self._sender = sender
        self._reports = reports

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(reports_by_webhook=self._reports is not None)

    def send(self, message: OutgoingMessage) -> Sent:
        connection = EmailBackend(timeout=_TIMEOUT_SECONDS)
        try:
            _open(connection)
            _hand_over(connection, self._mail(message))
        finally:
            connection.close()
        return Sent(raw="taken")

    def kept(self, *, limit: int) -> tuple[KeptMessage, ...]:
        raise Unsupported("keeps-no-copies")

    def read_reports(
        self, *, url: str, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Sequence[DeliveryReport]:
        if self._reports is None:
            raise Unsupported("reports-nothing")
        return self._reports.read(headers=headers, body=body)

    def collect_reports(self) -> Sequence[DeliveryReport]:
        raise Unsupported("reports-nothing")

    def _mail(self, message: OutgoingMessage) -> EmailMultiAlternatives:
        mail = EmailMultiAlternatives(
            subject=message.subject,
            body=message.text,
            from_email=self._sender,
            to=[message.address],
            headers={
                "Message-ID": f"<{message.message_id}>",
                "Content-Language": message.language,
                # RFC 3834: keeps holiday notices from answering.
                "Auto-Submitted": "auto-generated",
                **unsubscribe_headers(message.unsubscribe),
            },
        )
        if message.html:
            mail.attach_alternative(message.html, "text/html")
        return mail


def _open(connection: EmailBackend) -> None:
    """Whatever goes wrong here, a wrong password included, nothing has been sent."""
    try:
        connection.open()
    except (OSError, SMTPException) as problem:
        raise Unavailable("mail-server-unreachable", type(problem).__name__) from problem


def _hand_over(connection: EmailBackend, mail: EmailMultiAlternatives) -> None:
    try:
        connection.send_messages([mail])
    except SMTPRecipientsRefused as refusal:
        status, told = max(refusal.recipients.values())
        if _is_dead(told):
            raise AddressDead("mailbox-unknown", str(status)) from refusal
        raise _refused("recipient-refused", status) from refusal
    except SMTPDataError as refusal:
        raise _refused("message-refused", refusal.smtp_code) from refusal
    except SMTPResponseException as refusal:
        # About us: a sender that the server does not take, a login that it misses.
        raise Unavailable("sender-refused", str(refusal.smtp_code)) from refusal
    except SMTPNotSupportedError as refusal:
        raise Rejected("address-not-supported") from refusal
    except ValueError as problem:
        raise Rejected("address-malformed") from problem
    except (OSError, SMTPException) as problem:
        raise OutcomeUnknown("mail-server-lost", type(problem).__name__) from problem


def _is_dead(told: bytes) -> bool:
    """Whether a refusal is about the address and for good, by RFC 3463: 5.1.x is a wrong one, 5.2.1 a closed mailbox.

    A server that gives no such code may mean us as well (550 is also "I do not relay for you"), so that proves nothing.
    """
    enhanced = _ENHANCED.match(told)
    return enhanced is not None and (enhanced[1] == b"1" or enhanced[0] == b"5.2.1")


def _refused(code: str, status: int) -> PortError:
    """RFC 5321, 4.2.1: 5xx is final, 4xx may be tried again."""
    return Rejected(code, str(status)) if status >= 500 else Unavailable(code, str(status))
