# SPDX-License-Identifier: Apache-2.0
"""The way of a card by post: to be packed once it is its buyer's, packed, shipped; and its address forgotten."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from tsuzuku.journal.actions import record_facts
from tsuzuku.kernel import clock
from tsuzuku.new_cards import states
from tsuzuku.new_cards.errors import ParcelUnknown, TrackingMalformed
from tsuzuku.new_cards.events import ParcelShipped
from tsuzuku.new_cards.models import NewCard, Parcel, ParcelMove

CARRIER_LENGTH_MAX: Final = 40
_PORTION: Final = 500
_TRACKING: Final = re.compile("[A-Z0-9]{6,40}")


def read_tracking(text: str) -> str:
    """The number as carriers take it, however it was copied. Raises TrackingMalformed."""
    plain = re.sub(r"[\s\-]+", "", unicodedata.normalize("NFKC", text)).upper()
    if not _TRACKING.fullmatch(plain):
        raise TrackingMalformed
    return plain


def move_parcels_of(new_cards: Iterable[NewCard], target: str, *, reason: str, now: datetime) -> None:
    """Moves the parcels of new cards whose rows the caller has locked; eSIMs have none."""
    found = Parcel.objects.filter(new_card__in=list(new_cards)).order_by("pk").select_for_update(of=("self",))
    for parcel in found:
        _move(parcel, target, reason=reason, actor="system", now=now)


def mark_packed(*, parcel_id: int, actor: str, now: datetime) -> None:
    """The card is in its envelope. Raises ParcelUnknown, MoveNotAllowed."""
    with transaction.atomic():
        _move(_locked(parcel_id), states.PACKED, reason="", actor=actor, now=now)


def mark_shipped(*, parcel_id: int, carrier: str, tracking_number: str, actor: str, now: datetime) -> None:
    """A carrier has it; its buyer is told. Raises ParcelUnknown, MoveNotAllowed, TrackingMalformed."""
    number, carrier = read_tracking(tracking_number), carrier.strip()
    if not carrier or len(carrier) > CARRIER_LENGTH_MAX:
        raise TrackingMalformed
    with transaction.atomic():
        parcel = _locked(parcel_id)
        parcel.carrier, parcel.tracking_number, parcel.shipped_at = carrier, number, now
        _move(parcel, states.SHIPPED, reason="", actor=actor, now=now)
        shipped = ParcelShipped(card_id=parcel.new_card.card_id, parcel_id=parcel.pk)
        record_facts([shipped], actor=actor, now=now)


def withdraw_parcel(*, parcel_id: int, reason: str, actor: str, now: datetime) -> None:
    """It will not be sent; money and card are seen to elsewhere. Raises ParcelUnknown, MoveNotAllowed."""
    with transaction.atomic():
        _move(_locked(parcel_id), states.WITHDRAWN, reason=reason, actor=actor, now=now)


def has_addresses_to_forget(now: datetime) -> bool:
    """Whether any address is kept that is needed no more."""
    return _forgettable(now).exists()


def forget_addresses() -> int:
    """Deletes addresses of cards that were shipped long enough ago, or whose buyers have left; returns how many."""
    forgotten = 0
    while True:
        with transaction.atomic():
            found = _forgettable(clock.now()).order_by("pk").select_for_update(skip_locked=True, of=("self",))
            ids = [parcel.pk for parcel in found[:_PORTION]]
            Parcel.objects.filter(pk__in=ids).update(address_encrypted=None)
        forgotten += len(ids)
        if len(ids) < _PORTION:
            return forgotten


def _forgettable(now: datetime) -> QuerySet[Parcel]:
    long_ago = Q(shipped_at__lte=now - timedelta(days=settings.PARCEL_ADDRESS_DAYS))
    has_left = Q(shipped_at__isnull=False, new_card__user__closed_at__isnull=False)
    return Parcel.objects.filter(long_ago | has_left, address_encrypted__isnull=False)


def _locked(parcel_id: int) -> Parcel:
    found = Parcel.objects.select_for_update(of=("self",)).select_related("new_card").filter(pk=parcel_id).first()
    if found is None:
        raise ParcelUnknown
    return found


def _move(parcel: Parcel, target: str, *, reason: str, actor: str, now: datetime) -> None:
    """Moves a parcel whose row is locked, and writes the history. Raises MoveNotAllowed."""
    states.PARCEL_STATES.check_move(parcel.state, target)
    ParcelMove.objects.create(parcel=parcel, source=parcel.state, target=target, reason=reason, actor=actor, at=now)
    parcel.state = target
    if target == states.WITHDRAWN:
        parcel.address_encrypted = None
    parcel.save()
