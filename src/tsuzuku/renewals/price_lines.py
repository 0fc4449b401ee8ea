# SPDX-License-Identifier: Apache-2.0
"""A price explained line by line to whoever pays it: the plan, then what each promotion took off."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tsuzuku.catalog.promotion_queries import promotion_names
from tsuzuku.kernel.money import Money


@dataclass(frozen=True, slots=True)
class PriceLine:
    """What for, and how much; what is taken off is below nothing."""

    name: str
    amount: Money


def price_lines(
    lines: Sequence[dict[str, Any]], *, plan_name: str, currency: str, language: str
) -> tuple[PriceLine, ...]:
    """The lines of a quote or an order in words; none where the plan's price is all that there is to say."""
    taken_off = [line["promotion"] for line in lines if "promotion" in line]
    if not taken_off:
        return ()
    names = promotion_names(taken_off, language)
    return tuple(
        PriceLine(names[line["promotion"]] if "promotion" in line else plan_name, Money(line["amount_minor"], currency))
        for line in lines
    )
