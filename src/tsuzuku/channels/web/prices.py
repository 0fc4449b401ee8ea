# SPDX-License-Identifier: Apache-2.0
"""What a price is made of."""

from tsuzuku.kernel.money import Money

#: Japan's consumption tax at its general rate, since 2019-10-01; prices include it.
CONSUMPTION_TAX_PERCENT = 10


def included_tax(price: Money) -> Money:
    """The consumption tax in a price, rounded down as Japanese receipts commonly do."""
    tax = price.amount_minor * CONSUMPTION_TAX_PERCENT // (100 + CONSUMPTION_TAX_PERCENT)
    return Money(tax, price.currency)
