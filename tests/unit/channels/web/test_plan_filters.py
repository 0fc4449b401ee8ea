# SPDX-License-Identifier: Apache-2.0
"""Plans filtered and sorted by an address, and as they were the last time."""

from typing import TYPE_CHECKING

import pytest
from django.test import Client

from tests.unit.channels.web.conftest import Answer, text_of
from tsuzuku.testing.factories import make_mix_plan, make_plan, use_data

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db

GB = 1_000_000_000


@pytest.fixture(autouse=True)
def _plans() -> None:
    make_plan("SHORT", price_minor=300, days=3, countries=["JP"])
    make_plan("ASIA", price_minor=900, days=15, data_bytes=5 * GB, countries=["JP", "KR", "TW"])
    make_plan("NEXT", price_minor=500, days=30, stacking="sequel", tethering=False)
    make_plan("UNL", price_minor=4000, days=30, data_bytes=None)
    make_mix_plan()


def shown(page: Answer) -> dict[str, list[str]]:
    """The plans by section, and those to be mixed."""
    found = {section.anchor: [tile.offer.plan.code for tile in tiles] for section, tiles in page.context["sections"]}
    return found | {"own": [mix.name for mix in page.context["mixes"]]}


ALL = {"days": ["SHORT"], "weeks": ["ASIA"], "month": ["NEXT"], "unlimited": ["UNL"], "own": ["Your own"]}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("", ALL),
        ("find=1", ALL),
        ("find=1&to=KR&to=TW", {"weeks": ["ASIA"], "own": []}),
        ("find=1&to=FR", ALL),
        ("find=1&hotspot=1&to=JP", {"days": ["SHORT"], "weeks": ["ASIA"], "unlimited": ["UNL"], "own": []}),
        ("find=1&now=1", {"days": ["SHORT"], "weeks": ["ASIA"], "unlimited": ["UNL"], "own": ["Your own"]}),
        ("find=1&by=price", {"all": ["SHORT", "NEXT", "ASIA", "UNL"], "own": ["Your own"]}),
        ("find=1&by=day", {"all": ["NEXT", "ASIA", "SHORT", "UNL"], "own": ["Your own"]}),
        ("find=1&by=gb", {"all": ["ASIA", "SHORT", "NEXT", "UNL"], "own": ["Your own"]}),
        ("find=1&by=luck", ALL),
    ],
)
def test_what_an_address_asks_for(
    house: "House", with_pin: Client, card: "Card", asked: str, found: dict[str, list[str]]
) -> None:
    house.pay(house.order(card, "SHORT"))
    assert shown(with_pin.get(f"/c/{card.public_token}/plans?{asked}")) == found


def test_on_an_empty_card_what_waits_its_turn_helps_at_once(with_pin: Client, card: "Card") -> None:
    assert shown(with_pin.get(f"/c/{card.public_token}/plans?find=1&now=1")) == ALL


def test_what_only_adds_data_helps_who_has_used_it_up(house: "House", with_pin: Client, card: "Card") -> None:
    make_plan("BOOST", stacking="value_only", joins=["SHORT"])
    house.pay(house.order(card, "SHORT"))
    use_data(card, GB)
    assert shown(with_pin.get(f"/c/{card.public_token}/plans?find=1&now=1"))["more"] == ["BOOST"]


def test_the_next_visit_remembers_until_it_is_told_otherwise(with_pin: Client, card: "Card") -> None:
    address = f"/c/{card.public_token}/plans"
    with_pin.get(f"{address}?find=1&to=KR&by=price")
    again = with_pin.get(address)
    assert shown(again) == {"all": ["ASIA"], "own": []}
    assert "3 plans are left out. Show all plans" in text_of(again)
    with_pin.get(f"{address}?find=1")
    assert shown(with_pin.get(address)) == ALL


def test_where_nothing_is_left_the_way_back_is_shown(with_pin: Client, card: "Card") -> None:
    make_plan("ASIA", price_minor=900, days=15, countries=["JP", "KR"], tethering=False)
    page = with_pin.get(f"/c/{card.public_token}/plans?find=1&to=KR&hotspot=1")
    assert shown(page) == {"own": []}
    assert "No plan that fits your card is all of this. Show all plans" in text_of(page)
