# SPDX-License-Identifier: Apache-2.0
"""Cards whose renewals a payer's bank disputes: flagged for staff to see. They can be renewed as ever, by hand."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from tsuzuku.cards.flags import APPEAL_WON, DISPUTE, clear_flags, raise_flag
from tsuzuku.payments.models import Dispute
from tsuzuku.payments.states import WON
from tsuzuku.renewals.automatic import automatic_renewals_by, stop_together
from tsuzuku.renewals.automatic_mails import tell_switched_off
from tsuzuku.renewals.models import Renewal


def flag_disputed(*, dispute_id: int, number: str, now: datetime) -> None:
    """Flags the card that an order renewed. Nothing for an order that pays for something else, or a dispute won."""
    if Dispute.objects.filter(pk=dispute_id, state=WON).exists():
        return
    for card_id in Renewal.objects.filter(order__number=number).values_list("card_id", flat=True):
        raise_flag(card_id=card_id, reason=DISPUTE, subject=_subject(dispute_id), now=now)


def stop_disputed(*, dispute_ids: Collection[int], now: datetime) -> None:
    """Stops what is charged by itself to methods that were charged: their holders do not want to pay by them."""
    charged = Dispute.objects.exclude(state=WON).filter(pk__in=dispute_ids, capture__payment__kept__isnull=False)
    method_ids = set(charged.values_list("capture__payment__kept", flat=True))
    with transaction.atomic():
        for row in stop_together(automatic_renewals_by(*method_ids), reason=DISPUTE, actor="system", now=now):
            tell_switched_off(row, reason=DISPUTE, now=now)


def flag_reversed(*, dispute_id: int, number: str, now: datetime) -> None:
    """Tells staff at the card that a dispute which was lost is won on appeal; what they did about it may be undone."""
    for card_id in Renewal.objects.filter(order__number=number).values_list("card_id", flat=True):
        raise_flag(card_id=card_id, reason=APPEAL_WON, subject=_subject(dispute_id), now=now)


def unflag_disputed(*, dispute_id: int, actor: str, note: str, now: datetime) -> None:
    """Takes the flag of a dispute down; down already is fine."""
    clear_flags(reason=DISPUTE, subject=_subject(dispute_id), actor=actor, note=note, now=now)


def _subject(dispute_id: int) -> str:
    return f"dispute:{dispute_id}"
