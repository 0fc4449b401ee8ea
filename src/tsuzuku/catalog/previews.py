# SPDX-License-Identifier: Apache-2.0
"""What a plan would cost, and why, by the very rules that sell it: for whoever sets promotions up."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tsuzuku.catalog.errors import PlanUnknown
from tsuzuku.catalog.models import Coupon
from tsuzuku.catalog.promotion_file import parse_coupon
from tsuzuku.catalog.promotion_queries import all_candidates
from tsuzuku.catalog.promotions import Basket, Why, reckon
from tsuzuku.catalog.queries import plans_by_codes
from tsuzuku.kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionPreview:
    """A price, what each promotion takes off, and why every other does not."""

    full_price: Money
    price: Money
    takings: tuple[tuple[str, int], ...]
    passed_over: Mapping[str, Why]
    is_coupon_unknown: bool

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON."""
        return {
            "currency": self.price.currency,
            "full_price_minor": self.full_price.amount_minor,
            "takes_off": [{"promotion": code, "amount_minor": amount} for code, amount in self.takings],
            "price_minor": self.price.amount_minor,
            "not_applied": [{"promotion": code, "why": why.value} for code, why in self.passed_over.items()],
            "coupon_unknown": self.is_coupon_unknown,
        }


def preview_price(*, plan_code: str, channel: str, coupon: str, now: datetime) -> PromotionPreview:
    """What a plan costs a customer who has used nothing yet, at a door and a moment. Raises PlanUnknown.

    What promotions have left is what they have left today, whatever the moment.
    """
    plan = plans_by_codes([plan_code], channel=channel, now=now).get(plan_code)
    if plan is None:
        raise PlanUnknown(plan=plan_code)
    given = parse_coupon(coupon) or ""
    basket = Basket(plan=plan_code, price=plan.price, channel=channel, now=now)
    reckoning = reckon(all_candidates(coupon=given), basket)
    return PromotionPreview(
        full_price=plan.price,
        price=reckoning.price,
        takings=tuple((taking.code, taking.amount_minor) for taking in reckoning.takings),
        passed_over=reckoning.passed_over,
        is_coupon_unknown=bool(coupon) and not Coupon.objects.filter(code=given).exists(),
    )
