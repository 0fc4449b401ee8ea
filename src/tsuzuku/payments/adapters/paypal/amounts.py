# SPDX-License-Identifier: Apache-2.0
"""Amounts as PayPal writes them: text in whole units, yen without decimals, all others with two."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tsuzuku.kernel.money import Money

#: Of the currencies that PayPal knows, https://developer.paypal.com/api/rest/reference/currency-codes/, the one without
#: smaller units. Forints and Taiwan dollars have some, though PayPal takes none of them.
_WHOLE_CURRENCIES = frozenset({"JPY"})


def format_amount(amount: Money) -> dict[str, str]:
    """An amount for a call."""
    if amount.currency in _WHOLE_CURRENCIES:
        value = str(amount.amount_minor)
    else:
        value = f"{Decimal(amount.amount_minor).scaleb(-2):.2f}"
    return {"currency_code": amount.currency, "value": value}


def parse_amount(fields: Mapping[str, Any]) -> Money:
    """An amount of an answer: more than nothing, and no more than a ledger can hold. Raises ValueError and the like."""
    currency, value = fields["currency_code"], fields["value"]
    if not isinstance(value, str) or len(value) > 32:
        raise ValueError("no amount")
    minor = Decimal(value).scaleb(0 if currency in _WHOLE_CURRENCIES else 2)
    if minor != minor.to_integral_value() or not 0 < minor < 2**63:
        raise ValueError("an amount that nobody can pay")
    return Money(int(minor), currency)
