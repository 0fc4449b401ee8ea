# SPDX-License-Identifier: Apache-2.0
"""Automatic renewal as its owner sees it: switched on at a price, off with one tap. automatic_turns.py does it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.core import signing
from django.db import transaction
from django.db.models import QuerySet

from tsuzuku.cards.models import Card
from tsuzuku.catalog.redemptions import free_uses
from tsuzuku.journal.actions import record_facts
from tsuzuku.journal.chores import wake
from tsuzuku.orders.actions import has_promotions
from tsuzuku.orders.errors import OrderNotPayable
from tsuzuku.orders.models import Order
from tsuzuku.payments.kept import methods_of, remove_method
from tsuzuku.people.models import User
from tsuzuku.renewals.actions import cancel_renewal
from tsuzuku.renewals.errors import AutomaticByAnother, QuoteChanged, SourceUnknown, StopLinkForged
from tsuzuku.renewals.events import AutomaticRenewalSwitchedOff, AutomaticRenewalSwitchedOn
from tsuzuku.renewals.models import AutomaticRenewal
from tsuzuku.renewals.quotes import Quote, quote_renewal

#: The door of what is ordered by itself; a plan may have a price of its own there.
CHANNEL: Final = "automatic"
TAKE_TURNS: Final = "renew automatically"
_SALT: Final = "tsuzuku.renewals.automatic.stop"


def automatic_of(card: Card) -> AutomaticRenewal | None:
    """What is switched on for a card, or None."""
    return _on().filter(card=card).first()


def automatic_renewals_by(*method_ids: int) -> QuerySet[AutomaticRenewal]:
    """What is charged to kept methods."""
    return _on().filter(kept__in=method_ids)


def _on() -> QuerySet[AutomaticRenewal]:
    return AutomaticRenewal.objects.filter(is_on=True).select_related("card", "user", "plan", "kept", "order")


def quote_automatic(card: Card, plan_code: str, *, user: User, now: datetime) -> Quote:
    """What the renewal would cost by itself if it were due now. Raises what `quote_renewal` refuses."""
    return quote_renewal(card, plan_code, channel=CHANNEL, now=now, payer=user)


def switch_on(
    *, card: Card, user: User, plan_code: str, method_id: int | None, shown_minor: int, language: str, now: datetime
) -> AutomaticRenewal:
    """Renews a card by itself from now on, from a kept method or (None) the balance, at the price that was shown.

    What was switched on before is replaced; the same again changes nothing. Raises SourceUnknown, QuoteChanged when the
    price is not what was shown, AutomaticByAnother when another holder has switched it on, and what `quote_renewal`
    refuses.
    """
    with transaction.atomic():
        kept = methods_of(user).filter(pk=method_id).first() if method_id is not None else None
        if method_id is not None and kept is None:
            raise SourceUnknown
        quote = quote_automatic(card, plan_code, user=user, now=now)
        if quote.price.amount_minor != shown_minor:
            raise QuoteChanged(quote)
        row = _row_of(card, user, quote, language=language)
        if row.is_on and row.user_id != user.pk:
            raise AutomaticByAnother
        if row.is_on:
            if (row.user_id, row.plan_id, row.kept_id) == (user.pk, quote.plan.pk, kept.pk if kept else None):
                return row
            _switch_off(row, reason="", actor=f"customer:{user.pk}", now=now)
        row.user, row.plan, row.kept, row.is_on, row.language = user, quote.plan, kept, True, language
        row.generation, row.price_minor, row.currency = row.generation + 1, shown_minor, quote.price.currency
        row.announced_for = row.due_at = row.order = row.lease_until = None
        # Whoever is at work on what was on before has lost it.
        row.attempts += 1
        row.failures, row.stopped_by, row.next_attempt_at = 0, "", now
        row.save()
        switched_on = AutomaticRenewalSwitchedOn(
            card_id=card.pk, automatic_id=row.pk, plan=plan_code, price_minor=shown_minor
        )
        record_facts([switched_on], actor=f"customer:{user.pk}", now=now)
        wake(TAKE_TURNS)
        return row


def _row_of(card: Card, user: User, quote: Quote, *, language: str) -> AutomaticRenewal:
    """The row of a card, locked; one that is off if there was none. A double click makes one."""
    new = AutomaticRenewal(
        card=card,
        user=user,
        plan=quote.plan,
        is_on=False,
        generation=0,
        language=language,
        price_minor=quote.price.amount_minor,
        currency=quote.price.currency,
    )
    AutomaticRenewal.objects.bulk_create([new], ignore_conflicts=True)
    return AutomaticRenewal.objects.select_for_update().get(card=card)


def switch_off(*, automatic_id: int, reason: str, actor: str, now: datetime) -> None:
    """Stops renewing a card by itself, and cancels what is ordered and not paid. Doing it twice does it once."""
    with transaction.atomic():
        row = AutomaticRenewal.objects.select_for_update().get(pk=automatic_id)
        if row.is_on:
            _switch_off(row, reason=reason, actor=actor, now=now)


def _switch_off(row: AutomaticRenewal, *, reason: str, actor: str, now: datetime) -> None:
    """Switches off what is on, under its lock."""
    if row.order is not None:
        give_up_order(row.order.number, actor=actor, now=now)
    row.is_on, row.stopped_by = False, reason
    row.announced_for = row.due_at = row.next_attempt_at = row.lease_until = row.order = None
    row.attempts += 1
    row.save()
    off = AutomaticRenewalSwitchedOff(card_id=row.card_id, automatic_id=row.pk, reason=reason)
    record_facts([off], actor=actor, now=now)


def stop_all_of(*, user: User, now: datetime, card: Card | None = None) -> None:
    """Stops renewing any card, or this one, by itself for somebody."""
    with transaction.atomic():
        rows = _on().filter(user=user)
        stop_together(rows.filter(card=card) if card else rows, reason="", actor=f"customer:{user.pk}", now=now)


def stop_together(
    rows: QuerySet[AutomaticRenewal], *, reason: str, actor: str, now: datetime
) -> Sequence[AutomaticRenewal]:
    """Switches off all of these that are on, in the caller's transaction; returns them as they were.

    They are locked before any is touched, then their orders, then what promotions took off those, each in its one
    order: one after the other, orders would be locked in the order of the automatic renewals.
    """
    found = list(rows.order_by("pk").select_for_update(of=("self",)))
    ordered = Order.objects.filter(pk__in=[row.order_id for row in found if row.order_id])
    orders = list(ordered.order_by("pk").select_for_update())
    free_uses(purposes=[each.number for each in orders if each.can_be_paid(now) and has_promotions(each)], now=now)
    for row in found:
        switch_off(automatic_id=row.pk, reason=reason, actor=actor, now=now)
    return found


def give_up_order(number: str, *, actor: str, now: datetime) -> bool:
    """Cancels an order that nobody has paid; whether nothing of it will happen any more."""
    try:
        cancel_renewal(number=number, actor=actor, now=now)
    except OrderNotPayable as refusal:
        return refusal.particulars.get("state") not in {"paid", "held"}
    return True


def remove_kept_method(*, owner: User, method_id: int, now: datetime) -> None:
    """Forgets a method, and stops whatever it was to pay for by itself."""
    with transaction.atomic():
        rows = automatic_renewals_by(method_id).filter(user=owner)
        stop_together(rows, reason="", actor=f"customer:{owner.pk}", now=now)
        remove_method(owner=owner, method_id=method_id, now=now)


def stop_token(row: AutomaticRenewal) -> str:
    """What a mail's link needs to stop this, and nothing that was switched on later."""
    return signing.dumps([row.pk, row.generation], salt=_SALT, compress=False)


def row_to_stop(token: str) -> AutomaticRenewal:
    """What a link stops; switched off already is fine. Raises StopLinkForged."""
    try:
        automatic_id, generation = signing.loads(token, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        raise StopLinkForged from None
    found = AutomaticRenewal.objects.select_related("card", "plan").filter(pk=automatic_id, generation=generation)
    row = found.first()
    if row is None:
        raise StopLinkForged
    return row
