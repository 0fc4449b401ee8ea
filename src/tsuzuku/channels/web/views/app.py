# SPDX-License-Identifier: Apache-2.0
"""The website as an app: how to install it, its manifest, its service worker, and what it shows without a network."""

from hashlib import sha256

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_safe

from tsuzuku.carriers.access_points import common_access_point
from tsuzuku.channels.web.help.phones import phone_of
from tsuzuku.channels.web.keeping import KEEP_UNTIL

#: The colours of paper and of indigo in look/static/look/tsuzuku.css.
_PAPER = "#faf9f6"
_INDIGO = "#1d3b72"
#: What every page needs, so that one that was kept looks as it did.
_PARTS = ("look/tsuzuku.css", "look/icon.svg", "web/app.js")
#: A form sent there, or below, ends what a browser may show without a network.
_LEAVING = ("leave", "account_logout", "delete_account", "devices")
#: A form sent there may let somebody in who is not who was here before.
_ENTERING = (
    "account_login",
    "account_confirm_login_code",
    "account_email_verification_sent",
    "account_complete_password_reset",
    "enter_by_phone_code",
    "mfa_login_webauthn",
)


@require_safe
def app_page(request: HttpRequest) -> HttpResponse:
    """How to put the app on a phone's home screen, and what it is good for."""
    return render(request, "web/app.html")


@cache_control(public=True, max_age=86_400)
@require_safe
def manifest(_request: HttpRequest, language: str) -> HttpResponse:
    """What the app is called and looks like, in a language (W3C Web Application Manifest).

    The language is part of the address because browsers ask for manifests without cookies.
    """
    if language not in dict(settings.LANGUAGES):
        raise Http404
    with translation.override(language):
        content = {
            "id": "/",
            "name": settings.BRAND_NAME,
            "short_name": settings.BRAND_NAME,
            "description": _(
                "Renew your travel SIM or eSIM in a minute, wherever you are. What is left on it is kept."
            ),
            "lang": translation.get_language(),
            "start_url": reverse("home"),
            "scope": "/",
            "display": "standalone",
            "background_color": _PAPER,
            "theme_color": _INDIGO,
            "icons": [
                {"src": static("look/icon.svg"), "sizes": "any", "type": "image/svg+xml"},
                {"src": static("look/icon-192.png"), "sizes": "192x192", "type": "image/png"},
                {"src": static("look/icon-512.png"), "sizes": "512x512", "type": "image/png"},
                {
                    "src": static("look/icon-maskable-512.png"),
                    "sizes": "512x512",
                    "type": "image/png",
                    "purpose": "maskable",
                },
            ],
            "shortcuts": [
                {"name": _("My cards"), "url": reverse("my_cards")},
                {"name": _("Orders"), "url": reverse("my_orders")},
            ],
        }
    return JsonResponse(content, content_type="application/manifest+json", json_dumps_params={"ensure_ascii": False})


@cache_control(no_cache=True)
@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """The service worker. It stands at the root, since it sees only pages at or below its own address.

    It is another one when the page for who is offline is another one: only then do phones fetch that page again.
    """
    parts = [static(part) for part in _PARTS]
    context = {
        "keep_until": KEEP_UNTIL,
        "offline_version": sha256(_offline_page(request).encode()).hexdigest()[:12],
        "parts": parts,
        "leaving": [reverse(name) for name in _LEAVING],
        "entering": [reverse(name) for name in _ENTERING],
        "phone": phone_of(request),
    }
    return render(request, "web/service_worker.js", context, content_type="text/javascript")


@never_cache
@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """What the app shows where there is no network and no page that it kept: how to get one, too."""
    return HttpResponse(_offline_page(request))


def _offline_page(request: HttpRequest) -> str:
    return render_to_string(
        "web/offline.html", {"access_point": common_access_point(), "phone": phone_of(request)}, request
    )
