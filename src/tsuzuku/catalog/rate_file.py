# SPDX-License-Identifier: Apache-2.0
"""Files of exchange rates, as an operator writes them or a bank sends them: CSV with headings, or JSON. Pure.

Each entry names a currency, what one unit of it costs in yen (`jpy_per_unit`) or what a yen buys of it
(`units_per_jpy`), and from when that holds (`valid_from`; empty: from now on).
"""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from babel.numbers import list_currencies
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tsuzuku.catalog.file_reading import load_json

FIELDS = frozenset({"currency", "jpy_per_unit", "units_per_jpy", "valid_from"})
#: Beyond these it is a slip of the hand: no currency is worth so much or so little.
_RATE_MIN, _RATE_MAX = Decimal("0.000001"), Decimal(1_000_000)
#: As exact as the column that keeps it.
_EXACT = Decimal("1e-10")

#: What each mistake means, for the person who wrote the file.
MISTAKES: Mapping[str, Promise] = {
    "file-unreadable": _("this is neither JSON nor CSV in UTF-8 with the headings currency and jpy_per_unit or so"),
    "field-unknown": _("there is no such field"),
    "currency-malformed": _("it names no currency of ISO 4217, or yen itself"),
    "rate-malformed": _("it needs one of jpy_per_unit and units_per_jpy, a number above zero that can be"),
    "moment-malformed": _("valid_from is a day such as 2026-11-21, or a moment with its offset"),
    "rate-duplicate": _("another entry has the same currency and moment"),
}


class RateEntry(NamedTuple):
    """What a yen buys of a currency, from a moment on."""

    currency: str
    units_per_yen: Decimal
    valid_from: datetime


class RateMistake(NamedTuple):
    """What is wrong with which entry; the first is 1, and 0 is the file as a whole."""

    entry: int
    code: str


@dataclass(frozen=True)
class ParsedRates:
    """The entries of a file, or what is wrong with it."""

    entries: tuple[RateEntry, ...]
    mistakes: tuple[RateMistake, ...]


def parse_rates(text: bytes, *, now: datetime, zone: tzinfo) -> ParsedRates:
    """Reads a file of rates. A day is meant to begin at midnight in `zone`."""
    try:
        fields = list(_entries(text))
    except (ValueError, RecursionError, csv.Error):
        return ParsedRates((), (RateMistake(0, "file-unreadable"),))
    entries: list[RateEntry] = []
    mistakes: list[RateMistake] = []
    for number, each in enumerate(fields, start=1):
        read = _read(each, now=now, zone=zone)
        if isinstance(read, str):
            mistakes.append(RateMistake(number, read))
        elif any((read.currency, read.valid_from) == (known.currency, known.valid_from) for known in entries):
            mistakes.append(RateMistake(number, "rate-duplicate"))
        else:
            entries.append(read)
    return ParsedRates(tuple(entries), tuple(mistakes))


def _entries(text: bytes) -> Iterator[Mapping[str, Any]]:
    """The entries as they stand; ValueError if the file is neither kind."""
    if text.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        body = load_json(text)
        found = body.get("rates") if isinstance(body, dict) else None
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise ValueError("rates is a list of objects")
        yield from found
        return
    lines = csv.DictReader(io.StringIO(text.decode("utf-8-sig"), newline=""), strict=True)
    if "currency" not in (lines.fieldnames or ()):
        raise ValueError("no heading currency")
    yield from lines


def _read(fields: Mapping[str, Any], *, now: datetime, zone: tzinfo) -> RateEntry | str:
    """An entry, or the code of its mistake."""
    if not FIELDS.issuperset(str(name) for name in fields):
        return "field-unknown"
    currency = str(fields.get("currency") or "").strip().upper()
    if currency == "JPY" or currency not in list_currencies():
        return "currency-malformed"
    rate = _rate(fields)
    if rate is None:
        return "rate-malformed"
    valid_from = _moment(fields.get("valid_from"), now=now, zone=zone)
    return "moment-malformed" if valid_from is None else RateEntry(currency, rate, valid_from)


def _rate(fields: Mapping[str, Any]) -> Decimal | None:
    """What a yen buys, from whichever of the two is given."""
    per_unit, per_yen = (_number(fields.get(name)) for name in ("jpy_per_unit", "units_per_jpy"))
    if (per_unit is None) == (per_yen is None):
        return None
    rate = per_yen if per_yen is not None else 1 / (per_unit or Decimal("nan"))
    return rate.quantize(_EXACT) if rate.is_finite() and _RATE_MIN <= rate <= _RATE_MAX else None


def _number(value: object) -> Decimal | None:
    """None for what is empty; not a number for what is none."""
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return Decimal("nan")
    return number if number.is_finite() and number > 0 and not isinstance(value, bool) else Decimal("nan")


def _moment(value: object, *, now: datetime, zone: tzinfo) -> datetime | None:
    text = str(value or "").strip()
    if not text:
        return now
    try:
        if len(text) == len("2026-11-21"):
            return datetime.combine(date.fromisoformat(text), time(), tzinfo=zone)
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
