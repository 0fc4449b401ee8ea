# SPDX-License-Identifier: Apache-2.0
"""What Tsuzuku asks of a gateway that carries messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from tsuzuku.kernel.outcomes import Rejected


class AddressDead(Rejected):
    """The address itself takes nothing, now or later: a number that is none, a mailbox that was closed."""


class AddressKind(StrEnum):
    """Kinds of address; each has one gateway."""

    EMAIL = "email"
    #: A phone number as in E.164, with its plus sign.
    SMS = "sms"
    #: A browser's push subscription, as the JSON text that the browser gives out.
    PUSH = "push"


@dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    """What a gateway can do."""

    #: Shows what it sent (`kept`), for the demo and for tests.
    keeps_copies: bool = False
    #: Takes a repeat under the same message id for the same message; elsewhere somebody may read it twice.
    folds_repeats: bool = False
    #: Tells of deliveries by webhook (`read_reports`).
    reports_by_webhook: bool = False
    #: Tells of deliveries in a session that it is asked in (`collect_reports`).
    reports_in_session: bool = False
    #: The key that browsers want to see before they give out a push subscription, as base64url; empty for all others.
    push_key: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class OutgoingMessage:
    """One message to one address. `message_id` is ours and the same in every try, so that a repeat can be folded."""

    #: As in the Message-ID of an e-mail, without the angle brackets: something@domain.
    message_id: str
    kind: AddressKind
    address: str
    language: str
    #: Empty for an SMS; the title of a push.
    subject: str
    text: str
    #: Empty for a message of plain text, and for all but e-mail.
    html: str
    #: Where a tap on a push leads: a path of ours. Empty for all others.
    link: str = ""
    #: Of a mail: the address that ends such mails with one tap (RFC 8058); empty for one that was asked for.
    unsubscribe: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """A message that the gateway has taken, and what it answered."""

    raw: str
    #: The gateway's name of the message, by which it reports; empty if it has none.
    reference: str = ""


class Verdict(StrEnum):
    """What a gateway can tell of a delivery. UNKNOWN is passed over: gateways add words without asking."""

    DELIVERED = "delivered"
    #: It did not arrive, and nothing will at this address.
    BOUNCED = "bounced"
    #: It did not arrive; the next message may.
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryReport:
    """A gateway's word about one message, which it names by our id, by its own, or else by where it went."""

    message_id: str = ""
    reference: str = ""
    #: Of the newest message that was sent there.
    address: str = ""
    verdict: Verdict
    #: The gateway's code, for operators.
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptMessage:
    """A copy of what was sent."""

    message: OutgoingMessage
    sent_at: datetime


class Gateway(Protocol):
    """Carries messages to one kind of address."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    def send(self, message: OutgoingMessage) -> Sent:
        """Hands a message over.

        Raises Rejected (it will never be taken; AddressDead if no other to this address will), Unavailable (it was not
        taken now) or OutcomeUnknown (it may have been taken; sending it again may show it twice).
        """

    def kept(self, *, limit: int) -> tuple[KeptMessage, ...]:
        """The newest copies first. Raises Unsupported unless capabilities.keeps_copies."""

    def read_reports(
        self, *, url: str, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Sequence[DeliveryReport]:
        """Verifies and parses a webhook; `url` is the address that the gateway called, as it knows it.

        Raises SignatureForged or SignatureStale, or Unsupported unless capabilities.reports_by_webhook.
        """

    def collect_reports(self) -> Sequence[DeliveryReport]:
        """What was told since this was last asked; each report is given out once.

        Raises Unavailable, or Unsupported unless capabilities.reports_in_session.
        """


def unsubscribe_headers(address: str) -> dict[str, str]:
    """The headers by which mail programs show a button of their own (RFC 2369, RFC 8058); none without an address."""
    if not address:
        return {}
    return {"List-Unsubscribe": f"<{address}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
