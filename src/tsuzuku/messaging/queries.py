# SPDX-License-Identifier: Apache-2.0
"""Reads of messages that have more than one caller."""

from datetime import datetime

from tsuzuku.journal.claims import due
from tsuzuku.messaging.models import Message
from tsuzuku.messaging.ports import AddressKind, KeptMessage
from tsuzuku.messaging.registry import gateways, has_gateway


def has_messages_to_send(now: datetime) -> bool:
    """Whether a message waits to be sent."""
    return due(Message.objects.all(), now=now).exists()


def can_send(kind: AddressKind) -> bool:
    """Whether this installation carries messages to such addresses; what it cannot do is not to be offered."""
    return has_gateway(kind)


def list_mailbox(*, limit: int = 100) -> tuple[KeptMessage, ...]:
    """What the gateways keep of what they sent, newest first; nothing if they keep nothing, as real ones do."""
    kept = [each for gateway in gateways() if gateway.capabilities.keeps_copies for each in gateway.kept(limit=limit)]
    return tuple(sorted(kept, key=lambda each: each.sent_at, reverse=True)[:limit])
