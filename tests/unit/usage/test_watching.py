# SPDX-License-Identifier: Apache-2.0
"""Months made and dropped, days that are unlike others, and other things that nobody announces."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from tests.unit.usage.readings import NOW, ago, give, left, reading, take
from tsuzuku.cards.actions import block_card
from tsuzuku.cards.models import Blocked, Card
from tsuzuku.catalog.terms import LotKind
from tsuzuku.journal.models import Fact
from tsuzuku.testing.factories import make_card, make_plan, new_iccid
from tsuzuku.usage import partitions, watching
from tsuzuku.usage.actions import Taken
from tsuzuku.usage.models import KeptReading, Look, RolledMonth, UsageRecord
from tsuzuku.usage.queries import DayOfUse, usage_by_day

pytestmark = pytest.mark.django_db


def _months() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relid::regclass::text FROM pg_partition_tree('usage_record') WHERE isleaf ORDER BY 1")
        return [name.removeprefix("usage_record_") for (name,) in cursor.fetchall()]


@pytest.fixture(autouse=True)
def _no_months_left_over(db: None) -> None:
    """Tests that commit leave months behind."""
    with connection.cursor() as cursor:
        for month in _months():
            cursor.execute(f"DROP TABLE usage_record_{month}")


def _unusual() -> list[tuple[int | None, dict[str, Any]]]:
    return list(Fact.objects.filter(kind="usage-unusual").order_by("pk").values_list("card_id", "body"))


def _used(card: Card, days: dict[date, int]) -> list[DayOfUse]:
    return [
        DayOfUse(day=day, kind=LotKind.DATA, amount=amount, throttled=0, unserved=0) for day, amount in days.items()
    ]


# -- months ------------------------------------------------------------------------------------------------------------


def test_months_are_made_ahead_and_on_demand() -> None:
    assert watching.should_tend_months(NOW)
    assert watching.tend_months(now=NOW) == 3
    assert _months() == ["2026_11", "2026_12", "2027_01"]
    assert not watching.should_tend_months(NOW)
    assert watching.should_tend_months(datetime(2026, 12, 1, tzinfo=UTC))

    card = make_card()
    assert take(reading(card, 1, ago(days=70))) == Taken(accepted=1, unserved_bytes=1)
    assert _months() == ["2026_09", "2026_11", "2026_12", "2027_01"]


def test_a_reading_at_either_end_of_a_month_finds_its_place() -> None:
    card = make_card()
    ends = [datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC) - timedelta(microseconds=1)]
    take(*(reading(card, 1, at, f"{at}") for at in ends))
    assert _months() == ["2026_10"]
    assert UsageRecord.objects.count() == 2


def test_a_month_that_nobody_needs_is_rolled_up_by_local_day_and_dropped() -> None:
    card = make_card()
    give(card, make_plan(data_bytes=1000, daily_bytes=100, days=120), ago(days=90))
    # 15:00 UTC is midnight in Tokyo.
    first = datetime(2026, 9, 10, 14, 59, tzinfo=UTC)
    take(reading(card, 10, first, "a"), reading(card, 150, first + timedelta(minutes=1), "b"))
    take(reading(card, 20, datetime(2026, 9, 30, 20, tzinfo=UTC), "c"))
    take(reading(card, 3, datetime(2026, 10, 1, 5, tzinfo=UTC), "d"))
    days = usage_by_day(card.pk, since=date(2026, 9, 1), until=date(2026, 11, 30))
    later = datetime(2027, 1, 15, tzinfo=UTC)

    assert partitions.past_months(NOW) == []
    assert watching.should_tend_months(later)
    watching.tend_months(now=later)
    assert _months() == ["2026_10", "2027_01", "2027_02", "2027_03"]
    assert not watching.should_tend_months(later)
    assert list(RolledMonth.objects.values_list("month", "rolled_up_at")) == [(date(2026, 9, 1), later)]
    assert usage_by_day(card.pk, since=date(2026, 9, 1), until=date(2026, 11, 30)) == days
    assert [(each.day, each.amount, each.drawn, each.throttled) for each in days] == [
        (date(2026, 9, 10), 10, 10, 0),
        (date(2026, 9, 11), 150, 100, 50),
        (date(2026, 10, 1), 23, 23, 0),
    ]
    assert usage_by_day(card.pk, since=date(2026, 9, 11), until=date(2026, 9, 11)) == days[1:2]

    watching.tend_months(now=later + timedelta(days=31))
    assert _months() == ["2027_01", "2027_02", "2027_03", "2027_04"]
    assert usage_by_day(card.pk, since=date(2026, 9, 1), until=date(2026, 11, 30)) == days


def test_what_was_dropped_is_never_drawn_again(settings: Settings) -> None:
    card = make_card()
    give(card, make_plan(data_bytes=1000, days=365), ago(days=90))
    first = reading(card, 10, ago(days=80))
    assert take(first) == Taken(accepted=1)
    settings.KEEP_USAGE_DAYS = 20
    watching.tend_months(now=NOW)
    # A longer time now does not bring back what is gone.
    settings.KEEP_USAGE_DAYS = 200

    assert take(first) == Taken(accepted=1, kept_aside=1)
    assert take(first) == Taken(duplicates=1)
    assert take(reading(card, 10, ago(days=50), "r2")) == Taken(accepted=1)
    assert left(card) == [980]
    assert list(KeptReading.objects.values_list("record_id", "reason")) == [("r1", "too-old")]


def test_a_reading_kept_aside_may_become_too_old(settings: Settings) -> None:
    iccid = new_iccid()
    take(reading(iccid, 10, ago(days=80)))
    give(make_card(iccid=iccid), make_plan(data_bytes=100, days=365), ago(days=90))
    settings.KEEP_USAGE_DAYS = 20

    assert watching.look_for_cards(now=NOW) == 1
    assert list(KeptReading.objects.values_list("reason", flat=True)) == ["too-old"]
    assert not watching.should_look_for_cards(NOW + timedelta(days=1))


# -- cards that appeared -----------------------------------------------------------------------------------------------


def test_cards_are_looked_for_only_while_readings_wait_and_not_all_the_time() -> None:
    assert not watching.should_look_for_cards(NOW)
    take(reading(new_iccid(), 10, ago(hours=1)))
    assert watching.should_look_for_cards(NOW)
    assert watching.look_for_cards(now=NOW) == 0
    assert not watching.should_look_for_cards(NOW)
    Look.objects.update(next_at=NOW)
    assert watching.should_look_for_cards(NOW)


# -- what is unusual ---------------------------------------------------------------------------------------------------

MB = 10**6


def _days_of(card: Card, *megabytes: int) -> None:
    """So much on each day up to today, the last being today's."""
    take(
        *(
            reading(card, each * MB, ago(days=len(megabytes) - 1 - number), f"day {number}")
            for number, each in enumerate(megabytes)
        )
    )


def test_a_day_ten_times_the_usual_is_told_once() -> None:
    usual, light, young, tenfold, even = (make_card() for _ in range(5))
    _days_of(usual, 100, 100, 100, 999)
    _days_of(light, 10, 10, 10, 499)
    _days_of(young, 50, 50, 900)
    _days_of(tenfold, 10, 0, 50, 90, 500)
    _days_of(even, 100, 100, 100, 1000)

    assert watching.should_look_for_tenfold_days(NOW)
    assert watching.look_for_tenfold_days(now=NOW) == 2
    assert not watching.should_look_for_tenfold_days(NOW)
    assert watching.look_for_tenfold_days(now=NOW + timedelta(minutes=10)) == 0
    assert _unusual() == [
        (card.pk, {"anomaly": "tenfold", "day": "2026-11-20", "amount": amount * MB})
        for card, amount in ((tenfold, 500), (even, 1000))
    ]


def test_use_after_everything_expired_is_told_once_a_day() -> None:
    card, waiting, empty, never = (make_card() for _ in range(4))
    give(card, make_plan("A", data_bytes=100, days=1), ago(days=5))
    give(waiting, make_plan("B", data_bytes=100, days=1, start="tap"), ago(days=5))
    give(empty, make_plan("C", data_bytes=100, days=30), ago(days=5))
    for each in (card, waiting, empty, never):
        take(reading(each, 110, ago(hours=2)))
    take(reading(card, 7, ago(hours=1), "r2"))
    assert _unusual() == [(card.pk, {"anomaly": "after-expiry", "day": "2026-11-20", "amount": 110})]
    take(reading(card, 7, ago(days=1), "r3"))
    assert _unusual()[1:] == [(card.pk, {"anomaly": "after-expiry", "day": "2026-11-19", "amount": 7})]


@pytest.mark.parametrize("blocked", [Blocked.SUSPENDED, Blocked.LOST])
def test_use_of_a_blocked_card_is_drawn_and_told(blocked: Blocked) -> None:
    card, other = make_card(), make_card()
    for each in (card, other):
        give(each, make_plan(data_bytes=1000), ago(days=1))
    block_card(card=card, blocked=blocked)

    assert take(reading(card, 30, ago(hours=2)), reading(other, 30, ago(hours=2))) == Taken(accepted=2)
    assert take(reading(card, 30, ago(hours=2)), reading(card, 0, ago(days=1), "r2")) == Taken(accepted=1, duplicates=1)
    assert left(card) == [970]
    assert _unusual() == [(card.pk, {"anomaly": "blocked", "day": "2026-11-20", "amount": 30})]
