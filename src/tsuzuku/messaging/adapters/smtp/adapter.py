# SPDX-License-Identifier: Apache-2.0
"""Hands messages to a mail server."""

from smtplib import (
    SMTPDataError,
    SMTPException,
    SMTPNotSupportedError,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend

from tsuzuku.kernel.outcomes import OutcomeUnknown, PortError, Rejected, Unavailable, Unsupported
from tsuzuku.messaging.ports import Capabilities, KeptMessage, OutgoingMessage, Sent

#: Of each exchange with the server, of which a message needs six.
_TIMEOUT_SECONDS = 8


class SmtpGateway:
    """`sender` is the From of every message."""

    def __init__(self, *, sender: str) -> None:
        self._sender = sender

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(keeps_copies=False)

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
        status = max(status for status, _ in refusal.recipients.values())
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


def _refused(code: str, status: int) -> PortError:
    """RFC 5321, 4.2.1: 5xx is final, 4xx may be tried again."""
    return Rejected(code, str(status)) if status >= 500 else Unavailable(code, str(status))
