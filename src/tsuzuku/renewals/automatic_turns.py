# SPDX-License-Identifier: Apache-2.0
"""The turns of automatic renewals: wait, announce a day ahead, charge on the last day, see what became of it.

A row says how far it has got, so a worker may be killed at any moment: the order has a key made of what was announced
and of the try, its payment is found again by the order, and nothing is charged that is not in the row.
"""

from datetime import datetime, timedelta

from django.db import transaction

from tsuzuku.allowances.queries import card_allowance
from tsuzuku.cards.models import CardHolder
from tsuzuku.journal.actions import record_facts
from tsuzuku.journal.claims import due, still_held, work_off
from tsuzuku.kernel import clock
from tsuzuku.kernel.calls import WHOLE_SECONDS
from tsuzuku.kernel.errors import DomainError
from tsuzuku.orders import states as order_states
from tsuzuku.orders.actions import pay_from_balance
from tsuzuku.orders.errors import BalanceChanged, OrderNotPayable
from tsuzuku.orders.links import order_link
from tsuzuku.orders.models import Order
from tsuzuku.payments import states as payment_states
from tsuzuku.payments.actions import start_payment
from tsuzuku.payments.errors import PaymentNotStarted, ProviderUnknown
from tsuzuku.payments.models import KeptMethodRow
from tsuzuku.payments.queries import latest_payment
from tsuzuku.renewals import states
from tsuzuku.renewals.actions import order_renewal
from tsuzuku.renewals.automatic import CHANNEL, give_up_order, quote_automatic, switch_off
from tsuzuku.renewals.automatic_mails import tell_announced, tell_failed, tell_switched_off
from tsuzuku.renewals.errors import QuoteChanged
from tsuzuku.renewals.events import AutomaticRenewalAnnounced, AutomaticRenewalFailed
from tsuzuku.renewals.models import AutomaticRenewal
from tsuzuku.renewals.quotes import Quote

#: It is charged so long before what the card has ends, on its last day of validity.
CHARGE_BEFORE_END = timedelta(hours=12)
#: And never sooner than this after it was announced.
ANNOUNCE_AHEAD = timedelta(hours=24)
#: Mails are written a little before they must be, as a worker may be late.
_ANNOUNCE_EARLY = timedelta(hours=1)
TRIES_MAX = 3
TRY_AGAIN_AFTER = timedelta(hours=24)
LEASE = timedelta(seconds=60)
_CALL_TAKES_MAX = timedelta(seconds=2 * WHOLE_SECONDS)
#: What a card has can change at any time.
_LOOK_EVERY = timedelta(hours=6)
#: How soon is looked what became of a charge.
_LOOK_AFTER_CHARGE = timedelta(minutes=1)
_LOOK_WHILE_WAITING = timedelta(minutes=5)
#: Without a word by then it has failed. The order is cancelled while that is possible, so that money which comes later
#: goes back: the next try must not be the second that is paid.
_GIVE_UP_AFTER = timedelta(minutes=90)
#: A card that is online so much longer than was announced has been renewed by somebody.
_RENEWED = timedelta(hours=1)


def take_turns() -> int:
    """Takes the turn of every automatic renewal that is due. Returns how many."""
    rows = AutomaticRenewal.objects.filter(is_on=True)
    return work_off(rows, _take_turn, lease=LEASE, takes_max=_CALL_TAKES_MAX)


def has_turns_to_take(now: datetime) -> bool:
    """Whether an automatic renewal is due to be looked at."""
    return due(AutomaticRenewal.objects.filter(is_on=True), now=now).exists()


def _take_turn(row: AutomaticRenewal) -> None:
    now = clock.now()
    if row.order is not None:
        _see(row, row.order, now=now)
    elif not CardHolder.objects.filter(user=row.user_id, card=row.card_id).exists():
        _stop(row, reason="not-holder", now=now)
    elif row.announced_for is None or row.due_at is None:
        _wait_or_announce(row, now=now)
    elif now < row.due_at:
        _let_go(row, next_attempt_at=row.due_at)
    elif _is_renewed(row, row.announced_for, now=now):
        _let_go(row, next_attempt_at=now, announced_for=None, due_at=None, failures=0)
    else:
        _charge(row, row.announced_for, now=now)


def _is_renewed(row: AutomaticRenewal, announced_for: datetime, *, now: datetime) -> bool:
    """Whether somebody has renewed the card since it was announced."""
    until = card_allowance(row.card_id, now=now).online_until
    return until is not None and until > announced_for + _RENEWED


# -- announcing --------------------------------------------------------------------------------------------------------


def _wait_or_announce(row: AutomaticRenewal, *, now: datetime) -> None:
    until = card_allowance(row.card_id, now=now).online_until
    announce_at = until - CHARGE_BEFORE_END - ANNOUNCE_AHEAD - _ANNOUNCE_EARLY if until else None
    if until is None or announce_at is None or now < announce_at:
        look_at = now + _LOOK_EVERY
        _let_go(row, next_attempt_at=min(look_at, announce_at) if announce_at else look_at)
        return
    quote = _quote_or_stop(row, now=now)
    if quote is not None:
        due_at = max(until - CHARGE_BEFORE_END, now + ANNOUNCE_AHEAD)
        _announce(row, quote, announced_for=until, due_at=due_at, now=now)


def _quote_or_stop(row: AutomaticRenewal, *, now: datetime) -> Quote | None:
    """What it costs now; what the card cannot take any more is switched off, and its owner told."""
    try:
        return quote_automatic(row.card, row.plan.code, user=row.user, now=now)
    except DomainError as refusal:
        _stop(row, reason=refusal.code, now=now)
        return None


def _announce(row: AutomaticRenewal, quote: Quote, *, announced_for: datetime, due_at: datetime, now: datetime) -> None:
    """Tells the owner what will be charged and when, with a link that stops it."""
    before = row.price
    with transaction.atomic():
        row.price_minor, row.currency = quote.price.amount_minor, quote.price.currency
        row.announced_for, row.due_at = announced_for, due_at
        if not _let_go(
            row,
            next_attempt_at=due_at,
            price_minor=row.price_minor,
            currency=row.currency,
            announced_for=announced_for,
            due_at=due_at,
        ):
            return
        tell_announced(row, price_before=before, now=now)
        announced = AutomaticRenewalAnnounced(
            card_id=row.card_id, automatic_id=row.pk, price_minor=quote.price.amount_minor
        )
        record_facts([announced], actor="system", now=now)


# -- charging ----------------------------------------------------------------------------------------------------------


def _charge(row: AutomaticRenewal, announced_for: datetime, *, now: datetime) -> None:
    """Orders what was announced, then charges for it. The order is in the row before anything is charged."""
    quote = _quote_or_stop(row, now=now)
    if quote is None:
        return
    if quote.price.currency != row.currency or quote.price.amount_minor > row.price_minor:
        _announce(row, quote, announced_for=announced_for, due_at=now + ANNOUNCE_AHEAD, now=now)
        return
    try:
        with transaction.atomic():
            # Whoever stops it holds this row: from here on the order is there to be cancelled.
            if not still_held(row).filter(is_on=True).select_for_update().exists():
                return
            order = order_renewal(
                card=row.card,
                plan_code=row.plan.code,
                digest=quote.digest,
                actor=f"customer:{row.user_id}",
                key=f"automatic:{row.generation}:{announced_for.isoformat()}:{row.failures}",
                payer=row.user,
                email=row.user.mail_address,
                language=row.language,
                channel=CHANNEL,
                now=now,
            )
            still_held(row).update(order=order)
    except QuoteChanged:
        _let_go(row, next_attempt_at=now)  # The card was renewed or the price changed in this moment.
        return
    row.order = order
    _see(row, order, now=now)


def _see(row: AutomaticRenewal, order: Order, *, now: datetime) -> None:
    """Charges for an order that nobody has charged for; else sees what became of it."""
    order.refresh_from_db()
    if order.state == order_states.PAID:
        _see_renewal(row, order, now=now)
        return
    payment = latest_payment(order.number)
    if payment is not None and payment.state == payment_states.FAILED:
        _fail(row, order, reason=payment.failure or "refused", now=now)
    elif order.state == order_states.HELD:
        _let_go(row, next_attempt_at=now + _LOOK_EVERY)
    elif order.state == order_states.CANCELLED:
        _stop(row, reason="cancelled", now=now)
    elif order.state == order_states.EXPIRED or now >= order.created_at + _GIVE_UP_AFTER:
        _fail(row, order, reason="network", now=now)
    elif payment is None or payment.state == payment_states.CREATED:
        _pay(row, order, now=now)
    else:
        _let_go(row, next_attempt_at=now + _LOOK_WHILE_WAITING)


def _see_renewal(row: AutomaticRenewal, order: Order, *, now: datetime) -> None:
    """A paid order is the end of a turn once the card holds the plan."""
    renewal = order.renewal
    if renewal.state == states.ACTIVE:
        _let_go(row, next_attempt_at=now, order=None, announced_for=None, due_at=None, failures=0)
    elif renewal.state == states.WITHDRAWN:
        _fail(row, order, reason="not-activated", now=now)
    else:
        _let_go(row, next_attempt_at=now + _LOOK_WHILE_WAITING)


def _pay(row: AutomaticRenewal, order: Order, *, now: datetime) -> None:
    """Charges the balance or the kept method. Called again for the same order it charges once."""
    if row.kept is None:
        try:
            pay_from_balance(number=order.number, payer=row.user, shown=order.price, now=now)
        except (BalanceChanged, OrderNotPayable):
            _fail(row, order, reason="balance", now=now)
            return
    elif row.kept.removed_at is not None:
        _fail(row, order, reason="refused", now=now)
        return
    else:
        try:
            _start_charge(row, row.kept, order, now=now)
        except (PaymentNotStarted, ProviderUnknown):
            payment = latest_payment(order.number)
            if payment is not None and payment.state == payment_states.FAILED:
                _fail(row, order, reason=payment.failure or "refused", now=now)
                return
            _let_go(row, next_attempt_at=now + _LOOK_WHILE_WAITING)
            return
    _let_go(row, next_attempt_at=now + _LOOK_AFTER_CHARGE)


def _start_charge(row: AutomaticRenewal, kept: KeptMethodRow, order: Order, *, now: datetime) -> None:
    page = order_link(order)
    start_payment(
        purpose=order.number,
        amount=order.price,
        provider=kept.provider,
        method=kept.method,
        description=row.plan.name_in(row.language),
        order_number=order.number,
        return_url=page,
        cancel_url=page,
        language=row.language,
        expires_at=order.expires_at,
        payer_email=order.email,
        kept=kept,
        now=now,
    )


# -- failing -----------------------------------------------------------------------------------------------------------


def _fail(row: AutomaticRenewal, order: Order, *, reason: str, now: datetime) -> None:
    """Cancels the order, tells the owner why, and tries again a day later; after the third time no more."""
    with transaction.atomic():
        if not still_held(row).filter(is_on=True).select_for_update().exists():
            return
        is_over = order.state == order_states.PAID or give_up_order(order.number, actor="system", now=now)
        if not is_over:  # The money has come in this moment.
            _let_go(row, next_attempt_at=now)
            return
        row.failures += 1
        row.order = None
        again = now + TRY_AGAIN_AFTER
        _let_go(row, next_attempt_at=again, order=None, due_at=again, failures=row.failures)
        failed = AutomaticRenewalFailed(card_id=row.card_id, automatic_id=row.pk, reason=reason)
        record_facts([failed], actor="system", now=now)
        if row.failures >= TRIES_MAX:
            _stop(row, reason=reason, now=now)
        else:
            tell_failed(row, reason=reason, number=order.number, again=again, now=now)


def _stop(row: AutomaticRenewal, *, reason: str, now: datetime) -> None:
    """Switches it off because it cannot go on, and tells its owner."""
    with transaction.atomic():
        switch_off(automatic_id=row.pk, reason=reason, actor="system", now=now)
        tell_switched_off(row, reason=reason, now=now)


def _let_go(row: AutomaticRenewal, *, next_attempt_at: datetime, **changed: object) -> bool:
    """Writes what has changed and when to look again, unless somebody has stopped it or claimed it since."""
    mine = still_held(row).filter(is_on=True)
    return bool(mine.update(lease_until=None, next_attempt_at=next_attempt_at, **changed))
