# SPDX-License-Identifier: Apache-2.0
"""Readings drawn from lots: once each, in order, whatever came before."""

from datetime import timedelta

import pytest

from tests.unit.usage.readings import NOW, ago, give, left, reading, stack_of, take
from tsuzuku.allowances import rules
from tsuzuku.catalog.terms import LotKind
from tsuzuku.testing.factories import make_card, make_plan, new_iccid
from tsuzuku.usage import actions
from tsuzuku.usage.actions import Taken, draw_kept_readings
from tsuzuku.usage.models import KeptReading, UsageRecord
from tsuzuku.usage.queries import measured_at

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["by the rules", "in numbers"], autouse=True)
def _either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few readings go by the rules, many by statements; all that is said here holds of both."""
    monkeypatch.setattr(actions, "MANY", 10**9 if request.param == "by the rules" else 1)


def test_a_reading_is_drawn_and_says_when_it_was_measured() -> None:
    card = make_card()
    give(card, make_plan(data_bytes=1000), ago(days=1))

    assert take(reading(card, 300, ago(hours=2))) == Taken(accepted=1)
    assert left(card) == [700]
    assert measured_at([card.pk]) == {card.pk: ago(hours=2)}
    [kept] = UsageRecord.objects.all()
    assert (kept.card_id, kept.record_id, kept.kind, kept.amount) == (card.pk, "r1", "data", 300)
    assert (kept.ended_at, kept.taken_at, kept.throttled, kept.unserved) == (ago(hours=2), NOW, 0, 0)


def test_a_record_counts_once_in_a_call_and_over_calls_and_months() -> None:
    card = make_card()
    give(card, make_plan(data_bytes=1000, days=90), ago(days=60))

    assert take(reading(card, 300, ago(hours=2)), reading(card, 5, ago(hours=1))) == Taken(accepted=1, duplicates=1)
    assert take(reading(card, 300, ago(hours=2)), reading(card, 5, ago(days=40))) == Taken(duplicates=2)
    assert take(reading(card, 1, ago(days=50), "r2")) == Taken(accepted=1)
    assert take(reading(card, 1, ago(hours=1), "r2")) == Taken(duplicates=1)
    assert left(card) == [699]


def test_the_same_record_of_another_card_is_another() -> None:
    one, other = make_card(), make_card()
    for card in (one, other):
        give(card, make_plan(data_bytes=1000), ago(days=1))

    assert take(reading(one, 1, ago(hours=1)), reading(other, 2, ago(hours=1))) == Taken(accepted=2)
    assert (left(one), left(other)) == ([999], [998])


def test_lines_are_drawn_in_order_of_time_and_record() -> None:
    card = make_card()
    give(card, make_plan("S", data_bytes=100, days=3), ago(days=2))
    give(card, make_plan("L", data_bytes=100, days=30, priority=1), ago(days=1))
    readings = [
        reading(card, 50, ago(hours=1), "b"),
        reading(card, 70, ago(hours=1), "a"),
        reading(card, 60, ago(hours=30), "c"),
    ]

    assert take(*readings) == Taken(accepted=3)
    assert left(card) == [20, 0]


def test_what_nothing_serves_is_told() -> None:
    card, empty = make_card(), make_card()
    give(card, make_plan(data_bytes=100), ago(days=1))

    assert take(reading(card, 130, ago(hours=2)), reading(empty, 7, ago(hours=1))) == Taken(
        accepted=2, unserved_bytes=37
    )
    assert left(card) == [0]
    assert measured_at([card.pk, empty.pk]) == {card.pk: ago(hours=2), empty.pk: ago(hours=1)}
    assert take(reading(card, 5, ago(hours=1), "r2")) == Taken(accepted=1, unserved_bytes=5)
    assert measured_at([card.pk]) == {card.pk: ago(hours=1)}


def test_what_the_day_does_not_allow_is_throttled() -> None:
    card = make_card()
    give(card, make_plan(data_bytes=1000, daily_bytes=100), ago(days=1))

    assert take(reading(card, 130, ago(hours=1))) == Taken(accepted=1, throttled_bytes=30)
    assert take(reading(card, 40, ago(hours=20), "late")) == Taken(accepted=1)
    assert take(reading(card, 90, ago(hours=21), "later")) == Taken(accepted=1, throttled_bytes=30)
    assert left(card) == [800]
    [lot] = stack_of(card)
    assert lot.earlier_days == (((NOW - timedelta(hours=20)).date(), 100),)


def test_a_late_reading_draws_from_what_ran_then() -> None:
    card = make_card()
    give(card, make_plan("A", data_bytes=100, days=30), ago(days=3))
    give(card, make_plan("B", data_bytes=100, days=30, priority=5), ago(days=1))

    assert take(reading(card, 10, ago(hours=1))) == Taken(accepted=1)
    assert take(reading(card, 120, ago(days=2), "late")) == Taken(accepted=1, unserved_bytes=20)
    assert left(card) == [0, 90]
    assert measured_at([card.pk]) == {card.pk: ago(hours=1)}


def test_voice_and_messages_draw_from_lots_of_their_kind() -> None:
    card = make_card()
    give(card, make_plan(data_bytes=100, voice_seconds=600, messages=None, voice_to="domestic"), ago(days=1))
    readings = [
        reading(card, 40, ago(hours=1), "d"),
        reading(card, 700, ago(hours=3), "v", LotKind.VOICE),
        reading(card, 5, ago(hours=2), "m", LotKind.MESSAGE),
    ]

    assert take(*readings) == Taken(accepted=3)
    assert [left(card, kind) for kind in (LotKind.DATA, LotKind.VOICE, LotKind.MESSAGE)] == [[60], [0], [None]]
    assert UsageRecord.objects.get(record_id="v").unserved == 100


def test_a_reading_of_nothing_counts_and_draws_nothing() -> None:
    card = make_card()
    give(card, make_plan(data_bytes=100, start="first_use"), ago(days=1))

    assert take(reading(card, 0, ago(hours=1))) == Taken(accepted=1)
    assert (rules.latest_draw(stack_of(card)), measured_at([card.pk])) == (None, {card.pk: ago(hours=1)})


def test_readings_of_unknown_cards_are_kept_aside_and_drawn_when_the_card_appears() -> None:
    iccid = new_iccid()
    assert take(reading(iccid, 30, ago(hours=1)), reading(iccid, 5, ago(hours=2), "r2")) == Taken(
        accepted=2, kept_aside=2
    )
    assert take(reading(iccid, 30, ago(hours=1))) == Taken(duplicates=1)
    assert draw_kept_readings(now=NOW) == 0

    card = make_card(iccid=iccid)
    give(card, make_plan(data_bytes=100), ago(days=1))
    assert take(reading(iccid, 30, ago(hours=1)), reading(iccid, 1, NOW, "r3")) == Taken(accepted=1, duplicates=1)
    assert draw_kept_readings(now=NOW) == 2
    assert (left(card), KeptReading.objects.count(), UsageRecord.objects.count()) == ([64], 0, 3)
    assert draw_kept_readings(now=NOW) == 0
    assert take(reading(iccid, 30, ago(hours=1)), reading(iccid, 5, NOW, "r2")) == Taken(duplicates=2)


def test_readings_of_cards_that_are_not_the_senders_wait_until_they_are() -> None:
    card = make_card(group="winter")
    give(card, make_plan(data_bytes=100), ago(days=1))
    mine = frozenset({"summer"})

    assert take(reading(card, 30, ago(hours=1)), groups=mine) == Taken(accepted=1, kept_aside=1)
    assert draw_kept_readings(now=NOW) == 0
    # What a stranger said does not make the same record of somebody else a repetition.
    assert take(reading(card, 20, ago(hours=1)), actor="partner:2") == Taken(accepted=1)
    card.group = "summer"
    card.save()
    assert draw_kept_readings(now=NOW) == 1
    assert (left(card), KeptReading.objects.count(), UsageRecord.objects.count()) == ([80], 0, 1)


def test_readings_older_than_what_is_kept_are_kept_aside_for_good() -> None:
    card = make_card()
    give(card, make_plan(data_bytes=100, days=365), ago(days=200))

    assert take(reading(card, 30, ago(days=150))) == Taken(accepted=1, kept_aside=1)
    assert take(reading(card, 30, ago(days=150))) == Taken(duplicates=1)
    assert draw_kept_readings(now=NOW) == 0
    assert left(card) == [100]
    assert list(KeptReading.objects.values_list("reason", flat=True)) == ["too-old"]


def test_odd_names_of_records_stay_what_they_are() -> None:
    card = make_card()
    give(card, make_plan(data_bytes=100), ago(days=1))
    names = ["a\\tb", "\\", "\\N", "\\.", "' OR 1=1 --", "{x}", "é", "记录", "😀", " ", "%s"]

    assert take(*(reading(card, 1, ago(hours=1), name) for name in names)) == Taken(accepted=len(names))
    assert set(UsageRecord.objects.values_list("record_id", flat=True)) == set(names)
    assert take(*(reading(card, 1, ago(hours=1), name) for name in names)) == Taken(duplicates=len(names))


def test_nothing_at_all_is_nothing() -> None:
    assert take() == Taken()
