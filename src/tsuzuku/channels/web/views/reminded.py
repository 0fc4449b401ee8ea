# SPDX-License-Identifier: Apache-2.0
"""What the link of a reminder opens: the right plan, its price and what it does, for whoever has the link.

Of the card it shows four digits and until when it would be online. Who holds it goes on to the page that shows more.
"""

import uuid
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from tsuzuku.allowances.queries import card_allowance
from tsuzuku.cards.models import Card
from tsuzuku.cards.queries import holds
from tsuzuku.catalog.terms import LotKind
from tsuzuku.channels.web import CHANNEL
from tsuzuku.channels.web.access import OrderAccess, opened_orders, person, remember_order
from tsuzuku.channels.web.currencies import currency_shown
from tsuzuku.channels.web.forms import NO_ADDRESS, FriendForm
from tsuzuku.channels.web.payers import payer_of
from tsuzuku.channels.web.paying import choices_for, method_of, needs_address
from tsuzuku.channels.web.plan_texts import validity, what_it_gives
from tsuzuku.channels.web.refusals import refusal_text, try_later
from tsuzuku.channels.web.repeats import Repeat, repeat_on_card
from tsuzuku.channels.web.views.orders import start_paying
from tsuzuku.kernel import clock
from tsuzuku.kernel.errors import DomainError
from tsuzuku.orders.errors import TooManyOrders
from tsuzuku.orders.limits import count_order
from tsuzuku.orders.payers import Came, Friend
from tsuzuku.orders.policy import CURRENT_POLICY, policy_sentences
from tsuzuku.people.addresses import client_address
from tsuzuku.people.models import User
from tsuzuku.reminders.actions import mark_read
from tsuzuku.reminders.choosing import right_plan
from tsuzuku.reminders.errors import ReminderLinkForged, ReminderLinkOver
from tsuzuku.reminders.links import check_is_open, reminder_of_link
from tsuzuku.reminders.models import Reminder
from tsuzuku.reminders.rules import leads_to_plan
from tsuzuku.renewals.actions import order_renewal
from tsuzuku.renewals.errors import KeyReused, QuoteChanged
from tsuzuku.renewals.queries import renewal_of
from tsuzuku.renewals.quotes import Quote, quote_renewal


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def open_reminder(request: HttpRequest, link_token: str) -> HttpResponse:
    """Shows the right plan for a card, and on a yes orders it and goes to pay."""
    now, user = clock.now(), person(request)
    try:
        reminder = reminder_of_link(link_token)
    except ReminderLinkForged:
        return render(request, "web/reminded_over.html", {"is_unknown": True}, status=HTTPStatus.NOT_FOUND)
    card = reminder.card
    if card is None:
        raise ValueError("only reminders of cards have links")
    is_holder = user is not None and holds(user, card)
    if user is not None and user.pk == reminder.user_id:
        mark_read(user=user, reminder_ids=[reminder.pk], now=now)
    try:
        check_is_open(reminder, version=card_allowance(card.pk, now=now).version, now=now)
    except ReminderLinkOver:
        return _over(request, card, is_holder=is_holder)
    if not leads_to_plan(reminder.kind, reminder.figures):
        return redirect("card", token=card.public_token)
    offer = right_plan(card, channel=CHANNEL, payer=user, now=now)
    if offer is None:
        return _over(request, card, is_holder=is_holder)
    if is_holder:
        return redirect("confirm", token=card.public_token, plan_code=offer.plan.code)
    try:
        quote = quote_renewal(card, offer.plan.code, channel=CHANNEL, now=now, payer=user)
        if request.method == "POST":
            return _order(request, reminder, card, quote, user, now=now)
    except DomainError as refusal:
        messages.error(request, refusal_text(refusal))
        return _over(request, card, is_holder=is_holder)
    return _ask(request, card, quote, user, now=now)


def _over(request: HttpRequest, card: Card, *, is_holder: bool) -> HttpResponse:
    """Says that there is nothing to pay here, and leads to the card's door."""
    context = {"card": card if is_holder else None, "digits": card.iccid[-4:]}
    return render(request, "web/reminded_over.html", context, status=HTTPStatus.GONE)


def _order(
    request: HttpRequest, reminder: Reminder, card: Card, quote: Quote, user: User | None, *, now: datetime
) -> HttpResponse:
    form, friend = FriendForm(request.POST), Friend(Came.REMINDER, reminder.pk)
    is_valid = form.is_valid()
    has_address = user is not None or bool(form.cleaned_data.get("email"))
    if is_valid and not has_address and needs_address(method_of(request.POST.get("method", ""))):
        form.add_error("email", NO_ADDRESS)
        is_valid = False
    if not is_valid:
        return _ask(request, card, quote, user, form=form, now=now)
    repeat = _repeat(request, card, quote, actor=friend.actor, key=str(form.cleaned_data["key"]), now=now)
    if repeat is not None and form.cleaned_data["warned"] != repeat.marker:
        return _ask(request, card, quote, user, form=form, must_look=True, now=now)
    try:
        count_order(subject=f"card:{card.pk}", address=client_address(request), now=now)
        order = order_renewal(
            card=card,
            plan_code=quote.plan.code,
            digest=form.cleaned_data["digest"],
            actor=friend.actor,
            key=str(form.cleaned_data["key"]),
            payer=user,
            email=(user.email or "") if user else form.cleaned_data["email"],
            language=get_language() or settings.LANGUAGE_CODE,
            channel=CHANNEL,
            now=now,
        )
    except QuoteChanged as changed:
        return _ask(request, card, changed.quote, user, form=form, has_changed=True, now=now)
    except KeyReused:
        return _ask(request, card, quote, user, has_changed=True, now=now)
    except TooManyOrders as too_many:
        messages.error(request, refusal_text(too_many))
        return try_later(_ask(request, card, quote, user, form=form, now=now), too_many)
    remember_order(request, order, now=now)
    access = OrderAccess(order=order, paid_for=renewal_of(order), user=user, sees_card=False)
    return start_paying(request, access, now=now)


def _repeat(
    request: HttpRequest, card: Card, quote: Quote, *, actor: str = "", key: str = "", now: datetime
) -> Repeat | None:
    own = opened_orders(request, now=now)
    return repeat_on_card(card, quote.plan, actor=actor, key=key, own=own, now=now)


def _ask(
    request: HttpRequest,
    card: Card,
    quote: Quote,
    user: User | None,
    *,
    now: datetime,
    form: FriendForm | None = None,
    has_changed: bool = False,
    must_look: bool = False,
) -> HttpResponse:
    terms, after = quote.terms, quote.preview.allowance
    lots = [lot for lot in after.lots if lot.kind is LotKind.DATA and lot.sequence == quote.preview.sequence]
    context: dict[str, Any] = {
        "now": now,
        "digits": card.iccid[-4:],
        "quote": quote,
        "plan_name": quote.plan.name_in(get_language() or "en"),
        "gives": what_it_gives(quote.plan, terms),
        "lasts": validity(terms),
        "until": after.online_until if lots[0].expected_starts_at is not None else None,
        "policy": policy_sentences(CURRENT_POLICY),
        "choices": choices_for(
            payer_of(request),
            currency=quote.price.currency,
            now=now,
            choose=lambda _methods: method_of(request.POST.get("method", "")),
        ),
        "shown_in": currency_shown(request, now=now),
        "repeat": _repeat(request, card, quote, now=now),
        "form": form or FriendForm(),
        "key": form.cleaned_data.get("key", uuid.uuid4()) if form and form.is_bound else uuid.uuid4(),
        "has_changed": has_changed,
    }
    status = HTTPStatus.CONFLICT if has_changed or must_look else HTTPStatus.OK
    return render(request, "web/reminded.html", context, status=status)
