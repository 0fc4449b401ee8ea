# SPDX-License-Identifier: Apache-2.0
"""What was ordered for a card a short while ago, so that nobody pays for the same thing twice without being told."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils.translation import get_language

from tsuzuku.cards.models import Card
from tsuzuku.catalog.models import Plan
from tsuzuku.orders.states import AWAITING_PAYMENT, PAID
from tsuzuku.people.models import User
from tsuzuku.renewals.gifts import known_to_holders
from tsuzuku.renewals.models import Renewal
from tsuzuku.renewals.queries import renewals_of_card
from tsuzuku.renewals.quotes import Quote
from tsuzuku.renewals.states import WITHDRAWN

#: Who orders within this is told of what was ordered before.
JUST_NOW = timedelta(minutes=30)


def just_ordered(card: Card, quote: Quote, *, now: datetime) -> Renewal | None:
    """The same plan for the same card a short while ago, as after going back from the pay page or in another tab.

    What a friend has ordered is none of the asker's before it is paid.
    """
    recent = renewals_of_card(card.pk).filter(
        plan=quote.plan, created_at__gt=now - JUST_NOW, order__state__in=[AWAITING_PAYMENT, PAID]
    )
    known = known_to_holders(recent)
    return next((each for each in known if each.terms.mix == quote.mix), None)


@dataclass(frozen=True, slots=True)
class Repeat:
    """A renewal just before the one that a friend wants to pay for."""

    plan_name: str
    is_paid: bool
    ordered_at: datetime
    #: The order's number if it is theirs, so that they can go there.
    number: str

    @property
    def marker(self) -> str:
        """What a form says that was told of it; of a later one it was not."""
        return self.ordered_at.isoformat()


def repeat_on_card(
    card: Card, plan: Plan, *, actor: str, key: str, own: Collection[str], now: datetime
) -> Repeat | None:
    """What a friend who has a link must know: that the card was just renewed, or the plan ordered, by whomever.

    The order that the same form has placed before (`actor`, `key`) is no other one; `own` numbers the asker's orders.
    """
    others = _recent(renewals_of_card(card.pk), now=now).exclude(actor=actor, key=key)
    return _latest(others.filter(Q(order__state=PAID) | Q(plan=plan)), own=own)


def own_repeat(iccid: str, *, user: User | None, key: str, own: Collection[str], now: datetime) -> Repeat | None:
    """What a friend who has a number may know: that they themselves have just ordered for it. Nothing else is asked."""
    if not own and user is None:
        return None
    is_own = Q(order__number__in=own) if user is None else Q(order__number__in=own) | Q(order__payer=user)
    renewals = Renewal.objects.select_related("order", "plan", "terms").order_by("-pk")
    theirs = renewals.filter(is_own, card__iccid=iccid)
    return _latest(_recent(theirs, now=now).exclude(key=key), own=None)


def _recent(renewals: QuerySet[Renewal], *, now: datetime) -> QuerySet[Renewal]:
    is_meant = Q(order__state__in=[AWAITING_PAYMENT, PAID], created_at__gt=now - JUST_NOW)
    return renewals.filter(is_meant).exclude(state=WITHDRAWN)


def _latest(renewals: QuerySet[Renewal], *, own: Collection[str] | None) -> Repeat | None:
    """The newest; `own` are the numbers of the asker's orders, None if all are theirs."""
    latest = renewals.first()
    if latest is None:
        return None
    return Repeat(
        plan_name=latest.name_in(get_language() or "en"),
        is_paid=latest.order.state == PAID,
        ordered_at=latest.created_at,
        number=latest.order.number if own is None or latest.order.number in own else "",
    )
