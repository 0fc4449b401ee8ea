# SPDX-License-Identifier: Apache-2.0
"""Writes each message into a folder: a .json with its fields, and of a mail an .eml that mail programs open."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import quote

from tsuzuku.kernel import clock
from tsuzuku.kernel.outcomes import Rejected, Unavailable, Unsupported
from tsuzuku.kernel.whole_files import write_whole
from tsuzuku.messaging.ports import (
    AddressKind,
    Capabilities,
    DeliveryReport,
    KeptMessage,
    OutgoingMessage,
    Sent,
    unsubscribe_headers,
)

#: Mails hold codes and addresses.
_PRIVATE = 0o600


class MailboxGateway:
    """Keeps what it is given. The same message id again changes nothing."""

    def __init__(self, folder: Path, *, push_key: str = "") -> None:
        self._folder = folder
        self._push_key = push_key

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(keeps_copies=True, folds_repeats=True, push_key=self._push_key)

    def send(self, message: OutgoingMessage) -> Sent:
        path = self._folder / f"{quote(message.message_id, safe='@')}.json"
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if path.exists():
                return Sent(raw="already here")
            if message.kind is AddressKind.EMAIL:
                write_whole(path.with_suffix(".eml"), _eml(message), mode=_PRIVATE)
            # Last, since it is what `kept` lists.
            fields = {"message": asdict(message), "sent_at": clock.now().isoformat()}
            write_whole(path, json.dumps(fields, ensure_ascii=False, indent=1), mode=_PRIVATE)
        except OSError as problem:
            raise Unavailable("mailbox-not-writable", type(problem).__name__) from problem
        return Sent(raw=path.name)

    def kept(self, *, limit: int) -> tuple[KeptMessage, ...]:
        newest = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        return tuple(_read(path) for path in newest[:limit])

    def read_reports(
        self, *, url: str, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Sequence[DeliveryReport]:
        raise Unsupported("reports-nothing")

    def collect_reports(self) -> Sequence[DeliveryReport]:
        raise Unsupported("reports-nothing")


def _read(path: Path) -> KeptMessage:
    fields = json.loads(path.read_text(encoding="utf-8"))
    message = OutgoingMessage(**{**fields["message"], "kind": AddressKind(fields["message"]["kind"])})
    return KeptMessage(message=message, sent_at=datetime.fromisoformat(fields["sent_at"]))


def _eml(message: OutgoingMessage) -> str:
    mail = EmailMessage()
    try:
        mail["To"] = Address(addr_spec=message.address)
    except (MessageError, ValueError, IndexError) as problem:
        raise Rejected("address-malformed") from problem
    mail["Subject"] = message.subject
    mail["Message-ID"] = f"<{message.message_id}>"
    mail["Date"] = clock.now()
    mail["Content-Language"] = message.language
    for name, value in unsubscribe_headers(message.unsubscribe).items():
        mail[name] = value
    mail.set_content(message.text)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    return mail.as_string()
