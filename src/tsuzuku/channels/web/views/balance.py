# SPDX-License-Identifier: Apache-2.0
"""Somebody's balance: its parts and their ends, what happened to it, and topping it up."""

import uuid
from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from tsuzuku.balances.actions import order_top_up
from tsuzuku.balances.errors import TopUpKeyReused
from tsuzuku.balances.queries import Entry, balance_of_user, disputed_of_user, entries_of_user, parts_of_user
from tsuzuku.balances.rules import AMOUNT_MAX, AMOUNT_MIN, PRESETS, STEP, WARN_DAYS_BEFORE, ends_at
from tsuzuku.channels.web import CHANNEL
from tsuzuku.channels.web.access import person
from tsuzuku.channels.web.forms import TopUpForm
from tsuzuku.channels.web.refusals import refusal_text, try_later
from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.orders.errors import TooManyOrders
from tsuzuku.orders.limits import count_order
from tsuzuku.payments.balance import CURRENCY
from tsuzuku.people.addresses import client_address
from tsuzuku.people.models import User

#: So many moves are shown.
HISTORY = 100


@never_cache
@login_required
@require_safe
def balance_page(request: HttpRequest) -> HttpResponse:
    """What is there, until when, and what happened to it."""
    now, user = clock.now(), person(request)
    if user is None:
        return redirect("home")
    parts = parts_of_user(user, now=now)
    context = {
        "now": now,
        "balance": balance_of_user(user, now=now),
        "parts": parts,
        "disputed": disputed_of_user(user, now=now),
        "first_end": next((part for part in parts if part.expires_at), None),
        "entries": [(entry, _words(entry)) for entry in entries_of_user(user, limit=HISTORY)],
        "warn_days": max(WARN_DAYS_BEFORE),
    }
    return render(request, "web/balance.html", context)


def _words(entry: Entry) -> str:
    """A move in words."""
    return {
        "topped-up": _("Topped up"),
        "paid": _("Paid from it"),
        "returned": _("Came back"),
        "ended": _("Ended unspent"),
    }[entry.kind]


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def top_up(request: HttpRequest) -> HttpResponse:
    """Asks how much; how to pay is asked on the page of the order."""
    now, user = clock.now(), person(request)
    if user is None:
        return redirect("home")
    form = TopUpForm(_amount_chosen(request) if request.method == "POST" else None)
    if form.is_valid():
        try:
            count_order(subject=f"customer:{user.pk}", address=client_address(request), now=now)
            order = order_top_up(
                user=user,
                amount_minor=form.cleaned_data["amount"],
                key=str(form.cleaned_data["key"]),
                language=get_language() or settings.LANGUAGE_CODE,
                channel=CHANNEL,
                now=now,
            )
        except TopUpKeyReused as refusal:
            messages.error(request, refusal_text(refusal))
            return redirect("top_up")
        except TooManyOrders as refusal:
            messages.error(request, refusal_text(refusal))
            return try_later(_ask(request, user, form, now=now), refusal)
        return redirect("order", number=order.number)
    return _ask(request, user, form, now=now)


def _ask(request: HttpRequest, user: User, form: TopUpForm, *, now: datetime) -> HttpResponse:
    context = {
        "now": now,
        "balance": balance_of_user(user, now=now),
        "presets": [Money(minor, CURRENCY) for minor in PRESETS],
        "chosen_amount": request.POST.get("preset", "1000"),
        "amount_min": Money(AMOUNT_MIN, CURRENCY),
        "amount_max": Money(AMOUNT_MAX, CURRENCY),
        "step": Money(STEP, CURRENCY),
        "until": ends_at(now, is_registered=settings.BALANCE_REGISTERED),
        "form": form,
        "key": uuid.uuid4(),
    }
    return render(request, "web/top_up.html", context)


def _amount_chosen(request: HttpRequest) -> dict[str, str]:
    """What was typed goes before what stands on buttons."""
    amount = request.POST.get("amount", "").strip() or request.POST.get("preset", "")
    return {"amount": amount, "key": request.POST.get("key", "")}
