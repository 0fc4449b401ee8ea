# SPDX-License-Identifier: Apache-2.0
"""What a new card is sold with, and what both cost: quoted by the card that would be sold next, as new as any other."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings

from tsuzuku.allowances.queries import Preview
from tsuzuku.cards.models import Card, CardKind
from tsuzuku.catalog.terms import LotKind, PlanTerms, Stacking
from tsuzuku.kernel.fingerprint import fingerprint
from tsuzuku.kernel.money import Money
from tsuzuku.new_cards.errors import NewCardsSoldOut, PlanNotForNewCard
from tsuzuku.new_cards.postage import postage_to
from tsuzuku.new_cards.shelf import next_card
from tsuzuku.people.models import User
from tsuzuku.renewals.actions import Companion
from tsuzuku.renewals.price_lines import NEW_CARD, POSTAGE
from tsuzuku.renewals.quotes import Offer, Quote, offers_for, quote_renewal

CURRENCY: Final = "JPY"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCardOffer:
    """A plan with which a new card can be had."""

    offer: Offer
    #: Nothing begins before the card is used, or its holder taps.
    is_waiting: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCardQuote:
    """What is asked and given for a new card with its first plan."""

    #: By which it was quoted.
    card: Card
    renewal: Quote
    card_price: Money
    is_waiting: bool
    #: Where it is posted to, and for how much; empty for what needs no post.
    country: str = ""
    postage: Money | None = None

    @property
    def price(self) -> Money:
        """What is to pay for all of it."""
        price = self.renewal.price + self.card_price
        return price + self.postage if self.postage else price

    @property
    def companions(self) -> list[Companion]:
        """The card and its post as the order's lines have them."""
        card = Companion(NEW_CARD, self.card.kind, self.card_price)
        return [card, Companion(POSTAGE, self.country, self.postage)] if self.postage else [card]

    @property
    def digest(self) -> str:
        """Changes when what is asked or given does; the same for whichever card of the shelf is sold."""
        return fingerprint(renewal=self.renewal.digest, companions=[companion.line() for companion in self.companions])


def card_price(kind: CardKind = CardKind.ESIM) -> Money:
    """What a new card costs without its plan and its post, tax included."""
    return Money(settings.NEW_ESIM_YEN if kind is CardKind.ESIM else settings.NEW_SIM_YEN, CURRENCY)


def offers_for_new(*, channel: str, now: datetime, kind: CardKind = CardKind.ESIM) -> list[NewCardOffer]:
    """The plans that a new card can be had with, those that wait for their traveller first. Raises NewCardsSoldOut.

    A card by post is sold with plans that wait only: their days must not run while it is on its way.
    """
    card = _next(now, kind)
    found = [
        NewCardOffer(offer=offer, is_waiting=_waits(offer.preview))
        for offer in offers_for(card, channel=channel, now=now)
        if offer.preview is not None and offer.price.currency == CURRENCY and _is_whole(offer.terms)
    ]
    fit = [each for each in found if each.is_waiting or kind is CardKind.ESIM]
    return sorted(fit, key=lambda each: not each.is_waiting)


def quote_new(
    plan_code: str,
    *,
    channel: str,
    now: datetime,
    payer: User | None,
    coupon: str = "",
    card: Card | None = None,
    country: str = "",
) -> NewCardQuote:
    """What a new card with this plan costs and brings. `card` is one that was taken from the shelf already.

    With a `country` it is a SIM card that is posted there, else an eSIM.

    Raises NewCardsSoldOut, PlanNotForNewCard, NotPostedThere, and whatever `quote_renewal` refuses.
    """
    postage = postage_to(country) if country else None
    kind = kind_of(country)
    card = card or _next(now, kind)
    quote = quote_renewal(card, plan_code, channel=channel, now=now, payer=payer, coupon=coupon)
    if quote.price.currency != CURRENCY or not _is_whole(quote.terms):
        raise PlanNotForNewCard
    is_waiting = _waits(quote.preview)
    if country and not is_waiting:
        raise PlanNotForNewCard
    return NewCardQuote(
        card=card,
        renewal=quote,
        card_price=card_price(kind),
        is_waiting=is_waiting,
        country=country,
        postage=postage,
    )


def kind_of(country: str) -> CardKind:
    """What is sold to somebody who has named this country, or none."""
    return CardKind.SIM if country else CardKind.ESIM


def _next(now: datetime, kind: CardKind) -> Card:
    card = next_card(now, kind)
    if card is None:
        raise NewCardsSoldOut
    return card


def _is_whole(terms: PlanTerms) -> bool:
    """Whether it is something without a plan that it adds to."""
    return terms.stacking not in {Stacking.VALUE_ONLY, Stacking.EXTEND_BY}


def _waits(preview: Preview) -> bool:
    lots = preview.allowance.lots
    new = next(lot for lot in lots if lot.kind is LotKind.DATA and lot.sequence == preview.sequence)
    return new.expected_starts_at is None
