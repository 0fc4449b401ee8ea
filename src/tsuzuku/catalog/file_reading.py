# SPDX-License-Identifier: Apache-2.0
"""Reading JSON files whose every mistake is named by thing and field: what plans and promotions share."""

import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeGuard

from babel.numbers import list_currencies

from tsuzuku.catalog.models import CODE_PATTERN
from tsuzuku.catalog.terms import Mistake, is_whole
from tsuzuku.kernel.texts import is_one_line

LANGUAGES = ("zh-Hans", "zh-Hant", "ja", "en", "ko")
#: The doors that sell; a price may be for a door that does not exist yet, but then somebody should know.
DOORS = frozenset({"web", "kiosk", "counter", "desk", "marketplace", "partner_api", "tmf_api", "automatic"})
NAME_LENGTH_MAX = 120
#: Beyond these a number is a slip of the hand, and sums with it would not fit their columns.
AMOUNT_MINOR_MAX = 10**12
COUNT_MAX = 10**6


@dataclass(frozen=True)
class Notice:
    """Something taken as it is that somebody should look at: what (a plan, a promotion), which field, a stable code."""

    plan: str
    field: str
    code: str


class Fields(dict[str, Any]):
    """A JSON object that remembers which of its fields were given twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = [name for name, _value in pairs]
        self.twice = sorted({name for name in names if names.count(name) > 1})


@dataclass
class Reading:
    """What has been found so far about one plan or promotion."""

    plan: str
    mistakes: list[Mistake] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def mistake(self, name: str, code: str) -> None:
        self.mistakes.append(Mistake(self.plan, name, code))

    def notice(self, name: str, code: str) -> None:
        self.notices.append(Notice(self.plan, name, code))


def load_json(text: bytes) -> object:
    """What a file says; its objects are `Fields`. ValueError or RecursionError if it is not JSON in UTF-8."""
    return json.loads(text.decode("utf-8-sig"), object_pairs_hook=Fields, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def read_name(name: object, reading: Reading) -> None:
    """Checks a name in several languages: English must be there, others had better be."""
    if not isinstance(name, dict):
        reading.mistake("name", "name-missing" if name is None else "value-malformed")
        return
    for language, text in name.items():
        if language not in LANGUAGES:
            reading.mistake(f"name.{language}", "field-unknown")
        elif not is_name(text):
            reading.mistake(f"name.{language}", "value-malformed")
    for language in LANGUAGES:
        if language not in name:
            note = reading.mistake if language == "en" else reading.notice
            note(f"name.{language}", "name-missing")


_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)


def moment(value: object) -> datetime | None:
    """A time of RFC 3339; None if it is none."""
    if not isinstance(value, str) or _RFC_3339.fullmatch(value) is None:
        return None
    try:
        return datetime.fromisoformat(value.upper())
    except ValueError:
        return None


def is_moment(value: object) -> bool:
    """Whether it is a time of RFC 3339."""
    return moment(value) is not None


def read_window(fields: Fields, reading: Reading, names: tuple[str, str]) -> tuple[datetime | None, datetime | None]:
    """From when until when, by the names of the two fields."""
    starts, ends = (moment(fields[name]) if name in fields else None for name in names)
    if starts is not None and ends is not None and ends <= starts:
        reading.mistake(names[1], "combination-malformed")
    return starts, ends


def is_code(value: object) -> TypeGuard[str]:
    """Whether it can name a plan or a promotion."""
    return isinstance(value, str) and CODE_PATTERN.fullmatch(value) is not None


def is_text(value: object, length_max: int) -> bool:
    """Whether it is one line that says something."""
    return isinstance(value, str) and len(value.strip()) > 0 and len(value) <= length_max and is_one_line(value)


def is_name(value: object) -> bool:
    """Whether it can be shown as a name."""
    # Names end up in spreadsheets. A leading plus is harmless there in "+1 GB"; = and @ start what is run.
    return is_text(value, NAME_LENGTH_MAX) and not unicodedata.normalize("NFKC", str(value)).strip().startswith(
        ("=", "@")
    )


def is_channel(value: object) -> bool:
    """Whether it can name a door."""
    return isinstance(value, str) and re.fullmatch(r"[a-z][a-z0-9_]{0,31}", value) is not None


def is_amount(value: object) -> TypeGuard[int]:
    """Whether it is an amount of money above nothing, in minor units."""
    return whole_up_to(1, AMOUNT_MINOR_MAX)(value)


def is_currency(value: object) -> TypeGuard[str]:
    """Whether it is a currency of ISO 4217."""
    return isinstance(value, str) and value in list_currencies()


def is_list(value: object, check: Callable[[object], bool]) -> bool:
    """Whether it is a list of different things with at least one in it."""
    return isinstance(value, list) and bool(value) and all(map(check, value)) and len(set(value)) == len(value)


def whole_up_to(least: int, most: int) -> Callable[[object], bool]:
    """A check for whole numbers between two."""
    return lambda value: is_whole(value, least=least) and isinstance(value, int) and value <= most
