# SPDX-License-Identifier: Apache-2.0
"""The console as a site of Django's admin: its own door, its own frame, its own few addresses."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from unfold.sites import UnfoldAdminSite

from tsuzuku.channels.console import door, standing
from tsuzuku.channels.console.words import role_name
from tsuzuku.people.staff import role_of

Page = TypeVar("Page", bound=Callable[..., HttpResponseBase])

#: The groups of the menu: each page by its model, with an icon of Material Symbols.
_MENU = (
    ("sales", (("orderentry", "receipt_long"), ("cardentry", "sim_card"), ("parcelentry", "local_shipping"))),
    (
        "money",
        (
            ("paymententry", "payments"),
            ("refundentry", "undo"),
            ("proposalentry", "how_to_vote"),
            ("disputeentry", "gavel"),
        ),
    ),
    ("books", (("salesentry", "bar_chart"), ("differenceentry", "difference"), ("settlemententry", "receipt"))),
    ("offers", (("promotionentry", "sell"), ("partnerentry", "handshake"))),
    ("control", (("trailentry", "history"),)),
)


class ConsoleSite(UnfoldAdminSite):
    """Everything that staff see. It has no page that Django's admin brings: what is not listed here does not exist."""

    index_template = "console/standing.html"
    enable_nav_sidebar = True

    def admin_view(self, view: Page, cacheable: bool = False) -> Page:
        """A page behind the door, under the console's own policy."""
        inside = super().admin_view(view, cacheable)

        @wraps(inside)
        def entered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # noqa: ANN401  # a page's own
            away = door.turned_away(request)
            if away is not None:
                return away
            response = inside(request, *args, **kwargs)
            response.headers["Content-Security-Policy"] = door.CONTENT_SECURITY_POLICY
            return response

        return cast("Page", entered)

    def get_urls(self) -> list[URLPattern]:  # type: ignore[override]  # unfold and the stubs differ about it
        index = path("", self.admin_view(self.index), name="index")
        return [index, *(pattern for model_admin in self._registry.values() for pattern in model_admin.get_urls())]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """What waits for a person today."""
        context = {**self.each_context(request), "title": _("Today"), **standing.standing(door.staff_of(request))}
        return TemplateResponse(request, self.index_template, context)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        user = door.staff_of(request)
        return {
            "has_permission": True,
            "menu": self._menu(request),
            "here": request.path,
            "index_address": reverse("admin:index"),
            "staff": user,
            "staff_role": role_name(role_of(user)),
        }

    def _menu(self, request: HttpRequest) -> list[dict[str, Any]]:
        titles = {
            "sales": _("Sales"),
            "money": _("Money"),
            "books": _("Books"),
            "offers": _("Offers"),
            "control": _("Control"),
        }
        admins = {model._meta.model_name: each for model, each in self._registry.items()}  # noqa: SLF001  # Django's
        groups = []
        for group, pages in _MENU:
            items = [
                {
                    "title": admins[page].opts.verbose_name_plural,
                    "address": reverse(f"admin:console_{page}_changelist"),
                    "icon": icon,
                    "is_here": request.path.startswith(reverse(f"admin:console_{page}_changelist")),
                }
                for page, icon in pages
                if page in admins and admins[page].has_view_permission(request)
            ]
            if items:
                groups.append({"title": titles[group], "pages": items})
        return groups

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Never reached: the door sends people to the login of the site."""
        raise NotImplementedError


site = ConsoleSite(name="console")
