# SPDX-License-Identifier: Apache-2.0
"""A walk over every address as everybody: who may see what, and that for others nothing is there."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.unit.channels.conftest import logged_in, make_user
from tests.unit.channels.web.conftest import heading
from tsuzuku.channels.web.access import OPENED_FOR
from tsuzuku.kernel import clock
from tsuzuku.testing.factories import make_mix_plan

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.catalog.models import Plan
    from tsuzuku.orders.models import Order
    from tsuzuku.people.models import User
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db

#: Everybody's answers to a GET: nobody logged in, holder and payer, another customer, a browser with the PIN, staff,
#: and a friend who came by a link and has ordered. 302 is to the login or, for the card's own address, to where it can
#: be opened.
GET = {
    "home": (200, 302, 302, 200, 302, 200),
    "open_card": (200, 200, 200, 200, 200, 200),
    "leave": (405, 405, 405, 405, 405, 405),
    "choose_language": (405, 405, 405, 405, 405, 405),
    "choose_currency": (405, 405, 405, 405, 405, 405),
    "app": (200, 200, 200, 200, 200, 200),
    "manifest": (200, 200, 200, 200, 200, 200),
    "service_worker": (200, 200, 200, 200, 200, 200),
    "offline": (200, 200, 200, 200, 200, 200),
    "help": (200, 200, 200, 200, 200, 200),
    "phone_guides": (200, 200, 200, 200, 200, 200),
    "phone_guide": (200, 200, 200, 200, 200, 200),
    "doors": (200, 200, 200, 200, 200, 200),
    "questions": (200, 200, 200, 200, 200, 200),
    "check": (200, 200, 200, 200, 200, 200),
    "check_ping": (204, 204, 204, 204, 204, 204),
    "check_sample": (200, 200, 200, 200, 200, 200),
    "friend": (200, 200, 200, 200, 200, 200),
    "friend_plans": (302, 302, 302, 302, 302, 302),
    "friend_confirm": (302, 302, 302, 302, 302, 302),
    "friend_link": (404, 404, 404, 404, 404, 404),
    "friend_link_confirm": (404, 404, 404, 404, 404, 404),
    "friend_links": (404, 200, 404, 200, 404, 404),
    "end_friend_link": (405, 405, 405, 405, 405, 405),
    "my_cards": (302, 302, 200, 302, 200, 302),
    "add_card": (302, 200, 200, 302, 200, 302),
    "card": (302, 200, 302, 200, 302, 302),
    "check_card": (302, 200, 302, 200, 302, 302),
    "keep_card": (405, 405, 405, 405, 405, 405),
    "name_card": (405, 405, 405, 405, 405, 405),
    "release_card": (302, 200, 404, 302, 404, 302),
    "start_lot": (405, 405, 405, 405, 405, 405),
    "tell_flight": (405, 405, 405, 405, 405, 405),
    "usage": (404, 200, 404, 200, 404, 404),
    "history": (404, 200, 404, 200, 404, 404),
    "plans": (404, 200, 404, 200, 404, 404),
    "mix": (404, 200, 404, 200, 404, 404),
    "confirm": (404, 200, 404, 200, 404, 404),
    "automatic": (302, 200, 404, 302, 404, 302),
    "automatic_off": (405, 405, 405, 405, 405, 405),
    "stop_automatic": (404, 404, 404, 404, 404, 404),
    "remove_method": (405, 405, 405, 405, 405, 405),
    "my_orders": (302, 200, 200, 302, 200, 302),
    "order": (404, 200, 404, 200, 404, 404),
    "open_order": (302, 302, 302, 302, 302, 302),
    "open_receipt": (302, 302, 302, 302, 302, 302),
    "order_progress": (404, 200, 404, 200, 404, 404),
    "pay": (405, 405, 405, 405, 405, 405),
    "cancel": (405, 405, 405, 405, 405, 405),
    "receipt": (404, 200, 404, 200, 404, 404),
    "receipt_pdf": (405, 405, 405, 405, 405, 405),
    "receipt_mail": (405, 405, 405, 405, 405, 405),
    "balance": (302, 200, 200, 302, 200, 302),
    "top_up": (302, 200, 200, 302, 200, 302),
    "inbox": (302, 200, 200, 302, 200, 302),
    "reminder_preferences": (302, 200, 200, 302, 200, 302),
    "try_address_again": (405, 405, 405, 405, 405, 405),
    "open_reminder": (404, 404, 404, 404, 404, 404),
    "unsubscribe": (404, 404, 404, 404, 404, 404),
    "add_push": (405, 405, 405, 405, 405, 405),
    "remove_push": (405, 405, 405, 405, 405, 405),
    "verify": (200, 200, 200, 200, 200, 200),
    "verify_keys": (200, 200, 200, 200, 200, 200),
    "account": (302, 200, 200, 302, 200, 302),
    "account_email": (302, 200, 200, 302, 200, 302),
    "prove": (302, 200, 200, 302, 200, 302),
    "prove_code": (302, 302, 302, 302, 302, 302),
    "export": (302, 302, 302, 302, 302, 302),
    "delete_account": (302, 302, 302, 302, 403, 302),
    "devices": (302, 200, 200, 302, 200, 302),
    "end_other_devices": (302, 405, 405, 302, 405, 302),
    "end_device": (302, 405, 405, 302, 405, 302),
    "passkeys": (302, 200, 200, 302, 403, 302),
    "add_passkey": (302, 302, 302, 302, 403, 302),
    "name_passkey": (302, 405, 405, 302, 403, 302),
    "remove_passkey": (302, 302, 302, 302, 403, 302),
    "account_request_login_code": (200, 302, 302, 200, 302, 200),
    "account_confirm_login_code": (302, 302, 302, 302, 302, 302),
    "mfa_login_webauthn": (302, 302, 302, 302, 302, 302),
    "account_login": (200, 302, 302, 200, 302, 200),
    "account_logout": (302, 200, 200, 302, 200, 302),
    "account_signup": (200, 302, 302, 200, 302, 200),
    "account_email_verification_sent": (302, 302, 302, 302, 302, 302),
    "account_inactive": (200, 200, 200, 200, 200, 200),
    "account_change_password": (302, 200, 200, 302, 200, 302),
    "account_reset_password": (200, 200, 200, 200, 200, 200),
    "account_set_password": (302, 302, 302, 302, 302, 302),
    "enter_by_phone": (200, 302, 302, 200, 302, 200),
    "enter_by_phone_code": (302, 302, 302, 302, 302, 302),
    "change_phone": (302, 302, 302, 302, 403, 302),
    "change_phone_code": (302, 302, 302, 302, 403, 302),
    "remove_phone": (302, 302, 302, 302, 403, 302),
    "change_email": (302, 302, 302, 302, 403, 302),
    "change_email_code": (302, 302, 302, 302, 403, 302),
    "account_confirm_password_reset_code": (302, 302, 302, 302, 302, 302),
    "account_complete_password_reset": (302, 302, 302, 302, 302, 302),
    "account_password_reset_completed": (200, 200, 200, 200, 200, 200),
    "inbound_payments": (405, 405, 405, 405, 405, 405),
    "inbound_messages": (405, 405, 405, 405, 405, 405),
    "first_steps": (200, 200, 200, 200, 200, 200),
    "switch_on": (404, 200, 404, 200, 404, 404),
    "new_card": (200, 200, 200, 200, 200, 200),
    # There is nothing on the shelf.
    "new_card_plans": (302, 302, 302, 302, 302, 302),
    "confirm_new_card": (302, 302, 302, 302, 302, 302),
    # Nothing is posted.
    "new_sim": (404, 404, 404, 404, 404, 404),
    "new_sim_plans": (404, 404, 404, 404, 404, 404),
    "confirm_new_sim": (302, 404, 404, 302, 404, 302),
    # The order sells no new card.
    "install_esim": (302, 404, 404, 302, 404, 302),
}
#: The same for a POST with nothing in it, where it would do something to a card or an order.
POST = {
    "friend_confirm": (302, 302, 302, 302, 302, 302),
    "friend_link_confirm": (404, 404, 404, 404, 404, 404),
    "friend_links": (404, 200, 404, 200, 404, 404),
    "end_friend_link": (404, 302, 404, 302, 404, 404),
    "keep_card": (302, 302, 404, 302, 404, 302),
    "name_card": (302, 302, 404, 302, 404, 302),
    "start_lot": (404, 302, 404, 302, 404, 404),
    "tell_flight": (404, 200, 404, 200, 404, 404),
    "automatic": (302, 302, 404, 302, 404, 302),
    "automatic_off": (302, 302, 404, 302, 404, 302),
    "stop_automatic": (404, 404, 404, 404, 404, 404),
    "remove_method": (302, 302, 302, 302, 302, 302),
    "end_device": (302, 404, 404, 302, 404, 302),
    "name_passkey": (302, 404, 404, 302, 403, 302),
    "remove_passkey": (302, 302, 302, 302, 403, 302),
    "try_address_again": (302, 302, 302, 302, 302, 302),
    "open_reminder": (404, 404, 404, 404, 404, 404),
    "unsubscribe": (404, 404, 404, 404, 404, 404),
    "add_push": (302, 400, 400, 302, 400, 302),
    "remove_push": (302, 204, 204, 302, 204, 302),
    "confirm": (404, 200, 404, 200, 404, 404),
    "pay": (404, 302, 404, 302, 404, 404),
    "cancel": (404, 302, 404, 302, 404, 404),
    "receipt_pdf": (404, 302, 404, 302, 404, 404),
    "receipt_mail": (404, 302, 404, 302, 404, 404),
}


def addresses(patterns: Sequence[URLPattern | URLResolver]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            found[str(pattern.name)] = str(pattern.pattern)
        else:
            inner = addresses(pattern.url_patterns)
            found |= {name: f"{pattern.pattern}{rest}" for name, rest in inner.items()}
    return found


@pytest.fixture
def order(house: "House", card: "Card", plan: "Plan", holder: "User") -> "Order":
    return house.order(card, plan.code, payer=holder, actor=f"customer:{holder.pk}")


@pytest.fixture
def given(house: "House", card: "Card", plan: "Plan", holder: "User") -> "Order":
    """An order of the same card, placed by a friend who came by a link."""
    from tsuzuku.cards.friend_links import make_friend_link
    from tsuzuku.orders.payers import Came, Friend

    link = make_friend_link(card=card, user=holder, shown_name="", days=7, now=clock.now())
    return house.order(card, plan.code, actor=Friend(Came.LINK, link.pk).actor)


@pytest.fixture
def friend(given: "Order") -> Client:
    """The browser of who placed it."""
    from tsuzuku.orders.links import order_link

    client = Client()
    client.get(order_link(given).removeprefix(settings.PUBLIC_URL))
    return client


@pytest.fixture
def everybody(of_holder: Client, of_stranger: Client, with_pin: Client, friend: Client) -> list[Client]:
    staff = make_user("staff@example.com", is_staff=True, is_superuser=True)
    return [Client(), of_holder, of_stranger, with_pin, logged_in(staff), friend]


@pytest.fixture
def filled(card: "Card", plan: "Plan", order: "Order") -> dict[str, str]:
    """Every address with this card, this plan or one to be mixed, and this order in it."""
    mixed = make_mix_plan().code
    return {
        name: "/"
        + address.replace("<str:token>", card.public_token)
        .replace("mix/<str:plan_code>", f"mix/{mixed}")
        .replace("<str:plan_code>", plan.code)
        .replace("<str:number>", order.number)
        .replace("<str:country>", "JP")
        .replace("<int:lot_id>", "1")
        .replace("<int:link_id>", "1")
        .replace("<int:place>", "1")
        .replace("<str:key>", "wrong")
        .replace("<int:method_id>", "1")
        .replace("<int:passkey_id>", "1")
        .replace("<int:browser_id>", "0")
        .replace("<str:stop_token>", "forged")
        .replace("<str:link_token>", "forged")
        .replace("<str:unsubscribe_token>", "forged")
        .replace("<str:provider>", "fake")
        .replace("<str:language>", "ja")
        .replace("<slug:slug>", "iphone")
        for name, address in addresses(get_resolver().url_patterns).items()
        # The console has a walk of its own.
        if not address.startswith("console/")
    }


def test_every_address_answers_everybody_as_it_should(everybody: list[Client], filled: dict[str, str]) -> None:
    assert set(filled) == set(GET)
    answers = {name: tuple(client.get(address).status_code for client in everybody) for name, address in filled.items()}
    assert answers == GET


def test_nobody_acts_for_somebody_elses_card_or_order(everybody: list[Client], filled: dict[str, str]) -> None:
    answers = {name: tuple(client.post(filled[name]).status_code for client in everybody) for name in POST}
    assert answers == POST


def test_a_friend_sees_their_own_order_and_nobody_else_does(
    everybody: list[Client], given: "Order", card: "Card", friend: Client
) -> None:
    for page in ("", "/progress", "/receipt"):
        answers = [client.get(f"/o/{given.number}{page}").status_code for client in everybody]
        assert answers == [404, 404, 404, 404, 404, 200]
    for deed in ("cancel", "pay", "receipt/pdf", "receipt/mail"):
        answers = [client.post(f"/o/{given.number}/{deed}").status_code for client in everybody]
        assert answers == [404, 404, 404, 404, 404, 302]
    assert card.public_token not in friend.get(f"/o/{given.number}").content.decode()


@pytest.mark.parametrize("rest", ["/plans", "/renew/GB-1-3D", "/usage", "/history", "/mix/OWN-MIX"])
def test_a_stranger_cannot_tell_a_card_from_none(card: "Card", plan: "Plan", of_stranger: Client, rest: str) -> None:
    pages = {of_stranger.get(f"/c/{token}{rest}").content for token in (card.public_token, "A" * 16)}
    assert len(pages) == 1


def test_a_stranger_who_scans_a_card_is_asked_to_open_it_whether_there_is_one_or_not(card: "Card") -> None:
    for token in (card.public_token, "A" * 16):
        assert Client().get(f"/c/{token}")["Location"] == f"/open?next=%2Fc%2F{token}"


def test_a_stranger_cannot_tell_an_order_from_none(order: "Order", of_stranger: Client) -> None:
    from tsuzuku.orders.numbers import new_number

    pages = [of_stranger.get(f"/o/{number}") for number in (order.number, new_number(), "4KX9P-7TRWC", "x")]
    assert {page.status_code for page in pages} == {404}
    assert {heading(page) for page in pages} == {"There is nothing here for you"}
    assert len({page.content for page in pages}) == 1


def test_a_pin_opens_its_own_card_only(house: "House", plan: "Plan", with_pin: Client) -> None:
    from tsuzuku.testing.factories import make_card

    other = make_card()
    order = house.order(other, plan.code)
    assert with_pin.get(f"/c/{other.public_token}/plans").status_code == 404
    assert with_pin.get(f"/o/{order.number}").status_code == 404


def test_what_is_not_needed_of_allauth_is_not_there() -> None:
    for path in (
        "/email",
        "/email/",
        "/accounts/login/",
        "/password/set/",
        "/reauthenticate/",
        "/login/code/",
        "/3rdparty/",
    ):
        assert Client().get(path).status_code == 404


def test_the_mailbox_is_only_in_the_demo() -> None:
    assert Client().get("/demo/mail").status_code == 404


def test_a_link_of_an_order_opens_it_and_nothing_else_for_a_while(
    order: "Order", house: "House", card: "Card", plan: "Plan", holder: "User"
) -> None:
    from tsuzuku.orders.links import LINKS_LAST, order_link

    other = house.order(card, plan.code, payer=holder, actor=f"customer:{holder.pk}", key="k2")
    link = order_link(order).removeprefix(settings.PUBLIC_URL)
    client = Client()
    assert client.get(f"{link}?back=1&more=x")["Location"] == f"/o/{order.number}?back=1"
    assert client.get(f"/o/{order.number}").status_code == 200
    for address in (f"/o/{other.number}", f"/c/{card.public_token}/plans"):
        assert client.get(address).status_code == 404
    with clock.travel_to(clock.now() + OPENED_FOR):
        assert client.get(f"/o/{order.number}").status_code == 404
        assert client.get(link, follow=True).status_code == 200
    with clock.travel_to(order.created_at + LINKS_LAST):
        assert client.get(link, follow=True).status_code == 404
    for wrong in (link[:-1], link.replace(order.number, other.number), f"{link}x"):
        assert Client().get(wrong, follow=True).status_code == 404


def test_the_links_of_the_confirmation_open_order_and_receipt_in_any_browser(order: "Order", house: "House") -> None:
    type(order).objects.filter(pk=order.pk).update(email="traveller@example.com")
    house.pay(order)
    text = house.gateway.sent[-1].message.text
    links = [line.removeprefix(settings.PUBLIC_URL) for line in text.splitlines() if line.startswith("http")]
    assert [heading(Client().get(link, follow=True)) for link in links] == ["Renewed. You are online", "Receipt"]
    told = Client().get(f"{links[1]}?language=ja&more=x")
    assert told["Location"] == f"/o/{order.number}/receipt?language=ja"
    assert Client().get(links[1].replace("/k/", "/k/x"), follow=True).status_code == 404


def test_a_link_goes_on_in_the_language_of_the_order_unless_the_browser_has_one(order: "Order") -> None:
    from tsuzuku.orders.links import order_link

    type(order).objects.filter(pk=order.pk).update(language="zh-hans")
    link = order_link(order).removeprefix(settings.PUBLIC_URL)
    new, chosen = Client(), Client()
    chosen.cookies["tsuzuku_language"] = "en"
    assert heading(new.get(link, follow=True)) == "订单等待付款"
    assert heading(chosen.get(link, follow=True)) == "This order waits for its payment"
