# SPDX-License-Identifier: Apache-2.0
"""How promotions stand for one customer now: what of each is left to be used."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from tsuzuku.catalog.errors import (
    CouponBelowMinimum,
    CouponNotBetter,
    CouponNotForPlan,
    CouponNotHere,
    CouponNotYet,
    CouponOver,
    CouponRefused,
    CouponUnknown,
    CouponUsedByYou,
    CouponUsedUp,
)
from tsuzuku.catalog.models import Coupon, Promotion, Redemption
from tsuzuku.catalog.promotions import Candidate, PromotionRule, Reckoning, Why
from tsuzuku.catalog.states import HOLDING_STATES
from tsuzuku.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Customer:
    """Who buys: an account if somebody is logged in, and the card that it is for."""

    account_id: int | None
    card_id: int


def candidates_for(customer: Customer | None, *, coupon: str = "", now: datetime) -> list[Candidate]:
    """The promotions that might apply: those without coupons, and the one that a coupon opens.

    `coupon` is one as `parse_coupon` returns it. Nobody in particular (None) has used nothing yet. One query, and one
    for those with limits per customer or coupon.
    """
    opened = Coupon.objects.filter(code=coupon).values("promotion") if coupon else Promotion.objects.none().values("pk")
    promotions = Promotion.objects.filter(Q(needs_coupon=False) | Q(pk__in=opened), withdrawn_at=None)
    return candidates(promotions.order_by("pk"), customer, coupon=coupon, opened=None)


def all_candidates(*, coupon: str) -> list[Candidate]:
    """Every promotion there is, also withdrawn ones and those whose coupon was not given; for previews."""
    opened = set(Coupon.objects.filter(code=coupon).values_list("promotion", flat=True)) if coupon else set()
    return candidates(Promotion.objects.order_by("code"), None, coupon=coupon, opened=opened)


def candidates(
    promotions: Iterable[Promotion], customer: Customer | None, *, coupon: str, opened: Collection[int] | None
) -> list[Candidate]:
    """Promotions as they stand; `opened` are those whose coupon was given, None all."""
    promotions = list(promotions)
    by_customer, by_coupon = _used(promotions, customer, coupon)
    return [
        Candidate(
            id=each.pk,
            code=each.code,
            rule=PromotionRule.from_json(each.rule),
            currency=each.currency,
            is_withdrawn=each.withdrawn_at is not None,
            is_closed=each.needs_coupon and opened is not None and each.pk not in opened,
            coupon=coupon if each.needs_coupon and opened is None else "",
            uses_left=_least(
                _left(each.uses_max, each.uses), _left(each.uses_max_per_coupon, by_coupon.get(each.pk, 0))
            ),
            customer_uses_left=_left(each.uses_max_per_customer, by_customer.get(each.pk, 0)),
            budget_left_minor=_left(each.budget_minor, each.spent_minor),
        )
        for each in promotions
    ]


def _left(most: int | None, gone: int) -> int | None:
    return None if most is None else most - gone


def _least(first: int | None, second: int | None) -> int | None:
    return min((each for each in (first, second) if each is not None), default=None)


def _used(
    promotions: Iterable[Promotion], customer: Customer | None, coupon: str
) -> tuple[dict[int, int], dict[int, int]]:
    """How often this customer, and this coupon, hold each promotion that limits either."""
    limited = [
        each.pk
        for each in promotions
        if (each.uses_max_per_customer is not None and customer) or (each.uses_max_per_coupon is not None and coupon)
    ]
    if not limited:
        return {}, {}
    counted = (
        Redemption.objects.filter(promotion__in=limited, state__in=HOLDING_STATES)
        .values_list("promotion")
        .annotate(
            by_customer=Count("pk", filter=of_customer(customer) if customer else Q(pk=None)),
            by_coupon=Count("pk", filter=Q(coupon=coupon) & ~Q(coupon="")),
        )
    )
    rows = list(counted)
    return {pk: count for pk, count, _ in rows}, {pk: count for pk, _, count in rows}


def of_customer(customer: Customer) -> Q:
    """What counts as used by a customer: what the account has used, and on this card whatever nobody's account has.

    Without an account it is all that was used on the card: logging out does not make anybody a new customer.
    """
    if customer.account_id is None:
        return Q(card_id=customer.card_id)
    return Q(account_id=customer.account_id) | Q(account_id=None, card_id=customer.card_id)


#: Why a promotion takes nothing off, as a refusal of the coupon that opens it.
_REFUSALS: dict[Why, type[CouponRefused]] = {
    Why.WITHDRAWN: CouponUnknown,
    Why.NEEDS_COUPON: CouponUnknown,
    Why.OTHER_DOOR: CouponNotHere,
    Why.OTHER_PLAN: CouponNotForPlan,
    Why.OTHER_CURRENCY: CouponNotForPlan,
    Why.NOT_YET: CouponNotYet,
    Why.OUTSIDE_FESTIVAL: CouponNotYet,
    Why.OVER: CouponOver,
    Why.USED_BY_CUSTOMER: CouponUsedByYou,
    Why.USED_UP: CouponUsedUp,
    Why.NOT_BETTER: CouponNotBetter,
}


def coupon_refusal(candidates: Iterable[Candidate], reckoning: Reckoning) -> CouponRefused | None:
    """Why the coupon that was given takes nothing off; None if it does."""
    opened = next((each for each in candidates if each.coupon), None)
    if opened is None:
        return CouponUnknown()
    why = reckoning.passed_over.get(opened.code)
    if why is Why.BELOW_MINIMUM:
        return CouponBelowMinimum(least=Money(opened.rule.least_minor, reckoning.price.currency))
    return _REFUSALS[why]() if why else None


def promotion_names(codes: Iterable[str], language: str) -> dict[str, str]:
    """What promotions are called in a language, by their codes. One query, none for none."""
    wanted = set(codes)
    found = Promotion.objects.filter(code__in=wanted) if wanted else []
    return {promotion.code: promotion.name_in(language) for promotion in found}


def promotions_listed() -> QuerySet[Promotion]:
    """All promotions by their codes."""
    return Promotion.objects.order_by("code")
