# SPDX-License-Identifier: Apache-2.0
"""New cards as pages show them: what they cost, and when their plans begin."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tsuzuku.channels.web import CHANNEL
from tsuzuku.channels.web.plan_texts import how_it_joins, price_a_day, price_a_gigabyte, what_it_gives
from tsuzuku.kernel.money import Money
from tsuzuku.new_cards.errors import NewCardsSoldOut
from tsuzuku.new_cards.offers import NewCardOffer, card_price, offers_for_new


@dataclass(frozen=True, slots=True)
class NewCardTile:
    """A plan to choose with a new card."""

    code: str
    name: str
    gives: list[str]
    begins: str
    #: Of both together, without a coupon.
    price: Money
    full_price: Money
    a_day: Money | None
    a_gigabyte: Money | None


def tiles(offers: Iterable[NewCardOffer], language: str) -> list[NewCardTile]:
    """Plans with the price of the card in it."""
    more = card_price()
    return [
        NewCardTile(
            code=offer.plan.code,
            name=offer.plan.name_in(language),
            gives=what_it_gives(offer.plan, offer.terms),
            begins=how_it_joins(offer.terms, is_joined=False) if each.is_waiting else "",
            price=offer.price + more,
            full_price=offer.full_price + more,
            a_day=price_a_day(offer.price, offer.terms),
            a_gigabyte=price_a_gigabyte(offer.price, offer.terms),
        )
        for each in offers
        for offer in (each.offer,)
    ]


def cheapest_new(now: datetime) -> Money | None:
    """What a new card costs at least with a plan; None if there is none to be had."""
    try:
        offers = offers_for_new(channel=CHANNEL, now=now)
    except NewCardsSoldOut:
        return None
    prices = [each.offer.price + card_price() for each in offers]
    return min(prices, key=lambda price: price.amount_minor, default=None)
