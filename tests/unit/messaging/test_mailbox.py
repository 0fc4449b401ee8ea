# SPDX-License-Identifier: Apache-2.0
import stat
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tsuzuku.kernel import clock
from tsuzuku.kernel.outcomes import Rejected, Unavailable
from tsuzuku.messaging.adapters.mailbox import MailboxGateway
from tsuzuku.messaging.ports import AddressKind, KeptMessage, OutgoingMessage

MESSAGE = OutgoingMessage(
    message_id="0b0c@tsuzuku.example",
    kind=AddressKind.EMAIL,
    address="mei@example.com",
    language="zh-hans",
    subject="已经在线",
    text="3.4 GB，用到 11 月 30 日\n",
    html="",
)


def test_keeps_messages_newest_first(tmp_path: Path) -> None:
    gateway = MailboxGateway(tmp_path / "mailbox")
    assert gateway.kept(limit=10) == ()
    sent = []
    for number in range(3):
        message = replace(MESSAGE, message_id=f"{number}@tsuzuku.example", html="<p>3.4 GB</p>")
        with clock.travel_to(datetime(2026, 11, 21, 9, number, tzinfo=UTC)):
            gateway.send(message)
        sent.append(message)
    kept = gateway.kept(limit=2)
    assert [each.message for each in kept] == [sent[2], sent[1]]
    assert [each.sent_at.replace(microsecond=0) for each in kept] == [
        datetime(2026, 11, 21, 9, minute, tzinfo=UTC) for minute in (2, 1)
    ]
    assert isinstance(kept[0], KeptMessage)


def test_writes_a_mail_that_mail_programs_open(tmp_path: Path) -> None:
    MailboxGateway(tmp_path).send(replace(MESSAGE, html="<p>3.4 GB</p>"))
    path = tmp_path / "0b0c@tsuzuku.example.eml"
    mail = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert (mail["To"], mail["Subject"], mail["Message-ID"]) == (
        "mei@example.com",
        "已经在线",
        "<0b0c@tsuzuku.example>",
    )
    bodies = {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}
    assert bodies == {"text/plain": MESSAGE.text, "text/html": "<p>3.4 GB</p>\n"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_repeat_changes_nothing(tmp_path: Path) -> None:
    gateway = MailboxGateway(tmp_path)
    for minute in (0, 1):
        with clock.travel_to(datetime(2026, 11, 21, 9, minute, tzinfo=UTC)):
            gateway.send(MESSAGE)
    (kept,) = gateway.kept(limit=10)
    assert kept.sent_at.minute == 0


@pytest.mark.parametrize("address", ["nobody", "a@b@c", "a@example.com\nBcc: b@example.com", "", "@example.com"])
def test_refuses_an_address_that_is_none(tmp_path: Path, address: str) -> None:
    gateway = MailboxGateway(tmp_path)
    with pytest.raises(Rejected):
        gateway.send(replace(MESSAGE, address=address))
    assert gateway.kept(limit=10) == ()


def test_no_message_id_leads_out_of_the_folder(tmp_path: Path) -> None:
    gateway = MailboxGateway(tmp_path / "mailbox")
    gateway.send(replace(MESSAGE, message_id="../../x@y"))
    assert [path.name for path in tmp_path.iterdir()] == ["mailbox"]
    assert len(gateway.kept(limit=10)) == 1


def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "mailbox").write_text("a file", encoding="utf-8")
    with pytest.raises(Unavailable):
        MailboxGateway(tmp_path / "mailbox").send(MESSAGE)


def test_keeps_an_sms_as_fields_alone(tmp_path: Path) -> None:
    gateway = MailboxGateway(tmp_path)
    message = replace(MESSAGE, kind=AddressKind.SMS, address="+819012345678", subject="")
    gateway.send(message)
    assert [kept.message for kept in gateway.kept(limit=10)] == [message]
    assert [path.suffix for path in tmp_path.iterdir()] == [".json"]


def test_a_mail_that_nobody_asked_for_can_be_ended_by_the_mail_program(tmp_path: Path) -> None:
    MailboxGateway(tmp_path).send(
        replace(MESSAGE, unsubscribe="https://t.example/u/MQ:1xUvXs:w9FRDYhdIGD0uNzyV66Nea5iSi")
    )
    mail = message_from_bytes((tmp_path / "0b0c@tsuzuku.example.eml").read_bytes(), policy=policy.default)
    assert mail["List-Unsubscribe"] == "<https://t.example/u/MQ:1xUvXs:w9FRDYhdIGD0uNzyV66Nea5iSi>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
