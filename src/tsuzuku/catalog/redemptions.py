# SPDX-License-Identifier: Apache-2.0
"""Uses of promotions by orders: reserved when an order is placed, used when it is paid, freed when it is not.

`uses` and `spent_minor` of a promotion change under its row's lock only, with the redemption that makes them change, so
that limits and budgets hold to the yen whoever comes at the same moment. Locks are taken in this order: promotions,
sorted, then their redemptions.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F

from tsuzuku.catalog.errors import PromotionUsedUp
from tsuzuku.catalog.models import Promotion, Redemption
from tsuzuku.catalog.promotion_queries import Customer, candidates
from tsuzuku.catalog.promotions import Candidate, Taking
from tsuzuku.catalog.states import FREED, HOLDING_STATES, RESERVED, USED


def reserve_uses(*, purpose: str, takings: Sequence[Taking], customer: Customer, coupon: str, now: datetime) -> None:
    """Holds what promotions take off an order, in the transaction that places it.

    Raises PromotionUsedUp when the last use or the rest of the budget went to somebody else since it was reckoned; the
    caller rolls back and reckons again.
    """
    if not takings:
        return
    by_id = {taking.promotion_id: taking for taking in takings}
    promotions = _locked_promotions(list(by_id))
    for candidate in candidates(promotions, customer, coupon=coupon, opened=None):
        if candidate.is_withdrawn or not _bears(candidate, by_id[candidate.id].amount_minor):
            raise PromotionUsedUp(promotion=candidate.code)
    Redemption.objects.bulk_create(
        [
            Redemption(
                promotion=promotion,
                purpose=purpose,
                account_id=customer.account_id,
                card_id=customer.card_id,
                coupon=coupon if promotion.needs_coupon else "",
                amount_minor=by_id[promotion.pk].amount_minor,
                created_at=now,
                moved_at=now,
            )
            for promotion in promotions
        ]
    )
    for promotion in promotions:
        _count(promotion.pk, uses=1, minor=by_id[promotion.pk].amount_minor)


def use_reserved(*, purposes: Sequence[str], now: datetime) -> None:
    """Makes what paid orders hold final, in the transaction that pays them.

    What was freed since, as an order's time was over, is taken again if there is any left; if not it stays freed, and
    `promised_in_vain` says so. That its time is over or that it was withdrawn does not matter: the price was promised.
    """
    Redemption.objects.filter(purpose__in=purposes, state=RESERVED).update(state=USED, moved_at=now)
    freed = Redemption.objects.filter(purpose__in=purposes, state=FREED).order_by("promotion", "pk")
    if not (promotion_ids := sorted(set(freed.values_list("promotion", flat=True)))):
        return
    _locked_promotions(promotion_ids)
    for redemption in freed.select_for_update(of=("self",)):
        customer = Customer(redemption.account_id, redemption.card_id)
        promotion = Promotion.objects.get(pk=redemption.promotion_id)
        (candidate,) = candidates([promotion], customer, coupon=redemption.coupon, opened=None)
        if _bears(candidate, redemption.amount_minor):
            redemption.state, redemption.moved_at = USED, now
            redemption.save(update_fields=["state", "moved_at"])
            _count(redemption.promotion_id, uses=1, minor=redemption.amount_minor)


def free_uses(*, purposes: Sequence[str], now: datetime) -> None:
    """Gives back what these orders hold: they were not paid, or what they paid for could not be given.

    Doing it twice does it once.
    """
    held = Redemption.objects.filter(purpose__in=purposes, state__in=HOLDING_STATES)
    if not (promotion_ids := sorted(set(held.values_list("promotion", flat=True)))):
        return
    with transaction.atomic():
        _locked_promotions(promotion_ids)
        for redemption in held.order_by("promotion", "pk").select_for_update(of=("self",)):
            redemption.state, redemption.moved_at = FREED, now
            redemption.save(update_fields=["state", "moved_at"])
            _count(redemption.promotion_id, uses=-1, minor=-redemption.amount_minor)


def promised_in_vain(purposes: Sequence[str]) -> set[str]:
    """Which of these paid orders came too late for what a promotion had promised: others have used it up since."""
    return set(Redemption.objects.filter(purpose__in=purposes, state=FREED).values_list("purpose", flat=True))


def _locked_promotions(ids: Sequence[int]) -> list[Promotion]:
    """The rows, locked in one order and read after that."""
    return list(Promotion.objects.filter(pk__in=ids).order_by("pk").select_for_update())


def _bears(candidate: Candidate, amount_minor: int) -> bool:
    """Whether one more use of so much is within all limits."""
    uses = (candidate.uses_left, candidate.customer_uses_left)
    has_uses = all(left is None or left > 0 for left in uses)
    return has_uses and (candidate.budget_left_minor is None or candidate.budget_left_minor >= amount_minor)


def _count(promotion_id: int, *, uses: int, minor: int) -> None:
    Promotion.objects.filter(pk=promotion_id).update(uses=F("uses") + uses, spent_minor=F("spent_minor") + minor)
