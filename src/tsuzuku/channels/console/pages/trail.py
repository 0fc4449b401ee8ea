# SPDX-License-Identifier: Apache-2.0
"""The trail: who of the staff did what, when, about what, and why. It is only ever added to."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin import SimpleListFilter, display
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.views import ChangeList

from tsuzuku.channels.console.models import TrailEntry
from tsuzuku.channels.console.names import names_of
from tsuzuku.channels.console.pages.reading import ReadingAdmin
from tsuzuku.channels.console.sheets import Cell, Section, moment, said
from tsuzuku.channels.console.words import trail_words
from tsuzuku.kernel import clock
from tsuzuku.orders.numbers import parse_number
from tsuzuku.people.models import User


class Persons(SimpleListFilter):
    """Entries of one person, also of those who have left."""

    title = gettext_lazy("Person")
    parameter_name = "who"
    template = "console/filter.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ANN401  # Django's
        persons = User.objects.filter(is_staff=True).order_by("email")
        return [(f"staff:{person.pk}", str(person)) for person in persons]

    def queryset(self, request: HttpRequest, queryset: QuerySet[TrailEntry]) -> QuerySet[TrailEntry]:
        who = self.value()
        return queryset.filter(Q(actor=who) | Q(body__subject=who)) if who else queryset


class NamedList(ChangeList):
    """A page of the trail with the names of everybody on it, in one query: entries keep numbers only."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        entries = list(self.result_list)
        names = names_of(word for entry in entries for word in (entry.actor, entry.body["subject"]))
        for entry in entries:
            entry.names = names
        self.result_list = entries


class TrailAdmin(ReadingAdmin[TrailEntry]):
    """The trail."""

    slug = "trail"
    list_display = ("at_shown", "who", "what", "about", "why")
    list_filter = (Persons,)
    search_help_text = gettext_lazy("Order number, or what an entry is about, as in promotion:SALE")

    def found(self, text: str) -> Q:
        number = parse_number(text)
        return Q(body__subject=f"order:{number}" if number else text)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:  # type: ignore[override]  # noqa: ANN401  # the stubs err
        return NamedList

    @display(description=gettext_lazy("When"))
    def at_shown(self, entry: TrailEntry) -> str:
        """When."""
        return moment(entry.at, now=clock.now())

    @display(description=gettext_lazy("Who"))
    def who(self, entry: TrailEntry) -> str:
        """Who did it."""
        return entry.names[entry.actor]  # type: ignore[attr-defined,no-any-return]  # NamedList gives them

    @display(description=gettext_lazy("What"))
    def what(self, entry: TrailEntry) -> Cell:
        """What was done."""
        return trail_words(entry.kind, entry.body)

    @display(description=gettext_lazy("About"))
    def about(self, entry: TrailEntry) -> str:
        """About whom or what."""
        return entry.names[entry.body["subject"]]  # type: ignore[attr-defined,no-any-return]  # as above

    @display(description=gettext_lazy("Reason"))
    def why(self, entry: TrailEntry) -> str:
        """Why."""
        return said(" · ".join(text for text in (entry.body.get("reason"), entry.body.get("details")) if text))

    def sections(self, row: TrailEntry, request: HttpRequest) -> Sequence[Section]:
        names = names_of([row.actor, row.body["subject"]])
        about: list[tuple[str, Cell]] = [
            (_("When"), moment(row.at, now=clock.now())),
            (_("Who"), names[row.actor]),
            (_("What"), trail_words(row.kind, row.body)),
            (_("About"), names[row.body["subject"]]),
            (_("Reason"), said(row.body.get("reason"))),
            (_("Details"), said(row.body.get("details"))),
        ]
        return [Section(title=_("Entry of the trail"), pairs=about)]
