# SPDX-License-Identifier: Apache-2.0
"""Reads of messages that have more than one caller."""

from collections.abc import Iterable
from datetime import datetime

from tsuzuku.journal.claims import due
from tsuzuku.messaging.models import BouncedAddress, Message
from tsuzuku.messaging.ports import AddressKind, KeptMessage
from tsuzuku.messaging.registry import gateway, gateways, has_gateway
from tsuzuku.messaging.rules import address_digest


def has_messages_to_send(now: datetime) -> bool:
    """Whether a message waits to be sent."""
    return due(Message.objects.all(), now=now).exists()


def can_send(kind: AddressKind) -> bool:
    """Whether this installation carries messages to such addresses; what it cannot do is not to be offered."""
    return has_gateway(kind)


def push_key() -> str:
    """What a browser wants to see before it gives out a push subscription, as base64url; empty without push."""
    return gateway(AddressKind.PUSH).capabilities.push_key if has_gateway(AddressKind.PUSH) else ""


def bounced_address(bounced_id: int) -> BouncedAddress | None:
    """The address that a fact told of; None if messages go there again."""
    return BouncedAddress.objects.filter(pk=bounced_id).first()


def bounced_addresses(addresses: Iterable[tuple[AddressKind, str]]) -> list[BouncedAddress]:
    """Those of somebody's addresses at which messages do not arrive, since when and why, oldest first."""
    digests = [address_digest(kind, address) for kind, address in addresses]
    return list(BouncedAddress.objects.filter(digest__in=digests).order_by("bounced_at", "pk"))


def list_mailbox(*, limit: int = 100) -> tuple[KeptMessage, ...]:
    """What the gateways keep of what they sent, newest first; nothing if they keep nothing, as real ones do."""
    kept = [each for gateway in gateways() if gateway.capabilities.keeps_copies for each in gateway.kept(limit=limit)]
    return tuple(sorted(kept, key=lambda each: each.sent_at, reverse=True)[:limit])
