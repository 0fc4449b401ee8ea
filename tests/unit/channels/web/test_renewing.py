# SPDX-License-Identifier: Apache-2.0
import re
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.unit.channels.web.conftest import Answer, Page, heading, notices, rows, text_of
from tsuzuku.catalog.models import Plan
from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.orders.links import order_link
from tsuzuku.orders.models import Order
from tsuzuku.testing.factories import make_plan
from tsuzuku.testing.fakes import FakeProvider

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.people.models import User
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db


def ask(client: Client, card: "Card", plan: str = "GB-1-3D") -> Answer:
    return client.get(f"/c/{card.public_token}/renew/{plan}")


def form_of(page: Page) -> dict[str, str]:
    """What the page would send."""
    fields = dict(re.findall(r'name="(digest|key)" value="([^"]*)"', page.content.decode()))
    return {**fields, "method": "fake:fake"}


def say_yes(client: Client, card: "Card", page: Page, plan: str = "GB-1-3D", **fields: str) -> Answer:
    return client.post(f"/c/{card.public_token}/renew/{plan}", {**form_of(page), **fields})


def order_numbers() -> list[str]:
    return list(Order.objects.order_by("pk").values_list("number", flat=True))


# -- plans -------------------------------------------------------------------------------------------------------------


def test_plans_show_what_the_card_would_be(house: "House", with_pin: Client, card: "Card", plan: Plan) -> None:
    now = clock.now()
    house.pay(house.order(card, plan.code))
    make_plan("MONTH", data_bytes=3_000_000_000, days=30, price_minor=990, name={"en": "Month"})
    page = with_pin.get(f"/c/{card.public_token}/plans")
    found = {
        tile.name: (section.anchor, tile.offer.price, tile.held, tile.a_day)
        for section, tiles in page.context["sections"]
        for tile in tiles
    }
    assert found == {
        "Plan GB-1-3D": ("days", Money(300, "JPY"), 2_000_000_000, Money(100, "JPY")),
        "Month": ("month", Money(990, "JPY"), 4_000_000_000, Money(33, "JPY")),
    }
    until = [tile.until for _, tiles in page.context["sections"] for tile in tiles]
    assert [(end - now).days for end in until] == [3, 30]


@pytest.mark.parametrize(
    ("fields", "anchor", "joins"),
    [
        ({"days": 7}, "weeks", "Starts at once, beside what you have"),
        ({"days": 30, "stacking": "queue"}, "month", "Starts when what you have is used up or over"),
        ({"days": 180, "stacking": "sequel"}, "longer", "Starts when the days you have are over"),
        ({"data_bytes": None, "days": 1}, "unlimited", "Starts at once, beside what you have"),
        ({"stacking": "extend"}, "days", "Starts at once, beside what you have"),
        ({"stacking": "extend", "joins": ["GB-1-3D"]}, "days", "Adds data and days to what you have"),
        ({"stacking": "reset", "joins": ["GB-1-3D"]}, "days", "Adds data, and counts the days anew"),
        ({"stacking": "value_only", "joins": ["GB-1-3D"]}, "more", "Adds data, the days stay"),
        ({"stacking": "extend_by", "extend_days": 1}, "more", "Only for the rest of today"),
        (
            {"stacking": "extend_by", "extend_days": 1, "joins": ["GB-1-3D"]},
            "more",
            "Adds data and a few days to what you have",
        ),
        ({"start": "tap", "start_within_days": 30}, "days", "You start it with a tap, within 30 days"),
        ({"start": "first_use"}, "days", "Starts with the first use, within 180 days"),
    ],
)
def test_how_a_plan_joins_what_is_there(
    house: "House", with_pin: Client, card: "Card", plan: Plan, fields: dict[str, object], anchor: str, joins: str
) -> None:
    house.pay(house.order(card, plan.code))
    make_plan("OTHER", name={"en": "Other"}, **fields)
    page = with_pin.get(f"/c/{card.public_token}/plans")
    tiles = {tile.name: (section.anchor, tile.joins) for section, found in page.context["sections"] for tile in found}
    assert tiles["Other"] == (anchor, joins)


def test_a_plan_that_the_card_cannot_take_says_why(with_pin: Client, card: "Card", plan: Plan) -> None:
    make_plan("BOOST", stacking="value_only", joins=["GB-1-3D"], name={"en": "Boost"})
    page = with_pin.get(f"/c/{card.public_token}/plans")
    assert page.context["refused"] == [
        ("Boost", "This plan only adds to a plan that is running, and none that fits is running now.")
    ]


@pytest.mark.parametrize("number", [1, 3])
def test_the_plans_ask_the_database_as_often_for_one_as_for_three(
    with_pin: Client, card: "Card", number: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for each in range(number):
        make_plan(f"P{each}")
    # Session, card; plans, prices, lots for the previews; lots; exchange rates.
    with django_assert_num_queries(9):
        with_pin.get(f"/c/{card.public_token}/plans")


# -- confirming --------------------------------------------------------------------------------------------------------


def test_the_last_word_before_paying(house: "House", with_pin: Client, card: "Card", plan: Plan) -> None:
    make_plan(
        "MONTH",
        data_bytes=3_000_000_000,
        days=30,
        day_rule="calendar",
        price_minor=990,
        name={"en": "Month"},
        network="4G / 5G",
    )
    house.pay(house.order(card, plan.code))
    page = ask(with_pin, card, "MONTH")
    shown = rows(page)
    until = page.context["after"].online_until
    earlier = page.context["after"].expires[0].at
    from tsuzuku.look import formats

    now = page.context["now"]
    assert {name: value.replace("\u00a0", " ") for name, value in shown.items()} == {
        "For": f"Card …{card.iccid[-4:]}",
        "Starts": "at once",
        "Then you have": "4 GB",
        "Online until": formats.until(until, now=now),
        "What ends earlier": f"1 GB on {formats.until(earlier, now=now)}",
        "Price": "¥990",
        "of which consumption tax 10%": "¥90",
        "To pay": "¥990",
    }
    words = text_of(page)
    assert "Once the renewal is active it cannot be refunded." in words
    assert "3\u00a0GB · 30 days · Hotspot allowed · 4G / 5G".replace("\u00a0", " ") in words.replace("\u00a0", " ")


def test_a_warning_before_buying_what_is_not_needed(house: "House", with_pin: Client, card: "Card") -> None:
    make_plan("MONTH", data_bytes=3_000_000_000, days=30, price_minor=990)
    assert notices(ask(with_pin, card, "MONTH")) == []
    house.pay(house.order(card, "MONTH"))
    with clock.travel_to(clock.now() + timedelta(hours=1)):
        warnings = notices(ask(with_pin, card, "MONTH"))
    assert [warning.partition(".")[0] for warning in warnings] == ["You do not need this yet"]


def test_yes_leads_to_the_providers_page(house: "House", with_pin: Client, card: "Card", plan: Plan) -> None:
    answer = say_yes(with_pin, card, ask(with_pin, card), email="traveller@example.com")
    assert answer.status_code == 303
    assert answer["Location"].startswith(FakeProvider.origin)
    order = Order.objects.get()
    assert [order.email, order.payer, order.actor, order.channel, order.price] == [
        "traveller@example.com",
        None,
        f"card:{card.pk}",
        "web",
        Money(300, "JPY"),
    ]
    (payment,) = house.provider.payments.values()
    assert payment.request.return_url == f"{order_link(order)}?back=1"
    assert payment.request.amount == Money(300, "JPY")
    assert card.iccid not in payment.request.description


def test_the_order_of_an_account_is_its_own(
    house: "House", of_holder: Client, holder: "User", card: "Card", plan: Plan
) -> None:
    client = of_holder
    client.post("/language", {"language": "zh-hans"})
    say_yes(client, card, ask(client, card), email="somebody@else.example")
    order = Order.objects.get()
    assert [order.payer, order.email, order.actor, order.language] == [
        holder,
        holder.email,
        f"customer:{holder.pk}",
        "zh-hans",
    ]


def test_a_double_click_orders_and_pays_once(house: "House", with_pin: Client, card: "Card", plan: Plan) -> None:
    page = ask(with_pin, card)
    answers = [say_yes(with_pin, card, page) for _ in range(2)]
    assert answers[0]["Location"] == answers[1]["Location"]
    assert [Order.objects.count(), len(house.provider.payments)] == [1, 1]


def test_yes_again_after_paying_shows_the_order(house: "House", with_pin: Client, card: "Card", plan: Plan) -> None:
    page = ask(with_pin, card)
    say_yes(with_pin, card, page)
    house.pay(Order.objects.get())
    answer = say_yes(with_pin, card, page)
    assert (answer.status_code, answer["Location"]) == (302, f"/o/{order_numbers()[0]}")
    assert Order.objects.count() == 1


def test_in_two_tabs_the_second_is_shown_what_the_first_has_changed(
    house: "House", with_pin: Client, card: "Card", plan: Plan
) -> None:
    first, second = ask(with_pin, card), ask(with_pin, card)
    say_yes(with_pin, card, first)
    house.pay(Order.objects.get())
    answer = say_yes(with_pin, card, second)
    assert answer.status_code == 409
    assert Order.objects.count() == 1
    assert notices(answer)[0].startswith("Something has changed since you saw this page.")
    assert notices(answer)[1].startswith("You have just renewed this card with this plan")
    # What is shown now can be ordered, with the key of that tab.
    assert say_yes(with_pin, card, answer).status_code == 303
    assert Order.objects.count() == 2


def test_going_back_after_ordering_is_told_of_the_order(
    house: "House", with_pin: Client, card: "Card", plan: Plan
) -> None:
    say_yes(with_pin, card, ask(with_pin, card))
    number = order_numbers()[0]
    assert notices(ask(with_pin, card)) == [
        f"You have just ordered this plan for this card: order {number} waits for its payment. Go to that order"
    ]


def test_a_price_that_changed_meanwhile_is_shown_and_asked_again(
    house: "House", with_pin: Client, card: "Card", plan: Plan
) -> None:
    page = ask(with_pin, card)
    make_plan(plan.code, price_minor=350)
    answer = say_yes(with_pin, card, page)
    assert answer.status_code == 409
    assert order_numbers() == []
    assert rows(answer)["To pay"] == "¥350"
    assert say_yes(with_pin, card, answer).status_code == 303
    assert Order.objects.get().price == Money(350, "JPY")


def test_terms_that_changed_meanwhile_are_shown_and_asked_again(
    house: "House", with_pin: Client, card: "Card", plan: Plan
) -> None:
    page = ask(with_pin, card)
    make_plan(plan.code, days=2)
    assert say_yes(with_pin, card, page).status_code == 409
    assert order_numbers() == []


def test_a_plan_that_was_withdrawn_meanwhile_leads_to_the_others(
    house: "House", with_pin: Client, card: "Card", plan: Plan
) -> None:
    page = ask(with_pin, card)
    Plan.objects.filter(pk=plan.pk).update(withdrawn_at=clock.now())
    answer = with_pin.post(f"/c/{card.public_token}/renew/{plan.code}", form_of(page), follow=True)
    assert answer.redirect_chain == [(f"/c/{card.public_token}/plans", 302)]
    assert notices(answer) == ["This plan is no longer sold. These are the plans of today."]
    assert order_numbers() == []


def test_a_plan_for_other_cards_leads_to_those_for_this(with_pin: Client, card: "Card", plan: Plan) -> None:
    make_plan("OTHERS", card_groups=["golden"])
    answer = with_pin.get(f"/c/{card.public_token}/renew/OTHERS", follow=True)
    assert answer.redirect_chain == [(f"/c/{card.public_token}/plans", 302)]
    assert notices(answer) == ["This plan is not for your kind of card. These plans are."]


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "not a key"},
        {"key": ""},
        {"digest": ""},
        {"digest": "x" * 65},
        {"email": "not an address"},
    ],
)
def test_a_form_that_was_tampered_with_is_asked_again(
    house: "House", with_pin: Client, card: "Card", plan: Plan, changes: dict[str, str]
) -> None:
    answer = say_yes(with_pin, card, ask(with_pin, card), **changes)
    assert (answer.status_code, heading(answer)) == (200, "Confirm and pay")
    assert order_numbers() == []
    assert uuid.UUID(form_of(answer)["key"]).version == 4


def test_a_key_of_another_plan_is_replaced(house: "House", with_pin: Client, card: "Card", plan: Plan) -> None:
    make_plan("MONTH", days=30, price_minor=990)
    page = ask(with_pin, card)
    say_yes(with_pin, card, page)
    answer = say_yes(with_pin, card, ask(with_pin, card, "MONTH"), "MONTH", key=form_of(page)["key"])
    assert answer.status_code == 409
    assert Order.objects.count() == 1
    assert form_of(answer)["key"] != form_of(page)["key"]


def test_a_method_that_does_not_exist_keeps_the_order_to_choose_another(
    house: "House", with_pin: Client, card: "Card", plan: Plan
) -> None:
    answer = say_yes(with_pin, card, ask(with_pin, card), method="nobody:gold")
    assert answer["Location"] == f"/o/{order_numbers()[0]}"
    assert house.provider.payments == {}


def test_a_provider_that_does_not_answer_keeps_the_order(
    house: "House", with_pin: Client, card: "Card", plan: Plan
) -> None:
    house.provider.is_down = True
    page = ask(with_pin, card)
    answer = with_pin.post(f"/c/{card.public_token}/renew/{plan.code}", form_of(page), follow=True)
    assert heading(answer) == "This order waits for its payment"
    assert notices(answer) == [
        (
            "This payment service does not answer at the moment. Nothing was charged, and your order is kept. "
            "Please pay another way, or come back in a few minutes."
        ),
    ]
