# SPDX-License-Identifier: Apache-2.0
"""The life of a new card: put aside with its order, its buyer's once its first plan is active, or free again."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from tsuzuku.cards.actions import hold_card
from tsuzuku.journal.actions import record_facts
from tsuzuku.kernel.fingerprint import fingerprint
from tsuzuku.new_cards import states
from tsuzuku.new_cards.addresses import PostalAddress
from tsuzuku.new_cards.errors import NewCardKeyReused, TooManyNewCards
from tsuzuku.new_cards.events import NewCardReady
from tsuzuku.new_cards.models import NewCard, NewCardMove, Parcel
from tsuzuku.new_cards.offers import kind_of, quote_new
from tsuzuku.new_cards.parcels import move_parcels_of
from tsuzuku.new_cards.protection import conceal_address, parcel_name
from tsuzuku.new_cards.shelf import put_back, take
from tsuzuku.orders.models import Order
from tsuzuku.orders.states import CANCELLED
from tsuzuku.people.models import User
from tsuzuku.renewals.actions import order_renewal
from tsuzuku.renewals.errors import QuoteChanged

#: So many cards of one customer may wait for their payment: a family's, and not a shelf.
UNPAID_MAX: Final = 4


def order_new_card(
    *,
    user: User,
    plan_code: str,
    digest: str,
    key: str,
    email: str,
    language: str,
    channel: str,
    now: datetime,
    coupon: str = "",
    address: PostalAddress | None = None,
) -> Order:
    """Puts a card aside and places an order for it and its first plan. The same key again gives the same order.

    With an `address` it is a SIM card that is posted there, else an eSIM.

    Raises NewCardsSoldOut, NotPostedThere, TooManyNewCards, NewCardKeyReused when the key stands for something else,
    QuoteChanged when what was shown no longer holds, and whatever `quote_new` refuses.
    """
    country = address.country if address else ""
    belongs_to = parcel_name(user.pk, key)
    sealed = conceal_address(address, belongs_to=belongs_to) if address else None
    inputs_hash = fingerprint(plan=plan_code, coupon=coupon, **({"address": sealed.hex()} if sealed else {}))
    with transaction.atomic():
        # One after another for each customer, so that a double click finds the order of the first.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        known = NewCard.objects.filter(user=user, key=key).select_related("order").first()
        if known is not None:
            if known.inputs_hash != inputs_hash:
                raise NewCardKeyReused
            return known.order
        if NewCard.objects.filter(user=user, state=states.RESERVED).count() >= UNPAID_MAX:
            raise TooManyNewCards
        card = take(now, kind_of(country))
        quote = quote_new(plan_code, channel=channel, now=now, payer=user, coupon=coupon, card=card, country=country)
        if quote.digest != digest:
            raise QuoteChanged(quote.renewal)
        order = order_renewal(
            card=card,
            plan_code=plan_code,
            digest=quote.renewal.digest,
            actor=f"customer:{user.pk}",
            key=f"new-card:{key}",
            payer=user,
            email=email,
            language=language,
            channel=channel,
            now=now,
            coupon=coupon,
            companions=quote.companions,
        )
        new_card = NewCard.objects.create(
            card=card, order=order, user=user, key=key, inputs_hash=inputs_hash, created_at=now
        )
        if sealed is not None:
            Parcel.objects.create(new_card=new_card, country=country, address_encrypted=sealed, created_at=now)
        return order


def make_ready(*, renewal_ids: Sequence[int], now: datetime) -> None:
    """Gives new cards to their buyers whose first plans are active; those that are theirs already are left alone."""
    with transaction.atomic():
        ready = _reserved(renewal_ids)
        _move(ready, states.READY, reason="", now=now)
        for each in ready:
            # Whoever has deleted their account meanwhile holds nothing; the card stays sold.
            if each.user.is_active:
                hold_card(user=each.user, card=each.card, now=now)
        move_parcels_of(ready, states.TO_PACK, reason="", now=now)
        facts = [NewCardReady(card_id=each.card_id, new_card_id=each.pk) for each in ready]
        record_facts(facts, actor="system", now=now)


def give_up(*, renewal_ids: Sequence[int], now: datetime) -> None:
    """Frees new cards whose first plans were withdrawn: unpaid ones go back to the shelf, paid ones are retired."""
    with transaction.atomic():
        given_up = _reserved(renewal_ids)
        unpaid = [each for each in given_up if each.order.state == CANCELLED]
        _move(unpaid, states.RELEASED, reason="not-paid", now=now)
        paid = [each for each in given_up if each.order.state != CANCELLED]
        _move(paid, states.RETIRED, reason="not-activated", now=now)
        move_parcels_of(given_up, states.WITHDRAWN, reason="not-sold", now=now)
        put_back([each.card_id for each in unpaid])


def _reserved(renewal_ids: Sequence[int]) -> list[NewCard]:
    """New cards that wait for these renewals, locked in one order."""
    waiting = NewCard.objects.filter(order__renewal__in=renewal_ids, state=states.RESERVED)
    locked = waiting.select_related("card", "order", "user").order_by("pk").select_for_update(of=("self",))
    return list(locked)


def _move(new_cards: Iterable[NewCard], target: str, *, reason: str, actor: str = "system", now: datetime) -> None:
    """Moves new cards whose rows the caller has locked; writes the history. Raises MoveNotAllowed."""
    for each in new_cards:
        states.NEW_CARD_STATES.check_move(each.state, target)
        NewCardMove.objects.create(new_card=each, source=each.state, target=target, reason=reason, actor=actor, at=now)
        each.state = target
        each.save(update_fields=["state"])
