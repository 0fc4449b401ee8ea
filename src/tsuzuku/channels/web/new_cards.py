# SPDX-License-Identifier: Apache-2.0
"""New cards as pages show them: what they cost, and when their plans begin."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from tsuzuku.cards.models import CardKind
from tsuzuku.channels.web import CHANNEL
from tsuzuku.channels.web.plan_texts import how_it_joins, price_a_day, price_a_gigabyte, what_it_gives
from tsuzuku.kernel.money import Money
from tsuzuku.new_cards.errors import NewCardsSoldOut
from tsuzuku.new_cards.offers import CURRENCY, NewCardOffer, card_price, kind_of, offers_for_new
from tsuzuku.new_cards.postage import countries, postage_to


@dataclass(frozen=True, slots=True)
class NewCardTile:
    """A plan to choose with a new card."""

    address: str
    name: str
    gives: list[str]
    begins: str
    #: Of both together, without a coupon.
    price: Money
    full_price: Money
    a_day: Money | None
    a_gigabyte: Money | None


@dataclass(frozen=True, slots=True)
class PostTile:
    """A country to which cards are posted."""

    code: str
    name: str
    postage: Money


def post_tiles() -> list[PostTile]:
    """Where cards are posted to."""
    return [PostTile(country.code, str(country.name), postage) for country, postage in countries()]


def confirm_new(plan_code: str, country: str) -> str:
    """The page on which an eSIM, or a card that is posted to a country, is ordered with a plan."""
    return (
        reverse("confirm_new_sim", args=[country, plan_code])
        if country
        else reverse("confirm_new_card", args=[plan_code])
    )


def tiles(offers: Iterable[NewCardOffer], language: str, country: str) -> list[NewCardTile]:
    """Plans with the price of the card, and of its post, in it."""
    more = card_price(kind_of(country))
    more = more + postage_to(country) if country else more
    return [
        NewCardTile(
            address=confirm_new(offer.plan.code, country),
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


def cheapest_new(now: datetime, kind: CardKind = CardKind.ESIM) -> Money | None:
    """What a new card costs at least: with a plan, and posted if it is posted; None if there is none to be had."""
    try:
        offers = offers_for_new(channel=CHANNEL, now=now, kind=kind)
    except NewCardsSoldOut:
        return None
    postage = [price for _, price in countries()] if kind is CardKind.SIM else []
    beside = card_price(kind) + min(postage, key=lambda price: price.amount_minor, default=Money(0, CURRENCY))
    prices = [each.offer.price + beside for each in offers]
    return min(prices, key=lambda price: price.amount_minor, default=None)
