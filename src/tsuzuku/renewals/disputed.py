# SPDX-License-Identifier: Apache-2.0
"""Cards whose renewals a payer's bank disputes: flagged for staff to see. They can be renewed as ever."""

from datetime import datetime

from tsuzuku.cards.flags import DISPUTE, clear_flags, raise_flag
from tsuzuku.payments.models import Dispute
from tsuzuku.payments.states import WON
from tsuzuku.renewals.models import Renewal


def flag_disputed(*, dispute_id: int, number: str, now: datetime) -> None:
    """Flags the card that an order renewed. Nothing for an order that pays for something else, or a dispute won."""
    if Dispute.objects.filter(pk=dispute_id, state=WON).exists():
        return
    for card_id in Renewal.objects.filter(order__number=number).values_list("card_id", flat=True):
        raise_flag(card_id=card_id, reason=DISPUTE, subject=_subject(dispute_id), now=now)


def unflag_disputed(*, dispute_id: int, actor: str, note: str, now: datetime) -> None:
    """Takes the flag of a dispute down; down already is fine."""
    clear_flags(reason=DISPUTE, subject=_subject(dispute_id), actor=actor, note=note, now=now)


def _subject(dispute_id: int) -> str:
    return f"dispute:{dispute_id}"
