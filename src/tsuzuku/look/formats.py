# SPDX-License-Identifier: Apache-2.0
"""How amounts, moments and money are written in the active language. Pure: nothing is read but that language.

The patterns are texts like any other (context "pattern"), so a new language brings its own with its folder of texts.
Moments are told in the brand's zone; a moment that ends something is told as 24:00 of the day that it ends.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal, get_currency_precision
from django.utils import timezone
from django.utils.translation import get_language, gettext, ngettext, pgettext, to_locale

from tsuzuku.kernel.money import Money

NO_BREAK = "\u00a0"
MINUS = "\u2212"
MEGABYTE, GIGABYTE = 10**6, 10**9

#: Written on purpose, not by locale: babel would print JP¥300 in Chinese and a full-width sign in Japanese. Beside the
#: yen sign stand no other ¥, so that nobody takes yen for yuan.
CURRENCY_SIGNS = {
    "JPY": "¥",
    "USD": "US$",
    "CNY": "CN¥",
    "TWD": "NT$",
    "HKD": "HK$",
    "KRW": "₩",
    "EUR": "€",
    "GBP": "£",
}


def active_locale() -> Locale:
    """Babel's locale of the active language."""
    return Locale.parse(to_locale(get_language() or "en"))


def number(value: int | Decimal) -> str:
    """A number with the language's separators."""
    return format_decimal(value, locale=active_locale(), decimal_quantization=False)


def money(amount: Money) -> str:
    """¥1,180, −¥30, US$12.50."""
    decimals = get_currency_precision(amount.currency)
    major = Decimal(abs(amount.amount_minor)).scaleb(-decimals)
    text = format_decimal(major, format=f"#,##0.{'0' * decimals}", locale=active_locale())
    sign = CURRENCY_SIGNS.get(amount.currency, amount.currency + NO_BREAK)
    return f"{MINUS if amount.amount_minor < 0 else ''}{sign}{text}"


def about(value: Decimal, currency: str) -> str:
    """CN¥21.3, NT$1,190: an amount of a currency that claims no more digits than it has."""
    text = format_decimal(value, format="#,##0.####", locale=active_locale())
    return f"{CURRENCY_SIGNS.get(currency, currency + NO_BREAK)}{text}"


def data_parts(size_bytes: int) -> tuple[str, str]:
    """An amount of data as number and unit, decimal as carriers count, rounded down: never more than there is."""
    if size_bytes >= GIGABYTE:
        tenths = size_bytes * 10 // GIGABYTE
        value = Decimal(tenths // 10) if tenths >= 1000 or tenths % 10 == 0 else Decimal(tenths) / 10
        return number(value), "GB"
    if 0 < size_bytes < MEGABYTE:
        return f"<{number(1)}", "MB"
    return number(size_bytes // MEGABYTE), "MB"


def data_size(size_bytes: int | None) -> str:
    """2.4 GB; None is unlimited."""
    if size_bytes is None:
        return gettext("Unlimited")
    return NO_BREAK.join(data_parts(size_bytes))


def voice(seconds: int | None) -> str:
    """60 min, rounded down; None is unlimited."""
    if seconds is None:
        return gettext("Unlimited")
    return gettext("%(minutes)s min") % {"minutes": number(seconds // 60)}


def messages(count: int | None) -> str:
    """50 messages; None is unlimited."""
    if count is None:
        return gettext("Unlimited")
    return ngettext("%(count)s message", "%(count)s messages", count) % {"count": number(count)}


def duration_parts(span: timedelta) -> tuple[str, str]:
    """How long as number and unit, rounded down: days, below one day hours, below one hour minutes."""
    seconds = max(int(span.total_seconds()), 0)
    if seconds >= 86_400:
        return number(days := seconds // 86_400), ngettext("day", "days", days)
    if seconds >= 3_600:
        return number(hours := seconds // 3_600), ngettext("hour", "hours", hours)
    return number(minutes := seconds // 60), ngettext("minute", "minutes", minutes)


def duration(span: timedelta) -> str:
    """3 days, 5 hours, 20 minutes. Some languages write the unit onto the number; a space between does not break."""
    value, unit = duration_parts(span)
    text = pgettext("how long", "%(number)s %(unit)s") % {"number": value, "unit": unit}
    return text.replace(" ", NO_BREAK)


def local(moment: datetime) -> datetime:
    """The moment in the brand's zone."""
    return moment.astimezone(timezone.get_default_timezone())


def day(value: date, *, now: datetime | None = None) -> str:
    """Fri 27 Nov; with the year where it is not that of `now`."""
    pattern = pgettext("pattern", "EEE d MMM")
    if now is not None and value.year != local(now).year:
        pattern = pgettext("pattern", "EEE d MMM y")
    return format_date(value, format=pattern, locale=active_locale())


def short_day(value: date) -> str:
    """27 Nov."""
    return format_date(value, format=pgettext("pattern", "d MMM"), locale=active_locale())


def full_day(value: date) -> str:
    """27 Nov 2026, for dates that may be years away."""
    return format_date(value, format=pgettext("pattern", "d MMM y"), locale=active_locale())


def weekday(value: date) -> str:
    """Fri, as short as can be told apart: it stands under a station of the line."""
    return format_date(value, format=pgettext("pattern on the line", "EEE"), locale=active_locale())


def month(value: date) -> str:
    """Nov."""
    return format_date(value, format=pgettext("pattern on the line", "LLL"), locale=active_locale())


def month_of_year(value: date) -> str:
    """Nov 2026."""
    return format_date(value, format=pgettext("pattern", "LLL y"), locale=active_locale())


def moment(value: datetime, *, now: datetime | None = None) -> str:
    """Fri 27 Nov, 09:05."""
    at = local(value)
    return _day_and_time(day(at.date(), now=now), f"{at:%H:%M}")


def clock_time(value: datetime) -> str:
    """Fri 27 Nov, 08:05, on the clock of the value's own zone."""
    return _day_and_time(day(value.date()), f"{value:%H:%M}")


def until(value: datetime, *, now: datetime | None = None) -> str:
    """As `moment`, for the end of something: midnight is 24:00 of the day before."""
    at = local(value)
    if (at.hour, at.minute) != (0, 0):
        return moment(value, now=now)
    return _day_and_time(day(at.date() - timedelta(days=1), now=now), "24:00")


def _day_and_time(day_text: str, time_text: str) -> str:
    return pgettext("day and time", "%(day)s, %(time)s") % {"day": day_text, "time": time_text}
