# SPDX-License-Identifier: Apache-2.0
"""Coming in: the start page with its doors, a card opened with its PIN, leaving, and the language."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tsuzuku.cards.actions import open_with_pin
from tsuzuku.cards.errors import CardNotOpened, TooManyGuesses
from tsuzuku.cards.models import Card
from tsuzuku.channels.web.access import person, remember_opened
from tsuzuku.channels.web.currencies import choose
from tsuzuku.channels.web.forms import OpenCardForm
from tsuzuku.channels.web.refusals import refusal_text
from tsuzuku.kernel import clock
from tsuzuku.look.line import Stretch
from tsuzuku.people.actions import choose_language as keep_language
from tsuzuku.people.addresses import client_address
from tsuzuku.people.allauth_adapter import remember_language
from tsuzuku.people.redirects import is_own_path


@never_cache
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The doors for somebody who is not logged in; who is, sees their cards."""
    if person(request):
        return redirect("my_cards")
    return render(request, "web/home.html", {"form": OpenCardForm(), **_picture(clock.now())})


def _picture(now: datetime) -> dict[str, object]:
    """A line for the start page: a few days that are there, and a few more."""
    return {
        "now": now,
        "laid": (Stretch(now - timedelta(days=1), now + timedelta(days=2)),),
        "planned": (Stretch(now + timedelta(days=2), now + timedelta(days=5)),),
    }


@sensitive_post_parameters("number", "pin")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def open_card(request: HttpRequest) -> HttpResponse:
    """Opens a card with its number and PIN for this browser."""
    now = clock.now()
    form = OpenCardForm(request.POST if request.method == "POST" else None)
    wait_seconds = 0
    if request.method == "POST" and form.is_valid():
        card, wait_seconds = try_to_open(request, form, now=now)
        if card is not None:
            remember_opened(request, card, now=now)
            return redirect("card", token=card.public_token)
    context = {"form": form, "next": own_path(request.GET.get("next", ""))}
    return form_page(request, "web/open.html", context, wait_seconds=wait_seconds)


def form_page(request: HttpRequest, template: str, context: dict[str, Any], *, wait_seconds: int) -> HttpResponse:
    """The page of a form; 429 if one has to wait before trying again."""
    response = render(request, template, context)
    if wait_seconds:
        response.status_code = HTTPStatus.TOO_MANY_REQUESTS
        response.headers["Retry-After"] = str(wait_seconds)
    return response


def try_to_open(request: HttpRequest, form: OpenCardForm, *, now: datetime) -> tuple[Card | None, int]:
    """The card that a filled form opens; else the form says why not, and so many seconds have to pass before a try."""
    try:
        card = open_with_pin(
            iccid_text=form.cleaned_data["number"],
            pin=form.cleaned_data["pin"],
            address=client_address(request),
            now=now,
        )
    except CardNotOpened as refusal:
        form.add_error(None, refusal_text(refusal))
        return None, 0
    except TooManyGuesses as refusal:
        form.add_error(None, refusal_text(refusal))
        return None, refusal.retry_after_seconds
    return card, 0


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Forgets who was here: the account, and the cards that a PIN has opened."""
    logout(request)
    messages.success(request, _("You have left. Nobody can see your cards in this browser now."))
    return redirect("home")


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Keeps a language, in this browser and for the mails of who is logged in, and goes back."""
    response = redirect(own_path(request.POST.get("next", "")) or "home")
    language = request.POST.get("language", "")
    if language in dict(settings.LANGUAGES):
        remember_language(response, language)
        if user := person(request):
            keep_language(user=user, language=language)
    return response


@require_POST
def choose_currency(request: HttpRequest) -> HttpResponse:
    """Keeps in which currency prices are told beside yen, and goes back."""
    choose(request, request.POST.get("currency", ""), now=clock.now())
    return redirect(own_path(request.POST.get("next", "")) or "home")


def own_path(text: str) -> str:
    """A path of ours to go on to, or nothing."""
    return text if is_own_path(text) else ""
