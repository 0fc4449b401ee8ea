# SPDX-License-Identifier: Apache-2.0
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.unit.channels.conftest import PIN
from tests.unit.channels.web.conftest import heading, notices, text_of
from tsuzuku.cards.actions import block_card, hold_card
from tsuzuku.cards.models import Blocked, CardHolder
from tsuzuku.cards.queries import cards_of
from tsuzuku.channels.web.advice import Condition
from tsuzuku.kernel import clock
from tsuzuku.look import formats
from tsuzuku.testing.factories import make_card, make_plan, use_data

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.catalog.models import Plan
    from tsuzuku.people.models import User
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db


def condition(client: Client, card: "Card") -> Condition:
    page = client.get(f"/c/{card.public_token}")
    found: Condition = page.context["summary"].standing.condition
    return found


def buttons(page: bytes) -> list[str]:
    """The button of the advice, as it reads."""
    advice = page.decode().partition('class="panel advice')[2].partition("</section>")[0]
    return [" ".join(found.split()) for found in re.findall(r'class="button[^>]*>([^<]*)<', advice)]


def test_a_new_card(with_pin: Client, card: "Card", plan: "Plan") -> None:
    page = with_pin.get(f"/c/{card.public_token}")
    assert condition(with_pin, card) is Condition.NEW
    assert heading(page) == f"Card …{card.iccid[-4:]}"
    assert buttons(page.content) == ["Choose a plan, from ¥300"]


def test_a_card_that_is_online(house: "House", with_pin: Client, card: "Card") -> None:
    make_plan("GB-20-30D", data_bytes=20_000_000_000, days=30, price_minor=2700)
    house.pay(house.order(card, "GB-20-30D"))
    page = with_pin.get(f"/c/{card.public_token}")
    assert condition(with_pin, card) is Condition.ONLINE
    assert "20 GB data left 29 days" in text_of(page).replace("\u00a0", " ")
    assert buttons(page.content) == ["Choose a plan, from ¥2,700"]


def test_a_card_that_runs_out_soon(house: "House", with_pin: Client, card: "Card", plan: "Plan") -> None:
    house.pay(house.order(card, plan.code))
    assert condition(with_pin, card) is Condition.ONLINE
    use_data(card, 600_000_000)
    assert condition(with_pin, card) is Condition.SOON


def test_when_its_use_was_measured(house: "House", with_pin: Client, card: "Card", plan: "Plan") -> None:
    house.pay(house.order(card, plan.code))
    assert "measured" not in text_of(with_pin.get(f"/c/{card.public_token}"))
    now = clock.now()
    use_data(card, 5_000_000)
    told = f"Use as measured by the network: {formats.moment(now, now=now)}"
    assert told in text_of(with_pin.get(f"/c/{card.public_token}"))


def test_what_follows_what_is_running(house: "House", with_pin: Client, card: "Card", plan: "Plan") -> None:
    make_plan("NEXT", stacking="sequel", data_bytes=2_000_000_000)
    house.pay(house.order(card, plan.code))
    house.pay(house.order(card, "NEXT", key="k2"))
    assert "1 GB now, then 2 GB more" in text_of(with_pin.get(f"/c/{card.public_token}")).replace("\u00a0", " ")


def test_a_card_that_is_slow_for_today(house: "House", with_pin: Client, card: "Card") -> None:
    make_plan("DAY-7", data_bytes=None, daily_bytes=2_000_000_000, days=7)
    house.pay(house.order(card, "DAY-7"))
    use_data(card, 2_000_000_000)
    assert condition(with_pin, card) is Condition.SLOW


def test_a_card_that_is_over(house: "House", with_pin: Client, card: "Card", plan: "Plan") -> None:
    house.pay(house.order(card, plan.code))
    with clock.travel_to(clock.now() + timedelta(days=10)):
        with_pin.post("/open", {"number": card.iccid, "pin": PIN})
        assert condition(with_pin, card) is Condition.OFFLINE


def test_a_plan_that_waits_for_its_first_use(house: "House", with_pin: Client, card: "Card") -> None:
    make_plan("LATER", start="first_use")
    house.pay(house.order(card, "LATER"))
    assert condition(with_pin, card) is Condition.STARTS_BY_USE


def test_a_plan_that_waits_for_a_tap_is_started_once(house: "House", with_pin: Client, card: "Card") -> None:
    make_plan("TAP", start="tap", name={"en": "24 hours"})
    house.pay(house.order(card, "TAP"))
    page = with_pin.get(f"/c/{card.public_token}")
    assert condition(with_pin, card) is Condition.READY
    assert buttons(page.content) == ["Start now: 24 hours", "Choose a plan, from ¥300"]
    address = re.findall(rf"/c/{card.public_token}/start/\d+", page.content.decode())[0]
    for _ in range(2):
        answer = with_pin.post(address, follow=True)
        assert notices(answer) == ["Started. You are online."]
    assert condition(with_pin, card) is Condition.ONLINE


def test_a_lot_that_is_not_this_cards_is_not_started(house: "House", with_pin: Client, card: "Card") -> None:
    from tsuzuku.allowances.models import LotRow

    make_plan("TAP", start="tap")
    other = make_card()
    house.pay(house.order(other, "TAP"))
    lot = LotRow.objects.get(card=other)
    answer = with_pin.post(f"/c/{card.public_token}/start/{lot.pk}", follow=True)
    assert notices(answer) == ["This plan cannot be started any more."]
    lot.refresh_from_db()
    assert lot.starts_at is None


@pytest.mark.parametrize(("blocked", "found"), [(Blocked.SUSPENDED, "suspended"), (Blocked.LOST, "lost")])
def test_a_blocked_card_offers_no_plans(
    with_pin: Client, card: "Card", plan: "Plan", blocked: Blocked, found: str
) -> None:
    block_card(card=card, blocked=blocked)
    page = with_pin.get(f"/c/{card.public_token}")
    assert condition(with_pin, card) == found
    assert buttons(page.content) == []


def test_a_card_past_its_last_day_is_told_so(plan: "Plan") -> None:
    today = clock.now().date()
    card = make_card(last_use_date=today - timedelta(days=2), pin=PIN)
    client = Client()
    client.post("/open", {"number": card.iccid, "pin": PIN})
    page = client.get(f"/c/{card.public_token}")
    assert condition(client, card) is Condition.PAST_LAST_DATE
    assert buttons(page.content) == []
    refused = client.get(f"/c/{card.public_token}/renew/{plan.code}", follow=True)
    assert refused.redirect_chain == [(f"/c/{card.public_token}", 302)]
    assert notices(refused) == [
        "The last day of use of this card is over. It cannot be renewed any more: please get a new one."
    ]


def test_a_card_in_its_last_days_is_online_but_not_renewed(house: "House", plan: "Plan") -> None:
    now = clock.now()
    card = make_card(last_use_date=timezone.localdate(now), pin=PIN)
    house.pay(house.order(card, plan.code))
    client = Client()
    client.post("/open", {"number": card.iccid, "pin": PIN})
    with clock.travel_to(now + timedelta(hours=40)):
        page = client.get(f"/c/{card.public_token}")
        if page.status_code == 302:  # the PIN's two hours are over
            client.post("/open", {"number": card.iccid, "pin": PIN})
            page = client.get(f"/c/{card.public_token}")
    assert [page.context["summary"].standing.condition, buttons(page.content)] == [Condition.SOON, []]


def test_only_holders_see_the_whole_number(of_holder: Client, with_pin: Client, card: "Card") -> None:
    assert card.iccid in text_of(of_holder.get(f"/c/{card.public_token}"))
    assert card.iccid not in with_pin.get(f"/c/{card.public_token}").content.decode()


def test_an_order_that_waits_comes_first(house: "House", with_pin: Client, card: "Card", plan: "Plan") -> None:
    order = house.order(card, plan.code)
    page = with_pin.get(f"/c/{card.public_token}")
    assert page.context["open_renewal"].order == order
    assert buttons(page.content) == ["Pay ¥300 or cancel"]


def test_a_card_is_added_by_number_and_pin(of_stranger: Client, stranger: "User", card: "Card") -> None:
    wrong = of_stranger.post("/cards/add", {"number": card.iccid, "pin": "9999", "name": ""})
    assert wrong.status_code == 200
    assert list(cards_of(stranger)) == []
    answer = of_stranger.post("/cards/add", {"number": card.iccid, "pin": PIN, "name": " 妈妈的手机 "})
    assert (answer.status_code, answer["Location"]) == (302, f"/c/{card.public_token}")
    assert [holder.name for holder in cards_of(stranger)] == ["妈妈的手机"]


@pytest.mark.parametrize("name", ["=1+1", "+86", "-2", "@x", "\t=1", "x" * 41, "a\nb"])
def test_a_name_that_a_spreadsheet_would_run_is_refused(
    of_stranger: Client, of_holder: Client, stranger: "User", card: "Card", name: str
) -> None:
    answer = of_stranger.post("/cards/add", {"number": card.iccid, "pin": PIN, "name": name})
    assert answer.status_code == 200
    assert not CardHolder.objects.filter(user=stranger).exists()
    of_holder.post(f"/c/{card.public_token}/name", {"name": name})
    assert CardHolder.objects.get(card=card).name == "Mei’s phone"


def test_a_holder_renames_a_card(of_holder: Client, card: "Card") -> None:
    answer = of_holder.post(f"/c/{card.public_token}/name", {"name": "Tablet"}, follow=True)
    assert (heading(answer), notices(answer)) == ("Tablet", ["The name is saved."])


def test_a_card_that_the_pin_has_opened_is_kept_in_an_account(
    of_stranger: Client, stranger: "User", card: "Card"
) -> None:
    of_stranger.post("/open", {"number": card.iccid, "pin": PIN})
    of_stranger.post(f"/c/{card.public_token}/keep")
    assert [holder.card for holder in cards_of(stranger)] == [card]


def test_who_holds_one_card_sees_it_at_once(of_holder: Client, card: "Card") -> None:
    assert of_holder.get("/cards")["Location"] == f"/c/{card.public_token}"
    assert 'href="/cards/add"' in of_holder.get(f"/c/{card.public_token}").content.decode()


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_of_cards_asks_the_database_as_often_for_one_as_for_three(
    house: "House",
    stranger: "User",
    of_stranger: Client,
    plan: "Plan",
    number: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for each in range(number):
        card = make_card()
        hold_card(user=stranger, card=card, name=f"Card {each}", now=clock.now())
        house.pay(house.order(card, plan.code, key=f"k{each}"))
    of_stranger.get("/account")
    # Session, person, cards, lots.
    with django_assert_num_queries(4):
        page = of_stranger.get("/cards?all")
    assert len(page.context["cards"]) == number


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_of_a_card_asks_the_database_as_often_for_one_renewal_as_for_three(
    house: "House",
    of_holder: Client,
    card: "Card",
    plan: "Plan",
    number: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for each in range(number):
        house.pay(house.order(card, plan.code, key=f"k{each}"))
    of_holder.get("/account")
    # Session, person, card, holder, lots, their terms, use, renewals; plans, prices, lots again for the previews.
    with django_assert_num_queries(13):
        page = of_holder.get(f"/c/{card.public_token}")
    assert len(page.context["lots"]) == number
