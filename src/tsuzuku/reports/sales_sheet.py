# SPDX-License-Identifier: Apache-2.0
"""Sales as a file for a spreadsheet. Its headings are for programs too, and are not translated."""

from collections.abc import Collection, Iterable

from tsuzuku.kernel.csv_lines import decimals_of
from tsuzuku.reports.dimensions import Dimension
from tsuzuku.reports.sales import SalesFigure
from tsuzuku.reports.spreadsheets import spreadsheet

_FIGURES = ("currency", "decimals", "orders", "sold_minor", "refunds", "returned_minor", "net_minor")


def sales_sheet(figures: Iterable[SalesFigure], *, by: Collection[Dimension]) -> bytes:
    """A row for each figure. Amounts are in minor units, with how many of their digits are behind the point."""
    columns = [dimension for dimension in Dimension if dimension in by]
    rows: list[list[str | int]] = [
        [
            *(_text(getattr(figure, column.value)) for column in columns),
            figure.sold.currency,
            decimals_of(figure.sold.currency),
            figure.orders,
            figure.sold.amount_minor,
            figure.refunds,
            figure.returned.amount_minor,
            figure.net.amount_minor,
        ]
        for figure in figures
    ]
    return spreadsheet([*(column.value for column in columns), *_FIGURES], rows)


def _text(value: object) -> str:
    return "" if value is None else str(value)
