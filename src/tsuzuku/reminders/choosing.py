# SPDX-License-Identifier: Apache-2.0
"""The plan that a reminder's link opens: the one that fits the habit, as long as it keeps the card online."""

from datetime import datetime

from tsuzuku.allowances.queries import card_allowance
from tsuzuku.cards.models import Card
from tsuzuku.catalog.terms import LotKind
from tsuzuku.people.models import User
from tsuzuku.renewals.queries import renewals_of_card
from tsuzuku.renewals.quotes import Offer, offers_for
from tsuzuku.renewals.states import ACTIVE


def right_plan(card: Card, *, channel: str, payer: User | None, now: datetime) -> Offer | None:
    """The last plan again if it can be had and helps, else the cheapest that helps; None if none does."""
    before = card_allowance(card.pk, now=now).online_until
    offers = offers_for(card, channel=channel, now=now, payer=payer)
    helping = [offer for offer in offers if _helps(offer, before)]
    latest = renewals_of_card(card.pk).filter(state=ACTIVE).first()
    again = next((offer for offer in helping if latest is not None and offer.plan.pk == latest.plan_id), None)
    return again or min(helping, key=lambda offer: offer.price.amount_minor, default=None)


def _helps(offer: Offer, before: datetime | None) -> bool:
    """Whether the card is online longer with a plan than without, or can be as soon as its holder wants it to."""
    if offer.preview is None:
        return False
    after = offer.preview.allowance
    new = next(lot for lot in after.lots if lot.kind is LotKind.DATA and lot.sequence == offer.preview.sequence)
    is_longer = after.online_until is not None and (before is None or after.online_until > before)
    return is_longer or new.can_be_tapped or new.waits_for_use
