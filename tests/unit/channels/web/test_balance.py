# SPDX-License-Identifier: Apache-2.0
import re
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.unit.channels.web.conftest import Answer, heading, notices, rows, text_of
from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.orders.models import Order
from tsuzuku.payments.models import Payment
from tsuzuku.payments.queries import captures_of
from tsuzuku.testing.factories import make_card
from tsuzuku.testing.fakes import FakeProvider, Outcome

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.catalog.models import Plan
    from tsuzuku.people.models import User
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db


def top_up(client: Client, **fields: str) -> Answer:
    return client.post("/balance/top-up", {"key": str(uuid.uuid4()), **fields})


def confirm(client: Client, card: "Card", plan: "Plan", *, share: str | None) -> Answer:
    """Says yes on the confirm page, with or without the balance."""
    page = client.get(f"/c/{card.public_token}/renew/{plan.code}")
    fields = dict(re.findall(r'name="(digest|key|share_offered)" value="([^"]*)"', page.content.decode()))
    chosen = {} if share is None else {"share": share}
    return client.post(f"/c/{card.public_token}/renew/{plan.code}", {**fields, "method": "fake:fake", **chosen})


def latest_order() -> Order:
    return Order.objects.latest("pk")


def test_a_balance_begins_empty_and_is_only_for_who_is_logged_in(of_holder: Client) -> None:
    assert "You can spend ¥0" in text_of(of_holder.get("/balance"))
    for address in ("/balance", "/balance/top-up"):
        assert Client().get(address)["Location"] == f"/login?next={address}"


def test_topping_up_from_the_amount_to_the_balance(house: "House", of_holder: Client) -> None:
    form = of_holder.get("/balance/top-up")
    assert re.findall(r'name="preset" value="(\d+)"( checked)?', form.content.decode()) == [
        ("500", ""),
        ("1000", " checked"),
        ("3000", ""),
        ("5000", ""),
        ("10000", ""),
    ]
    answer = top_up(of_holder, preset="3000")
    order = latest_order()
    assert answer["Location"] == f"/o/{order.number}"
    page = of_holder.get(f"/o/{order.number}")
    assert heading(page) == "This order waits for its payment"
    assert rows(page)["Item"] == "Balance top-up"
    assert "balance" not in page.context
    paid = of_holder.post(f"/o/{order.number}/pay", {"method": "fake:fake"})
    assert paid["Location"] == f"{FakeProvider.origin}/fakepay_1"
    house.deliver(*house.provider.pay("fakepay_1"))
    assert heading(of_holder.get(f"/o/{order.number}")) == "One moment: your payment is being confirmed"
    house.settle_down()
    assert heading(of_holder.get(f"/o/{order.number}")) == "¥3,000 are in your balance"
    shown = text_of(of_holder.get("/balance"))
    assert "You can spend ¥3,000" in shown
    assert f"Topped up +¥3,000 {rows(of_holder.get(f'/o/{order.number}'))['Ordered']} Order {order.number}" in shown


@pytest.mark.parametrize("typed", ["499", "550", "10100", "-500", "1e3", "５００", "abc", "", "99999999999999999999"])
def test_other_amounts_are_refused_and_nothing_is_ordered(of_holder: Client, typed: str) -> None:
    answer = top_up(of_holder, amount=typed)
    if typed == "５００":  # Full-width digits are digits.
        assert latest_order().amount_minor == 500
        return
    assert answer.status_code == 200
    assert answer.context["form"].errors.keys() == {"amount"}
    assert Order.objects.count() == 0


def test_what_was_typed_goes_before_the_buttons_and_a_double_click_orders_once(of_holder: Client) -> None:
    key = str(uuid.uuid4())
    for _ in range(2):
        top_up(of_holder, key=key, preset="1000", amount="700")
    assert [order.amount_minor for order in Order.objects.all()] == [700]
    assert top_up(of_holder, key=key, preset="1000")["Location"] == "/balance/top-up"


def test_a_top_up_is_nobody_elses_and_can_be_given_up(of_holder: Client, of_stranger: Client) -> None:
    top_up(of_holder, preset="500")
    order = latest_order()
    assert of_stranger.get(f"/o/{order.number}").status_code == 404
    assert Client().get(f"/o/{order.number}").status_code == 404
    of_holder.post(f"/o/{order.number}/cancel")
    page = of_holder.get(f"/o/{order.number}")
    assert heading(page) == "This order was cancelled"
    assert 'href="/balance/top-up"' in page.content.decode()


def test_a_top_up_has_no_receipt_and_says_why(house: "House", of_holder: Client, holder: "User") -> None:
    order = house.top_up(holder, 500)
    assert "A top-up is not a sale and is not taxed." in text_of(of_holder.get(f"/o/{order.number}/receipt"))
    assert of_holder.post(f"/o/{order.number}/receipt/pdf", {}).status_code == 302


def test_a_balance_that_covers_all_pays_without_any_provider(
    house: "House", of_holder: Client, holder: "User", card: "Card", plan: "Plan"
) -> None:
    house.top_up(holder, 1_000)
    page = of_holder.get(f"/c/{card.public_token}/renew/{plan.code}")
    assert "Use ¥300 of my balance It covers everything: nothing else is charged." in text_of(page)
    answer = confirm(of_holder, card, plan, share="1")
    order = latest_order()
    assert (answer["Location"], order.state) == (f"/o/{order.number}", "paid")
    assert Payment.objects.filter(purpose=order.number).count() == 0
    house.settle_down()
    assert heading(of_holder.get(f"/o/{order.number}")) == "Renewed. You are online"
    assert "Paid from it −¥300" in text_of(of_holder.get("/balance"))


def test_a_part_is_set_aside_and_can_be_left_out_again(
    house: "House", of_holder: Client, holder: "User", card: "Card", plan: "Plan"
) -> None:
    from tsuzuku.testing.factories import make_plan

    make_plan(plan.code, price_minor=900)
    house.top_up(holder, 500)
    assert confirm(of_holder, card, plan, share="1")["Location"] == f"{FakeProvider.origin}/fakepay_2"
    order = latest_order()
    assert house.provider.payments["fakepay_2"].request.amount.amount_minor == 400
    page = of_holder.get(f"/o/{order.number}")
    assert (rows(page)["Set aside from your balance"], rows(page)["Left to pay"]) == ("¥500", "¥400")
    assert 'name="share" value="1" checked' in page.content.decode()
    again = of_holder.post(f"/o/{order.number}/pay", {"method": "fake:fake", "share_offered": "500"})
    assert again["Location"] == f"{FakeProvider.origin}/fakepay_3"
    assert house.provider.payments["fakepay_3"].request.amount.amount_minor == 900
    assert house.balance(holder) == 500


def test_the_balance_is_left_alone_where_it_is_not_chosen(
    house: "House", of_holder: Client, holder: "User", card: "Card", plan: "Plan"
) -> None:
    house.top_up(holder, 1_000)
    assert confirm(of_holder, card, plan, share=None)["Location"] == f"{FakeProvider.origin}/fakepay_2"
    assert house.balance(holder) == 1_000


def test_a_balance_spent_meanwhile_is_said_and_nothing_is_taken(
    house: "House", of_holder: Client, holder: "User", card: "Card", plan: "Plan"
) -> None:
    house.top_up(holder, 500)
    order = house.order(card, plan.code, payer=holder)
    answer = of_holder.post(
        f"/o/{order.number}/pay", {"method": "fake:fake", "share": "1", "share_offered": "700"}, follow=True
    )
    assert notices(answer)[0] == "Your balance has changed in the meantime. Nothing was taken. Please look again."
    assert house.balance(holder) == 500


def test_what_cannot_be_given_is_in_the_balance_again(
    house: "House", of_holder: Client, holder: "User", card: "Card", plan: "Plan"
) -> None:
    house.top_up(holder, 500)
    house.carrier.script.add(Outcome.REFUSED)
    confirm(of_holder, card, plan, share="1")
    house.settle_down()
    order = latest_order()
    page = of_holder.get(f"/o/{order.number}")
    assert heading(page) == "We could not renew your card"
    assert "Nothing on it has changed. ¥300 are in your balance again." in text_of(page)
    mail = house.gateway.sent[-1].message
    assert mail.subject == f"We could not renew your card · order {order.number}"
    assert "¥300 are in your balance again." in mail.text
    assert "on its way back" not in mail.text


def test_nobody_pays_from_anothers_balance(
    house: "House", with_pin: Client, of_stranger: Client, holder: "User", card: "Card", plan: "Plan"
) -> None:
    house.top_up(holder, 1_000)
    order = house.order(card, plan.code, payer=holder)
    with_pin.post(f"/o/{order.number}/pay", {"method": "fake:fake", "share": "1", "share_offered": "300"})
    assert house.balance(holder) == 1_000
    assert "balance" not in with_pin.get(f"/o/{order.number}").context
    assert of_stranger.post(f"/o/{order.number}/pay", {"share": "1", "share_offered": "300"}).status_code == 404


def test_parts_are_shown_with_their_ends(house: "House", of_holder: Client, holder: "User") -> None:
    now = clock.now()
    with clock.travel_to(now - timedelta(days=20)):
        house.top_up(holder, 500)
    house.top_up(holder, 700, key="t2")
    page = of_holder.get("/balance")
    assert [part.left_minor for part in page.context["parts"]] == [500, 700]
    assert text_of(page).count("until ") == 2


@pytest.mark.parametrize("times", [1, 3])
def test_orders_of_both_kinds_are_listed_in_one_number_of_queries(
    house: "House",
    of_holder: Client,
    holder: "User",
    plan: "Plan",
    django_assert_num_queries: DjangoAssertNumQueries,
    times: int,
) -> None:
    for number in range(times):
        house.top_up(holder, 500, key=f"t{number}")
        house.order(make_card(), plan.code, payer=holder, key=f"k{number}")
    of_holder.get("/orders")
    with django_assert_num_queries(9):
        page = of_holder.get("/orders")
    assert [row["what"] for row in page.context["rows"]] == ["Plan GB-1-3D", "Balance top-up"] * times
    badges = re.findall(r'<span class="badge[^>]*>([^<]*)<', page.content.decode())
    assert badges == ["to be paid", "topped up"] * times


def test_a_part_that_a_bank_asks_for_is_said_to_be_frozen(house: "House", of_holder: Client, holder: "User") -> None:
    order = house.top_up(holder, 500)
    house.top_up(holder, 700, key="t2")
    (capture,) = captures_of(order.number)
    asked = house.provider.dispute(capture.reference, amount=Money(200, "JPY"))
    house.deliver(asked)
    page = of_holder.get("/balance")
    assert "You can spend ¥700" in text_of(page)
    assert notices(page) == [
        (
            f"¥500 cannot be spent. The bank that paid for order {order.number} has asked for its money back. "
            "If that is withdrawn or decided otherwise, it can be spent again."
        )
    ]
    house.deliver(house.provider.end_dispute(asked.dispute_reference or "", is_won=False))
    assert notices(of_holder.get("/balance")) == [
        f"¥500 cannot be spent. The bank that paid for order {order.number} has taken its money back."
    ]
