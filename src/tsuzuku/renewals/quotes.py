# SPDX-License-Identifier: Apache-2.0
"""What a renewal would cost and bring, before anybody decides. Only this room makes quotes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from tsuzuku.allowances.errors import RenewalRefused
from tsuzuku.allowances.queries import Allowance, Preview, card_allowance, preview_renewals
from tsuzuku.cards.models import Card
from tsuzuku.cards.rules import check_can_renew
from tsuzuku.catalog.errors import CouponRefused
from tsuzuku.catalog.mixes import Mix
from tsuzuku.catalog.models import Plan
from tsuzuku.catalog.promotion_queries import Customer, candidates_for, coupon_refusal
from tsuzuku.catalog.promotions import DOORS_WITHOUT_PROMOTIONS, Basket, Candidate, Reckoning, Taking, reckon
from tsuzuku.catalog.queries import PlanOnSale, plan_for_card, plans_for_sale
from tsuzuku.catalog.terms import LotKind, PlanTerms, Stacking
from tsuzuku.kernel.errors import DomainError
from tsuzuku.kernel.fingerprint import fingerprint
from tsuzuku.kernel.money import Money
from tsuzuku.people.models import User

#: A card that is online this much longer and has this much left needs nothing yet.
_ENOUGH_TIME = timedelta(days=3)
_ENOUGH_BYTES = 1_000_000_000
#: Less than this is gone before a plan that starts tomorrow does.
_LITTLE_BYTES = 300_000_000


class Caution(StrEnum):
    """What a person should know before paying."""

    #: The card has enough data and days for now.
    NOT_NEEDED_YET = "not-needed-yet"
    #: It starts when what is there has ended, and there is little left of that: no help for who is offline now.
    STARTS_TOO_LATE = "starts-too-late"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A plan as a card sees it: with a preview, or the code of why it cannot take it now; as nobody's card, neither."""

    plan: Plan
    terms: PlanTerms
    #: What it would cost now, without a coupon.
    price: Money
    #: The catalogue's price, off which promotions take something or nothing.
    full_price: Money
    refused: str | None
    preview: Preview | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What is asked and given. `digest` changes when price, terms or the card's lots do, not as time goes by."""

    plan: Plan
    #: What was chosen of a plan that people mix themselves.
    mix: Mix | None
    #: None for a mix: its terms get their row with the order.
    terms_id: int | None
    terms: PlanTerms
    #: What is to pay.
    price: Money
    #: The catalogue's price, and what promotions take off it.
    full_price: Money
    takings: tuple[Taking, ...]
    #: Why the coupon takes nothing off; None if it does, or none was given.
    coupon_refused: CouponRefused | None
    before: Allowance
    preview: Preview
    cautions: tuple[Caution, ...]
    digest: str

    def lines(self) -> list[dict[str, Any]]:
        """The price explained, as orders keep it."""
        return [
            {
                "plan": self.plan.code,
                **(asdict(self.mix) if self.mix else {}),
                "amount_minor": self.full_price.amount_minor,
            },
            *({"promotion": taking.code, "amount_minor": -taking.amount_minor} for taking in self.takings),
        ]


def offers_for(card: Card, *, channel: str, now: datetime, payer: User | None = None) -> list[Offer]:
    """Every plan on sale for a card at a door, in the catalogue's order; a number of queries that does not grow."""
    on_sale = plans_for_sale(card_group=card.group, channel=channel, now=now)
    promotions = candidates_for(_customer(card, payer), now=now) if channel not in DOORS_WITHOUT_PROMOTIONS else []
    prices = {each.plan.code: _reckon(promotions, each, channel=channel, now=now).price for each in on_sale}
    blocked = _why_blocked(card, now)
    if blocked is not None:
        return [_refused(each, blocked, prices) for each in on_sale]
    previews = preview_renewals(card.pk, {each.plan.code: each.terms for each in on_sale}, now=now)
    return [_offer(each, previews[each.plan.code], prices) for each in on_sale]


def offers_for_any_card(*, channel: str, now: datetime) -> list[Offer]:
    """What every card can be sold at a door, at the price of somebody who has bought nothing yet.

    What only adds to a plan that is running is left out: whether a card takes it would tell that one is.
    """
    every = plans_for_sale(card_group="", channel=channel, now=now)
    on_sale = [each for each in every if each.terms.stacking is not Stacking.VALUE_ONLY]
    promotions = candidates_for(None, now=now)
    return [
        Offer(
            plan=each.plan,
            terms=each.terms,
            price=_reckon(promotions, each, channel=channel, now=now).price,
            full_price=each.price,
            refused=None,
            preview=None,
        )
        for each in on_sale
    ]


def price_digest(plan: Plan, price: Money) -> str:
    """What is shown of a plan where nothing is known of the card; changes when price or terms do."""
    return fingerprint(
        plan=plan.code, terms=plan.terms_now_id, amount_minor=price.amount_minor, currency=price.currency
    )


def quote_renewal(
    card: Card,
    plan_code: str,
    *,
    channel: str,
    now: datetime,
    payer: User | None = None,
    coupon: str = "",
    mix: Mix | None = None,
) -> Quote:
    """What renewing this card with this plan costs and brings at `now`, for who pays, with a coupon as it is stored.

    A plan that people mix themselves asks for the mix. A coupon that takes nothing off is no reason to refuse: the
    quote says why. Raises PlanUnknown, MixNotOffered, PlanNotForCard, CardSuspended, CardLost, CardPastLastDate,
    StackFull, CardExpired, NothingToJoin.
    """
    on_sale = plan_for_card(plan_code, card_group=card.group, channel=channel, now=now, mix=mix)
    check_can_renew(card, now)
    preview = preview_renewals(card.pk, {plan_code: on_sale.terms}, now=now)[plan_code]
    if isinstance(preview, RenewalRefused):
        raise preview
    before = card_allowance(card.pk, now=now)
    promotions = candidates_for(_customer(card, payer), coupon=coupon, now=now)
    reckoning = _reckon(promotions, on_sale, channel=channel, now=now)
    return Quote(
        plan=on_sale.plan,
        mix=mix,
        terms_id=on_sale.terms_id,
        terms=on_sale.terms,
        price=reckoning.price,
        full_price=on_sale.price,
        takings=reckoning.takings,
        coupon_refused=coupon_refusal(promotions, reckoning) if coupon else None,
        before=before,
        preview=preview,
        cautions=_cautions(before, preview, now),
        digest=fingerprint(
            plan=plan_code,
            terms=on_sale.terms_id if on_sale.terms_id is not None else on_sale.terms.to_json(),
            amount_minor=on_sale.price.amount_minor,
            currency=on_sale.price.currency,
            takings=[(taking.code, taking.amount_minor) for taking in reckoning.takings],
            card=before.version,
        ),
    )


def _customer(card: Card, payer: User | None) -> Customer:
    return Customer(payer.pk if payer else None, card.pk)


def _reckon(promotions: Sequence[Candidate], on_sale: PlanOnSale, *, channel: str, now: datetime) -> Reckoning:
    """A plan's price after promotions."""
    return reckon(promotions, Basket(plan=on_sale.plan.code, price=on_sale.price, channel=channel, now=now))


def _why_blocked(card: Card, now: datetime) -> DomainError | None:
    try:
        check_can_renew(card, now)
    except DomainError as refusal:
        return refusal
    return None


def _offer(on_sale: PlanOnSale, preview: Preview | RenewalRefused, prices: Mapping[str, Money]) -> Offer:
    if isinstance(preview, RenewalRefused):
        return _refused(on_sale, preview, prices)
    plan = on_sale.plan
    return Offer(
        plan=plan,
        terms=on_sale.terms,
        price=prices[plan.code],
        full_price=on_sale.price,
        refused=None,
        preview=preview,
    )


def _refused(on_sale: PlanOnSale, refusal: DomainError, prices: Mapping[str, Money]) -> Offer:
    plan = on_sale.plan
    return Offer(
        plan=plan,
        terms=on_sale.terms,
        price=prices[plan.code],
        full_price=on_sale.price,
        refused=refusal.code,
        preview=None,
    )


def _cautions(before: Allowance, preview: Preview, now: datetime) -> tuple[Caution, ...]:
    has_time = before.online_until is not None and before.online_until - now > _ENOUGH_TIME
    has_bytes = before.remaining_bytes is None or before.remaining_bytes > _ENOUGH_BYTES
    if has_time and has_bytes:
        return (Caution.NOT_NEEDED_YET,)
    new = next(lot for lot in preview.allowance.lots if lot.kind is LotKind.DATA and lot.sequence == preview.sequence)
    waits_its_turn = new.starts_at is None and new.expected_starts_at is not None
    has_little = before.remaining_bytes is not None and before.remaining_bytes < _LITTLE_BYTES
    if waits_its_turn and (has_little or before.daily_remaining_bytes == 0):
        return (Caution.STARTS_TOO_LATE,)
    return ()
