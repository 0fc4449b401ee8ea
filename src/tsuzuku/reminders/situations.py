# SPDX-License-Identifier: Apache-2.0
"""Cards as reminders see them, many at once."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from tsuzuku.allowances.outlook import outlooks
from tsuzuku.cards.models import Blocked, Card, CardHolder
from tsuzuku.reminders.rules import Situation
from tsuzuku.renewals.models import AutomaticRenewal


def situations_of(card_ids: Collection[int], *, now: datetime) -> dict[int, Situation]:
    """How these cards stand. Four queries."""
    ahead = outlooks(card_ids, now=now)
    blocked = set(Card.objects.filter(pk__in=card_ids).exclude(blocked=Blocked.NO).values_list("pk", flat=True))
    renewing = AutomaticRenewal.objects.filter(card__in=card_ids, is_on=True, failures=0)
    automatic = set(renewing.values_list("card_id", flat=True))
    return {
        card_id: Situation(outlook=ahead[card_id], is_blocked=card_id in blocked, renews_itself=card_id in automatic)
        for card_id in card_ids
    }


def holders_of(card_ids: Collection[int]) -> dict[int, list[CardHolder]]:
    """Who acts for these cards and can still log in, with their users and cards, in the order in which they came."""
    found: dict[int, list[CardHolder]] = defaultdict(list)
    holders = CardHolder.objects.filter(card__in=card_ids, user__is_active=True).select_related("user", "card")
    for holder in holders.order_by("pk"):
        found[holder.card_id].append(holder)
    return found
