# SPDX-License-Identifier: Apache-2.0
"""What is for sale, at which door, to which cards."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, Q, QuerySet

from tsuzuku.catalog.errors import MixNotOffered, PlanNotForCard, PlanUnknown
from tsuzuku.catalog.mixes import Mix
from tsuzuku.catalog.models import CODE_PATTERN, Plan, Price
from tsuzuku.catalog.terms import PlanTerms
from tsuzuku.journal import statements
from tsuzuku.kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOnSale:
    """A plan as it is sold at one door now: this version of its terms, at this price, tax included."""

    plan: Plan
    #: None for a mix, whose terms get a row when it is ordered.
    terms_id: int | None
    terms: PlanTerms
    price: Money


def plans_for_sale(*, card_group: str, channel: str, now: datetime) -> list[PlanOnSale]:
    """What a card of this group can be sold at a door, in the order in which the brand listed it. Two queries."""
    fixed = _plans(channel, now).filter(terms_now__isnull=False)
    plans = (_on_sale(plan, channel) for plan in fixed if is_for_group(plan, card_group))
    return [plan for plan in plans if plan is not None]


def mixes_for_sale(*, card_group: str, now: datetime) -> list[Plan]:
    """The plans that a card of this group can be sold mixes of; they cost the same at every door. One query."""
    return [plan for plan in _on_sale_at(now).filter(own_mix__isnull=False) if is_for_group(plan, card_group)]


def plan_for_card(code: str, *, card_group: str, channel: str, now: datetime, mix: Mix | None = None) -> PlanOnSale:
    """One plan, or one mix of a plan, for a card of this group at a door.

    Raises PlanUnknown or PlanNotForCard, and MixNotOffered where the plan is not sold as this mix.
    """
    # Whatever a door was sent: a text with a zero byte is one that the database cannot even be asked for.
    plan = _plans(channel, now).filter(code=code).first() if CODE_PATTERN.fullmatch(code) else None
    if plan is None:
        raise PlanUnknown(plan=code)
    on_sale = _on_sale(plan, channel) if plan.own_mix is None and mix is None else _mix_on_sale(plan, mix)
    if on_sale is None:
        raise PlanUnknown(plan=code)
    if not is_for_group(plan, card_group):
        raise PlanNotForCard(plan=code)
    return on_sale


@dataclass(frozen=True, slots=True)
class PlanListed:
    """A plan as it is sold at one door now, without its words."""

    id: int
    code: str
    card_groups: Collection[str]
    terms_id: int
    price: Money


#: Plans on sale at a door by their codes; a door's own price goes before the general one.
_BY_CODES = """
    SELECT plan.id, plan.code, plan.card_groups, plan.terms_now_id, price.amount_minor, price.currency
      FROM catalog_plan AS plan
      CROSS JOIN LATERAL (
           SELECT amount_minor, currency FROM catalog_price
            WHERE plan_id = plan.id AND (channel = %(channel)s OR channel IS NULL) AND valid_from <= %(now)s
              AND (valid_until IS NULL OR valid_until > %(now)s)
            ORDER BY channel NULLS LAST
            LIMIT 1) AS price
     WHERE plan.code = ANY(%(codes)s::text[]) AND plan.withdrawn_at IS NULL AND plan.terms_now_id IS NOT NULL
       AND (plan.on_sale_from IS NULL OR plan.on_sale_from <= %(now)s)
       AND (plan.on_sale_until IS NULL OR plan.on_sale_until > %(now)s)
"""


def plans_by_codes(codes: Collection[str], *, channel: str, now: datetime) -> dict[str, PlanListed]:
    """What these codes stand for at a door now, for any group of cards. One query."""
    # Whatever a door was sent: a text with a zero byte is one that the database cannot even be asked for.
    known = [code for code in codes if CODE_PATTERN.fullmatch(code)]
    found = statements.rows(_BY_CODES, {"codes": known, "channel": channel, "now": now}) if known else []
    return {
        code: PlanListed(plan_id, code, groups, terms_id, Money(amount, currency))
        for plan_id, code, groups, terms_id, amount, currency in found
    }


def plan_codes() -> frozenset[str]:
    """The codes of all plans there are, on sale or not."""
    return frozenset(Plan.objects.values_list("code", flat=True))


def is_for_group(plan: Plan | PlanListed, card_group: str) -> bool:
    """Whether cards of this group may buy the plan; a plan that names no groups is for all."""
    return not plan.card_groups or card_group in plan.card_groups


def _plans(channel: str, now: datetime) -> QuerySet[Plan]:
    """Plans on sale now with their terms and the open prices that concern a door. Plans to be mixed have neither."""
    open_prices = Price.objects.filter(Q(channel=channel) | Q(channel=None), valid_from__lte=now).filter(
        Q(valid_until=None) | Q(valid_until__gt=now)
    )
    return (
        _on_sale_at(now)
        .select_related("terms_now")
        .prefetch_related(Prefetch("prices", queryset=open_prices, to_attr="open_prices"))
    )


def _on_sale_at(now: datetime) -> QuerySet[Plan]:
    """Plans that the brand sells at this moment, in the order in which it listed them."""
    return (
        Plan.objects.filter(withdrawn_at=None)
        .filter(Q(on_sale_from=None) | Q(on_sale_from__lte=now), Q(on_sale_until=None) | Q(on_sale_until__gt=now))
        .order_by("pk")
    )


def _mix_on_sale(plan: Plan, mix: Mix | None) -> PlanOnSale:
    rule = plan.mix_rule
    if rule is None or mix is None or not rule.offers(mix):
        raise MixNotOffered(plan=plan.code)
    return PlanOnSale(plan=plan, terms_id=None, terms=rule.terms(plan.code, mix), price=rule.price(mix))


def _on_sale(plan: Plan, channel: str) -> PlanOnSale | None:
    """A door's own price goes before the general one; without either it is not sold there."""
    prices: list[Price] = plan.open_prices  # type: ignore[attr-defined]  # to_attr of the prefetch above
    by_door = {price.channel: price.money for price in prices}
    price = by_door.get(channel) or by_door.get(None)
    if price is None or plan.terms_now is None:
        return None
    return PlanOnSale(plan=plan, terms_id=plan.terms_now.pk, terms=plan.terms_now.parsed(), price=price)
