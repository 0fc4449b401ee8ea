# SPDX-License-Identifier: Apache-2.0
"""Carriers that tell totals, and the audit of what was drawn."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from tests.unit.usage.readings import NOW, ago, give, left, reading, stack_of, take
from tsuzuku.allowances.models import LotRow
from tsuzuku.cards.models import Card
from tsuzuku.catalog.terms import LotKind
from tsuzuku.journal.models import Fact
from tsuzuku.testing.factories import make_card, make_plan
from tsuzuku.usage.audit import findings
from tsuzuku.usage.models import Correction
from tsuzuku.usage.queries import measured_at
from tsuzuku.usage.totals import Drift, reconcile_total
from tsuzuku.usage.watching import tend_months

pytestmark = pytest.mark.django_db


def _card(**fields: Any) -> Card:  # noqa: ANN401  # a plan's fields
    card = make_card()
    give(card, make_plan(**{"data_bytes": 1000, "days": 30, **fields}), ago(days=1))
    return card


def _tell(card: Card, hours_ago: float = 1, **figure: int) -> Drift | None:
    return reconcile_total(
        card_id=card.pk, kind=LotKind.DATA, measured_at=ago(hours=hours_ago), actor="carrier:mynet", now=NOW, **figure
    )


def _drifts() -> list[dict[str, Any]]:
    return list(Fact.objects.filter(kind="usage-drifted").order_by("pk").values_list("body", flat=True))


def test_a_total_that_agrees_changes_nothing_but_the_time_of_measuring() -> None:
    card = _card()
    take(reading(card, 300, ago(hours=2)))

    assert (_tell(card, remaining=700), _tell(card, used=300)) == (None, None)
    assert (left(card), _drifts(), measured_at([card.pk])) == ([700], [], {card.pk: ago(hours=1)})


def test_the_carriers_figure_wins_and_the_drift_is_told() -> None:
    card = _card()
    take(reading(card, 300, ago(hours=2)))

    assert _tell(card, remaining=650) == Drift(ours=700, carriers=650, placed=50)
    assert _tell(card, remaining=650) is None
    assert _tell(card, used=320) == Drift(ours=650, carriers=680, placed=-30)
    assert (left(card), measured_at([card.pk])) == ([680], {card.pk: ago(hours=1)})
    assert _drifts() == [
        {"lot_kind": "data", "ours": 700, "carriers": 650, "placed": 50},
        {"lot_kind": "data", "ours": 650, "carriers": 680, "placed": -30},
    ]
    assert list(findings()) == []


def test_what_lots_cannot_hold_is_not_placed() -> None:
    card = _card()
    take(reading(card, 300, ago(hours=2)))

    assert _tell(card, remaining=5000) == Drift(ours=700, carriers=5000, placed=-300)
    assert _tell(card, used=5000) == Drift(ours=1000, carriers=0, placed=1000)
    assert (left(card), list(findings())) == ([0], [])


def test_less_is_taken_in_drain_order_and_more_given_back_to_what_drained_last() -> None:
    card = _card(daily_bytes=10)
    give(card, make_plan("B", data_bytes=100, days=5), ago(days=1))

    assert _tell(card, remaining=800) == Drift(ours=1100, carriers=800, placed=300)
    assert left(card) == [800, 0]
    assert _tell(card, remaining=1050) == Drift(ours=800, carriers=1050, placed=-250)
    assert left(card) == [1000, 50]


def test_a_total_that_empties_a_lot_starts_the_next() -> None:
    card = _card()
    give(card, make_plan("Q", data_bytes=500, stacking="queue", days=3), ago(days=1))
    _tell(card, remaining=0)

    assert [lot.starts_at for lot in stack_of(card)] == [ago(days=1), ago(hours=1)]


def test_an_old_total_says_nothing_of_now() -> None:
    card = _card()
    take(reading(card, 300, ago(hours=2)))

    assert _tell(card, hours_ago=3, remaining=1) is None
    assert _tell(card, hours_ago=1, remaining=900) == Drift(ours=700, carriers=900, placed=-200)
    assert _tell(card, hours_ago=1.5, remaining=1) is None
    assert left(card) == [900]


def test_a_card_without_limit_or_without_lots() -> None:
    assert _tell(_card(data_bytes=None), remaining=5) is None
    assert _tell(make_card(), remaining=0) is None
    assert _tell(make_card(), remaining=7) == Drift(ours=0, carriers=7, placed=0)


@pytest.mark.parametrize("figures", [{}, {"remaining": 1, "used": 1}, {"remaining": -1}])
def test_a_total_is_one_figure(figures: dict[str, int]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # whichever is told
        _tell(make_card(), **figures)


# -- the audit ---------------------------------------------------------------------------------------------------------


def _story() -> Card:
    """Data used up, throttled, unserved, given back, of all kinds."""
    card = _card(voice_seconds=60, voice_to="domestic", daily_bytes=400)
    other, unlimited = _card(), _card(data_bytes=None)
    restoring = make_plan("R", data_bytes=100, days=1, restore_hours=48)
    give(other, restoring, ago(days=20))
    take(
        reading(card, 700, ago(hours=2), "a"),
        reading(card, 90, ago(hours=3), "v", LotKind.VOICE),
        reading(other, 1200, ago(hours=2), "a"),
        reading(unlimited, 10**9, ago(hours=2), "a"),
    )
    back = make_card()
    give(back, restoring, ago(days=3))
    take(reading(back, 30, ago(days=2.5)))
    give(back, restoring, ago(days=1))
    assert left(back) == [0, 170]
    _tell(other, remaining=10)
    return card


def test_the_audit_of_a_story_is_clean_before_and_after_it_is_rolled_up() -> None:
    _story()
    assert list(findings()) == []
    tend_months(now=NOW + timedelta(days=200))
    assert list(findings()) == []


def _lose(card: Card) -> None:
    LotRow.objects.filter(card_id=card.pk, kind="data").update(remaining=1)


def _forget(card: Card) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM usage_record WHERE card_id = %s AND kind = 'data'", [card.pk])


@pytest.mark.parametrize("damage", [_lose, _forget])
def test_the_audit_finds_lots_that_lost_something_else(damage: Callable[[Card], None]) -> None:
    card = _story()
    damage(card)
    assert [(found.code, found.subject) for found in findings()] == [("usage-and-lots-differ", f"card {card.pk}")]


def test_the_audit_finds_a_record_drawn_twice() -> None:
    card = _card()
    take(reading(card, 10, ago(hours=1)))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO usage_record (card_id, record_id, kind, amount, ended_at, taken_at, throttled, unserved) "
            "SELECT card_id, record_id, kind, 0, ended_at - interval '1 hour', taken_at, 0, 0 FROM usage_record"
        )
    assert [(found.code, found.detail) for found in findings()] == [("usage-drawn-twice", "record 'r1' 2 times")]
    assert Correction.objects.count() == 0
