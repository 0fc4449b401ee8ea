# SPDX-License-Identifier: Apache-2.0
"""What is for sale, at which door, to which cards."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, Q, QuerySet

from tsuzuku.catalog.errors import PlanNotForCard, PlanUnknown
from tsuzuku.catalog.models import CODE_PATTERN, Plan, Price
from tsuzuku.catalog.terms import PlanTerms
from tsuzuku.kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOnSale:
    """A plan as it is sold at one door now: this version of its terms, at this price, tax included."""

    plan: Plan
    terms_id: int
    terms: PlanTerms
    price: Money


def plans_for_sale(*, card_group: str, channel: str, now: datetime) -> list[PlanOnSale]:
    """What a card of this group can be sold at a door, in the order in which the brand listed it. Two queries."""
    plans = (_on_sale(plan, channel) for plan in _plans(channel, now) if is_for_group(plan, card_group))
    return [plan for plan in plans if plan is not None]


def plan_for_card(code: str, *, card_group: str, channel: str, now: datetime) -> PlanOnSale:
    """One plan, for a card of this group at a door. Raises PlanUnknown or PlanNotForCard."""
    # Whatever a door was sent: a text with a zero byte is one that the database cannot even be asked for.
    plan = _plans(channel, now).filter(code=code).first() if CODE_PATTERN.fullmatch(code) else None
    on_sale = _on_sale(plan, channel) if plan else None
    if plan is None or on_sale is None:
        raise PlanUnknown(plan=code)
    if not is_for_group(plan, card_group):
        raise PlanNotForCard(plan=code)
    return on_sale


def plan_codes() -> frozenset[str]:
    """The codes of all plans there are, on sale or not."""
    return frozenset(Plan.objects.values_list("code", flat=True))


def is_for_group(plan: Plan, card_group: str) -> bool:
    """Whether cards of this group may buy the plan; a plan that names no groups is for all."""
    return not plan.card_groups or card_group in plan.card_groups


def _plans(channel: str, now: datetime) -> QuerySet[Plan]:
    """Plans on sale now with their terms and the open prices that concern a door. Plans to be mixed have no terms."""
    open_prices = Price.objects.filter(Q(channel=channel) | Q(channel=None), valid_from__lte=now).filter(
        Q(valid_until=None) | Q(valid_until__gt=now)
    )
    return (
        Plan.objects.filter(withdrawn_at=None, terms_now__isnull=False)
        .filter(Q(on_sale_from=None) | Q(on_sale_from__lte=now), Q(on_sale_until=None) | Q(on_sale_until__gt=now))
        .select_related("terms_now")
        .prefetch_related(Prefetch("prices", queryset=open_prices, to_attr="open_prices"))
        .order_by("pk")
    )


def _on_sale(plan: Plan, channel: str) -> PlanOnSale | None:
    """A door's own price goes before the general one; without either it is not sold there."""
    prices: list[Price] = plan.open_prices  # type: ignore[attr-defined]  # to_attr of the prefetch above
    by_door = {price.channel: price.money for price in prices}
    price = by_door.get(channel) or by_door.get(None)
    if price is None or plan.terms_now is None:
        return None
    return PlanOnSale(plan=plan, terms_id=plan.terms_now.pk, terms=plan.terms_now.parsed(), price=price)
