# SPDX-License-Identifier: Apache-2.0
"""What stands behind the card's page: use day by day, renewals and what they cost."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.unit.channels.web.conftest import rows, text_of
from tsuzuku.catalog.terms import LotKind
from tsuzuku.kernel import clock
from tsuzuku.kernel.iccid import Iccid
from tsuzuku.kernel.money import Money
from tsuzuku.look import formats
from tsuzuku.renewals.spending import in_all, spending_of_card
from tsuzuku.testing.factories import make_card, make_plan
from tsuzuku.usage.actions import take_readings
from tsuzuku.usage.reading_lines import Reading

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.catalog.models import Plan
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db

MB, GB = 1_000_000, 1_000_000_000


def use(card: "Card", kind: LotKind, amount: int, *, days_ago: int = 0) -> None:
    """Has the network tell what was used some days ago, at this time of the day."""
    now = clock.now()
    name = f"{kind}-{amount}-{days_ago}"
    reading = Reading(Iccid(card.iccid), name, kind, amount, now - timedelta(days=days_ago))
    take_readings(readings=[reading], actor="operator", card_groups=None, now=now)


# -- use ---------------------------------------------------------------------------------------------------------------


def test_each_day_has_its_column_and_its_row_and_what_was_slow_is_told(
    house: "House", with_pin: Client, card: "Card"
) -> None:
    now = clock.now()
    with clock.travel_to(now - timedelta(days=5)):
        make_plan("UNL", data_bytes=None, daily_bytes=GB, days=30)
        house.pay(house.order(card, "UNL"))
    use(card, LotKind.DATA, 300 * MB, days_ago=2)
    use(card, LotKind.DATA, 1400 * MB)
    usage = with_pin.get(f"/c/{card.public_token}/usage").context["usage"]
    (shown,) = usage.kinds
    today = formats.local(now).date()
    assert (usage.first, usage.last) == (today - timedelta(days=29), today)
    assert [(row.day, row.used, row.slow, row.unserved) for row in shown.rows] == [
        (today, "1.4\u00a0GB", "400\u00a0MB", ""),
        (today - timedelta(days=2), "300\u00a0MB", "", ""),
    ]
    assert (shown.total, shown.a_day) == ("1.7\u00a0GB", "56\u00a0MB")
    assert [box.is_part for box in shown.plot.boxes] == [False, False, True]
    page = with_pin.get(f"/c/{card.public_token}")
    assert "Slow, or not served" in text_of(page)
    assert f'aria-label="{shown.title}"' in page.content.decode()


def test_earlier_days_have_pages_of_their_own_as_far_back_as_the_card(
    house: "House", with_pin: Client, card: "Card"
) -> None:
    now = clock.now()
    card.created_at = now - timedelta(days=40)
    card.save(update_fields=["created_at"])
    with clock.travel_to(now - timedelta(days=39)):
        make_plan("LONG", days=90, data_bytes=9 * GB)
        house.pay(house.order(card, "LONG"))
    use(card, LotKind.DATA, 500 * MB, days_ago=35)
    address = f"/c/{card.public_token}/usage"
    latest = with_pin.get(address)
    assert (latest.context["later"], latest.context["usage"].kinds[0].rows) == (None, ())
    before = with_pin.get(f"{address}?until={latest.context['earlier']:%Y-%m-%d}")
    assert [row.used for row in before.context["usage"].kinds[0].rows] == ["500\u00a0MB"]
    assert (before.context["earlier"], before.context["later"]) == (None, latest.context["usage"].last)


@pytest.mark.parametrize("until", ["", "soon", "2999-01-01", "0001-01-01", "2026-02-30"])
def test_a_day_that_there_is_not_shows_the_latest(with_pin: Client, card: "Card", until: str) -> None:
    page = with_pin.get(f"/c/{card.public_token}/usage?until={until}")
    assert page.context["usage"].last == formats.local(clock.now()).date()


def test_calls_and_messages_are_kinds_of_their_own(house: "House", with_pin: Client, card: "Card") -> None:
    make_plan("VOICE", voice_seconds=3600, voice_to="international", messages=50)
    house.pay(house.order(card, "VOICE"))
    use(card, LotKind.VOICE, 600)
    use(card, LotKind.MESSAGE, 2)
    kinds = with_pin.get(f"/c/{card.public_token}/usage").context["usage"].kinds
    assert [(shown.kind, shown.total) for shown in kinds] == [
        (LotKind.DATA, "0\u00a0MB"),
        (LotKind.VOICE, "10 min"),
        (LotKind.MESSAGE, "2 messages"),
    ]
    lots = with_pin.get(f"/c/{card.public_token}").context["lots"]
    assert [(row.left, row.conditions) for row in lots] == [
        ("1\u00a0GB", ("Hotspot allowed", "Works in Japan")),
        ("50 min", ("Calls to Japan and abroad",)),
        ("48 messages", ()),
    ]


# -- lots --------------------------------------------------------------------------------------------------------------


def test_lots_stand_in_the_order_in_which_they_are_used(house: "House", with_pin: Client, card: "Card") -> None:
    make_plan("MONTH", days=30)
    make_plan("NEXT", stacking="sequel")
    make_plan("WEEK", days=7)
    make_plan("EMPTY", days=2, data_bytes=MB)
    for code in ("MONTH", "NEXT", "WEEK", "EMPTY"):
        house.pay(house.order(card, code, key=code))
    use(card, LotKind.DATA, MB)
    page = with_pin.get(f"/c/{card.public_token}")
    assert [(row.lot.plan_code, row.lot.place, row.runs_beside) for row in page.context["lots"]] == [
        ("WEEK", 1, True),
        ("MONTH", 2, True),
        ("NEXT", None, False),
        ("EMPTY", None, False),
    ]
    assert "Some of it runs side by side, and is used in this order." in text_of(page)


def test_where_a_plan_works_is_told(house: "House", with_pin: Client, card: "Card") -> None:
    make_plan("ASIA", countries=["JP", "KR"], network="4G / 5G", tethering=False)
    house.pay(house.order(card, "ASIA"))
    (row,) = with_pin.get(f"/c/{card.public_token}").context["lots"]
    assert row.conditions == ("No hotspot", "4G / 5G", "Works in Japan, South Korea")


# -- renewals and spending ---------------------------------------------------------------------------------------------


def test_what_a_card_cost_month_by_month(house: "House", with_pin: Client, card: "Card", plan: "Plan") -> None:
    now = clock.now()
    with clock.travel_to(now - timedelta(days=62)):
        make_plan("GB-3-30D", price_minor=990, days=30)
        house.pay(house.order(card, "GB-3-30D", key="k0"))
    first, second = (house.order(card, plan.code, key=key) for key in ("k1", "k2"))
    house.pay(first)
    house.pay(second)
    house.order(card, plan.code, key="k3")
    house.pay(house.order(make_card(), plan.code))
    months = spending_of_card(card.pk)
    this_month = formats.local(now).date().replace(day=1)
    assert [(each.renewals, each.spent) for each in months] == [(2, Money(600, "JPY")), (1, Money(990, "JPY"))]
    assert months[0].month == this_month
    assert in_all(months) == [Money(1590, "JPY")]
    page = with_pin.get(f"/c/{card.public_token}/history")
    assert rows(page)["In all"] == "¥1,590"
    assert len(page.context["renewals"]) == 4


def test_what_was_given_back_was_not_spent(house: "House", card: "Card", plan: "Plan") -> None:
    order = house.order(card, plan.code)
    house.pay(order)
    house.give_back(order, amount_minor=100)
    assert [each.spent for each in spending_of_card(card.pk)] == [Money(200, "JPY")]


def test_a_card_without_a_past_says_so(with_pin: Client, card: "Card") -> None:
    assert "This card has not been renewed yet." in text_of(with_pin.get(f"/c/{card.public_token}/history"))
    assert "The network has not told us of any use yet." in text_of(with_pin.get(f"/c/{card.public_token}/usage"))


@pytest.mark.parametrize("number", [1, 3])
def test_the_history_asks_the_database_as_often_for_one_as_for_three(
    house: "House",
    with_pin: Client,
    card: "Card",
    plan: "Plan",
    number: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for each in range(number):
        house.pay(house.order(card, plan.code, key=f"k{each}"))
    # Session, card, lots, number of renewals, renewals, spending.
    with django_assert_num_queries(6):
        page = with_pin.get(f"/c/{card.public_token}/history")
    assert len(page.context["renewals"]) == number


@pytest.mark.parametrize("page", ["usage", "history", "mix/OWN-MIX"])
def test_nobody_else_sees_any_of_it(client: Client, card: "Card", page: str) -> None:
    assert client.get(f"/c/{card.public_token}/{page}").status_code == 404
