# SPDX-License-Identifier: Apache-2.0
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from tsuzuku.catalog.actions import import_plans, withdraw_plan
from tsuzuku.catalog.errors import PlanNotForCard, PlanUnknown
from tsuzuku.catalog.models import Plan
from tsuzuku.catalog.plan_file import parse_plans
from tsuzuku.catalog.queries import plan_for_card, plans_for_sale
from tsuzuku.kernel.money import Money

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)
NAME = {"en": "One", "zh-Hans": "一"}
MIX = {"bytes_step": 1, "bytes_max": 10, "days_max": 9, "price_per_gb_minor": 1, "price_per_day_minor": 1}

pytestmark = pytest.mark.django_db


def _plan(code: str, **fields: object) -> dict[str, Any]:
    return {"code": code, "name": NAME, "data_bytes": 1, "days": 7, "price_minor": 600, "currency": "JPY", **fields}


def _import(*plans: dict[str, Any], now: datetime = NOW) -> None:
    import_plans(parsed=parse_plans(json.dumps({"plans": plans}).encode(), known_codes=()), now=now)


def _on_sale(*, card_group: str = "", channel: str = "web", now: datetime = NOW) -> dict[str, int]:
    plans = plans_for_sale(card_group=card_group, channel=channel, now=now)
    return {each.plan.code: each.price.amount_minor for each in plans}


@pytest.mark.parametrize("count", [1, 3])
def test_what_is_on_sale_is_two_queries(count: int, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    _import(*(_plan(f"W{number}") for number in range(count)))
    with django_assert_num_queries(2):
        plans = plans_for_sale(card_group="", channel="web", now=NOW)
        assert [(each.plan.code, each.terms.days, each.terms_id) for each in plans] == [
            (f"W{number}", 7, each.plan.terms_now_id) for number, each in enumerate(plans)
        ]


def test_a_doors_own_price_goes_before_the_general_one() -> None:
    _import(_plan("W1", prices=[{"channel": "kiosk", "price_minor": 550}, {"channel": "desk", "price_minor": 800}]))
    assert [_on_sale(channel=channel) for channel in ("web", "kiosk", "desk")] == [
        {"W1": 600},
        {"W1": 550},
        {"W1": 800},
    ]
    one = plan_for_card("W1", card_group="", channel="kiosk", now=NOW)
    assert one.price == Money(550, "JPY")


def test_the_price_of_the_moment() -> None:
    _import(_plan("W1"))
    later = NOW + timedelta(days=1)
    _import(_plan("W1", price_minor=700), now=later)
    assert [_on_sale(now=now) for now in (NOW - TICK, NOW, later - TICK, later)] == [
        {},
        {"W1": 600},
        {"W1": 600},
        {"W1": 700},
    ]


def test_plans_for_some_groups_only() -> None:
    _import(_plan("ALL"), _plan("SPRING", card_groups=["spring", "summer"]))
    assert [set(_on_sale(card_group=group)) for group in ("", "spring", "winter")] == [
        {"ALL"},
        {"ALL", "SPRING"},
        {"ALL"},
    ]
    with pytest.raises(PlanNotForCard) as refused:
        plan_for_card("SPRING", card_group="", channel="web", now=NOW)
    assert str(refused.value) == "plan-not-for-card (plan=SPRING)"
    assert plan_for_card("SPRING", card_group="summer", channel="web", now=NOW).plan.code == "SPRING"


def test_a_plan_is_on_sale_from_its_first_moment_until_before_its_last() -> None:
    _import(_plan("W1", on_sale_from="2026-12-01T00:00:00Z", on_sale_until="2026-12-02T00:00:00Z"))
    first, last = datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 2, tzinfo=UTC)
    assert [bool(_on_sale(now=now)) for now in (first - TICK, first, last - TICK, last)] == [False, True, True, False]


def test_what_is_not_for_sale() -> None:
    _import(_plan("GONE"), {"code": "MIX", "name": NAME, "currency": "JPY", "own_mix": MIX})
    withdraw_plan(code="GONE", now=NOW)
    assert _on_sale() == {}
    for code in ("GONE", "MIX", "NONE", "", "\x00", "\ud800"):
        with pytest.raises(PlanUnknown):
            plan_for_card(code, card_group="", channel="web", now=NOW)


@pytest.mark.parametrize(
    ("language", "name"), [("zh-Hans", "一"), ("zh-hans", "一"), ("en", "One"), ("ja", "One"), ("xx", "One")]
)
def test_a_name_in_a_language_or_else_in_english(language: str, name: str) -> None:
    _import(_plan("W1"))
    assert Plan.objects.get().name_in(language) == name
