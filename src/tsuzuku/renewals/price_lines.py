# SPDX-License-Identifier: Apache-2.0
"""A price explained line by line to whoever pays it: the plan, what each promotion took off, a new card, its post."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils import translation
from django.utils.translation import gettext

from tsuzuku.cards.models import CardKind
from tsuzuku.catalog.promotion_queries import promotion_names
from tsuzuku.kernel.money import Money

#: The name of the line that a new card is of its order.
NEW_CARD: Final = "new_card"
#: The name of the line of what it costs to post it.
POSTAGE: Final = "postage"


@dataclass(frozen=True, slots=True)
class PriceLine:
    """What for, and how much; what is taken off is below nothing."""

    name: str
    amount: Money


def price_lines(
    lines: Sequence[dict[str, Any]], *, plan_name: str, currency: str, language: str
) -> tuple[PriceLine, ...]:
    """The lines of a quote or an order in words; none where the plan's price is all that there is to say."""
    if len(lines) == 1:
        return ()
    promotions = promotion_names([line["promotion"] for line in lines if "promotion" in line], language)
    return tuple(
        PriceLine(_name(line, promotions, plan_name, language), Money(line["amount_minor"], currency)) for line in lines
    )


def _name(line: dict[str, Any], promotions: Mapping[str, str], plan_name: str, language: str) -> str:
    if "promotion" in line:
        return promotions[line["promotion"]]
    if NEW_CARD in line:
        with translation.override(language.lower()):
            return str(CardKind(line[NEW_CARD]).label)
    if POSTAGE in line:
        with translation.override(language.lower()):
            return gettext("Post")
    return plan_name
