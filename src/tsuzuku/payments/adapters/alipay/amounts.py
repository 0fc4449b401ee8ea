# SPDX-License-Identifier: Apache-2.0
"""Amounts as Alipay writes them: units with hundredths, but for currencies that have none."""

from decimal import Decimal, InvalidOperation

from tsuzuku.kernel.money import Money

#: What a trade is in whose currency nobody tells.
YUAN = "CNY"
_WHOLE = frozenset({"JPY", "KRW"})
_AMOUNT_MAX = 10**12


def format_amount(amount: Money) -> str:
    """An amount as it is sent."""
    if amount.currency in _WHOLE:
        return str(amount.amount_minor)
    return f"{amount.amount_minor // 100}.{amount.amount_minor % 100:02d}"


def parse_amount(text: object, currency: str) -> Money:
    """An amount as it was told. Raises ValueError if nobody can pay it."""
    try:
        units = Decimal(str(text))
    except InvalidOperation:
        raise ValueError("no amount") from None
    minor = units if currency in _WHOLE else units * 100
    if not (minor.is_finite() and minor == minor.to_integral_value() and 0 < minor < _AMOUNT_MAX):
        raise ValueError("an amount that nobody can pay")
    return Money(int(minor), currency)
