# SPDX-License-Identifier: Apache-2.0
"""Flags: what staff should know of a card. They block nothing; whether it may renew is for a person to say."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from tsuzuku.cards.errors import FlagUnknown
from tsuzuku.cards.models import CardFlag

#: A payer's bank has taken back what was paid for the card.
DISPUTE: Final = "dispute"
#: A dispute that was lost, and of which staff may have taken consequences, is won on appeal.
APPEAL_WON: Final = "appeal-won"


def raise_flag(*, card_id: int, reason: str, subject: str, now: datetime) -> None:
    """Flags a card, once for each subject; one that was taken down stays down."""
    flag = CardFlag(card_id=card_id, reason=reason, subject=subject, raised_at=now)
    CardFlag.objects.bulk_create([flag], ignore_conflicts=True)


def clear_flags(*, reason: str, subject: str, actor: str, note: str, now: datetime) -> None:
    """Takes down what was raised about a subject; what is down stays as it is."""
    raised = CardFlag.objects.filter(reason=reason, subject=subject, cleared_at=None)
    raised.update(cleared_at=now, cleared_by=actor, note=note)


def clear_flag(*, flag_id: int, actor: str, note: str, now: datetime) -> None:
    """Takes one flag down, as a person decided; down already is fine. Raises FlagUnknown."""
    flags = CardFlag.objects.filter(pk=flag_id)
    if not flags.filter(cleared_at=None).update(cleared_at=now, cleared_by=actor, note=note) and not flags.exists():
        raise FlagUnknown


def flags_of(card_ids: Collection[int]) -> Mapping[int, Sequence[CardFlag]]:
    """The flags that are up, oldest first, of each card that has any."""
    found: dict[int, list[CardFlag]] = {}
    for flag in CardFlag.objects.filter(card_id__in=card_ids, cleared_at=None).order_by("pk"):
        found.setdefault(flag.card_id, []).append(flag)
    return found
