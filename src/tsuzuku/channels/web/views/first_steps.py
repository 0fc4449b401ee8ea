# SPDX-License-Identifier: Apache-2.0
"""A card that was bought elsewhere: registered by its number and PIN, then switched on for the first time."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from tsuzuku.cards.actions import hold_card
from tsuzuku.channels.web.access import card_or_404, person, remember_opened
from tsuzuku.channels.web.forms import OpenCardForm
from tsuzuku.channels.web.views.cards import card_context
from tsuzuku.channels.web.views.doors import form_page, try_to_open
from tsuzuku.kernel import clock
from tsuzuku.new_cards.queries import ready_card_of


@sensitive_post_parameters("number", "pin")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def first_steps(request: HttpRequest) -> HttpResponse:
    """Registers a card: in the account of who is logged in, else in this browser for a while."""
    now, user = clock.now(), person(request)
    form = OpenCardForm(request.POST if request.method == "POST" else None)
    wait_seconds = 0
    if request.method == "POST" and form.is_valid():
        card, wait_seconds = try_to_open(request, form, now=now)
        if card is not None:
            if user is not None:
                hold_card(user=user, card=card, now=now)
                messages.success(request, _("The card is in your account now."))
            else:
                remember_opened(request, card, now=now)
            return redirect("switch_on", token=card.public_token)
    return form_page(request, "web/new/first_steps.html", {"form": form}, wait_seconds=wait_seconds)


@never_cache
@require_safe
def switch_on(request: HttpRequest, token: str) -> HttpResponse:
    """What a card needs for its first time online: its plan, and the steps in the phone."""
    now = clock.now()
    access = card_or_404(request, token, now=now)
    context = card_context(request, access, now=now)
    installs = ready_card_of(access.user, access.card.pk) if access.user else None
    return render(request, "web/new/switch_on.html", context | {"installs": installs})
