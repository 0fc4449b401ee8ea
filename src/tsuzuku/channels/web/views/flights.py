# SPDX-License-Identifier: Apache-2.0
"""Telling when one flies home, and forgetting it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from tsuzuku.channels.web.access import card_or_404
from tsuzuku.channels.web.flights import forget_flight, remember_flight
from tsuzuku.channels.web.forms import FlightForm
from tsuzuku.channels.web.views.cards import card_context
from tsuzuku.channels.web.views.renewing import plans_context
from tsuzuku.kernel import clock

#: Where the answer is shown.
_ANCHOR = "#flight"


@never_cache
@require_POST
def tell_flight(request: HttpRequest, token: str) -> HttpResponse:
    """Keeps the flight home for a card and shows what to buy; a day that cannot be one is said beside the field."""
    now = clock.now()
    access = card_or_404(request, token, now=now)
    is_on_plans = request.POST.get("page") == "plans"
    page = redirect("plans" if is_on_plans else "card", token=token)
    page.headers["Location"] += _ANCHOR
    if "forget" in request.POST:
        forget_flight(request, access.card)
        return page
    form = FlightForm(request.POST, now=now)
    if form.is_valid():
        remember_flight(request, access.card, form.cleaned_data["flight"])
        return page
    if is_on_plans:
        return render(request, "web/plans.html", plans_context(request, access, now=now, flight_form=form))
    return render(request, "web/card.html", card_context(request, access, now=now, flight_form=form))
