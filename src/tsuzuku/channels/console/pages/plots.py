# SPDX-License-Identifier: Apache-2.0
"""Figures of sales as plots: each currency by itself, since amounts of two cannot stand beside each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.translation import gettext as _

from tsuzuku.kernel.money import Money
from tsuzuku.look import formats
from tsuzuku.look.bars import Amount, Plot, draw_columns, draw_rows
from tsuzuku.reports.dimensions import Dimension
from tsuzuku.reports.periods import Days
from tsuzuku.reports.sales import SalesFigure


@dataclass(frozen=True, kw_only=True)
class TitledPlot:
    """A plot and what it shows, for those who see it and those who hear it."""

    title: str
    plot: Plot


def plots_of(
    days: Days, figures: Sequence[SalesFigure], by_day: Sequence[SalesFigure], *, by: Dimension
) -> list[TitledPlot]:
    """Sales by day and by something else, for each currency in which something was sold."""
    plots = []
    for currency in sorted({figure.sold.currency for figure in by_day}):
        of_days = {figure.day: figure for figure in by_day if figure.sold.currency == currency}
        amounts = [_of_day(day, of_days.get(day), currency) for day in _every(days)]
        rows = [_amount(_name(figure, by), figure) for figure in figures if figure.sold.currency == currency]
        rows.sort(key=lambda amount: -amount.value)
        plots += [
            TitledPlot(title=_("Sold by day, in %(currency)s") % {"currency": currency}, plot=draw_columns(amounts)),
            TitledPlot(title=_titles(by) % {"currency": currency}, plot=draw_rows(rows)),
        ]
    return plots


def _titles(by: Dimension) -> str:
    return {
        Dimension.CHANNEL: _("Sold by door, in %(currency)s"),
        Dimension.METHOD: _("Sold by method, in %(currency)s"),
        Dimension.PLAN: _("Sold by plan, in %(currency)s"),
    }[by]


def _every(days: Days) -> list[date]:
    return [days.first + timedelta(days=number) for number in range((days.last - days.first).days + 1)]


def _name(figure: SalesFigure, by: Dimension) -> str:
    return str(getattr(figure, by.value) or "–")


def _of_day(day: date, figure: SalesFigure | None, currency: str) -> Amount:
    name = f"{day.month}/{day.day}"
    return _amount(name, figure) if figure else Amount(name, 0, 0, formats.money(Money(0, currency)))


def _amount(name: str, figure: SalesFigure) -> Amount:
    return Amount(name, figure.sold.amount_minor, figure.returned.amount_minor, formats.money(figure.sold))
