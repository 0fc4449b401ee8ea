# SPDX-License-Identifier: Apache-2.0
"""The flight home: told on the card's page or among the plans, answered with what to buy."""

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from tests.unit.channels.conftest import logged_in
from tests.unit.channels.web.conftest import notices, text_of
from tsuzuku.cards.models import Card
from tsuzuku.catalog.terms import LotKind
from tsuzuku.kernel import clock
from tsuzuku.kernel.iccid import Iccid
from tsuzuku.look import formats
from tsuzuku.testing.factories import make_plan
from tsuzuku.usage.actions import take_readings
from tsuzuku.usage.reading_lines import Reading

if TYPE_CHECKING:
    from tsuzuku.catalog.models import Plan
    from tsuzuku.people.models import User
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db


def in_days(days: int) -> date:
    return formats.local(clock.now()).date() + timedelta(days=days)


def tell(client: Client, card: Card, day: object, page: str = "card", **more: str) -> str:
    """Tells the day of a flight, and gives back what the page then says of it."""
    answer = client.post(f"/c/{card.public_token}/flight", {"day": str(day), "page": page, **more}, follow=True)
    assert answer.status_code == 200
    return text_of(answer).replace("\u00a0", " ")


def test_what_to_buy_now_and_what_later(with_pin: Client, card: Card) -> None:
    make_plan("GB-3-3D", data_bytes=3_500_000_000, stacking="queue")
    make_plan("GB-9-9D", data_bytes=9_500_000_000, days=9, price_minor=2000)
    text = tell(with_pin, card, in_days(5))

    assert "This keeps you online until your flight" in text
    assert "Plan GB-3-3D ¥300 buy it now Plan GB-3-3D ¥300 buy it on" in text
    assert "Together ¥600 Renew with Plan GB-3-3D: ¥300" in text
    assert "How much you use is not known yet, so this is reckoned with 1 GB a day." in text


def test_nothing_is_needed_and_buying_is_warned_of(house: "House", with_pin: Client, card: Card, plan: "Plan") -> None:
    make_plan("GB-20-30D", data_bytes=20_000_000_000, days=30, price_minor=2700)
    house.pay(house.order(card, "GB-20-30D"))
    text = tell(with_pin, card, in_days(10))

    assert "You need nothing until your flight" in text
    assert "What is on the card is enough." in text
    page = with_pin.get(f"/c/{card.public_token}/renew/{plan.code}")
    day = formats.day(in_days(10), now=clock.now())
    enough = "At 1 GB a day your card stays online until then without this plan."
    assert notices(page) == [f"You need nothing until your flight on {day}. {enough}"]


def test_a_dearer_plan_than_is_needed_is_warned_of(with_pin: Client, card: Card, plan: "Plan") -> None:
    make_plan("GB-20-30D", data_bytes=20_000_000_000, days=30, price_minor=2700)
    tell(with_pin, card, in_days(0))

    page = with_pin.get(f"/c/{card.public_token}/renew/GB-20-30D")
    day = formats.day(in_days(0), now=clock.now())
    warning = f"Until your flight on {day} you need to spend no more than ¥300. See how"
    assert notices(page)[0] == warning
    assert warning not in notices(with_pin.get(f"/c/{card.public_token}/renew/{plan.code}"))


def test_what_is_not_enough_is_called_so(with_pin: Client, card: Card, plan: "Plan") -> None:
    text = tell(with_pin, card, in_days(50), page="plans")
    assert "Nothing brings you to your flight; this brings you furthest" in text
    assert "Together ¥1,800" in text

    plan.withdrawn_at = clock.now()
    plan.save()
    assert "No plan that you can buy keeps you online until your flight" in text_of(
        with_pin.get(f"/c/{card.public_token}")
    )


def test_the_pace_is_measured_over_whole_days(house: "House", with_pin: Client, card: Card) -> None:
    make_plan("GB-20-30D", data_bytes=20_000_000_000, days=30, price_minor=2700)
    house.pay(house.order(card, "GB-20-30D"))
    now = clock.now()
    readings = [
        Reading(Iccid(card.iccid), f"p{days}", LotKind.DATA, amount, now - timedelta(days=days))
        for days, amount in ((0, 9_000_000_000), (1, 200_000_000), (4, 600_000_000), (9, 5_000_000_000))
    ]
    take_readings(readings=readings, actor="operator", card_groups=None, now=now)

    text = tell(with_pin, card, in_days(3))
    assert "Reckoned with 200 MB a day, as this card used over the last 4 days." in text


@pytest.mark.parametrize(
    ("day", "more", "says"),
    [
        ("", {}, "Please choose the day of your flight."),
        ("soon", {}, "This is not a day. Please write it like 2026-12-31."),
        ("0001-01-01", {}, "This flight is over. Please choose today or a later day."),
        ("9999-12-31", {}, "We can look 60 days ahead. Please choose an earlier day."),
        (-1, {}, "This flight is over. Please choose today or a later day."),
        (0, {"at": "00:00"}, "This flight is over. Please choose today or a later day."),
        (61, {}, "We can look 60 days ahead. Please choose an earlier day."),
        (5, {"at": "noon"}, "This is not a time. Please write it like 14:30."),
    ],
)
@pytest.mark.parametrize("page", ["card", "plans"])
def test_a_wrong_day_is_said_beside_the_field(  # cases and fixtures
    with_pin: Client, card: Card, plan: "Plan", day: object, more: dict[str, str], says: str, page: str
) -> None:
    text = tell(with_pin, card, in_days(day) if isinstance(day, int) else day, page, **more)
    assert says in text
    assert "reckoned" not in text.lower()


def test_the_flight_is_remembered_for_its_card_and_forgotten(
    house: "House", holder: "User", stranger: "User", card: Card, plan: "Plan"
) -> None:
    client = logged_in(holder)
    tell(client, card, in_days(2), at="14:30")
    assert 'value="14:30"' in client.get(f"/c/{card.public_token}/plans").content.decode()

    assert "Your flight" not in tell(client, card, "", forget="1")
    assert "flights" not in logged_in(holder).session
    refused = logged_in(stranger).post(f"/c/{card.public_token}/flight", {"day": str(in_days(2))})
    assert refused.status_code == 404


def test_a_card_that_cannot_be_renewed_is_not_asked(with_pin: Client, card: Card, plan: "Plan") -> None:
    card.last_use_date = in_days(-1)
    card.save()
    assert 'id="flight"' not in with_pin.get(f"/c/{card.public_token}").content.decode()
