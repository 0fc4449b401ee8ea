# SPDX-License-Identifier: Apache-2.0
"""Automatic renewal: switched on and off by a card's holder, stopped by a mail's link, and methods kept for it."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from tsuzuku.allowances.queries import card_allowance
from tsuzuku.balances.queries import balance_of_user
from tsuzuku.channels.web.access import CardAccess, card_or_404, person
from tsuzuku.channels.web.refusals import refusal_text
from tsuzuku.channels.web.summaries import summarize
from tsuzuku.channels.web.views.doors import own_path
from tsuzuku.kernel import clock
from tsuzuku.kernel.errors import DomainError
from tsuzuku.payments.kept import methods_of
from tsuzuku.people.models import User
from tsuzuku.renewals.automatic import (
    CHANNEL,
    automatic_of,
    remove_kept_method,
    row_to_stop,
    switch_off,
    switch_on,
)
from tsuzuku.renewals.automatic_turns import CHARGE_BEFORE_END, TRIES_MAX
from tsuzuku.renewals.errors import StopLinkForged
from tsuzuku.renewals.queries import renewals_of_card
from tsuzuku.renewals.quotes import offers_for

#: A form's value for the balance; a method that is kept goes by its id.
BALANCE = "balance"
_DIGITS_MAX = 12


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def automatic_page(request: HttpRequest, token: str) -> HttpResponse:
    """Whether a card renews itself, with what and from what; switches it on."""
    now = clock.now()
    access, user = _held(request, token, now=now)
    if request.method == "POST":
        _switch_on(request, access, user, now=now)
        return redirect("automatic", token=token)
    return render(request, "web/automatic.html", _context(access, user, now=now))


def _held(request: HttpRequest, token: str, *, now: datetime) -> tuple[CardAccess, User]:
    """A card in the account of who is logged in; to everybody else there is no such page."""
    access = card_or_404(request, token, now=now)
    if access.user is None or access.holder is None:
        raise Http404
    return access, access.user


def _context(access: CardAccess, user: User, *, now: datetime) -> dict[str, Any]:
    language = get_language() or "en"
    offers = [offer for offer in offers_for(access.card, channel=CHANNEL, now=now, payer=user) if offer.refused is None]
    automatic = automatic_of(access.card)
    latest = renewals_of_card(access.card.pk).first()
    return {
        "now": now,
        "card": access.card,
        "summary": summarize(access.card, access.holder, card_allowance(access.card.pk, now=now), now=now),
        "automatic": automatic if automatic is not None and automatic.user_id == user.pk else None,
        "is_anothers": automatic is not None and automatic.user_id != user.pk,
        "plan_name": automatic.plan.name_in(language) if automatic else "",
        "offers": [(offer, offer.plan.name_in(language)) for offer in offers],
        "chosen_plan": latest.plan.code if latest else "",
        "balance": balance_of_user(user, now=now),
        "methods": list(methods_of(user)),
        "charged_before": CHARGE_BEFORE_END,
        "tries": TRIES_MAX,
    }


def _switch_on(request: HttpRequest, access: CardAccess, user: User, *, now: datetime) -> None:
    """Does what the form says, and says what came of it."""
    plan_code, _sign, shown = request.POST.get("plan", "").rpartition("|")
    source = request.POST.get("source", BALANCE)
    if not plan_code or not _is_number(shown) or not (source == BALANCE or _is_number(source)):
        messages.error(request, _("Please choose a plan and how it is paid."))
        return
    try:
        switch_on(
            card=access.card,
            user=user,
            plan_code=plan_code,
            method_id=None if source == BALANCE else int(source),
            shown_minor=int(shown),
            language=get_language() or settings.LANGUAGE_CODE,
            now=now,
        )
    except DomainError as refusal:
        messages.error(request, refusal_text(refusal))
    else:
        messages.success(request, _("Switched on. We write to you a day before anything is charged."))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX


@require_POST
@login_required
def automatic_off(request: HttpRequest, token: str) -> HttpResponse:
    """Switches it off."""
    now = clock.now()
    access, user = _held(request, token, now=now)
    automatic = automatic_of(access.card)
    if automatic is not None and automatic.user_id == user.pk:
        switch_off(automatic_id=automatic.pk, reason="", actor=f"customer:{user.pk}", now=now)
        messages.success(request, _("Switched off. Nothing will be charged by itself."))
    return redirect("automatic", token=token)


@require_POST
@login_required
def remove_method(request: HttpRequest, method_id: int) -> HttpResponse:
    """Forgets a method that was kept, and stops what it was to pay for."""
    user = person(request)
    if user is None:
        raise Http404
    remove_kept_method(owner=user, method_id=method_id, now=clock.now())
    messages.success(request, _("Removed. It is never charged again."))
    return redirect(own_path(request.POST.get("next", "")) or "account")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def stop_automatic(request: HttpRequest, stop_token: str) -> HttpResponse:
    """What the link in a mail leads to, for whoever has the mail: a page with one button, and what it does."""
    now = clock.now()
    try:
        row = row_to_stop(stop_token)
    except StopLinkForged:
        return render(request, "web/automatic_stop.html", {"is_unknown": True}, status=HTTPStatus.NOT_FOUND)
    if request.method == "POST":
        switch_off(automatic_id=row.pk, reason="", actor=f"customer:{row.user_id}", now=now)
        row.refresh_from_db()
    context = {"now": now, "automatic": row, "plan_name": row.plan.name_in(get_language() or "en")}
    return render(request, "web/automatic_stop.html", context)
