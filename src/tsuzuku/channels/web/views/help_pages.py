# SPDX-License-Identifier: Apache-2.0
"""Help: guides for each phone, questions with their answers, and which door suits whom.

The pages are the same for everybody who reads the same language on the same kind of phone, so they may be kept, in the
browser and by the app.
"""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from tsuzuku.carriers.access_points import common_access_point
from tsuzuku.channels.web.help.doors import WISHES, Installation, suiting, toggled, wishes_of
from tsuzuku.channels.web.help.guides import guide
from tsuzuku.channels.web.help.phones import PHONES, likely_first, phone_of
from tsuzuku.channels.web.help.questions import questions
from tsuzuku.channels.web.keeping import keep_for_everybody
from tsuzuku.kernel import clock
from tsuzuku.payments.queries import offered_methods
from tsuzuku.sellers.queries import has_sellers

#: A browser asks again after an hour; one that changes its language has other cookies and asks at once.
_cached = cache_control(private=True, max_age=3_600)


@_cached
@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """Where to find what, and the guide for this phone."""
    phone = phone_of(request)
    return _help(request, "web/help/help.html", {"phone": PHONES.get(phone)})


@_cached
@require_safe
def phone_guides(request: HttpRequest) -> HttpResponse:
    """The phones that have a guide, the likely one first."""
    phone = phone_of(request)
    return _help(request, "web/help/phones.html", {"phones": likely_first(phone), "likely": phone})


@_cached
@require_safe
def phone_guide(request: HttpRequest, slug: str) -> HttpResponse:
    """What to tap on one phone."""
    if slug not in PHONES:
        raise Http404
    phone = PHONES[slug]
    return _help(request, "web/help/phone.html", {"phone": phone, "parts": guide(phone, common_access_point())})


@_cached
@require_safe
def doors(request: HttpRequest) -> HttpResponse:
    """Where one can renew, and what each door asks; `want` in the address leaves those that fulfil it."""
    wishes = wishes_of(request.GET.getlist("want"))
    context = {
        "doors": suiting(_installation(), wishes, language=get_language() or "en"),
        "wishes": [(name, toggled(wishes, wish), wish in wishes) for wish, name in WISHES.items()],
        "is_narrowed": bool(wishes),
    }
    return _help(request, "web/help/doors.html", context)


@_cached
@require_safe
def all_questions(request: HttpRequest) -> HttpResponse:
    """What people ask, with its answers; `about` in the address opens one."""
    context = {"questions": questions(_installation()), "opened": request.GET.get("about", "")}
    return _help(request, "web/help/questions.html", context)


def _installation() -> Installation:
    offered = offered_methods("JPY", now=clock.now())
    return Installation(frozenset({*offered.providers, *offered.unreachable}), has_sellers())


def _help(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    response = render(request, template, context)
    # Chrome says what phone it is on only to who asks, and from the next page on.
    response.headers["Accept-CH"] = "Sec-CH-UA-Model"
    patch_vary_headers(response, ["Cookie", "Accept-Language", "User-Agent", "Sec-CH-UA-Model"])
    # With a question in its address it is another page, which would be kept in the place of the whole.
    return response if request.GET else keep_for_everybody(response, now=clock.now())
