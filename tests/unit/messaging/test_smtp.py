# SPDX-License-Identifier: Apache-2.0
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from io import BufferedRWPair

import pytest
from django.test import override_settings

from tsuzuku.kernel.outcomes import OutcomeUnknown, PortError, Rejected, Unavailable, Unsupported
from tsuzuku.messaging.adapters.smtp import SmtpGateway
from tsuzuku.messaging.ports import AddressDead, AddressKind, OutgoingMessage

MESSAGE = OutgoingMessage(
    message_id="0b0c@tsuzuku.example",
    kind=AddressKind.EMAIL,
    address="mei@example.com",
    language="zh-hans",
    subject="已经在线",
    text="3.4 GB，用到 11 月 30 日\n",
    html="<p>3.4 GB</p>",
)


class MailServer:
    """Takes mails, or answers a command as `answers` says; the answer "" closes the connection."""

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.mails: list[EmailMessage] = []
        self.envelopes: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        # Wakes who waits for a connection.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as stream:
                self._talk(stream)

    def _talk(self, stream: BufferedRWPair) -> None:
        def say(command: str, usual: str) -> bool:
            answer = self.answers.get(command, usual)
            stream.write(f"{answer}\r\n".encode() if answer else b"")
            stream.flush()
            return bool(answer)

        if not say("CONNECT", "220 mail.example"):
            return
        while line := stream.readline():
            command = line.split()[0].upper().decode()
            usual = {"EHLO": "250 SMTPUTF8", "DATA": "354 go on", "QUIT": "221 bye"}.get(command, "250 ok")
            if command == "RCPT":
                self.envelopes.append(line.decode().strip())
            if not say(command, usual) or command == "QUIT":
                return
            if command == "DATA" and self.answers.get(command, usual).startswith("354"):
                lines = iter(stream.readline, b".\r\n")
                mail = message_from_bytes(b"".join(lines), policy=policy.default)
                self.mails.append(mail)
                if not say("END", "250 taken"):
                    return


@pytest.fixture
def server() -> Iterator[MailServer]:
    server = MailServer()
    with override_settings(EMAIL_HOST="127.0.0.1", EMAIL_PORT=server.port):
        yield server
    server.close()


@pytest.fixture
def gateway() -> SmtpGateway:
    return SmtpGateway(sender="Tsuzuku <hello@tsuzuku.example>")


def test_hands_over_a_mail_in_both_forms(server: MailServer, gateway: SmtpGateway) -> None:
    gateway.send(MESSAGE)
    (mail,) = server.mails
    headers = ("From", "To", "Subject", "Message-ID", "Content-Language", "Auto-Submitted")
    assert [mail[name] for name in headers] == [
        "Tsuzuku <hello@tsuzuku.example>",
        "mei@example.com",
        "已经在线",
        "<0b0c@tsuzuku.example>",
        "zh-hans",
        "auto-generated",
    ]
    bodies = {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}
    assert bodies == {"text/plain": MESSAGE.text.replace("\n", "\r\n"), "text/html": MESSAGE.html}
    assert server.envelopes == ["rcpt TO:<mei@example.com>"]
    assert mail["List-Unsubscribe"] is None


def test_a_mail_that_nobody_asked_for_can_be_ended_by_the_mail_program(
    server: MailServer, gateway: SmtpGateway
) -> None:
    address = "https://tsuzuku.example/u/MQ:1xUvXs:w9FRDYhdIGD0uNzyV66Nea5iSi"
    gateway.send(replace(MESSAGE, unsubscribe=address))
    (mail,) = server.mails
    assert mail["List-Unsubscribe"].strip() == f"<{address}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize(
    ("command", "answer", "expected"),
    [
        ("CONNECT", "554 go away", (Unavailable, "mail-server-unreachable")),
        ("CONNECT", "", (Unavailable, "mail-server-unreachable")),
        ("MAIL", "530 log in first", (Unavailable, "sender-refused")),
        ("MAIL", "451 later", (Unavailable, "sender-refused")),
        ("RCPT", "550 relaying denied", (Rejected, "recipient-refused")),
        ("RCPT", "550 5.7.1 not from you", (Rejected, "recipient-refused")),
        ("RCPT", "550 5.1.1 no such user", (AddressDead, "mailbox-unknown")),
        ("RCPT", "550 5.2.1 closed", (AddressDead, "mailbox-unknown")),
        ("RCPT", "452 4.1.1 later", (Unavailable, "recipient-refused")),
        ("RCPT", "450 mailbox busy", (Unavailable, "recipient-refused")),
        ("DATA", "554 no", (Rejected, "message-refused")),
        ("END", "554 spam", (Rejected, "message-refused")),
        ("END", "452 full", (Unavailable, "message-refused")),
        ("END", "", (OutcomeUnknown, "mail-server-lost")),
    ],
)
def test_tells_the_outcomes_apart(
    server: MailServer, gateway: SmtpGateway, command: str, answer: str, expected: tuple[type[PortError], str]
) -> None:
    server.answers[command] = answer
    with pytest.raises(PortError) as raised:
        gateway.send(MESSAGE)
    assert (type(raised.value), raised.value.code) == expected
    assert "mei@example.com" not in str(raised.value)


def test_nobody_there_is_unavailable(server: MailServer, gateway: SmtpGateway) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with override_settings(EMAIL_PORT=port), pytest.raises(Unavailable, match="mail-server-unreachable"):
        gateway.send(MESSAGE)


def test_an_address_that_is_none_is_refused(server: MailServer, gateway: SmtpGateway) -> None:
    for address in ("mei@example.com\nBcc: x@example.com", "@"):
        with pytest.raises(Rejected):
            gateway.send(replace(MESSAGE, address=address))
    assert server.mails == []


def test_keeps_no_copies(gateway: SmtpGateway) -> None:
    assert not gateway.capabilities.keeps_copies
    with pytest.raises(Unsupported):
        gateway.kept(limit=1)
