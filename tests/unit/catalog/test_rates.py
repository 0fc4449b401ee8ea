# SPDX-License-Identifier: Apache-2.0
"""Exchange rates: read from files, kept with their history, told about and only while they are fresh."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tsuzuku.catalog.errors import RateFileRefused
from tsuzuku.catalog.models import Rate
from tsuzuku.catalog.rate_file import parse_rates
from tsuzuku.catalog.rates import about, import_rates, rates_now
from tsuzuku.kernel.money import Money

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
TOKYO = ZoneInfo("Asia/Tokyo")


def mistakes(text: str | bytes) -> list[tuple[int, str]]:
    body = text if isinstance(text, bytes) else text.encode()
    return [(each.entry, each.code) for each in parse_rates(body, now=NOW, zone=TOKYO).mistakes]


def csv_of(*lines: str) -> bytes:
    return "\r\n".join(["currency,jpy_per_unit,units_per_jpy,valid_from", *lines]).encode("utf-8-sig")


def test_both_kinds_of_file_say_the_same() -> None:
    body = {"rates": [{"currency": "cny", "jpy_per_unit": "20"}, {"currency": "KRW", "units_per_jpy": 9.4}]}
    as_json = parse_rates(json.dumps(body).encode(), now=NOW, zone=TOKYO)
    as_csv = parse_rates(csv_of("CNY,20,,", "krw,,9.4,"), now=NOW, zone=TOKYO)
    assert as_json == as_csv
    assert [(each.currency, each.units_per_yen, each.valid_from) for each in as_csv.entries] == [
        ("CNY", Decimal("0.05"), NOW),
        ("KRW", Decimal("9.4"), NOW),
    ]


def test_a_day_begins_at_midnight_in_japan() -> None:
    parsed = parse_rates(csv_of("USD,150,,2026-11-21", "EUR,170,,2026-11-21T09:00:00+00:00"), now=NOW, zone=TOKYO)
    assert [each.valid_from.astimezone(UTC).hour for each in parsed.entries] == [15, 9]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("XXQ,1,,", "currency-malformed"),
        ("JPY,1,,", "currency-malformed"),
        (",1,,", "currency-malformed"),
        ("CNY,,,", "rate-malformed"),
        ("CNY,20,0.05,", "rate-malformed"),
        ("CNY,0,,", "rate-malformed"),
        ("CNY,-20,,", "rate-malformed"),
        ("CNY,NaN,,", "rate-malformed"),
        ("CNY,Infinity,,", "rate-malformed"),
        ("CNY,1e-400,,", "rate-malformed"),
        ("CNY,twenty,,", "rate-malformed"),
        ("CNY,,1e999999,", "rate-malformed"),
        ("CNY,20,,21.11.2026", "moment-malformed"),
        ("CNY,20,,2026-13-40", "moment-malformed"),
        ("CNY,20,,2026-11-21T09:00:00", "moment-malformed"),
        ("CNY,20,,,more", "field-unknown"),
    ],
)
def test_a_mistake_is_named_with_its_entry(line: str, code: str) -> None:
    assert mistakes(csv_of("USD,150,,", line)) == [(2, code)]


def test_two_entries_for_one_moment_are_a_mistake() -> None:
    assert mistakes(csv_of("CNY,20,,", "USD,150,,", "CNY,21,,")) == [(3, "rate-duplicate")]


@pytest.mark.parametrize(
    "text",
    ["", "nothing", "a,b\n1,2", "{", '{"rates": 1}', '{"rates": [1]}', "[" * 100_000, b"\xff\xfe", b'{"rates": [NaN]}'],
)
def test_what_is_neither_kind_is_refused_whole(text: str | bytes) -> None:
    assert mistakes(text) == [(0, "file-unreadable")]


@pytest.mark.django_db
def test_the_same_again_adds_nothing_and_a_correction_keeps_what_was() -> None:
    def take(line: str) -> tuple[int, int]:
        result = import_rates(text=csv_of(line), now=NOW)
        return result.new, result.unchanged

    assert take("CNY,20,,2026-11-20") == (1, 0)
    assert take("CNY,20,,2026-11-20") == (0, 1)
    assert take("CNY,25,,2026-11-20") == (1, 0)
    assert rates_now(now=NOW) == {"CNY": Decimal("0.04")}
    assert Rate.objects.count() == 2
    with pytest.raises(RateFileRefused):
        import_rates(text=csv_of("USD,150,,", "CNY,x,,"), now=NOW)
    assert Rate.objects.count() == 2


@pytest.mark.django_db
def test_a_rate_is_told_from_its_moment_until_a_week_later() -> None:
    import_rates(text=csv_of("CNY,20,,2026-11-22", "USD,100,,2026-11-20"), now=NOW)
    dollar, begins = Decimal("0.01"), datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
    assert rates_now(now=begins - timedelta(seconds=1)) == {"USD": dollar}
    assert rates_now(now=begins) == {"USD": dollar, "CNY": Decimal("0.05")}
    assert rates_now(now=begins + timedelta(days=6)) == {"CNY": Decimal("0.05")}
    assert rates_now(now=begins + timedelta(days=7)) == {}


@pytest.mark.parametrize(
    ("yen", "rate", "told"),
    [
        (300, "0.0463", "13.9"),
        (10_000, "0.0065", "65"),
        (3_300, "9.39", "31000"),
        (1, "0.0065", "0.0065"),
        (0, "1", "0"),
    ],
)
def test_three_digits_are_told(yen: int, rate: str, told: str) -> None:
    assert about(Money(yen, "JPY"), Decimal(rate)) == Decimal(told)


def test_rates_are_of_yen() -> None:
    with pytest.raises(ValueError, match="not of USD"):
        about(Money(1, "USD"), Decimal(1))
