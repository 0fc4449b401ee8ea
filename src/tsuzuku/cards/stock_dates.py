# SPDX-License-Identifier: Apache-2.0
"""Dates as back offices in Japan write them: western, Japanese era, or only a month."""

import calendar
import re
import unicodedata
from datetime import date
from functools import lru_cache

#: The first days of the eras. People write years past an era's last one, so none ends here.
_REIWA = date(2019, 5, 1)
_HEISEI = date(1989, 1, 8)
_SHOWA = date(1926, 12, 25)
_ERAS = {
    **dict.fromkeys(("令和", "令", "r"), _REIWA),
    **dict.fromkeys(("平成", "平", "h"), _HEISEI),
    **dict.fromkeys(("昭和", "昭", "s"), _SHOWA),
}

#: Year, month and, where given, day, between one kind of separator; a time of day after it says nothing here.
_PARTS = re.compile(
    r"""
    (?: (?P<era> 令和 | 令 | 平成 | 平 | 昭和 | 昭 | [rhs] ) \.? (?P<era_year> \d{1,2} | 元 ) | (?P<year> \d{4} ) )
    (?: (?P<separator> [/.\-] ) (?P<month> \d{1,2} ) (?: (?P=separator) (?P<day> \d{1,2} ) )?
      | 年 (?P<month_ja> \d{1,2} ) 月 (?: (?P<day_ja> \d{1,2} ) 日 )?
    )
    (?: [T\s] \d{1,2} : \d{2} (?: : \d{2} (?: \.\d+ )? )? )?
    """,
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
#: Back offices write the end of time for "no end".
_NO_END = date(9999, 12, 31)


# A million lines have a few hundred different dates.
@lru_cache(maxsize=4096)
def parse_last_date(text: str) -> date | None:
    """The last date of use; a month alone means its last day, 9999-12-31 means none.

    Day before month, month before year and two digits for a year without an era are ambiguous: ValueError, as for
    whatever else is no date.
    """
    folded = unicodedata.normalize("NFKC", text).strip()
    if compact := _COMPACT.fullmatch(folded):
        return _date(int(compact[1]), int(compact[2]), int(compact[3]))
    found = _PARTS.fullmatch(re.sub(r"\s*([年月])\s*", r"\1", folded))
    if found is None:
        raise ValueError("not a date")
    month = int(found["month"] or found["month_ja"])
    day_text = found["day"] or found["day_ja"]
    day = int(day_text) if day_text else None
    if found["year"]:
        return _date(int(found["year"]), month, day)
    first_day = _ERAS[found["era"].lower()]
    number = 1 if found["era_year"] == "元" else int(found["era_year"])
    if number < 1:
        raise ValueError("years of an era count from 1")
    return _date(first_day.year + number - 1, month, day, not_before=first_day)


def _date(year: int, month: int, day: int | None, not_before: date = date.min) -> date | None:
    if not 1 <= month <= 12:
        raise ValueError("not a month")
    parsed = date(year, month, calendar.monthrange(year, month)[1] if day is None else day)
    if parsed < not_before:
        raise ValueError("before its era")
    return None if parsed == _NO_END else parsed
