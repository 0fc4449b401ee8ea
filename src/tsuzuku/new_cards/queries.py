# SPDX-License-Identifier: Apache-2.0
"""Reads of new cards that have more than one caller."""

from collections.abc import Collection

from tsuzuku.new_cards.models import NewCard, Parcel
from tsuzuku.new_cards.states import READY
from tsuzuku.orders.models import Order
from tsuzuku.people.models import User


def new_card_of(order: Order) -> NewCard | None:
    """The new card that an order sells, if it sells one."""
    return NewCard.objects.filter(order=order).select_related("order", "card", "user", "parcel").first()


def new_cards_of_orders(orders: Collection[int]) -> dict[int, NewCard]:
    """The new cards that orders of these ids sell, by those ids."""
    return {each.order_id: each for each in NewCard.objects.filter(order__in=orders).select_related("parcel")}


def ready_card_of(user: User, card_id: int) -> NewCard | None:
    """What somebody bought new, if this card is it and can be installed."""
    return NewCard.objects.filter(user=user, card=card_id, state=READY, parcel=None).select_related("order").first()


def parcel_of(new_card: NewCard | None) -> Parcel | None:
    """What brings a new card by post, if it is posted."""
    return getattr(new_card, "parcel", None)


def parcels_of(user: User) -> list[Parcel]:
    """Every parcel of somebody, oldest first."""
    return list(Parcel.objects.filter(new_card__user=user).select_related("new_card__order").order_by("pk"))
