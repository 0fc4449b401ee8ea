# SPDX-License-Identifier: Apache-2.0
"""What Tsuzuku asks of a gateway that carries messages."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


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
    keeps_copies: bool


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """A message that the gateway has taken, and what it answered."""

    raw: str


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

        Raises Rejected (it will never be taken), Unavailable (it was not taken now) or OutcomeUnknown (it may have been
        taken; sending it again may show it twice).
        """

    def kept(self, *, limit: int) -> tuple[KeptMessage, ...]:
        """The newest copies first. Raises Unsupported unless capabilities.keeps_copies."""
