# SPDX-License-Identifier: Apache-2.0
"""Money that came when its order's time was over: the plan is given if it is still to be had at that price."""

from collections.abc import Sequence
from datetime import datetime

from tsuzuku.cards.models import Card
from tsuzuku.catalog.errors import PlanNotForCard, PlanUnknown
from tsuzuku.catalog.queries import plan_for_card
from tsuzuku.kernel.money import Money
from tsuzuku.orders.models import Order
from tsuzuku.orders.queries import paid_late
from tsuzuku.renewals.errors import PlanGone, PriceRisen
from tsuzuku.renewals.models import Renewal


def late_ones(renewals: Sequence[Renewal], *, now: datetime) -> set[int]:
    """The ids of those whose money came late."""
    candidates = {each.order_id: each.pk for each in renewals if each.order.expires_at <= now}
    return {candidates[order_id] for order_id in paid_late(candidates)} if candidates else set()


def check_still_sold(renewal: Renewal, card: Card, *, now: datetime) -> None:
    """Raises PlanGone, or PriceRisen if the plan's price (or the mix's) before promotions is above that of the order.

    Promotions are another matter: what an order was promised is taken again if it is left (docs/decisions/0014).
    """
    order = renewal.order
    try:
        on_sale = plan_for_card(
            renewal.plan.code, card_group=card.group, channel=order.channel, now=now, mix=renewal.terms.mix
        )
    except (PlanUnknown, PlanNotForCard):
        raise PlanGone from None
    ordered = _full_price(order)
    if on_sale.price.currency != ordered.currency or on_sale.price.amount_minor > ordered.amount_minor:
        raise PriceRisen


def _full_price(order: Order) -> Money:
    """What the plan cost when it was ordered, before promotions."""
    return Money(next(line["amount_minor"] for line in order.lines if "plan" in line), order.currency)
