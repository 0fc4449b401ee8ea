# SPDX-License-Identifier: Apache-2.0
"""The connection check: what this request tells, what the browser has measured, and the next step."""

import os
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tsuzuku.allowances.queries import card_allowance
from tsuzuku.carriers.access_points import access_point_of, common_access_point
from tsuzuku.channels.web.access import CardAccess, card_or_404
from tsuzuku.channels.web.connection import CardState, Step, full_speed_at, verdict, way_of
from tsuzuku.channels.web.connection_form import told_by
from tsuzuku.channels.web.connection_texts import HEADINGS, SPEEDS, TONES, step_text
from tsuzuku.channels.web.summaries import summarize
from tsuzuku.kernel import clock
from tsuzuku.orders.states import PAID
from tsuzuku.people.addresses import client_address, is_address_in, protocol_of
from tsuzuku.people.limits import WINDOW_SECONDS, is_within_limit
from tsuzuku.renewals.models import Renewal
from tsuzuku.renewals.queries import renewals_of_card
from tsuzuku.renewals.states import ACTIVATING, ORDERED

#: Ever larger bodies: a slow line is known by the first of them. Together the most that a check takes of a plan.
SAMPLES_BYTES = (16_000, 48_000, 136_000)
#: Made once. Nothing on the way can make it smaller.
_SAMPLE = os.urandom(max(SAMPLES_BYTES))
#: A check asks up to ten times, and a whole airport may share an address.
QUESTIONS_A_MINUTE_MAX = 900
#: After these there is something new to see.
_CHECKED_AGAIN = frozenset({Step.WIFI_OFF, Step.CHOOSE_CARD, Step.FLIGHT_MODE, Step.CHANGE_PROTOCOL})
#: After these the page may not open any more, so that it says before what to do then.
_MAY_LOSE_PAGE = frozenset({Step.WIFI_OFF, Step.CHOOSE_CARD})
#: So many renewals are looked at for one that is on its way.
_RENEWALS_READ = 10


@never_cache
@require_safe
def check(request: HttpRequest) -> HttpResponse:
    """Checks the connection of whatever this is."""
    return _page(request, None)


@never_cache
@require_safe
def check_card(request: HttpRequest, token: str) -> HttpResponse:
    """Checks the connection of a phone with a card in it. Who may not see the card checks without it."""
    try:
        access = card_or_404(request, token, now=clock.now())
    except Http404:
        return redirect("check")
    return _page(request, access)


def _page(request: HttpRequest, access: CardAccess | None) -> HttpResponse:
    now = clock.now()
    address = client_address(request)
    networks = settings.CARRIER_NETWORKS
    measured, told = told_by(request.GET)
    says_wifi_off = told.get("wifi") == "off"
    is_carriers = is_address_in(address, networks) if networks else None
    way = way_of(is_carriers=is_carriers, link=told.get("link", ""), says_wifi_off=says_wifi_off)
    about_card, state = _about_card(access) if access else ({}, None)
    found = verdict(way, state, measured)
    context = {
        "now": now,
        "way": way,
        "verdict": found,
        "tone": TONES[found.finding],
        "heading": HEADINGS[found.finding],
        "step": step_text(found, full_speed_at=state.full_speed_at if state else None, now=now),
        "is_checked_again": found.step in _CHECKED_AGAIN,
        "says_wifi_off": says_wifi_off or found.step is Step.WIFI_OFF,
        "may_lose_page": found.step in _MAY_LOSE_PAGE,
        "measured": measured,
        "speed": SPEEDS.get(measured.speed) if measured.speed else None,
        "has_no_speed": measured.round_trip is not None and measured.speed is None,
        "protocol": protocol_of(address),
        "access_point": access_point_of(access.card.carrier) if access else common_access_point(),
        "samples": " ".join(reverse("check_sample", args=[place]) for place in range(1, len(SAMPLES_BYTES) + 1)),
        "ipv4_url": settings.CHECK_IPV4_URL,
        "ipv6_url": settings.CHECK_IPV6_URL,
        **about_card,
    }
    return render(request, "web/check.html", context)


def _about_card(access: CardAccess) -> tuple[dict[str, Any], CardState]:
    """What the page shows of a card, and what the verdict asks of it."""
    now, card = clock.now(), access.card
    allowance = card_allowance(card.pk, now=now)
    summary = summarize(card, access.holder, allowance, now=now)
    on_its_way = next(filter(_is_on_its_way, renewals_of_card(card.pk)[:_RENEWALS_READ]), None)
    state = CardState(
        condition=summary.standing.condition,
        can_be_renewed=summary.standing.can_be_renewed,
        is_on_its_way=on_its_way is not None,
        full_speed_at=full_speed_at(allowance, now=now),
    )
    return {"card": card, "summary": summary, "on_its_way": on_its_way}, state


def _is_on_its_way(renewal: Renewal) -> bool:
    return renewal.order.state == PAID and renewal.state in {ORDERED, ACTIVATING}


@never_cache
@require_safe
def check_ping(request: HttpRequest) -> HttpResponse:
    """An answer with nothing in it: that it comes, and when, is what is measured."""
    return _limited(request) or HttpResponse(status=HTTPStatus.NO_CONTENT)


@never_cache
@require_safe
def check_sample(request: HttpRequest, place: int) -> HttpResponse:
    """One of the bodies that are fetched to see how fast they come."""
    if not 1 <= place <= len(SAMPLES_BYTES):
        raise Http404
    if refused := _limited(request):
        return refused
    return HttpResponse(_SAMPLE[: SAMPLES_BYTES[place - 1]], content_type="application/octet-stream")


def _limited(request: HttpRequest) -> HttpResponse | None:
    if is_within_limit(request, "connection-check", a_minute_max=QUESTIONS_A_MINUTE_MAX):
        return None
    headers = {"Retry-After": str(WINDOW_SECONDS)}
    return HttpResponse(status=HTTPStatus.TOO_MANY_REQUESTS, headers=headers)
