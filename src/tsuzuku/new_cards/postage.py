# SPDX-License-Identifier: Apache-2.0
"""Where cards are posted to, and what that costs: the operator's setting."""

from django.conf import settings

from tsuzuku.kernel.money import Money
from tsuzuku.new_cards.addresses import COUNTRIES, Country
from tsuzuku.new_cards.errors import NotPostedThere


def countries() -> list[tuple[Country, Money]]:
    """The countries that cards are posted to, each with its postage, as the operator lists them."""
    return [(COUNTRIES[code], Money(yen, "JPY")) for code, yen in settings.POSTAGE_YEN.items()]


def postage_to(code: str) -> Money:
    """What post to a country costs, tax included. Raises NotPostedThere."""
    if code not in settings.POSTAGE_YEN:
        raise NotPostedThere
    return Money(settings.POSTAGE_YEN[code], "JPY")
