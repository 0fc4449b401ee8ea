# SPDX-License-Identifier: Apache-2.0
"""Verbs of the operator: take a promotion file into the catalogue, withdraw a promotion, offer it again."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from tsuzuku.catalog.errors import PromotionFileRefused, PromotionUnknown
from tsuzuku.catalog.file_reading import Notice
from tsuzuku.catalog.models import Coupon, Promotion
from tsuzuku.catalog.promotion_file import ParsedPromotion, parse_promotions
from tsuzuku.catalog.queries import plan_codes


@dataclass
class PromotionsImport:
    """What an import did; every promotion of the file is new, changed or unchanged."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    notices: list[Notice] = field(default_factory=list)

    @property
    def promotions(self) -> int:
        """How many promotions the file has."""
        return self.new + self.changed + self.unchanged


def import_promotions(*, text: bytes) -> PromotionsImport:
    """Brings the promotions to what a file says, in one transaction; importing the same again changes nothing.

    What was taken off by a promotion stays counted, and orders keep their price. Promotions that the file does not name
    stay as they are; withdrawn ones stay withdrawn. Raises PromotionFileRefused, which holds every mistake.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Two imports take turns. Not by the promotions' own table: who uses one holds its row, then writes to it.
            cursor.execute("LOCK TABLE catalog_coupon IN SHARE ROW EXCLUSIVE MODE")
        coupons_taken = dict(Coupon.objects.values_list("code", "promotion__code"))
        parsed = parse_promotions(text, plan_codes=plan_codes(), coupons_taken=coupons_taken)
        if parsed.mistakes:
            raise PromotionFileRefused(parsed)
        result = PromotionsImport(notices=list(parsed.notices))
        codes = [each.code for each in parsed.promotions]
        locked = Promotion.objects.filter(code__in=codes).order_by("pk").select_for_update()
        known = {promotion.code: promotion for promotion in locked}
        had: dict[str, set[str]] = {code: set() for code in codes}
        for coupon, owner in coupons_taken.items():
            had.setdefault(owner, set()).add(coupon)
        wanted = {each.code: set(each.coupons or ()) for each in parsed.promotions}
        # All that go before any that come: a coupon may move from one promotion to another.
        Coupon.objects.filter(code__in=[gone for code in codes for gone in had[code] - wanted[code]]).delete()
        for each in parsed.promotions:
            promotion, is_changed = _keep(known.get(each.code), each)
            fresh = sorted(wanted[each.code] - had[each.code])
            Coupon.objects.bulk_create([Coupon(promotion=promotion, code=coupon) for coupon in fresh])
            if each.code not in known:
                result.new += 1
            elif is_changed or wanted[each.code] != had[each.code]:
                result.changed += 1
            else:
                result.unchanged += 1
            if promotion.withdrawn_at is not None:
                result.notices.append(Notice(each.code, "code", "promotion-withdrawn"))
    return result


def _keep(promotion: Promotion | None, parsed: ParsedPromotion) -> tuple[Promotion, bool]:
    """The row of a promotion as the file says it, and whether anything of it differed."""
    wanted: dict[str, Any] = {
        "name": dict(parsed.name),
        "rule": parsed.rule.to_json(),
        "needs_coupon": parsed.coupons is not None,
        "uses_max": parsed.uses_max,
        "uses_max_per_customer": parsed.uses_max_per_customer,
        "uses_max_per_coupon": parsed.uses_max_per_coupon,
        "budget_minor": parsed.budget_minor,
        "currency": parsed.currency,
    }
    if promotion is None:
        return Promotion.objects.create(code=parsed.code, **wanted), True
    differing = [name for name, value in wanted.items() if getattr(promotion, name) != value]
    for name in differing:
        setattr(promotion, name, wanted[name])
    if differing:
        promotion.save(update_fields=differing)
    return promotion, bool(differing)


def withdraw_promotion(*, code: str, now: datetime) -> None:
    """Ends a promotion at once; orders placed with it keep their price. Twice keeps the first moment.

    Raises PromotionUnknown.
    """
    if not Promotion.objects.filter(code=code).exists():
        raise PromotionUnknown(promotion=code)
    Promotion.objects.filter(code=code, withdrawn_at=None).update(withdrawn_at=now)


def offer_promotion_again(*, code: str) -> None:
    """Takes back a withdrawal. Raises PromotionUnknown."""
    if not Promotion.objects.filter(code=code).update(withdrawn_at=None):
        raise PromotionUnknown(promotion=code)
