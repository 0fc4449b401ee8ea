# SPDX-License-Identifier: Apache-2.0
"""What stands behind the card's page: its use day by day, and what was renewed and spent."""

from datetime import date, timedelta
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tsuzuku.allowances.queries import card_allowance
from tsuzuku.channels.web.access import CardAccess, card_or_404
from tsuzuku.channels.web.renewal_rows import renewal_rows
from tsuzuku.channels.web.summaries import summarize
from tsuzuku.channels.web.usage_days import DAYS_SHOWN, usage_of
from tsuzuku.kernel import clock
from tsuzuku.look import formats
from tsuzuku.renewals.gifts import known_to_holders
from tsuzuku.renewals.queries import renewals_of_card
from tsuzuku.renewals.spending import in_all, spending_of_card
from tsuzuku.usage.queries import measured_at

RENEWALS_ON_A_PAGE = 20


@never_cache
@require_safe
def usage_page(request: HttpRequest, token: str) -> HttpResponse:
    """The use of thirty local days, the latest unless the address names another last day; and the way to others."""
    access = card_or_404(request, token, now=clock.now())
    context = _context(access)
    today = formats.local(context["now"]).date()
    first_ever = formats.local(access.card.created_at).date()
    usage = usage_of(access.card.pk, last=_last_day(request, today))
    context |= {
        "usage": usage,
        "measured_at": measured_at([access.card.pk]).get(access.card.pk),
        "earlier": usage.first - timedelta(days=1) if usage.first > first_ever else None,
        "later": min(usage.last + timedelta(days=DAYS_SHOWN), today) if usage.last < today else None,
    }
    return render(request, "web/usage.html", context)


def _last_day(request: HttpRequest, today: date) -> date:
    """The day that the address names, if it is one of the past; else today."""
    try:
        asked = date.fromisoformat(request.GET.get("until", ""))
    except ValueError:
        return today
    return asked if date(2000, 1, 1) <= asked <= today else today


@never_cache
@require_safe
def history_page(request: HttpRequest, token: str) -> HttpResponse:
    """Every renewal of a card with its order, and what they cost month by month and in all."""
    access = card_or_404(request, token, now=clock.now())
    context = _context(access)
    page = Paginator(known_to_holders(renewals_of_card(access.card.pk)), RENEWALS_ON_A_PAGE).get_page(
        request.GET.get("page")
    )
    months = spending_of_card(access.card.pk)
    context |= {
        "page": page,
        "renewals": renewal_rows(page, token=token, reader=access.holder, now=context["now"]),
        "months": months,
        "in_all": in_all(months),
    }
    return render(request, "web/history.html", context)


def _context(access: CardAccess) -> dict[str, Any]:
    now = clock.now()
    allowance = card_allowance(access.card.pk, now=now)
    return {
        "now": now,
        "card": access.card,
        "summary": summarize(access.card, access.holder, allowance, now=now),
    }
