# SPDX-License-Identifier: Apache-2.0
"""Having a code: what it takes off, line by line, and what is said when it does not."""

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from tests.unit.channels.conftest import logged_in
from tests.unit.channels.web.conftest import Answer, heading, notices, rows, text_of
from tests.unit.channels.web.test_renewing import ask, form_of, order_numbers, say_yes
from tsuzuku.catalog.models import Plan, Promotion
from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.orders.models import Order
from tsuzuku.testing.factories import make_card, make_plan, make_promotion

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.people.models import User
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db

WELCOME = {"coupons": ["WELCOME10"], "takes_off": {"amount_minor": 50}, "name": {"en": "Welcome", "zh-Hans": "新人"}}


def use_code(client: Client, card: "Card", code: str, plan: str = "GB-1-3D") -> Answer:
    return say_yes(client, card, ask(client, card, plan), plan, coupon=code, apply="1")


def test_a_code_is_shown_line_by_line_and_kept_for_the_order(
    house: "House", with_pin: Client, card: "Card", plan: Plan
) -> None:
    make_promotion("HELLO", **WELCOME)
    answer = use_code(with_pin, card, " welcome-10 ")
    assert answer.status_code == 200
    assert notices(answer)[0] == "Code WELCOME10: you pay ¥250 instead of ¥300."
    shown = rows(answer)
    assert (shown["Plan GB-1-3D"], shown["Welcome"], shown["To pay"]) == ("¥300", "−¥50", "¥250")
    assert (shown["of which consumption tax 10%"], "Price" in shown) == ("¥22", False)
    assert 'name="coupon" value="WELCOME10"' in answer.content.decode()
    assert order_numbers() == []
    answer = say_yes(with_pin, card, answer, coupon="WELCOME10", coupon_shown="WELCOME10")
    assert answer["Location"].startswith(house.provider.capabilities.redirect_origins[0])
    (order,) = Order.objects.all()
    assert order.price == Money(250, "JPY")
    page = with_pin.get(f"/o/{order.number}")
    assert list(rows(page).items())[-3:] == [("Plan GB-1-3D", "¥300"), ("Welcome", "−¥50"), ("Price", "¥250")]


def test_in_chinese(house: "House", with_pin: Client, card: "Card", plan: Plan) -> None:
    make_promotion("HELLO", **WELCOME)
    with_pin.cookies["tsuzuku_language"] = "zh-hans"
    assert notices(use_code(with_pin, card, "WELCOME10"))[0] == "优惠码 WELCOME10：您只需付 ¥250，原价 ¥300。"
    assert notices(use_code(with_pin, card, "WELCOME99"))[0] == "优惠码 WELCOME99：没有这个优惠码。请逐个字符核对。"


def test_a_code_that_was_typed_but_not_applied_is_asked_about_before_paying(
    house: "House", with_pin: Client, card: "Card", plan: Plan
) -> None:
    make_promotion("HELLO", **WELCOME)
    answer = say_yes(with_pin, card, ask(with_pin, card), coupon="WELCOME10")
    assert (answer.status_code, order_numbers(), rows(answer)["To pay"]) == (200, [], "¥250")
    answer = say_yes(with_pin, card, answer, coupon="", coupon_shown="WELCOME10")
    assert (answer.status_code, order_numbers(), rows(answer)["To pay"]) == (200, [], "¥300")
    answer = say_yes(with_pin, card, ask(with_pin, card), coupon="NO-SUCH-CODE")
    assert (answer.status_code, order_numbers(), rows(answer)["To pay"]) == (200, [], "¥300")


def test_without_its_code_a_promotion_takes_nothing_off(
    house: "House", with_pin: Client, card: "Card", plan: Plan
) -> None:
    make_promotion("HELLO", **WELCOME)
    assert rows(ask(with_pin, card))["To pay"] == "¥300"


def _at(**after: float) -> str:
    return (clock.now() + timedelta(**after)).isoformat()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"coupons": ["OTHER-CODE"]}, "We do not know this code. Please compare it, letter by letter."),
        ({"valid_from": _at(days=1)}, "The days of this code have not come yet. Please keep it."),
        ({"valid_until": _at(days=-1)}, "This code has ended."),
        ({"plans": ["MONTH"]}, "This code is for other plans."),
        ({"currency": "CNY"}, "This code is for other plans."),
        ({"channels": ["kiosk"]}, "This code is not for this website. It counts where you got it."),
        ({"from_price_minor": 1000}, "This code counts for plans from ¥1,000."),
        ({"budget_minor": 49}, "This code has been used up."),
    ],
)
def test_why_a_code_takes_nothing_off(
    house: "House", with_pin: Client, card: "Card", plan: Plan, fields: dict[str, object], said: str
) -> None:
    make_plan("MONTH")
    make_promotion("HELLO", **{**WELCOME, **fields})
    answer = use_code(with_pin, card, "welcome10")
    assert (answer.status_code, notices(answer)[0]) == (200, f"Code welcome10: {said}")
    # The way on is without it, at the price shown.
    assert 'name="coupon" value=""' in answer.content.decode()
    say_yes(with_pin, card, answer, coupon="")
    assert [order.amount_minor for order in Order.objects.all()] == [300]


def test_a_withdrawn_code_is_as_if_it_had_never_been(
    house: "House", with_pin: Client, card: "Card", plan: Plan
) -> None:
    from tsuzuku.catalog.promotion_import import withdraw_promotion

    make_promotion("HELLO", **WELCOME)
    withdraw_promotion(code="HELLO", now=clock.now())
    assert notices(use_code(with_pin, card, "WELCOME10"))[0].startswith("Code WELCOME10: We do not know this code.")


def test_a_code_that_is_not_better_stays_unused(house: "House", with_pin: Client, card: "Card", plan: Plan) -> None:
    make_promotion("HELLO", **WELCOME)
    make_promotion("SALE", takes_off={"amount_minor": 60})
    answer = use_code(with_pin, card, "WELCOME10")
    assert notices(answer)[0].endswith("It stays unused: keep it for another time.")
    assert (rows(answer)["To pay"], rows(answer)["Promotion SALE"]) == ("¥240", "−¥60")


def test_a_customer_uses_a_code_as_often_as_one_may(
    house: "House", of_holder: Client, holder: "User", card: "Card", plan: Plan
) -> None:
    make_promotion("HELLO", **WELCOME, uses_max_per_customer=1)
    say_yes(of_holder, card, use_code(of_holder, card, "WELCOME10"), coupon="WELCOME10", coupon_shown="WELCOME10")
    assert notices(use_code(of_holder, card, "WELCOME10"))[0] == "Code WELCOME10: You have used this code already."
    of_holder.post(f"/o/{order_numbers()[0]}/cancel")
    assert rows(use_code(of_holder, card, "WELCOME10"))["To pay"] == "¥250"


def test_the_last_use_that_somebody_else_takes_in_between(
    house: "House", with_pin: Client, card: "Card", plan: Plan
) -> None:
    make_promotion("HELLO", **WELCOME, uses_max=1)
    page = use_code(with_pin, card, "WELCOME10")
    house.order(make_card(), plan.code, coupon="WELCOME10")
    answer = say_yes(with_pin, card, page, coupon="WELCOME10", coupon_shown="WELCOME10")
    assert (answer.status_code, notices(answer)[0]) == (409, "Code WELCOME10: This code has been used up.")
    assert (rows(answer)["To pay"], Order.objects.count()) == ("¥300", 1)


def test_what_applies_by_itself_is_on_every_price(house: "House", with_pin: Client, card: "Card", plan: Plan) -> None:
    make_promotion("SALE", name={"en": "Golden days", "zh-Hans": "黄金周"})
    plans = with_pin.get(f"/c/{card.public_token}/plans")
    assert re.findall(r'<span class="price">(.*?)</span>', plans.content.decode()) == ["<s>¥300</s> ¥250"]
    shown = rows(ask(with_pin, card))
    assert (shown["Golden days"], shown["To pay"]) == ("−¥50", "¥250")
    say_yes(with_pin, card, ask(with_pin, card))
    assert Promotion.objects.get().uses == 1


def test_a_price_that_changes_while_it_is_looked_at_is_asked_again(
    house: "House", with_pin: Client, card: "Card", plan: Plan
) -> None:
    page = ask(with_pin, card)
    make_promotion("SALE")
    answer = say_yes(with_pin, card, page)
    assert (answer.status_code, rows(answer)["To pay"], order_numbers()) == (409, "¥250", [])
    assert notices(answer)[0].startswith("Something has changed since you saw this page.")


def test_guessing_codes_is_slowed_down(house: "House", with_pin: Client, card: "Card", plan: Plan) -> None:
    make_promotion("HELLO", **WELCOME)
    answers = [use_code(with_pin, card, f"GUESS-{number}") for number in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert notices(answers[5])[0] == (
        "Code GUESS-5: Too many wrong codes. Please wait 15 minutes and try again, or go on without a code."
    )
    assert 0 < int(answers[5]["Retry-After"]) <= 900
    # A right code is refused too, else the answer would tell that it is right; without one, everything goes on.
    assert use_code(with_pin, card, "WELCOME10").status_code == 429
    say_yes(with_pin, card, answers[5], coupon="")
    assert [order.amount_minor for order in Order.objects.all()] == [300]


def test_another_account_with_the_same_card_has_no_more_guesses(
    house: "House", of_holder: Client, with_pin: Client, card: "Card", plan: Plan
) -> None:
    for number in range(5):
        use_code(of_holder, card, f"GUESS-{number}")
    assert use_code(with_pin, card, "GUESS-5").status_code == 429


def test_right_codes_are_no_guesses(house: "House", with_pin: Client, card: "Card", plan: Plan) -> None:
    make_promotion("HELLO", **WELCOME)
    assert {use_code(with_pin, card, "WELCOME10").status_code for _ in range(7)} == {200}


@pytest.mark.parametrize("text", ["\x00", "=1+1", "<b>x</b>", "ＷＥＬＣＯＭＥ９９", "x" * 5000, "𝕏", " "])
def test_whatever_is_typed_is_answered(house: "House", with_pin: Client, card: "Card", plan: Plan, text: str) -> None:
    answer = use_code(with_pin, card, text)
    assert (answer.status_code, heading(answer)) == (200, "Confirm and pay")
    assert "<b>x</b>:" not in answer.content.decode()
    assert "¥300" in text_of(answer)


def test_full_width_letters_are_the_same_code(house: "House", with_pin: Client, card: "Card", plan: Plan) -> None:
    make_promotion("HELLO", **WELCOME)
    assert rows(use_code(with_pin, card, "ｗｅｌｃｏｍｅ　１０"))["To pay"] == "¥250"


def test_the_same_order_sent_twice_uses_a_code_once(house: "House", with_pin: Client, card: "Card", plan: Plan) -> None:
    make_promotion("HELLO", **WELCOME, uses_max=1)
    page = use_code(with_pin, card, "WELCOME10")
    answers = [say_yes(with_pin, card, page, coupon="WELCOME10", coupon_shown="WELCOME10") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert (Order.objects.count(), Promotion.objects.get().uses) == (1, 1)


def test_a_key_with_another_code_is_another_order(house: "House", with_pin: Client, card: "Card", plan: Plan) -> None:
    make_promotion("HELLO", **WELCOME)
    page = use_code(with_pin, card, "WELCOME10")
    say_yes(with_pin, card, page, coupon="WELCOME10", coupon_shown="WELCOME10")
    answer = say_yes(with_pin, card, page)
    assert (answer.status_code, Order.objects.count()) == (409, 1)
    assert form_of(answer)["key"] != form_of(page)["key"]


def test_what_was_used_without_an_account_counts_for_the_account_on_this_card(
    house: "House", with_pin: Client, card: "Card", plan: Plan, holder: "User"
) -> None:
    make_promotion("HELLO", **WELCOME, uses_max_per_customer=1)
    say_yes(with_pin, card, use_code(with_pin, card, "WELCOME10"), coupon="WELCOME10", coupon_shown="WELCOME10")
    answer = use_code(logged_in(holder), card, "WELCOME10")
    assert notices(answer)[0] == "Code WELCOME10: You have used this code already."
