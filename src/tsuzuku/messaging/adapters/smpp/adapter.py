# SPDX-License-Identifier: Apache-2.0
"""Hands SMS to an SMS centre."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tsuzuku.kernel.outcomes import OutcomeUnknown, PortError, Rejected, Unavailable, Unsupported
from tsuzuku.kernel.sms_parts import SmsAlphabet, SmsPart, sms_parts
from tsuzuku.messaging.adapters.smpp.config import SmppAccount
from tsuzuku.messaging.adapters.smpp.receipts import parse_receipt
from tsuzuku.messaging.adapters.smpp.session import Session
from tsuzuku.messaging.ports import (
    AddressDead,
    Capabilities,
    DeliveryReport,
    KeptMessage,
    OutgoingMessage,
    Sent,
)

#: SMPP 3.4, 5.2.19: the centre's own alphabet, which is GSM's unless it says otherwise, and UCS-2.
_CODINGS = {SmsAlphabet.GSM: 0, SmsAlphabet.UCS2: 8}
#: SMPP 3.4, 5.2.12: the text begins with a header.
_HAS_HEADER = 0b01000000
#: SMPP 3.4, 5.2.17: a receipt is wanted, whatever becomes of it.
_RECEIPT_WANTED = 1
#: SMPP 3.4, 5.2.5 and 5.2.6: what kind of number it is, and by which plan.
_UNKNOWN, _INTERNATIONAL, _ALPHANUMERIC = (0, 0), (1, 1), (5, 0)
#: SMPP 3.4, 5.1.3: taken; an invalid destination; its own trouble, a full queue, too many at once.
_TAKEN, _DEAD, _TRY_AGAIN = 0x00, frozenset({0x0B}), frozenset({0x08, 0x14, 0x58})


class SmppGateway:
    """An SMS centre takes a repeat for another message. Its receipts come in the session."""

    def __init__(self, account: SmppAccount) -> None:
        self._account = account
        self._session = Session(account)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(reports_in_session=True)

    def send(self, message: OutgoingMessage) -> Sent:
        parts = sms_parts(message.text)
        references: list[str] = []
        for place, part in enumerate(parts, start=1):
            try:
                references.append(self._submit(message, part, place=place, count=len(parts)))
            except PortError as problem:
                if references:
                    # Some of it is on its way already.
                    raise OutcomeUnknown(problem.code, f"after {len(references)} of {len(parts)} parts") from problem
                raise
        if not references:
            raise Rejected("text-empty")
        # The receipt of the last part stands for the message.
        return Sent(raw=" ".join(references), reference=references[-1])

    def kept(self, *, limit: int) -> tuple[KeptMessage, ...]:
        raise Unsupported("keeps-no-copies")

    def read_reports(
        self, *, url: str, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Sequence[DeliveryReport]:
        raise Unsupported("reports-in-session")

    def collect_reports(self) -> Sequence[DeliveryReport]:
        found = (parse_receipt(each, dead_errors=self._account.dead_errors) for each in self._session.collect())
        return [report for report in found if report is not None]

    def close(self) -> None:
        """Ends the session, if there is one."""
        self._session.close()

    def _submit(self, message: OutgoingMessage, part: SmsPart, *, place: int, count: int) -> str:
        header = b"" if count == 1 else _header(message.message_id, place=place, count=count)
        source_ton, source_npi = _kind_of(self._account.sender)
        ton, npi = _INTERNATIONAL
        fields: dict[str, Any] = {
            "source_addr": self._account.sender.removeprefix("+"),
            "source_addr_ton": source_ton,
            "source_addr_npi": source_npi,
            "dest_addr_ton": ton,
            "dest_addr_npi": npi,
            "esm_class": _HAS_HEADER if header else 0,
            "data_coding": _CODINGS[part.alphabet],
            "registered_delivery": _RECEIPT_WANTED if place == count else 0,
        }
        answer = self._session.submit(message.address.removeprefix("+"), header + part.octets, **fields)
        if answer.is_success and answer.message_id:
            return answer.message_id
        raise _refused(answer.command_status)


def _header(message_id: str, *, place: int, count: int) -> bytes:
    """3GPP TS 23.040, 9.2.3.24.1: by it a phone joins the parts of one message, the same in every try."""
    return bytes([5, 0, 3, hashlib.sha256(message_id.encode()).digest()[0], count, place])


def _kind_of(sender: str) -> tuple[int, int]:
    if sender.startswith("+"):
        return _INTERNATIONAL
    return _UNKNOWN if sender.isdigit() else _ALPHANUMERIC


def _refused(status: int) -> PortError:
    code = f"smpp-{status:#06x}"
    if status in _DEAD:
        return AddressDead(code)
    if status in _TRY_AGAIN:
        return Unavailable(code)
    # Taken, and no name of it: nobody could tell what became of it.
    return OutcomeUnknown(code) if status == _TAKEN else Rejected(code)
