# SPDX-License-Identifier: Apache-2.0
"""The base of every page: a list and a sheet of what was found, both for reading only."""

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar

from django.contrib.admin import ShowFacets, SimpleListFilter
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise, cached_property
from django.views.decorators.http import require_http_methods, require_safe
from unfold.admin import ModelAdmin

from tsuzuku.channels.console.acting import act
from tsuzuku.channels.console.deeds import deeds_for
from tsuzuku.channels.console.sheets import Section
from tsuzuku.channels.console.words import state_names

T = TypeVar("T", bound=Model)
ROWS_ON_A_PAGE = 50
ROWS_COUNTED_MAX = 1000


class NewestPaginator(Paginator):  # type: ignore[type-arg]  # takes none when it runs
    """Pages of the newest rows. What lies deeper is found by searching; counting all of it would take long."""

    template_name = "console/pages.html"

    @cached_property
    def count(self) -> int:
        """How many there are, up to what can be paged through."""
        counted: Any = self.object_list[:ROWS_COUNTED_MAX]
        return int(counted.count())

    @property
    def is_cut(self) -> bool:
        """Whether there may be more."""
        return self.count >= ROWS_COUNTED_MAX


class StateFilter(SimpleListFilter):
    """A list by state."""

    parameter_name = "state"
    template = "console/filter.html"
    subject: ClassVar[str]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ANN401  # Django's
        return [(state, str(name)) for state, name in state_names(self.subject)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(state=self.value()) if self.value() else queryset


class ReadingAdmin(ModelAdmin, Generic[T]):
    """A list of rows and a sheet for each. Nothing is written here: what staff may do are deeds."""

    #: Its place in the console's addresses.
    slug: ClassVar[str]
    actions = None
    ordering = ("-pk",)
    list_per_page = ROWS_ON_A_PAGE
    list_max_show_all = 0
    paginator = NewestPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    sortable_by = ()
    change_list_template = "console/list.html"
    #: Tells Django that one may search; what is searched is said by `found`.
    search_fields = ("pk",)
    list_filter: ClassVar[tuple[type[SimpleListFilter], ...]] = ()
    #: Pages that a list leads to: the name of each and what it is called.
    list_links: ClassVar[Sequence[tuple[str, str | Promise]]] = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: T | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: T | None = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Lists are narrowed by their filters and their search, never by whatever column an address names."""
        return lookup in {each.parameter_name for each in self.list_filter}

    def get_urls(self) -> list[URLPattern]:
        name = f"console_{self.opts.model_name}"
        inside = self.admin_site.admin_view
        return [
            path(f"{self.slug}/", inside(require_safe(self.list_view)), name=f"{name}_changelist"),
            path(f"{self.slug}/<int:pk>", inside(require_safe(self.sheet_view)), name=f"{name}_change"),
            path(
                f"{self.slug}/<int:pk>/<slug:deed>",
                inside(require_http_methods(["GET", "HEAD", "POST"])(self.act_view)),
                name=f"{name}_act",
            ),
        ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[T], search_term: str
    ) -> tuple[QuerySet[T], bool]:
        text = search_term.strip()
        return (queryset.filter(self.found(text)) if text else queryset), False

    def found(self, text: str) -> Q:
        """What a search for a text finds."""
        raise NotImplementedError

    def sections(self, row: T, request: HttpRequest) -> Sequence[Section]:
        """What the sheet of a row shows."""
        raise NotImplementedError

    def list_view(self, request: HttpRequest) -> HttpResponse:
        """The list, under the name of what it lists."""
        titled = {"title": f"{self.opts.verbose_name_plural}"}
        answer: HttpResponse = self.changelist_view(request, titled)
        return answer

    def sheet_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The sheet of one row, with what may be done about it."""
        row = self.row_or_refusal(request, pk)
        offers = [
            {"title": deed.title, "address": reverse(f"admin:console_{self.opts.model_name}_act", args=[pk, deed.name])}
            for deed in deeds_for(self.slug)
            if request.user.has_perm(deed.permission) and deed.fits(row)
        ]
        context = {
            **self.admin_site.each_context(request),
            "title": f"{self.opts.verbose_name} {row}",
            "opts": self.opts,
            "sections": self.sections(row, request),
            "offers": offers,
        }
        return TemplateResponse(request, "console/sheet.html", context)

    def act_view(self, request: HttpRequest, pk: int, deed: str) -> HttpResponseBase:
        """The form of a deed, its confirmation, and the deed."""
        row = self.row_or_refusal(request, pk)
        back = reverse(f"admin:console_{self.opts.model_name}_change", args=[pk])
        return act(request, row, slug=self.slug, name=deed, back=back, context=self.admin_site.each_context(request))

    def row_or_refusal(self, request: HttpRequest, pk: int) -> T:
        """The row, for who may see it. Raises PermissionDenied or Http404."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row: T = get_object_or_404(self.get_queryset(request), pk=pk)
        return row


def digits_in(text: str) -> str:
    """The digits of a number that was written with blanks or hyphens."""
    return text.replace(" ", "").replace("-", "")
