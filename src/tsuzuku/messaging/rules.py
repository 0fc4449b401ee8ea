# SPDX-License-Identifier: Apache-2.0
"""Pure decisions about messages and addresses."""

import json
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from tsuzuku.kernel.fingerprint import fingerprint
from tsuzuku.kernel.sms_parts import sms_parts
from tsuzuku.messaging.ports import AddressKind, Verdict
from tsuzuku.messaging.states import DELIVERED, REPORTABLE_STATES

#: Longer texts cost more than they tell, and some networks cut them off.
SMS_PARTS_MAX = 6
#: Gateways give up on a phone that is off after at most three days; what comes later is not believed.
REPORTS_COUNT_FOR = timedelta(days=7)


def check_message(*, kind: AddressKind, address: str, subject: str, text: str, html: str, link: str) -> None:
    """Raises ValueError for what an address of this kind has no place for: an error in the caller."""
    if not address or len(subject.splitlines()) > 1:
        raise ValueError("a message needs an address and a subject of one line")
    if (subject and kind is AddressKind.SMS) or (html and kind is not AddressKind.EMAIL):
        raise ValueError("an SMS is text only, and html is for e-mail only")
    if link and kind is not AddressKind.PUSH:
        raise ValueError("only a push has a link beside its text")
    if kind is AddressKind.SMS and not 0 < len(sms_parts(text)) <= SMS_PARTS_MAX:
        raise ValueError(f"an SMS has a text, of {SMS_PARTS_MAX} parts and no more: only so much is read")


def address_digest(kind: AddressKind, address: str) -> str:
    """By what an address is known again, however long it is. Mail servers do not tell capitals apart."""
    return fingerprint(kind=kind.value, address=address.lower() if kind is AddressKind.EMAIL else address)


def masked_address(kind: AddressKind, address: str) -> str:
    """As much of an address as its owner knows it by, and as may stand in the journal."""
    match kind:
        case AddressKind.EMAIL:
            name, _, domain = address.rpartition("@")
            return f"{name[:1]}···@{domain}"
        case AddressKind.SMS:
            return f"{address[:3]}···{address[-3:]}"
        case AddressKind.PUSH:
            return _push_host(address)


def can_be_reported(
    *, kind: AddressKind, state: str, verdict: Verdict, ended_at: datetime | None, now: datetime
) -> bool:
    """Whether a gateway's word about a message counts: while nothing final was said, and while the message is young.

    A mail may bounce after it was delivered: to a server that sends it back.
    """
    is_sent_back = kind is AddressKind.EMAIL and state == DELIVERED and verdict is Verdict.BOUNCED
    is_young = ended_at is None or now - ended_at <= REPORTS_COUNT_FOR
    return is_young and (state in REPORTABLE_STATES or is_sent_back)


def _push_host(address: str) -> str:
    try:
        return urlsplit(str(json.loads(address)["endpoint"])).hostname or ""
    except (ValueError, KeyError, TypeError):
        return ""
