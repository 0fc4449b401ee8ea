# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import translation

from tsuzuku.kernel.money import Money
from tsuzuku.look import formats

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)  # noon in Japan


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Money(300, "JPY"), "¥300"),
        (Money(1180, "JPY"), "¥1,180"),
        (Money(-30, "JPY"), "−¥30"),
        (Money(1250, "USD"), "US$12.50"),
        (Money(8800, "CNY"), "CN¥88.00"),
        (Money(1_234_567, "SEK"), "SEK\u00a012,345.67"),
        (Money(1500, "KWD"), "KWD\u00a01.500"),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh-hans", "zh-hant", "ja", "ko"])
def test_money_is_written_the_same_in_every_language(amount: Money, text: str, language: str) -> None:
    with translation.override(language):
        assert formats.money(amount) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0\u00a0MB"),
        (1, "<1\u00a0MB"),
        (999_999, "<1\u00a0MB"),
        (1_000_000, "1\u00a0MB"),
        (999_999_999, "999\u00a0MB"),
        (1_000_000_000, "1\u00a0GB"),
        (2_499_999_999, "2.4\u00a0GB"),
        (99_990_000_000, "99.9\u00a0GB"),
        (100_990_000_000, "100\u00a0GB"),
        (1_000_000_000_000, "1,000\u00a0GB"),
        (None, "Unlimited"),
    ],
)
def test_data_is_decimal_and_never_more_than_there_is(size: int | None, text: str) -> None:
    assert formats.data_size(size) == text


@pytest.mark.parametrize(
    ("language", "voice", "messages", "unlimited"),
    [
        ("en", "60 min", "50 messages", "Unlimited"),
        ("zh-hans", "60 分钟", "50 条短信", "不限量"),
        ("zh-hant", "60 分鐘", "50 則簡訊", "不限量"),
        ("ja", "60分", "SMS 50通", "無制限"),
        ("ko", "60분", "문자 50건", "무제한"),
    ],
)
def test_calls_and_messages(language: str, voice: str, messages: str, unlimited: str) -> None:
    with translation.override(language):
        assert formats.voice(3659) == voice
        assert formats.messages(50) == messages
        assert [formats.voice(None), formats.messages(None)] == [unlimited, unlimited]


@pytest.mark.parametrize(
    ("span", "english", "chinese"),
    [
        (timedelta(days=3, hours=23), "3\u00a0days", "3\u00a0天"),
        (timedelta(days=1), "1\u00a0day", "1\u00a0天"),
        (timedelta(hours=23, minutes=59), "23\u00a0hours", "23\u00a0小时"),
        (timedelta(hours=1), "1\u00a0hour", "1\u00a0小时"),
        (timedelta(minutes=59, seconds=59), "59\u00a0minutes", "59\u00a0分钟"),
        (timedelta(seconds=59), "0\u00a0minutes", "0\u00a0分钟"),
        (timedelta(days=-1), "0\u00a0minutes", "0\u00a0分钟"),
    ],
)
def test_durations_are_rounded_down(span: timedelta, english: str, chinese: str) -> None:
    assert formats.duration(span) == english
    with translation.override("zh-hans"):
        assert formats.duration(span) == chinese


@pytest.mark.parametrize(
    ("language", "span", "end", "day"),
    [
        ("zh-hant", "3\u00a0天", "11月27日 週五 24:00", "2027年9月30日"),
        ("ja", "3日", "11月27日(金) 24:00", "2027年9月30日"),
        ("ko", "3일", "11월 27일(금) 24:00", "2027년 9월 30일"),
    ],
)
def test_spans_and_dates_of_the_other_languages(language: str, span: str, end: str, day: str) -> None:
    with translation.override(language):
        assert formats.duration(timedelta(days=3)) == span
        assert formats.until(datetime(2026, 11, 27, 15, 0, tzinfo=UTC), now=NOW) == end
        assert formats.full_day(date(2027, 9, 30)) == day


@pytest.mark.parametrize(
    ("moment", "english", "chinese"),
    [
        (datetime(2026, 11, 27, 15, 0, tzinfo=UTC), "Fri 27 Nov, 24:00", "11月27日 周五 24:00"),
        (datetime(2026, 11, 27, 14, 59, tzinfo=UTC), "Fri 27 Nov, 23:59", "11月27日 周五 23:59"),
        (datetime(2026, 11, 27, 15, 1, tzinfo=UTC), "Sat 28 Nov, 00:01", "11月28日 周六 00:01"),
        (datetime(2026, 12, 31, 15, 0, tzinfo=UTC), "Thu 31 Dec, 24:00", "12月31日 周四 24:00"),
        (datetime(2027, 5, 19, 15, 0, tzinfo=UTC), "Wed 19 May 2027, 24:00", "2027年5月19日 周三 24:00"),
    ],
)
def test_an_end_at_midnight_is_told_as_the_end_of_its_day(moment: datetime, english: str, chinese: str) -> None:
    assert formats.until(moment, now=NOW) == english
    with translation.override("zh-hans"):
        assert formats.until(moment, now=NOW) == chinese


def test_moments_are_told_in_the_brands_time() -> None:
    assert formats.moment(datetime(2026, 11, 23, 15, 0, tzinfo=UTC), now=NOW) == "Tue 24 Nov, 00:00"
    assert formats.moment(datetime(2026, 11, 24, 0, 5, tzinfo=UTC)) == "Tue 24 Nov, 09:05"


@pytest.mark.parametrize(("language", "text"), [("en", "30 Sep 2027"), ("zh-hans", "2027年9月30日")])
def test_dates_that_are_years_away(language: str, text: str) -> None:
    with translation.override(language):
        assert formats.full_day(date(2027, 9, 30)) == text
