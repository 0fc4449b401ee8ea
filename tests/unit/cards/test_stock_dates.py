# SPDX-License-Identifier: Apache-2.0
import calendar
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsuzuku.cards.stock_dates import parse_last_date

WIDE = str.maketrans("0123456789/.", "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19\uff0f\uff0e")


@given(st.dates(date(1900, 1, 1), date(9998, 12, 31)))
def test_every_western_way_of_writing_a_day(day: date) -> None:
    ways = [
        f"{day:%Y}/{day:%m}/{day:%d}", f"{day.year:04}-{day.month}-{day.day}", f"{day.year:04}.{day.month}.{day.day}",
        f"{day.year:04}{day.month:02}{day.day:02}", f"{day.year:04}年{day.month}月{day.day}日",
        f"{day.year:04}年 {day.month}月 {day.day}日", f"{day.isoformat()} 00:00:00", f"{day.isoformat()}T23:59",
    ]  # fmt: skip
    assert {parse_last_date(way) for way in [*ways, *(way.translate(WIDE) for way in ways)]} == {day}


@given(st.dates(date(2019, 5, 1), date(2117, 12, 31)))
def test_every_way_of_writing_a_day_of_reiwa(day: date) -> None:
    year = day.year - 2018
    ways = [
        f"令和{year}年{day.month}月{day.day}日", f"令和{year:02}年{day.month:02}月{day.day:02}日",
        f"R{year}.{day.month}.{day.day}", f"r{year:02}/{day.month:02}/{day.day:02}", f"R{year}-{day.month}-{day.day}",
        f"令{year}.{day.month}.{day.day}", f"R.{year}.{day.month}.{day.day}", f"㋿{year}年{day.month}月{day.day}日",
    ]  # fmt: skip
    if year == 1:
        ways.append(f"令和元年{day.month}月{day.day}日")
    assert {parse_last_date(way) for way in [*ways, *(way.translate(WIDE) for way in ways)]} == {day}


@given(st.integers(2019, 2117), st.integers(1, 12))
def test_a_month_alone_means_its_last_day(year: int, month: int) -> None:
    ways = [f"{year}/{month}", f"{year}-{month:02}", f"{year}年{month}月"]
    if year > 2019:
        ways += [f"令和{year - 2018}年{month}月", f"R{year - 2018}.{month}"]
    assert {parse_last_date(way) for way in ways} == {date(year, month, calendar.monthrange(year, month)[1])}


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("令和9年12月31日", date(2027, 12, 31)),
        ("平成31年4月30日", date(2019, 4, 30)),
        ("H39.3.31", date(2027, 3, 31)),
        ("昭和元年12月25日", date(1926, 12, 25)),
        ("S64.1.7", date(1989, 1, 7)),
        ("2028/02/29", date(2028, 2, 29)),
    ],
)
def test_dates_of_all_eras(text: str, day: date) -> None:
    assert parse_last_date(text) == day


def test_the_end_of_time_is_no_date() -> None:
    assert (parse_last_date("9999/12/31"), parse_last_date("99991231")) == (None, None)


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "27/09/30", "30/09/2027", "09/30/2027", "2027/02/29", "2027/13/01", "2027/00", "20271301", "2027/9/31",
        "令和元年4月30日", "令和0年5月1日", "R0.5.1", "明治45年1月1日", "2027/09-30", "2027-09-30 24h", "46660",
        "0000/01/01", "=TODAY()", "2027年9月30", "2027/09/30/1", "12027/09/30",
    ],
)  # fmt: skip
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_last_date(text)
