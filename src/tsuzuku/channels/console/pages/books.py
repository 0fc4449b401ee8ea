# SPDX-License-Identifier: Apache-2.0
"""What providers settled and where our books differ; and what was sold, as plots and as a file."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib.admin import SimpleListFilter, display
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from tsuzuku.channels.console.models import DifferenceEntry, SalesEntry, SettlementEntry
from tsuzuku.channels.console.names import names_of
from tsuzuku.channels.console.pages.plots import plots_of
from tsuzuku.channels.console.pages.reading import ReadingAdmin
from tsuzuku.channels.console.sheets import Cell, Section, link, moment, said, tag
from tsuzuku.kernel import clock
from tsuzuku.look import formats
from tsuzuku.orders.numbers import parse_number
from tsuzuku.payments.registry import providers
from tsuzuku.reports.dimensions import Dimension
from tsuzuku.reports.kinds import INFORMATION
from tsuzuku.reports.periods import Days
from tsuzuku.reports.queries import figures_of
from tsuzuku.reports.sales import SalesFigure, sales
from tsuzuku.reports.sales_sheet import sales_sheet
from tsuzuku.reports.words import explanation, kind_name, thing

#: The days that are shown unless others are asked for, and the most that may be.
_DAYS_SHOWN, _DAYS_MAX = 30, 366


class OpenFilter(SimpleListFilter):
    """Differences that wait for a person, and others."""

    title = gettext_lazy("State")
    parameter_name = "state"
    template = "console/filter.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ANN401  # Django's
        return [("open", _("open")), ("resolved", _("seen to")), ("information", _("for information"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[DifferenceEntry]) -> QuerySet[DifferenceEntry]:
        informing = Q(kind__in=sorted(INFORMATION))
        match self.value():
            case "open":
                return queryset.filter(~informing, resolved_at=None)
            case "resolved":
                return queryset.filter(resolved_at__isnull=False)
            case "information":
                return queryset.filter(informing)
        return queryset


class ProviderFilter(SimpleListFilter):
    """Rows of one provider."""

    title = gettext_lazy("Provider")
    parameter_name = "provider"
    template = "console/filter.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ANN401  # Django's
        return [(name, name) for name in providers()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(provider=self.value()) if self.value() else queryset


class DifferenceAdmin(ReadingAdmin[DifferenceEntry]):
    """Where providers' files and our books differ."""

    slug = "differences"
    list_display = ("number_shown", "day_shown", "provider_shown", "kind_shown", "standing", "amounts", "order_shown")
    list_filter: ClassVar[tuple[type[SimpleListFilter], ...]] = (OpenFilter, ProviderFilter)
    search_help_text = gettext_lazy("Order number or the provider's reference")

    def found(self, text: str) -> Q:
        return Q(purpose=parse_number(text) or text) | Q(identity=text) | Q(capture_reference=text)

    @display(description=gettext_lazy("Difference"))
    def number_shown(self, difference: DifferenceEntry) -> str:
        """Our number of it."""
        return f"{difference.pk}"

    @display(description=gettext_lazy("Day"))
    def day_shown(self, difference: DifferenceEntry) -> str:
        """On which day."""
        return difference.day.isoformat()

    @display(description=gettext_lazy("Provider"))
    def provider_shown(self, difference: DifferenceEntry) -> str:
        """Whose file."""
        return difference.provider

    @display(description=gettext_lazy("Kind"))
    def kind_shown(self, difference: DifferenceEntry) -> str:
        """What is the case."""
        return kind_name(difference.kind)

    @display(description=gettext_lazy("State"))
    def standing(self, difference: DifferenceEntry) -> SafeString:
        """Whether somebody has yet to see to it."""
        if difference.is_information:
            return tag(_("for information"))
        return tag(_("open"), "act") if difference.is_open else tag(_("seen to"), "good")

    @display(description=gettext_lazy("There and here"))
    def amounts(self, difference: DifferenceEntry) -> str:
        """What the file says, and what our books say."""
        both = (difference.amount, difference.our_amount)
        return " · ".join(formats.money(amount) if amount else "–" for amount in both)

    @display(description=gettext_lazy("Order"))
    def order_shown(self, difference: DifferenceEntry) -> str:
        """What was paid for."""
        return said(difference.purpose)

    def sections(self, row: DifferenceEntry, request: HttpRequest) -> Sequence[Section]:
        now, names = clock.now(), names_of([row.resolved_by])
        about: list[tuple[str, Cell]] = [
            (_("Kind"), kind_name(row.kind)),
            (_("State"), self.standing(row)),
            (_("Day"), self.day_shown(row)),
            (_("Provider"), row.provider),
            (_("File"), link(row.file.name, "settlemententry", row.file_id)),
            (_("What is the case"), explanation(row)),
            (_("Seen to by"), said(names[row.resolved_by])),
            (_("When"), moment(row.resolved_at, now=now)),
            (_("Note"), said(row.note)),
        ]
        theirs: list[tuple[str, Cell]] = [
            (_("Line"), str(row.number) if row.number else said(None)),
            (_("About"), said(thing(row.line_kind))),
            (_("Provider's reference"), said(row.identity)),
            (_("Amount"), formats.money(row.amount) if row.amount else "–"),
            (_("Booked"), moment(row.booked_at, now=now)),
        ]
        ours: list[tuple[str, Cell]] = [
            (_("Order"), said(row.purpose)),
            (_("Reference"), said(row.our_reference)),
            (_("Amount"), formats.money(row.our_amount) if row.our_amount else "–"),
            (_("When"), moment(row.our_at, now=now)),
        ]
        return [
            Section(title=_("Difference"), pairs=about),
            Section(title=_("In the file"), pairs=theirs),
            Section(title=_("In our books"), pairs=ours),
        ]


class SettlementAdmin(ReadingAdmin[SettlementEntry]):
    """Providers' files that were taken, with what they come to by day."""

    slug = "settlements"
    list_display = ("name_shown", "provider_shown", "begins", "ends", "taken", "open_shown")
    list_filter: ClassVar[tuple[type[SimpleListFilter], ...]] = (ProviderFilter,)
    search_help_text = gettext_lazy("Name of a file")

    def found(self, text: str) -> Q:
        return Q(name__icontains=text)

    @display(description=gettext_lazy("File"))
    def name_shown(self, file: SettlementEntry) -> str:
        """Its name."""
        return file.name

    @display(description=gettext_lazy("Provider"))
    def provider_shown(self, file: SettlementEntry) -> str:
        """Whose it is."""
        return file.provider

    @display(description=gettext_lazy("From"))
    def begins(self, file: SettlementEntry) -> str:
        """Since when it tells everything."""
        return moment(file.begins_at, now=clock.now())

    @display(description=gettext_lazy("To"))
    def ends(self, file: SettlementEntry) -> str:
        """Until when."""
        return moment(file.ends_at, now=clock.now())

    @display(description=gettext_lazy("Taken"))
    def taken(self, file: SettlementEntry) -> str:
        """When somebody took it."""
        return moment(file.taken_at, now=clock.now())

    @display(description=gettext_lazy("Open differences"))
    def open_shown(self, file: SettlementEntry) -> str:
        """How many of its differences wait for a person."""
        return formats.number(vars(file)["waiting"])

    def sections(self, row: SettlementEntry, request: HttpRequest) -> Sequence[Section]:
        now, names = clock.now(), names_of([row.taken_by])
        about: list[tuple[str, Cell]] = [
            (_("File"), row.name),
            (_("Provider"), row.provider),
            (_("From"), moment(row.begins_at, now=now)),
            (_("To"), moment(row.ends_at, now=now)),
            (_("Taken"), moment(row.taken_at, now=now)),
            (_("By whom"), names[row.taken_by]),
            (_("Lines that were in earlier files"), formats.number(row.known)),
            (_("Lines that are no payments"), formats.number(row.others)),
        ]
        figures = [
            (
                figure.day.isoformat(),
                thing(figure.kind),
                formats.number(figure.lines),
                formats.money(figure.total),
                formats.money(figure.fees),
            )
            for figure in figures_of(row)
        ]
        differences = [
            (link(each.pk, "differenceentry", each.pk), each.day.isoformat(), kind_name(each.kind), explanation(each))
            for each in row.differences.exclude(kind__in=sorted(INFORMATION)).order_by("day", "pk")
        ]
        return [
            Section(title=_("Settlement file"), pairs=about),
            Section(
                title=_("What it comes to"),
                headers=[_("Day"), _("About"), _("Lines"), _("Amount"), _("Fees")],
                rows=figures,
                empty=_("It has no lines."),
            ),
            Section(
                title=_("Differences"),
                headers=[_("Difference"), _("Day"), _("Kind"), _("What is the case")],
                rows=differences,
                empty=_("There is none."),
            ),
        ]


class SalesForm(forms.Form):
    """Of which days, and by what."""

    first = forms.DateField(label=gettext_lazy("From"), widget=UnfoldAdminTextInputWidget({"type": "date"}))
    last = forms.DateField(label=gettext_lazy("To"), widget=UnfoldAdminTextInputWidget({"type": "date"}))
    by = forms.ChoiceField(
        label=gettext_lazy("By"),
        choices=[
            (Dimension.CHANNEL, gettext_lazy("door")),
            (Dimension.METHOD, gettext_lazy("method")),
            (Dimension.PLAN, gettext_lazy("plan")),
        ],
        widget=UnfoldAdminSelectWidget,
    )

    def clean(self) -> dict[str, Any]:
        asked = self.cleaned_data
        if {"first", "last"} <= asked.keys() and not 0 <= (asked["last"] - asked["first"]).days < _DAYS_MAX:
            raise forms.ValidationError(_("The last day must lie after the first, and within a year of it."))
        return asked


class SalesAdmin(ReadingAdmin[SalesEntry]):
    """What was sold and what went back. One page, and the same as a file."""

    slug = "sales"

    def get_urls(self) -> list[URLPattern]:
        inside = self.admin_site.admin_view
        return [
            path("sales/", inside(require_safe(self.sales_view)), name="console_salesentry_changelist"),
            path("sales.csv", inside(require_safe(self.file_view)), name="console_salesentry_file"),
        ]

    def sales_view(self, request: HttpRequest) -> HttpResponse:
        """Plots and figures."""
        form = self._form(request)
        is_valid = form.is_valid()
        days, by = _asked(form) if is_valid else (None, Dimension.CHANNEL)
        figures = sales(days, by=[by]) if days else []
        context = {
            **self.admin_site.each_context(request),
            "title": self.opts.verbose_name_plural,
            "opts": self.opts,
            "form": form,
            "plots": plots_of(days, figures, sales(days, by=[Dimension.DAY]), by=by) if days else [],
            "sections": [_table(figures, by)] if days else [],
            "file": f"{reverse('admin:console_salesentry_file')}?{urlencode(form.data)}" if is_valid else "",
        }
        return TemplateResponse(request, "console/sales.html", context)

    def file_view(self, request: HttpRequest) -> HttpResponse:
        """The same, told apart by everything, for a spreadsheet."""
        form = self._form(request)
        if not form.is_valid():
            return HttpResponse(status=400)
        days, _by = _asked(form)
        name = f"sales-{days.first}-{days.last}.csv"
        return HttpResponse(
            sales_sheet(sales(days, by=list(Dimension)), by=list(Dimension)),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def _form(self, request: HttpRequest) -> SalesForm:
        """What was asked for, else the last month. Raises PermissionDenied."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        today = localdate(clock.now())
        data = request.GET.copy()
        usual = {"first": today - timedelta(days=_DAYS_SHOWN - 1), "last": today, "by": Dimension.CHANNEL.value}
        for name, value in usual.items():
            data.setdefault(name, str(value))
        return SalesForm({name: data[name] for name in usual})


def _asked(form: SalesForm) -> tuple[Days, Dimension]:
    first: date = form.cleaned_data["first"]
    return Days(first, form.cleaned_data["last"]), Dimension(form.cleaned_data["by"])


def _table(figures: Sequence[SalesFigure], by: Dimension) -> Section:
    names = {Dimension.CHANNEL: _("Door"), Dimension.METHOD: _("Method"), Dimension.PLAN: _("Plan")}
    return Section(
        title=_("Figures"),
        headers=[names[by], _("Orders"), _("Sold"), _("Refunds"), _("Went back"), _("Stayed")],
        rows=[
            (
                said(getattr(figure, by.value)),
                formats.number(figure.orders),
                formats.money(figure.sold),
                formats.number(figure.refunds),
                formats.money(figure.returned),
                formats.money(figure.net),
            )
            for figure in figures
        ],
        empty=_("Nothing was sold in these days."),
    )
