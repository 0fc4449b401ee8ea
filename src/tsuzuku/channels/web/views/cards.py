# SPDX-License-Identifier: Apache-2.0
"""Cards: the list, adding one, and the page of one."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tsuzuku.allowances.actions import start_lot as start_lot_of_card
from tsuzuku.allowances.errors import LotCannotStart
from tsuzuku.allowances.queries import card_allowance, card_allowances
from tsuzuku.cards.actions import hold_card, release_card, rename_card
from tsuzuku.cards.qr import card_qr_svg
from tsuzuku.cards.queries import cards_of
from tsuzuku.channels.web import CHANNEL
from tsuzuku.channels.web.access import CardAccess, card_or_404, person
from tsuzuku.channels.web.flights import advice_until, remembered_flight
from tsuzuku.channels.web.forms import AddCardForm, CardNameForm, FlightForm
from tsuzuku.channels.web.keeping import keep_card_page, keep_for_holder
from tsuzuku.channels.web.refusals import refusal_text
from tsuzuku.channels.web.renewal_rows import renewal_rows
from tsuzuku.channels.web.summaries import lot_rows, summarize, summarize_all
from tsuzuku.channels.web.usage_days import usage_of
from tsuzuku.channels.web.views.doors import form_page, try_to_open
from tsuzuku.kernel import clock
from tsuzuku.look import formats
from tsuzuku.orders.states import AWAITING_PAYMENT, PAID
from tsuzuku.people.models import User
from tsuzuku.renewals.automatic import stop_all_of
from tsuzuku.renewals.gifts import is_gift, known_to_holders
from tsuzuku.renewals.models import Renewal
from tsuzuku.renewals.queries import renewals_of_card
from tsuzuku.renewals.quotes import offers_for
from tsuzuku.renewals.states import ACTIVATING, ORDERED
from tsuzuku.usage.queries import measured_at

#: So many renewals are looked at for one that is open, and so many are shown.
RENEWALS_READ, RENEWALS_SHOWN = 10, 3


@never_cache
@login_required
@require_safe
def my_cards(request: HttpRequest) -> HttpResponse:
    """Every card that somebody holds, with what is left; who holds just one sees it at once."""
    now = clock.now()
    holders = list(cards_of(_logged_in(request)))
    if len(holders) == 1 and "all" not in request.GET:
        return redirect("card", token=holders[0].card.public_token)
    allowances = card_allowances([holder.card_id for holder in holders], now=now)
    context = {"now": now, "cards": summarize_all(holders, allowances, now=now)}
    return keep_for_holder(render(request, "web/cards.html", context), now=now)


@sensitive_post_parameters("number", "pin")
@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def add_card(request: HttpRequest) -> HttpResponse:
    """Adds a card to an account by its number and PIN."""
    now = clock.now()
    form = AddCardForm(request.POST if request.method == "POST" else None)
    wait_seconds = 0
    if request.method == "POST" and form.is_valid():
        card, wait_seconds = try_to_open(request, form, now=now)
        if card is not None:
            hold_card(user=_logged_in(request), card=card, name=form.cleaned_data["name"], now=now)
            messages.success(request, _("The card is in your account now."))
            return redirect("card", token=card.public_token)
    return form_page(request, "web/add_card.html", {"form": form}, wait_seconds=wait_seconds)


@never_cache
@require_safe
def card_page(request: HttpRequest, token: str) -> HttpResponse:
    """Am I online, until when, what should I do; below it everything else about the card.

    It is the address in the card's QR: whoever may not see the card is asked to open it, whether there is one or not.
    """
    now = clock.now()
    try:
        access = card_or_404(request, token, now=now)
    except Http404:
        return redirect(f"{reverse('open_card')}?{urlencode({'next': request.path})}")
    page = render(request, "web/card.html", card_context(request, access, now=now))
    return keep_card_page(page, request, access, now=now)


def card_context(
    request: HttpRequest, access: CardAccess, *, now: datetime, flight_form: FlightForm | None = None
) -> dict[str, Any]:
    """What the page of a card shows; with a form for the flight that was not filled as it must be, if there is one."""
    card = access.card
    allowance = card_allowance(card.pk, now=now)
    summary = summarize(card, access.holder, allowance, now=now)
    renewals = list(known_to_holders(renewals_of_card(card.pk))[:RENEWALS_READ])
    to_tap = summary.standing.to_tap
    lots = lot_rows(allowance.lots)
    offers = offers_for(card, channel=CHANNEL, now=now, payer=access.user)
    prices = [offer.price for offer in offers if offer.refused is None]
    flight = remembered_flight(request, card, now=now)
    return {
        "flight_form": flight_form or FlightForm(flight=flight, now=now),
        "flight_advice": advice_until(flight, card, offers, now=now)
        if flight and summary.standing.can_be_renewed and flight_form is None
        else None,
        "now": now,
        "access": access,
        "summary": summary,
        "card": card,
        "allowance": allowance,
        "measured_at": measured_at([card.pk]).get(card.pk),
        "lots": lots,
        "runs_beside": any(row.runs_beside for row in lots),
        "ready_name": next((row.name for row in lots if row.lot == to_tap), None),
        "renewals": renewal_rows(renewals[:RENEWALS_SHOWN], token=card.public_token, reader=access.holder, now=now),
        "usage": usage_of(card.pk, last=formats.local(now).date()),
        "open_renewal": next((renewal for renewal in renewals if _is_open(renewal, now=now)), None),
        "cheapest": min(prices, key=lambda price: price.amount_minor, default=None),
        "qr": card_qr_svg(card, title=_("QR code that leads to this card")),
        "name_form": CardNameForm(initial={"name": access.holder.name}) if access.holder else None,
    }


def _is_open(renewal: Renewal, *, now: datetime) -> bool:
    """Whether it waits for its payer or its carrier, and has an order that its reader can look at."""
    order = renewal.order
    if is_gift(renewal):
        return False
    if order.state == AWAITING_PAYMENT:
        return order.can_be_paid(now)
    return order.state == PAID and renewal.state in {ORDERED, ACTIVATING}


@require_POST
@login_required
def keep_card(request: HttpRequest, token: str) -> HttpResponse:
    """Puts a card that the PIN has opened into the account of who is logged in."""
    now = clock.now()
    access = card_or_404(request, token, now=now)
    hold_card(user=_logged_in(request), card=access.card, now=now)
    messages.success(request, _("The card is in your account now."))
    return redirect("card", token=token)


@require_POST
@login_required
def name_card(request: HttpRequest, token: str) -> HttpResponse:
    """Changes what a holder calls a card."""
    access = card_or_404(request, token, now=clock.now())
    if access.holder is None:
        raise Http404
    form = CardNameForm(request.POST)
    if form.is_valid():
        rename_card(user=_logged_in(request), card=access.card, name=form.cleaned_data["name"])
        messages.success(request, _("The name is saved."))
    else:
        messages.error(request, str(form.errors["name"][0]))
    return redirect("card", token=token)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def release(request: HttpRequest, token: str) -> HttpResponse:
    """Asks, then takes a card out of an account, as when somebody else has it now; what renews it by itself stops."""
    now = clock.now()
    access, user = card_or_404(request, token, now=now), _logged_in(request)
    if access.holder is None:
        raise Http404
    if request.method != "POST":
        return render(request, "web/release.html", {"access": access, "card": access.card})
    stop_all_of(user=user, card=access.card, now=now)
    release_card(user=user, card=access.card, now=now)
    messages.success(request, _("The card is out of your account."))
    return redirect("my_cards")


@require_POST
def start_lot(request: HttpRequest, token: str, lot_id: int) -> HttpResponse:
    """Starts a lot that waits for a tap."""
    now = clock.now()
    access = card_or_404(request, token, now=now)
    try:
        start_lot_of_card(card_id=access.card.pk, lot_id=lot_id, actor=access.actor, now=now)
    except LotCannotStart as refusal:
        messages.error(request, refusal_text(refusal))
    else:
        messages.success(request, _("Started. You are online."))
    return redirect("card", token=token)


def _logged_in(request: HttpRequest) -> User:
    """Who is logged in, behind `login_required`."""
    user = person(request)
    if user is None:
        raise Http404
    return user
