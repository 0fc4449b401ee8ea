# SPDX-License-Identifier: Apache-2.0
"""The verbs of a renewal up to the carrier: order it, settle what is paid, withdraw what cannot be.

`settle_renewals` takes many at once; activation.py goes on from there with carriers that do not confirm at once.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction

from tsuzuku.allowances.actions import Grantee, check_renewals, grant_renewals, lock_cards
from tsuzuku.cards.models import Card
from tsuzuku.cards.rules import check_can_renew
from tsuzuku.carriers.registry import carrier
from tsuzuku.catalog.actions import terms_of_mix
from tsuzuku.catalog.errors import PromotionUsedUp
from tsuzuku.catalog.mixes import Mix
from tsuzuku.catalog.promotion_queries import Customer
from tsuzuku.catalog.redemptions import promised_in_vain, reserve_uses, use_reserved
from tsuzuku.journal import statements
from tsuzuku.journal.actions import record_facts
from tsuzuku.journal.chores import wake
from tsuzuku.kernel.errors import DomainError
from tsuzuku.kernel.fingerprint import fingerprint
from tsuzuku.kernel.money import Money
from tsuzuku.orders.actions import cancel_order, has_promotions, place_order
from tsuzuku.orders.models import Order
from tsuzuku.orders.states import CANCELLED
from tsuzuku.payments.actions import earn
from tsuzuku.payments.balance import hold_paying_accounts, return_charges
from tsuzuku.payments.refunding import refund_purpose
from tsuzuku.payments.spending import give_back
from tsuzuku.people.models import User
from tsuzuku.renewals import states
from tsuzuku.renewals.errors import KeyReused, QuoteChanged
from tsuzuku.renewals.events import RenewalActivated, RenewalWithdrawn
from tsuzuku.renewals.lateness import check_still_sold, late_ones
from tsuzuku.renewals.models import GiverName, Renewal, RenewalMove
from tsuzuku.renewals.quotes import quote_renewal

ACTIVATE = "activate renewals"


class Companion(NamedTuple):
    """What is sold together with a renewal in one order: the name of its line, which of it, and what it costs more."""

    name: str
    kind: str
    price: Money

    def line(self) -> dict[str, Any]:
        """Its line of the order."""
        return {self.name: self.kind, "amount_minor": self.price.amount_minor}


#: What changes of renewals, from one array for each column.
_UPDATE = """
    UPDATE renewals_renewal AS renewal
       SET state = new.state, refusal = new.refusal, credited_at = new.credited_at,
           carrier_reference = new.carrier_reference, history_final_at = new.history_final_at,
           settled_at = new.settled_at, attempts = new.attempts, lease_until = new.lease_until,
           next_attempt_at = new.next_attempt_at, unknown_outcomes = new.unknown_outcomes
      FROM unnest(%(id)s::bigint[], %(state)s::text[], %(refusal)s::text[], %(credited_at)s::timestamptz[],
                  %(carrier_reference)s::text[], %(history_final_at)s::timestamptz[], %(settled_at)s::timestamptz[],
                  %(attempts)s::int[], %(lease_until)s::timestamptz[], %(next_attempt_at)s::timestamptz[],
                  %(unknown_outcomes)s::int[])
           AS new(id, state, refusal, credited_at, carrier_reference, history_final_at, settled_at, attempts,
                  lease_until, next_attempt_at, unknown_outcomes)
     WHERE renewal.id = new.id
"""
_CHANGING = (
    "state",
    "refusal",
    "credited_at",
    "carrier_reference",
    "history_final_at",
    "settled_at",
    "attempts",
    "lease_until",
    "next_attempt_at",
    "unknown_outcomes",
)


def order_renewal(
    *,
    card: Card,
    plan_code: str,
    digest: str,
    actor: str,
    key: str,
    payer: User | None,
    email: str,
    language: str,
    channel: str,
    now: datetime,
    coupon: str = "",
    mix: Mix | None = None,
    giver: str = "",
    companions: Sequence[Companion] = (),
) -> Order:
    """Places an order for a renewal as it was quoted, with the same coupon and mix. The same key gives the same order.

    `giver` is what a friend who pays for somebody else's card wants to be called there, checked by `gifts`.
    What is sold with it (`companions`) is put aside by the caller, in the same transaction, for as long as the order
    may be paid: after that the order is cancelled, and the renewal withdrawn.

    Raises QuoteChanged when what was shown no longer holds or the coupon takes nothing off, KeyReused when the key
    stands for another plan, mix or coupon, and whatever `quote_renewal` refuses.
    """
    try:
        return _order_renewal(
            card=card,
            plan_code=plan_code,
            digest=digest,
            actor=actor,
            key=key,
            payer=payer,
            email=email,
            language=language,
            channel=channel,
            now=now,
            coupon=coupon,
            mix=mix,
            giver=giver,
            companions=companions,
        )
    except PromotionUsedUp:
        # Somebody else was quicker by a moment; whoever asks now sees the price without it.
        quote = quote_renewal(card, plan_code, channel=channel, now=now, payer=payer, coupon=coupon, mix=mix)
        raise QuoteChanged(quote) from None


def _order_renewal(
    *,
    card: Card,
    plan_code: str,
    digest: str,
    actor: str,
    key: str,
    payer: User | None,
    email: str,
    language: str,
    channel: str,
    now: datetime,
    coupon: str,
    mix: Mix | None,
    giver: str,
    companions: Sequence[Companion],
) -> Order:
    inputs_hash = fingerprint(
        plan=plan_code,
        channel=channel,
        coupon=coupon,
        **({"mix": [mix.data_bytes, mix.days]} if mix else {}),
        **({"companions": [companion.line() for companion in companions]} if companions else {}),
    )
    with transaction.atomic():
        card = lock_cards([card.pk])[card.pk]
        known = Renewal.objects.filter(card=card, actor=actor, key=key).select_related("order").first()
        if known is not None:
            if known.inputs_hash != inputs_hash:
                raise KeyReused
            return known.order
        quote = quote_renewal(card, plan_code, channel=channel, now=now, payer=payer, coupon=coupon, mix=mix)
        if quote.digest != digest or quote.coupon_refused:
            raise QuoteChanged(quote)
        order = place_order(
            price=sum((companion.price for companion in companions), quote.price),
            lines=[*quote.lines(), *(companion.line() for companion in companions)],
            channel=channel,
            actor=actor,
            payer=payer,
            email=email,
            language=language,
            is_cancelled_when_over=bool(companions),
            now=now,
        )
        renewal = Renewal.objects.create(
            card=card,
            order=order,
            plan=quote.plan,
            terms_id=quote.terms_id or terms_of_mix(plan=quote.plan, terms=quote.terms, now=now),
            actor=actor,
            key=key,
            inputs_hash=inputs_hash,
            reference=uuid.uuid4(),
            created_at=now,
        )
        if giver:
            GiverName.objects.create(renewal=renewal, name=giver)
        customer = Customer(payer.pk if payer else None, card.pk)
        reserve_uses(purpose=order.number, takings=quote.takings, customer=customer, coupon=coupon, now=now)
        return order


def cancel_renewal(*, number: str, actor: str, now: datetime) -> None:
    """Cancels an order that awaits its payment and withdraws its renewal. Raises OrderUnknown or OrderNotPayable."""
    with transaction.atomic():
        order = cancel_order(number=number, actor=actor, now=now)
        renewal = Renewal.objects.select_for_update().get(order=order)
        if renewal.state == states.ORDERED:
            withdraw(renewal, reason="cancelled-by-payer", actor=actor, now=now)


def withdraw_returned(*, order_ids: Sequence[int], reason: str, actor: str, now: datetime) -> None:
    """Gives up renewals whose orders are cancelled: a person has given their money back, or their time is over.

    One that was given up already is left alone.
    """
    with transaction.atomic():
        returned = Renewal.objects.filter(order_id__in=order_ids, state=states.ORDERED, order__state=CANCELLED)
        locked = returned.select_related("order").order_by("pk").select_for_update(of=("self",))
        _withdraw_together([(renewal, reason) for renewal in locked], actor=actor, now=now)


def settle_renewals(*, order_ids: Sequence[int], now: datetime) -> None:
    """Settles renewals whose orders are paid: many in one transaction, oldest first.

    With a carrier that confirms at once the card holds the lots when this returns; with any other the renewal is
    ready to be activated. One that its card cannot take any more is withdrawn and its money goes back; its neighbours
    go on. One that is settled already is left as it is.
    """
    with transaction.atomic():
        paid = Renewal.objects.filter(order_id__in=order_ids, state=states.ORDERED, settled_at=None)
        cards = lock_cards(list(paid.values_list("card_id", flat=True)))
        renewals = list(paid.select_related("order").order_by("pk").select_for_update(of=("self",)))
        for renewal in renewals:
            renewal.settled_at = now
        # What is given up is written last: it locks accounts, all of them at once.
        refused = _use_promotions(renewals, now=now)
        late = late_ones([each for each in renewals if each.pk not in refused], now=now)
        for renewal in renewals:
            if renewal.pk not in refused and (refusal := _refusal(renewal, cards, late, now=now)) is not None:
                refused[renewal.pk] = refusal.code
        settled, renewals = renewals, [renewal for renewal in renewals if renewal.pk not in refused]
        # Asked once for each carrier: an answer that changes half-way would lose a renewal between the two lists.
        confirms = {name: carrier(name).capabilities.confirms_at_once for name in {c.carrier for c in cards.values()}}
        at_once = [renewal for renewal in renewals if confirms[cards[renewal.card_id].carrier]]
        later = [renewal for renewal in renewals if not confirms[cards[renewal.card_id].carrier]]
        refusals = {
            **grant_renewals({each.pk: _grantee(each, at=now, is_credited=False) for each in at_once}),
            **check_renewals({each.pk: _grantee(each, at=now, is_credited=False) for each in later}),
        }
        refused |= {pk: refusal.code for pk, refusal in refusals.items() if refusal is not None}
        given_up = [(renewal, refused[renewal.pk]) for renewal in settled if renewal.pk in refused]
        _withdraw_together(given_up, actor="system", now=now)
        finish_renewals([(each, now, "") for each in at_once if refusals[each.pk] is None], now=now)
        ready = [renewal.pk for renewal in later if refusals[renewal.pk] is None]
        Renewal.objects.filter(pk__in=ready).update(settled_at=now, next_attempt_at=now)
        if ready:
            wake(ACTIVATE)


def _use_promotions(renewals: Sequence[Renewal], *, now: datetime) -> dict[int, str]:
    """Uses what promotions took off; returns, with the reason, the ids of renewals whose price does not hold any more.

    Only money that came after its order's time can find a promotion used up (docs/decisions/0014).
    """
    discounted = [renewal.order.number for renewal in renewals if has_promotions(renewal.order)]
    if not discounted:
        return {}
    use_reserved(purposes=discounted, now=now)
    in_vain = promised_in_vain(discounted)
    return {renewal.pk: PromotionUsedUp.code for renewal in renewals if renewal.order.number in in_vain}


def _refusal(
    renewal: Renewal, cards: Mapping[int, Card], late: Collection[int], *, now: datetime
) -> DomainError | None:
    """Why a card takes nothing that it could take when it was ordered; None if it does.

    A card may have been blocked since; its last date is held against the order, as money may come late. Late money buys
    what is still sold at that price (docs/decisions/0019).
    """
    try:
        check_can_renew(cards[renewal.card_id], renewal.created_at)
        if renewal.pk in late:
            check_still_sold(renewal, cards[renewal.card_id], now=now)
    except DomainError as refusal:
        return refusal
    return None


def _grantee(renewal: Renewal, *, at: datetime, is_credited: bool) -> Grantee:
    return Grantee(card_id=renewal.card_id, terms_id=renewal.terms_id, at=at, is_credited=is_credited)


def credit_renewals(credited: Sequence[tuple[Renewal, datetime, str]], *, now: datetime) -> None:
    """Makes the lots of renewals that carriers have credited (when, under which reference), under the cards' locks."""
    # A carrier's clock that runs ahead must not make lots that have yet to begin.
    grant_renewals({renewal.pk: _grantee(renewal, at=min(at, now), is_credited=True) for renewal, at, _ in credited})
    finish_renewals(credited, now=now)


def finish_renewals(credited: Sequence[tuple[Renewal, datetime, str]], *, now: datetime) -> None:
    """Makes renewals whose lots are there active and their money earned, in the caller's transaction."""
    for renewal, at, reference in credited:
        renewal.credited_at, renewal.carrier_reference = at, reference
    move_renewals([renewal for renewal, _, _ in credited], states.ACTIVE, reason="", actor="system", now=now)
    earn(purposes=[(renewal.order.number, renewal.order.price) for renewal, _, _ in credited], now=now)
    record_facts(
        [RenewalActivated(card_id=renewal.card_id, renewal_id=renewal.pk) for renewal, _, _ in credited],
        actor="system",
        now=now,
    )


def _withdraw_together(refused: Sequence[tuple[Renewal, str]], *, actor: str, now: datetime) -> None:
    """Gives up several, each for its reason, in the caller's transaction and under their locks."""
    hold_paying_accounts([renewal.order.number for renewal, _ in refused])
    for renewal, reason in refused:
        withdraw(renewal, reason=reason, actor=actor, now=now)


def withdraw(renewal: Renewal, *, reason: str, actor: str, now: datetime) -> None:
    """Gives a renewal up, in the caller's transaction and under its lock; what was paid for it goes back."""
    renewal.refusal = reason
    move_renewals([renewal], states.WITHDRAWN, reason=reason, actor=actor, now=now)
    refund_purpose(purpose=renewal.order.number, reason=reason, now=now)
    give_back(purposes=[renewal.order.number], now=now)
    return_charges(purposes=[renewal.order.number], now=now)
    withdrawn = RenewalWithdrawn(card_id=renewal.card_id, renewal_id=renewal.pk, reason=reason)
    record_facts([withdrawn], actor=actor, now=now)


def move_renewals(renewals: Sequence[Renewal], target: str, *, reason: str, actor: str, now: datetime) -> None:
    """Moves renewals whose rows the caller has locked; writes their rows and the history. Raises MoveNotAllowed."""
    moves = []
    for renewal in renewals:
        states.RENEWAL_STATES.check_move(renewal.state, target)
        moves.append(
            RenewalMove(renewal=renewal, source=renewal.state, target=target, reason=reason, actor=actor, at=now)
        )
        renewal.state = target
        if target in states.ENDED_STATES:
            renewal.next_attempt_at = renewal.lease_until = None
    RenewalMove.objects.bulk_create(moves)
    save_renewals(renewals)


def save_renewals(renewals: Sequence[Renewal]) -> None:
    """Writes what may change of renewals whose rows the caller has locked, in one statement."""
    if renewals:
        columns = {name: [getattr(renewal, name) for renewal in renewals] for name in _CHANGING}
        statements.execute(_UPDATE, {"id": [renewal.pk for renewal in renewals], **columns})
