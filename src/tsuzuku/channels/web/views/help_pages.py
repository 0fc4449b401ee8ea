# SPDX-License-Identifier: Apache-2.0
"""Help: guides for each phone, questions with their answers, and which door suits whom."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tsuzuku.channels.web.help.phones import PHONES


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """Where to find what."""
    return render(request, "web/help/help.html")


@require_safe
def phone_guides(request: HttpRequest) -> HttpResponse:
    """The phones that have a guide."""
    return render(request, "web/help/phones.html", {"phones": PHONES.values()})


@require_safe
def phone_guide(request: HttpRequest, slug: str) -> HttpResponse:
    """What to tap on one phone."""
    if slug not in PHONES:
        raise Http404
    return render(request, "web/help/phone.html", {"phone": PHONES[slug]})


@require_safe
def doors(request: HttpRequest) -> HttpResponse:
    """Where one can renew, and what each door asks."""
    return render(request, "web/help/doors.html")


@require_safe
def questions(request: HttpRequest) -> HttpResponse:
    """What people ask, with its answers."""
    return render(request, "web/help/questions.html")
