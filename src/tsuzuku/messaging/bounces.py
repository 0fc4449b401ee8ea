# SPDX-License-Identifier: Apache-2.0
"""Addresses at which messages do not arrive: nothing more is sent there until their owner says so."""

from collections.abc import Iterable
from datetime import datetime

from tsuzuku.journal.actions import record_facts
from tsuzuku.messaging.events import AddressBounced
from tsuzuku.messaging.models import BouncedAddress, Message
from tsuzuku.messaging.ports import AddressKind
from tsuzuku.messaging.rules import address_digest, masked_address

_ACTOR = "system:messaging"


def keep_bounce(message: Message, *, problem: str, now: datetime) -> None:
    """Keeps the address of a message that bounced, in the caller's transaction; a fact says so, once."""
    kind = AddressKind(message.kind)
    row, is_new = BouncedAddress.objects.get_or_create(
        digest=address_digest(kind, message.address),
        defaults={"kind": kind.value, "address": message.address, "problem": problem, "bounced_at": now},
    )
    if is_new:
        bounced = AddressBounced(
            bounced_id=row.pk,
            address_kind=kind.value,
            masked=masked_address(kind, message.address),
            problem=problem,
            purpose=message.purpose,
        )
        record_facts([bounced], actor=_ACTOR, now=now)


def release_address(*, kind: AddressKind, address: str) -> None:
    """Lets messages go to an address again: its owner confirmed it, or it is nobody's any more. Nothing if it may."""
    BouncedAddress.objects.filter(digest=address_digest(kind, address)).delete()


def bounced_among(messages: Iterable[Message]) -> set[int]:
    """The ids of those messages that are not to be tried."""
    digests = {
        message.pk: address_digest(AddressKind(message.kind), message.address)
        for message in messages
        if not message.is_asked_for
    }
    found = set(BouncedAddress.objects.filter(digest__in=digests.values()).values_list("digest", flat=True))
    return {pk for pk, digest in digests.items() if digest in found}
