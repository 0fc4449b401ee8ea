# SPDX-License-Identifier: Apache-2.0
import re
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.unit.channels.web.conftest import Answer, Page, heading, notices, text_of
from tsuzuku.cards.models import Blocked
from tsuzuku.catalog.models import Price
from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.orders.actions import expire_orders
from tsuzuku.orders.links import order_link
from tsuzuku.orders.policy import CURRENT_POLICY
from tsuzuku.orders.resolving import return_held_order
from tsuzuku.payments.ports import Capabilities, FailureReason, Instructions, StoreSlip
from tsuzuku.testing.factories import make_card, make_plan
from tsuzuku.testing.fakes import FakeProvider, Outcome

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.catalog.models import Plan
    from tsuzuku.orders.models import Order
    from tsuzuku.people.models import User
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(house: "House", card: "Card", plan: "Plan") -> "Order":
    return house.order(card, plan.code)


def look(client: Client, order: "Order", query: str = "") -> Answer:
    return client.get(f"/o/{order.number}{query}")


def poll_address(page: Page) -> str | None:
    """Where the page looks whether something has changed."""
    found = re.search(r'hx-get="([^"]*)"', page.content.decode())
    return found[1].replace("&amp;", "&") if found else None


def test_an_order_waits_for_its_payment(with_pin: Client, order: "Order") -> None:
    page = look(with_pin, order)
    assert heading(page) == "This order waits for its payment"
    assert [choice.name for choice in page.context["choices"].likely] == ["fake"]
    assert poll_address(page) is None
    assert "Cancel the order, at no cost" in text_of(page)


def test_the_number_is_found_in_any_spelling(with_pin: Client, order: "Order") -> None:
    assert with_pin.get(f"/o/{order.number.lower().replace('-', '')}").status_code == 200


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (
            FailureReason.NETWORK,
            "Your bank could not be reached. Nothing was charged. The same way may work in a minute.",
        ),
        (
            FailureReason.LIMIT,
            (
                "The limit or the balance of your card or account was not enough. Nothing was charged. "
                "Another way of paying may work."
            ),
        ),
        (
            FailureReason.REFUSED,
            (
                "Your bank or payment service refused it and did not say why. Nothing was charged. "
                "Another way of paying may work."
            ),
        ),
        (
            FailureReason.EXPIRED,
            ("The payment page was closed before anything was paid. Nothing was charged. You can start again."),
        ),
    ],
)
def test_a_failed_payment_says_why_and_keeps_the_order(
    house: "House", with_pin: Client, order: "Order", reason: FailureReason, told: str
) -> None:
    house.decline(order, reason)
    page = look(with_pin, order, "?back=1")
    assert heading(page) == "This order waits for its payment"
    assert notices(page)[0] == f"The last payment did not go through. {told}"
    again = with_pin.post(f"/o/{order.number}/pay", {"method": "fake:fake"})
    assert again["Location"] == f"{FakeProvider.origin}/fakepay_2"
    house.deliver(*house.provider.pay("fakepay_2"))
    house.settle_down()
    assert heading(look(with_pin, order)) == "Renewed. You are online"


@pytest.mark.parametrize(
    ("reason", "chosen"),
    [
        (FailureReason.NETWORK, "fake:fake"),
        (FailureReason.EXPIRED, "fake:fake"),
        (FailureReason.LIMIT, "fake:other"),
        (FailureReason.REFUSED, "fake:other"),
    ],
)
def test_after_a_no_another_method_is_chosen_beforehand(
    house: "House", with_pin: Client, order: "Order", reason: FailureReason, chosen: str
) -> None:
    house.provider.methods = ("fake", "other")
    assert 'value="fake:fake" required checked' in look(with_pin, order).content.decode()
    house.start_payment(order)
    assert 'value="fake:fake" required checked' in look(with_pin, order).content.decode()
    house.decline(order, reason)
    page = look(with_pin, order).content.decode()
    assert re.findall(r'value="(\S+)" required checked', page) == [chosen]


def test_on_the_way_back_the_payment_is_awaited_not_believed(house: "House", with_pin: Client, order: "Order") -> None:
    house.start_payment(order)
    assert heading(look(with_pin, order)) == "This order waits for its payment"
    page = look(with_pin, order, "?back=1&payment=anything&status=paid")
    assert heading(page) == "One moment: your payment is being confirmed"
    assert poll_address(page) == f"/o/{order.number}/progress?seen=checking.2&back=1"
    order.refresh_from_db()
    assert order.state == "awaiting_payment"


def test_who_was_declined_and_then_paid_is_not_asked_to_pay_again(
    house: "House", with_pin: Client, order: "Order"
) -> None:
    """The provider's page takes another card after a no; its word of that may come after the payer."""
    house.decline(order, FailureReason.REFUSED)
    page = look(with_pin, order, "?back=paid")
    assert heading(page) == "One moment: your payment is being confirmed"
    assert poll_address(page) == f"/o/{order.number}/progress?seen=checking.2&back=paid"
    assert "I have not paid" in text_of(page)
    for query in ("", "?back=1", "?back=anything"):
        assert heading(look(with_pin, order, query)) == "This order waits for its payment"


@pytest.mark.parametrize(("tells_apart", "back"), [(True, "paid"), (False, "1")])
def test_only_who_may_have_paid_comes_back_as_a_payer(
    with_pin: Client, order: "Order", tells_apart: bool, back: str
) -> None:
    from tsuzuku.payments.registry import using_provider

    class TellsApart(FakeProvider):
        @property
        def capabilities(self) -> Capabilities:
            return replace(super().capabilities, returns_only_payers=tells_apart)

    provider = TellsApart()
    with using_provider("fake", provider):
        with_pin.post(f"/o/{order.number}/pay", {"method": "fake:fake"})
    (payment,) = provider.payments.values()
    link = order_link(order)
    assert (payment.request.return_url, payment.request.cancel_url) == (f"{link}?back={back}", link)


def test_who_leaves_right_after_a_no_is_told_why_by_itself(house: "House", with_pin: Client, order: "Order") -> None:
    house.provider.methods = ("fake", "other")
    house.provider.decline(house.start_payment(order), FailureReason.LIMIT)
    now = clock.now()
    with clock.travel_to(now):
        page = look(with_pin, order)
        assert heading(page) == "This order waits for its payment"
        address = poll_address(page)
        assert address is not None
        (refresh,) = re.findall(r'refresh" content="2;url=([^"]*)"', page.content.decode())
        assert with_pin.get(address).status_code == 204
        house.settle_down()
        told = with_pin.get(address)
        assert notices(told)[0].startswith("The last payment did not go through. The limit or the balance")
        assert 'value="fake:other" required checked' in told.content.decode()
        assert poll_address(told) is None
        # And without scripts.
        again = with_pin.get(refresh)
        assert notices(again) == notices(told)
        assert "refresh" not in again.content.decode()


def test_who_leaves_the_form_open_is_not_disturbed(house: "House", with_pin: Client, order: "Order") -> None:
    """Its provider has heard of nothing: the page stops to look, and what is filled in stays."""
    house.start_payment(order)
    address = poll_address(look(with_pin, order))
    assert address is not None
    house.settle_down()
    assert with_pin.get(address).content.decode() == '<div id="poll"></div>\n'


def test_a_no_is_told_beside_the_numbers_of_a_store(house: "House", with_pin: Client, order: "Order") -> None:
    slip = Instructions(
        expires_at=clock.now() + timedelta(days=2), slips=(StoreSlip(store="lawson", payment_number="1"),)
    )
    house.provider.methods, house.provider.instructions = ("fake", "konbini"), {"konbini": slip}
    house.start_payment(order, method="konbini")
    house.provider.decline(house.start_payment(order), FailureReason.REFUSED)
    address = poll_address(look(with_pin, order))
    assert address is not None
    house.settle_down()
    told = with_pin.get(address)
    assert notices(told)[0].startswith("The last payment did not go through.")
    address = poll_address(told)
    assert address is not None
    assert with_pin.get(address).status_code == 204


def test_money_that_has_come_is_never_asked_for_again(house: "House", with_pin: Client, order: "Order") -> None:
    """Between the provider's word and what it does to the order there is a moment."""
    house.deliver(*house.provider.pay(house.start_payment(order)))
    order.refresh_from_db()
    assert order.state == "awaiting_payment"
    assert heading(look(with_pin, order)) == "One moment: your payment is being confirmed"
    with clock.travel_to(order.expires_at):
        expire_orders()
        with_pin.post("/open", {"number": house.renewal(order).card.iccid, "pin": "1234"})
        assert heading(look(with_pin, order)) == "One moment: your payment is being confirmed"
    house.settle_down()
    assert heading(look(with_pin, order)) == "Renewed. You are online"


def test_the_way_from_paid_to_online_is_seen_as_it_happens(house: "House", with_pin: Client, order: "Order") -> None:
    reference = house.start_payment(order)
    address = poll_address(look(with_pin, order, "?back=1"))
    assert address is not None
    assert with_pin.get(address).status_code == 204
    house.carrier.script.add(Outcome.UNAVAILABLE)
    house.deliver(*house.provider.pay(reference))
    house.settle_down()
    paid = with_pin.get(address)
    assert (paid.status_code, heading(paid)) == (200, "Paid. Your card is being renewed")
    address = poll_address(paid)
    assert address == f"/o/{order.number}/progress?seen=activating.2&back=1"
    assert with_pin.get(address).status_code == 204
    with clock.travel_to(clock.now() + timedelta(seconds=30)):
        house.settle_down()
        active = with_pin.get(address)
        assert heading(active) == "Renewed. You are online"
    assert poll_address(active) is None


def test_the_page_looks_less_often_the_longer_it_takes(house: "House", with_pin: Client, order: "Order") -> None:
    house.start_payment(order)
    now = clock.now()
    found = []
    for minutes in (0, 2, 11):
        with clock.travel_to(now + timedelta(minutes=minutes)):
            page = look(with_pin, order, "?back=1").content.decode()
        found.append(re.findall(r'hx-trigger="([^"]*)"', page) + re.findall(r'refresh" content="([^"]*)"', page))
    assert found == [["every 2s", "2"], ["every 5s", "5"], ["every 30s", "30"]]


def test_scripts_are_loaded_only_where_something_moves(house: "House", with_pin: Client, order: "Order") -> None:
    assert "htmx" not in look(with_pin, order).content.decode()
    house.start_payment(order)
    assert look(with_pin, order, "?back=1").content.decode().count("htmx-4") == 1


def test_a_plan_that_waits_is_ready_not_online(house: "House", with_pin: Client, card: "Card") -> None:
    make_plan("TAP", start="tap")
    order = house.order(card, "TAP")
    house.pay(order)
    page = look(with_pin, order)
    assert heading(page) == "Renewed. Your plan is ready"
    assert "1 GB waiting on the card" in text_of(page).replace("\u00a0", " ")
    assert re.findall(r'action="([^"]*/start/)', page.content.decode()) == [f"/c/{card.public_token}/start/"]


def test_a_renewal_that_the_carrier_refuses_is_paid_back(house: "House", with_pin: Client, order: "Order") -> None:
    house.carrier.script.add(Outcome.REFUSED)
    house.pay(order)
    page = look(with_pin, order)
    assert heading(page) == "We could not renew your card"
    assert "¥300 are on their way back to where they came from." in text_of(page)
    (key,) = house.provider.refunds
    house.deliver(house.provider.finish_refund(key))
    assert "¥300 were paid back on" in text_of(look(with_pin, order))


def test_what_was_paid_twice_goes_back_once(house: "House", with_pin: Client, order: "Order") -> None:
    house.pay(order, times=2)
    page = look(with_pin, order)
    assert heading(page) == "Renewed. You are online"
    assert notices(page)[-1].startswith("You have paid more than once. ¥300 are on their way back")


def test_what_is_paid_after_cancelling_goes_back(house: "House", with_pin: Client, order: "Order") -> None:
    reference = house.start_payment(order)
    with_pin.post(f"/o/{order.number}/cancel")
    assert "This order was cancelled Nothing was charged. Order it again" in text_of(look(with_pin, order))
    comes_back = "If you have paid, your money goes back by itself. You need not do anything."
    assert comes_back in text_of(with_pin.get(f"/o/{order.number}?back=1"))
    house.deliver(*house.provider.pay(reference))
    assert f"This order was cancelled {comes_back} Order it again" in text_of(look(with_pin, order))
    house.settle_down()
    page = look(with_pin, order)
    assert (heading(page), len(notices(page))) == ("This order was cancelled", 1)
    assert notices(page)[0].startswith("Your payment came after the order was cancelled. ¥300 are on their way back")
    assert "Nothing was charged" not in text_of(page)
    assert [refund.reason for refund in page.context["surplus"]] == ["order-cancelled"]
    (key,) = house.provider.refunds
    house.deliver(house.provider.finish_refund(key))
    assert notices(look(with_pin, order))[0].startswith(
        "Your payment came after the order was cancelled. ¥300 were paid back on"
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"blocked": Blocked.SUSPENDED},
            "This card is suspended and cannot be renewed. Please ask where you bought it.",
        ),
        (
            {"blocked": Blocked.LOST},
            "This card was reported lost and cannot be renewed. Found it? Please ask where you bought it.",
        ),
        (
            {"last_use_date": date(2020, 1, 1)},
            "The last day of use of this card is over. It cannot be renewed any more: please get a new one.",
        ),
    ],
)
def test_nobody_pays_for_a_card_that_can_no_longer_be_renewed(
    house: "House", with_pin: Client, card: "Card", order: "Order", changes: dict[str, object], told: str
) -> None:
    type(card).objects.filter(pk=card.pk).update(**changes)
    answer = with_pin.post(f"/o/{order.number}/pay", {"method": "fake:fake"}, follow=True)
    assert (answer.redirect_chain, notices(answer)[0]) == ([(f"/o/{order.number}", 302)], told)
    assert house.provider.payments == {}


def test_an_amount_that_differs_is_looked_at_by_a_person(house: "House", with_pin: Client, order: "Order") -> None:
    house.pay(order, amount=Money(30, "JPY"))
    page = look(with_pin, order)
    assert heading(page) == "We are checking your payment"
    assert "Please do not pay again." in text_of(page)
    assert with_pin.post(f"/o/{order.number}/pay", {"method": "fake:fake"})["Location"] == f"/o/{order.number}"


def test_the_policy_that_was_told_stays_with_the_order(with_pin: Client, order: "Order") -> None:
    assert order.policy == CURRENT_POLICY
    words = text_of(look(with_pin, order))
    assert "Once the renewal is active it cannot be refunded. If it cannot be activated, your money comes back" in words
    order.policy = ""
    order.save()
    assert "cannot be refunded" not in text_of(look(with_pin, order))


def test_money_that_is_given_back_is_told_at_what_it_paid_for(house: "House", with_pin: Client, order: "Order") -> None:
    house.pay(order)
    house.give_back(order, amount_minor=100)
    assert "¥100 are on their way back to where they came from." in text_of(look(with_pin, order))
    house.end_refunds()
    assert "¥100 were paid back on " in text_of(look(with_pin, order))


def test_a_held_order_that_is_given_back_says_why(house: "House", with_pin: Client, order: "Order") -> None:
    house.pay(order, amount=Money(200, "JPY"))
    return_held_order(number=order.number, reason="asked the payer", actor="staff:1", now=clock.now())
    house.settle_down()
    words = text_of(look(with_pin, order))
    assert "What arrived was not the price of your order. ¥200 are on their way back" in words


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("price-risen", "Your payment came after the order’s time, and by then the plan cost more."),
        ("plan-gone", "Your payment came after the order’s time, and by then the plan was no longer sold."),
    ],
)
def test_late_money_that_bought_nothing_says_why(
    house: "House", with_pin: Client, order: "Order", plan: "Plan", code: str, told: str
) -> None:
    reference = house.start_payment(order)
    with clock.travel_to(clock.now() + timedelta(hours=3)):
        expire_orders()
        if code == "price-risen":
            Price.objects.update(amount_minor=order.amount_minor + 1)
        else:
            type(plan).objects.update(withdrawn_at=clock.now())
        house.deliver(*house.provider.pay(reference))
        house.settle_down()
    assert house.renewal(order).refusal == code
    assert told in text_of(look(with_pin, order))


def test_an_order_past_its_time_is_ordered_anew(
    house: "House", with_pin: Client, card: "Card", order: "Order", plan: "Plan"
) -> None:
    with clock.travel_to(order.expires_at - timedelta(minutes=1)):
        with_pin.post("/open", {"number": card.iccid, "pin": "1234"})
    for is_written_down in (False, True):
        with clock.travel_to(order.expires_at):
            if is_written_down:
                expire_orders()
            page = look(with_pin, order)
            assert heading(page) == "This order has expired"
            assert f'href="/c/{card.public_token}/renew/{plan.code}"' in page.content.decode()
            answer = with_pin.post(f"/o/{order.number}/pay", {"method": "fake:fake"})
            assert answer["Location"] == f"/o/{order.number}"
    assert house.provider.payments == {}


def test_cancelling_costs_nothing_and_can_be_done_twice(house: "House", with_pin: Client, order: "Order") -> None:
    for _ in range(2):
        answer = with_pin.post(f"/o/{order.number}/cancel", follow=True)
        assert (heading(answer), notices(answer)) == ("This order was cancelled", [])


def test_what_is_paid_cannot_be_cancelled(house: "House", with_pin: Client, order: "Order") -> None:
    house.pay(order)
    answer = with_pin.post(f"/o/{order.number}/cancel", follow=True)
    assert heading(answer) == "Renewed. You are online"
    assert notices(answer)[0] == "This order has moved on in the meantime. This is how it stands."


def test_the_number_of_the_card_and_the_mail_are_not_on_the_page(
    with_pin: Client, order: "Order", card: "Card"
) -> None:
    page = look(with_pin, order).content.decode()
    assert [word for word in (card.iccid, order.email) if word in page] == []


def test_everything_ordered_with_the_way_to_order_it_again(
    house: "House", of_holder: Client, holder: "User", card: "Card", plan: "Plan"
) -> None:
    house.pay(house.order(card, plan.code, payer=holder))
    elsewhere = make_card()
    house.order(elsewhere, plan.code, payer=holder, key="k2")
    page = of_holder.get("/orders")
    shown = [(row["what"], row["card_name"], row["stage"], row["is_held"]) for row in page.context["rows"]]
    assert shown == [
        ("Plan GB-1-3D", f"…{elsewhere.iccid[-4:]}", "to-pay", False),
        ("Plan GB-1-3D", "Mei’s phone", "active", True),
    ]
    assert re.findall(r'href="(/c/[^"]*/renew/[^"]*)"', page.content.decode()) == [
        f"/c/{card.public_token}/renew/{plan.code}"
    ]


@pytest.mark.parametrize("number", [1, 3])
def test_the_orders_ask_the_database_as_often_for_one_as_for_three(
    house: "House",
    of_holder: Client,
    holder: "User",
    card: "Card",
    plan: "Plan",
    number: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for each in range(number):
        house.order(card, plan.code, payer=holder, key=f"k{each}")
    of_holder.get("/account")
    # Session, person, how many, orders, names of cards, top-ups, renewals with plans and cards.
    with django_assert_num_queries(9):
        page = of_holder.get("/orders")
    assert len(page.context["rows"]) == number


def test_orders_come_in_pages(house: "House", of_holder: Client, holder: "User", card: "Card", plan: "Plan") -> None:
    for each in range(21):
        house.order(card, plan.code, payer=holder, key=f"k{each}")
    assert [len(of_holder.get(f"/orders?page={page}").context["rows"]) for page in (1, 2, "x", 99)] == [20, 1, 20, 1]
