# SPDX-License-Identifier: Apache-2.0
"""Renewing somebody else's card by its number alone.

Every number of the right form leads through the same pages, and no card is looked for, until somebody wants to pay.
Whether that can be is told by one word, and how often it is told is limited.
"""

from dataclasses import replace
from datetime import datetime
from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from tsuzuku.cards.errors import TooManyNumbers
from tsuzuku.cards.guesses import count_number
from tsuzuku.cards.queries import card_by_iccid
from tsuzuku.catalog.errors import PlanUnknown
from tsuzuku.channels.web import CHANNEL
from tsuzuku.channels.web.access import opened_orders, person
from tsuzuku.channels.web.forms import CardNumberForm, FriendForm
from tsuzuku.channels.web.friend_numbers import in_groups, remember_number, remembered_number
from tsuzuku.channels.web.refusals import refusal_text, try_later
from tsuzuku.channels.web.repeats import own_repeat
from tsuzuku.channels.web.views.doors import form_page
from tsuzuku.channels.web.views.friend_pages import (
    Asked,
    ask,
    is_unwarned,
    key_of,
    list_context,
    order_as_friend,
    sent_form,
)
from tsuzuku.kernel import clock
from tsuzuku.kernel.errors import DomainError
from tsuzuku.kernel.iccid import Iccid, parse_iccid
from tsuzuku.kernel.money import Money
from tsuzuku.orders.payers import Came, Friend
from tsuzuku.people.addresses import client_address
from tsuzuku.people.limits import WINDOW_SECONDS, is_within_limit
from tsuzuku.people.models import User
from tsuzuku.renewals.errors import KeyReused, QuoteChanged
from tsuzuku.renewals.quotes import offers_for_any_card, price_digest, quote_renewal

#: Each number that is typed costs us a session; nobody types so fast.
NUMBERS_A_MINUTE_MAX = 30


@sensitive_post_parameters("number")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def friend(request: HttpRequest) -> HttpResponse:
    """Asks for the number of somebody else's card, and keeps it."""
    form = CardNumberForm(request.POST if request.method == "POST" else None)
    wait_seconds = 0
    if request.method == "POST" and not is_within_limit(request, "friend", a_minute_max=NUMBERS_A_MINUTE_MAX):
        wait_seconds = WINDOW_SECONDS
        form.add_error(None, refusal_text(TooManyNumbers(retry_after_seconds=wait_seconds)))
    elif request.method == "POST" and form.is_valid():
        remember_number(request, parse_iccid(form.cleaned_data["number"]), now=clock.now())
        return redirect("friend_plans")
    return form_page(request, "web/friend.html", {"form": form}, wait_seconds=wait_seconds)


@never_cache
@require_safe
def plans(request: HttpRequest) -> HttpResponse:
    """What every card can be sold, with prices."""
    now = clock.now()
    number = remembered_number(request, now=now)
    if number is None:
        return redirect("friend")
    offers = offers_for_any_card(channel=CHANNEL, now=now)
    context = list_context(request, offers, lambda code: reverse("friend_confirm", args=[code]), now=now)
    return render(request, "web/friend_plans.html", {**context, "number": in_groups(number)})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, plan_code: str) -> HttpResponse:
    """Shows a plan and its price, and on a yes looks for the card, orders, and goes to pay."""
    now, user = clock.now(), person(request)
    number = remembered_number(request, now=now)
    if number is None:
        return redirect("friend")
    offers = offers_for_any_card(channel=CHANNEL, now=now)
    offer = next((each for each in offers if each.plan.code == plan_code), None)
    if offer is None:
        messages.error(request, refusal_text(PlanUnknown(plan=plan_code)))
        return redirect("friend_plans")
    form = sent_form(request, user)
    asked = Asked(
        plan=offer.plan,
        terms=offer.terms,
        price=offer.price,
        digest=price_digest(offer.plan, offer.price),
        repeat=own_repeat(number, user=user, key=key_of(form), own=opened_orders(request, now=now), now=now),
        plans=reverse("friend_plans"),
        number=in_groups(number),
    )
    if form is None or not form.is_valid():
        return ask(request, asked, form=form, now=now)
    if is_unwarned(asked.repeat, form):
        return ask(request, asked, form=form, status=HTTPStatus.CONFLICT, now=now)
    return _order(request, asked, number, form, user, now=now)


def _order(
    request: HttpRequest, asked: Asked, number: Iccid, form: FriendForm, user: User | None, *, now: datetime
) -> HttpResponse:
    """Tells whether a card can be renewed so: each try counts, and a no has one word for every reason."""
    try:
        count_number(number=number, address=client_address(request), now=now)
        card = card_by_iccid(number)
        quote = quote_renewal(card, asked.plan.code, channel=CHANNEL, now=now, payer=user)
        # What was shown is the price of a plan; that of this card may be another, if it has used a promotion up.
        if form.cleaned_data["digest"] != price_digest(quote.plan, quote.price):
            return ask(request, _at(asked, quote.price), form=form, has_changed=True, now=now)
        return order_as_friend(
            request,
            friend=Friend(Came.NUMBER, card.pk),
            card=card,
            plan_code=quote.plan.code,
            digest=quote.digest,
            form=form,
            user=user,
            now=now,
        )
    except QuoteChanged as changed:
        return ask(request, _at(asked, changed.quote.price), form=form, has_changed=True, now=now)
    except KeyReused:
        return ask(request, asked, has_changed=True, now=now)
    except TooManyNumbers as too_many:
        messages.error(request, refusal_text(too_many))
        return try_later(ask(request, asked, form=form, now=now), too_many)
    except DomainError:
        messages.error(
            request,
            _(
                "This number cannot be renewed with this plan. Nothing was charged. Compare it with the card, digit by "
                "digit, or ask for a link from whoever has the card."
            ),
        )
        return ask(request, asked, form=form, now=now)


def _at(asked: Asked, price: Money) -> Asked:
    return replace(asked, price=price, digest=price_digest(asked.plan, price))
