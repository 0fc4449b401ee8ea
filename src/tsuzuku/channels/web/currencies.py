# SPDX-License-Identifier: Apache-2.0
"""In which currency somebody is told prices beside yen: one that they chose, or the likely one."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.http import HttpRequest
from django.utils.translation import get_language

from tsuzuku.catalog.rates import about, rates_now
from tsuzuku.kernel.money import Money
from tsuzuku.look import formats

_SESSION_KEY = "currency"
#: Chosen by who wants to see yen only.
NONE = "JPY"
#: By language of the pages. Who reads Japanese thinks in yen.
_OF_LANGUAGE = {"zh-hans": "CNY", "zh-hant": "TWD", "ko": "KRW", "en": "USD"}
#: By a region that the browser asks for, where the language is not enough.
_OF_REGION = {"zh-hk": "HKD", "zh-mo": "HKD", "zh-tw": "TWD", "en-gb": "GBP", "en-hk": "HKD", "en-ie": "EUR"}


@dataclass(frozen=True, slots=True)
class Shown:
    """The currency in which prices are told too, with its rate; and those that can be chosen."""

    currency: str
    units_per_yen: Decimal | None
    choices: tuple[str, ...]

    def about(self, price: Money) -> str:
        """A price, about; empty where nothing is known."""
        if self.units_per_yen is None or price.currency != "JPY":
            return ""
        return formats.about(about(price, self.units_per_yen), self.currency)


def currency_shown(request: HttpRequest, *, now: datetime) -> Shown:
    """What to tell prices in. A currency without a fresh rate is not shown and cannot be chosen."""
    rates = rates_now(now=now)
    currency = request.session.get(_SESSION_KEY) or _likely(request)
    return Shown(currency, rates.get(currency), tuple(sorted(rates)))


def choose(request: HttpRequest, currency: str, *, now: datetime) -> None:
    """Keeps a currency in this browser; one that cannot be chosen changes nothing."""
    if currency == NONE or currency in rates_now(now=now):
        request.session[_SESSION_KEY] = currency


def _likely(request: HttpRequest) -> str:
    """By the language of the page, more closely by the region that the browser asks for in that language."""
    language = get_language() or "en"
    for tag in request.headers.get("Accept-Language", "").lower().replace(";", ",").split(","):
        found = _OF_REGION.get(tag.strip())
        if found and tag.strip().partition("-")[0] == language.partition("-")[0] and language != "zh-hans":
            return found
    return _OF_LANGUAGE.get(language, NONE)
