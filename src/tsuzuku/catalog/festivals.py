# SPDX-License-Identifier: Apache-2.0
"""Holidays for which travellers come, lunar ones too: their days in each year as the `holidays` library has them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Days:
    """A stretch of days, both ends included."""

    first: date
    last: date

    def widened(self, *, before: int, after: int) -> "Days":
        """So many days more on either side."""
        return Days(self.first - timedelta(days=before), self.last + timedelta(days=after))


def festival_days(name: str, year: int) -> Days | None:
    """The days of a festival in a year; None for a year that the library's tables do not reach (1901 to 2099)."""
    return FESTIVALS[name](year)


@lru_cache(maxsize=256)
def _spring_festival(year: int) -> Days | None:
    """The lunar New Year's Eve and the seven days from New Year, as mainland China has them off since 2025."""
    first = _named("CN", "Chinese New Year (Spring Festival)", year)
    return Days(first - timedelta(days=1), first + timedelta(days=6)) if first else None


@lru_cache(maxsize=256)
def _mid_autumn(year: int) -> Days | None:
    """The fifteenth of the eighth lunar month."""
    day = _named("CN", "Mid-Autumn Festival", year)
    return Days(day, day) if day else None


@lru_cache(maxsize=256)
def _golden_week(year: int) -> Days | None:
    """Japan's, from Showa Day to Children's Day, or to the substitute holiday that follows it."""
    import holidays  # noqa: PLC0415  # takes a quarter of a second, which a brand without festivals need not wait for

    off = holidays.country_holidays("JP", years=year)
    last = date(year, 5, 5)
    while last + timedelta(days=1) in off:
        last += timedelta(days=1)
    return Days(date(year, 4, 29), last)


def _national_day(year: int) -> Days:
    """Mainland China's golden week of autumn."""
    return Days(date(year, 10, 1), date(year, 10, 7))


def _named(country: str, name: str, year: int) -> date | None:
    import holidays  # noqa: PLC0415  # as above

    # What is "observed" moves days off to Mondays; a festival stays where its calendar puts it.
    off = holidays.country_holidays(country, years=year, observed=False, language="en_US")
    return min(off.get_named(name, lookup="exact"), default=None)


#: Their days in a year, by the names that promotion files use.
FESTIVALS: Mapping[str, Callable[[int], Days | None]] = {
    "spring-festival": _spring_festival,
    "golden-week": _golden_week,
    "mid-autumn": _mid_autumn,
    "national-day": _national_day,
}
