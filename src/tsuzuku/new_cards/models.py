# SPDX-License-Identifier: Apache-2.0
"""Cards on the shelf, cards that were ordered new, their parcels, and the history of their moves."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from tsuzuku.cards.models import Card
from tsuzuku.new_cards.states import (
    NEW_CARD_STATES,
    PACKED,
    PARCEL_STATES,
    RELEASED,
    RESERVED,
    SHIPPED,
    TO_PACK,
    WAITING,
)
from tsuzuku.orders.models import Order


class ShelvedCard(models.Model):
    """A card that was put up for sale here; off the shelf while somebody may pay for it, and for good when sold."""

    card = models.OneToOneField(Card, on_delete=models.PROTECT, related_name="shelved")
    is_available = models.BooleanField(default=True, db_default=True)
    shelved_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=["id"], name="new_cards_shelf", condition=Q(is_available=True)),)


class NewCard(models.Model):
    """A card that an order sells together with its first plan; the plan is the order's renewal."""

    card = models.ForeignKey(Card, on_delete=models.PROTECT, db_index=False, related_name="+")
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="new_card")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, db_index=False, related_name="+")
    key = models.TextField()
    inputs_hash = models.TextField()
    state = models.TextField(default=RESERVED)
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["user", "key"], name="new_cards_newcard_key"),
            # One card is sold once; only what nobody paid for is sold anew.
            models.UniqueConstraint(fields=["card"], condition=~Q(state=RELEASED), name="new_cards_newcard_sold_once"),
            models.CheckConstraint(
                condition=Q(state__in=sorted(NEW_CARD_STATES.moves)), name="new_cards_newcard_state"
            ),
        )


class NewCardMove(models.Model):
    """One move of a new card. Append-only."""

    new_card = models.ForeignKey(NewCard, on_delete=models.PROTECT, related_name="moves")
    source = models.TextField()
    target = models.TextField()
    reason = models.TextField(blank=True)
    actor = models.TextField()
    at = models.DateTimeField()


class Parcel(models.Model):
    """What brings a new card by post. Its address is kept sealed, and only as long as it is needed."""

    new_card = models.OneToOneField(NewCard, on_delete=models.PROTECT, related_name="parcel")
    country = models.TextField()
    address_encrypted = models.BinaryField(null=True)
    state = models.TextField(default=WAITING)
    carrier = models.TextField(blank=True)
    tracking_number = models.TextField(blank=True)
    created_at = models.DateTimeField()
    shipped_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(state__in=sorted(PARCEL_STATES.moves)), name="new_cards_parcel_state"),
            models.CheckConstraint(
                condition=~Q(state=SHIPPED) | Q(shipped_at__isnull=False) & ~Q(carrier="") & ~Q(tracking_number=""),
                name="new_cards_parcel_shipped",
            ),
            # What is to be sent has somewhere to go.
            models.CheckConstraint(
                condition=~Q(state__in=[WAITING, TO_PACK, PACKED]) | Q(address_encrypted__isnull=False),
                name="new_cards_parcel_address",
            ),
        )
        indexes = (
            models.Index(
                fields=["shipped_at"], name="new_cards_parcel_forget", condition=Q(address_encrypted__isnull=False)
            ),
            models.Index(fields=["id"], name="new_cards_parcel_open", condition=Q(state__in=[TO_PACK, PACKED])),
        )


class ParcelMove(models.Model):
    """One move of a parcel. Append-only."""

    parcel = models.ForeignKey(Parcel, on_delete=models.PROTECT, related_name="moves")
    source = models.TextField()
    target = models.TextField()
    reason = models.TextField(blank=True)
    actor = models.TextField()
    at = models.DateTimeField()
