# SPDX-License-Identifier: Apache-2.0
"""Reads of messages that have more than one caller."""

from datetime import datetime

from tsuzuku.journal.claims import due
from tsuzuku.messaging.models import Message
from tsuzuku.messaging.ports import AddressKind, KeptMessage
from tsuzuku.messaging.registry import gateway


def has_messages_to_send(now: datetime) -> bool:
    """Whether a message waits to be sent."""
    return due(Message.objects.all(), now=now).exists()


def list_mailbox(*, limit: int = 100) -> tuple[KeptMessage, ...]:
    """What the e-mail gateway keeps of what it sent, newest first; nothing if it keeps nothing, as real ones do."""
    mailbox = gateway(AddressKind.EMAIL)
    return mailbox.kept(limit=limit) if mailbox.capabilities.keeps_copies else ()
