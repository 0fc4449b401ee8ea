# SPDX-License-Identifier: Apache-2.0
"""Reads of renewals that have more than one caller."""

from collections.abc import Collection

from django.db.models import QuerySet

from tsuzuku.orders.models import Order
from tsuzuku.renewals.models import Renewal


def renewal_of(order: Order) -> Renewal:
    """What an order pays for, with card and plan."""
    return Renewal.objects.select_related("card", "plan", "order", "terms").get(order=order)


def numbers_of_renewals(renewal_ids: Collection[int]) -> list[str]:
    """The numbers of the orders that pay for these renewals."""
    return list(Renewal.objects.filter(pk__in=renewal_ids).values_list("order__number", flat=True))


def renewals_of_card(card_id: int) -> QuerySet[Renewal]:
    """A card's renewals, newest first."""
    return Renewal.objects.filter(card_id=card_id).select_related("order", "plan", "terms").order_by("-pk")


def renewals_of_orders(orders: Collection[int]) -> QuerySet[Renewal]:
    """What orders of these ids pay for, newest first; those that renew."""
    return Renewal.objects.filter(order__in=orders).select_related("order", "plan", "terms", "card").order_by("-pk")
