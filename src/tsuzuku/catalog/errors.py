# SPDX-License-Identifier: Apache-2.0
"""What the catalogue refuses."""

from tsuzuku.catalog.promotion_file import ParsedPromotions
from tsuzuku.catalog.rate_file import ParsedRates
from tsuzuku.kernel.errors import DomainError
from tsuzuku.kernel.money import Money


class PlanUnknown(DomainError):
    """No such plan is on sale at this door now."""

    code = "plan-unknown"


class MixNotOffered(PlanUnknown):
    """The plan is one that people mix themselves, and this is none of its mixes, or none was chosen."""

    code = "mix-not-offered"


class PlanNotForCard(DomainError):
    """The plan names card groups, and this card is in none of them."""

    code = "plan-not-for-card"


class PlanFileRefused(DomainError):
    """A plan file with mistakes, of which nothing was taken. Particulars: how many."""

    code = "plan-file-refused"


class PromotionFileRefused(DomainError):
    """A promotion file with mistakes, of which nothing was taken. Particulars: how many; `parsed` names them."""

    code = "promotion-file-refused"

    def __init__(self, parsed: ParsedPromotions) -> None:
        super().__init__(mistakes=len(parsed.mistakes))
        self.parsed = parsed


class RateFileRefused(DomainError):
    """A file of exchange rates with mistakes, of which nothing was taken. `parsed` names them."""

    code = "rate-file-refused"

    def __init__(self, parsed: ParsedRates) -> None:
        super().__init__(mistakes=len(parsed.mistakes))
        self.parsed = parsed


class PromotionUnknown(DomainError):
    """There is no promotion of that code."""

    code = "promotion-unknown"


class PromotionUsedUp(DomainError):
    """Somebody else has taken its last use or the rest of its budget. Particulars: promotion."""

    code = "promotion-used-up"


class CouponRefused(DomainError):
    """A coupon that takes nothing off here and now; one class below this for each reason."""


class CouponUnknown(CouponRefused):
    """There is no such coupon, or it was withdrawn."""

    code = "coupon-unknown"


class CouponNotYet(CouponRefused):
    """Its time has not begun."""

    code = "coupon-not-yet"


class CouponOver(CouponRefused):
    """Its time is over."""

    code = "coupon-over"


class CouponNotForPlan(CouponRefused):
    """It is for other plans, or for prices in another currency."""

    code = "coupon-not-for-plan"


class CouponNotHere(CouponRefused):
    """It is for other doors."""

    code = "coupon-not-here"


class CouponBelowMinimum(CouponRefused):
    """The plan costs less than it asks for. Particulars: least, as Money."""

    code = "coupon-below-minimum"

    def __init__(self, *, least: Money) -> None:
        super().__init__(least=least)
        self.least = least


class CouponUsedUp(CouponRefused):
    """All its uses are taken, or its budget does not bear another."""

    code = "coupon-used-up"


class CouponUsedByYou(CouponRefused):
    """This customer has used it as often as one may."""

    code = "coupon-used-by-you"


class CouponNotBetter(CouponRefused):
    """It does not go together with what applies by itself, which takes off as much or more. It stays unused."""

    code = "coupon-not-better"


class TooManyCoupons(DomainError):
    """Too many coupons that do not exist; also right ones are refused then. Particulars: retry_after_seconds."""

    code = "too-many-coupons"

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__(retry_after_seconds=retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds
