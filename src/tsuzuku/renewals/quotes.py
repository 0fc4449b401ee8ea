# SPDX-License-Identifier: Apache-2.0
"""What a renewal would cost and bring, before anybody decides. Only this room makes quotes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tsuzuku.allowances.errors import RenewalRefused
from tsuzuku.allowances.queries import Allowance, Preview, card_allowance, preview_renewals
from tsuzuku.cards.models import Card
from tsuzuku.cards.rules import check_can_renew
from tsuzuku.catalog.models import Plan
from tsuzuku.catalog.queries import PlanOnSale, plan_for_card, plans_for_sale
from tsuzuku.catalog.terms import LotKind
from tsuzuku.kernel.errors import DomainError
from tsuzuku.kernel.fingerprint import fingerprint
from tsuzuku.kernel.money import Money

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
    """A plan as a card sees it: with a preview, or the code of why it cannot take it now."""

    plan: Plan
    price: Money
    refused: str | None
    preview: Preview | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What is asked and given. `digest` changes when price, terms or the card's lots do, not as time goes by."""

    plan: Plan
    terms_id: int
    price: Money
    before: Allowance
    preview: Preview
    cautions: tuple[Caution, ...]
    digest: str


def offers_for(card: Card, *, channel: str, now: datetime) -> list[Offer]:
    """Every plan on sale for a card at a door, in the catalogue's order; a number of queries that does not grow."""
    on_sale = plans_for_sale(card_group=card.group, channel=channel, now=now)
    blocked = _why_blocked(card, now)
    if blocked is not None:
        return [_refused(each, blocked) for each in on_sale]
    previews = preview_renewals(card.pk, {each.plan.code: each.terms for each in on_sale}, now=now)
    return [_offer(each, previews[each.plan.code]) for each in on_sale]


def quote_renewal(card: Card, plan_code: str, *, channel: str, now: datetime) -> Quote:
    """What renewing this card with this plan costs and brings at `now`.

    Raises PlanUnknown, PlanNotForCard, CardSuspended, CardLost, CardPastLastDate, StackFull, CardExpired,
    NothingToJoin.
    """
    on_sale = plan_for_card(plan_code, card_group=card.group, channel=channel, now=now)
    check_can_renew(card, now)
    preview = preview_renewals(card.pk, {plan_code: on_sale.terms}, now=now)[plan_code]
    if isinstance(preview, RenewalRefused):
        raise preview
    before = card_allowance(card.pk, now=now)
    return Quote(
        plan=on_sale.plan,
        terms_id=on_sale.terms_id,
        price=on_sale.price,
        before=before,
        preview=preview,
        cautions=_cautions(before, preview, now),
        digest=fingerprint(
            plan=plan_code,
            terms=on_sale.terms_id,
            amount_minor=on_sale.price.amount_minor,
            currency=on_sale.price.currency,
            card=before.version,
        ),
    )


def _why_blocked(card: Card, now: datetime) -> DomainError | None:
    try:
        check_can_renew(card, now)
    except DomainError as refusal:
        return refusal
    return None


def _offer(on_sale: PlanOnSale, preview: Preview | RenewalRefused) -> Offer:
    if isinstance(preview, RenewalRefused):
        return _refused(on_sale, preview)
    return Offer(plan=on_sale.plan, price=on_sale.price, refused=None, preview=preview)


def _refused(on_sale: PlanOnSale, refusal: DomainError) -> Offer:
    return Offer(plan=on_sale.plan, price=on_sale.price, refused=refusal.code, preview=None)


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
