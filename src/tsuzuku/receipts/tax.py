# SPDX-License-Identifier: Apache-2.0
"""The consumption tax in what was sold. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from tsuzuku.kernel.money import Money

#: Japan's consumption tax at its general rate, since 2019-10-01; prices include it.
CONSUMPTION_TAX_PERCENT = 10


@dataclass(frozen=True, slots=True)
class TaxedSum:
    """All that was sold at one rate: the sum, and the tax in it."""

    percent: int
    total: Money
    tax: Money


def included_tax(price: Money, *, percent: int = CONSUMPTION_TAX_PERCENT) -> Money:
    """The consumption tax in a price, rounded down as Japanese receipts commonly do."""
    return Money(price.amount_minor * percent // (100 + percent), price.currency)


def sums_by_rate(lines: Iterable[tuple[int, Money]]) -> list[TaxedSum]:
    """What lines (rate and amount) make at each rate, the highest rate first.

    The tax is rounded once for each rate and not for each line, as a qualified invoice must
    (https://www.nta.go.jp/taxes/shiraberu/zeimokubetsu/shohi/keigenzeiritsu/invoice_about.htm).
    """
    totals: dict[int, Money] = {}
    for percent, amount in lines:
        totals[percent] = totals[percent] + amount if percent in totals else amount
    return [
        TaxedSum(percent, total, included_tax(total, percent=percent))
        for percent, total in sorted(totals.items(), reverse=True)
    ]
