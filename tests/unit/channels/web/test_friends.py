# SPDX-License-Identifier: Apache-2.0
"""Friends renew a card by a link or by its number: what they see, what they may not learn, and who is told."""

import re
from datetime import time, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.test import Client

from tests.unit.channels.conftest import logged_in
from tests.unit.channels.web.conftest import Answer, heading, notices, rows, text_of
from tsuzuku.kernel import clock

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.catalog.models import Plan
    from tsuzuku.people.models import User
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db

CANNOT = "This number cannot be renewed with this plan. Nothing was charged."


@pytest.fixture(autouse=True)
def loud(holder: "User") -> None:
    """The holder has no quiet hours."""
    from tsuzuku.reminders.models import Preferences

    Preferences.objects.create(user=holder, quiet_from=time(0), quiet_until=time(0))


def made_link(client: Client, card: "Card", *, name: str = "Mum’s phone", days: int = 7) -> str:
    from tsuzuku.cards.friend_links import friend_link_address
    from tsuzuku.cards.models import FriendLink

    page = client.post(f"/c/{card.public_token}/friends", {"name": name, "days": days}, follow=True)
    assert notices(page)[0] == "The link is made. Send it to whoever shall renew your card."
    address = friend_link_address(FriendLink.objects.latest("pk"))
    assert address in page.content.decode()
    return address.removeprefix(settings.PUBLIC_URL)


@pytest.fixture
def link(of_holder: Client, card: "Card") -> str:
    return made_link(of_holder, card)


def fields_of(page: Answer, **fields: str) -> dict[str, str]:
    hidden = dict(re.findall(r'name="(digest|key|warned)" value="([^"]*)"', page.content.decode()))
    return {**hidden, "method": "fake:fake", **fields}


def with_number(number: str) -> Client:
    client = Client()
    assert client.post("/friend", {"number": number})["Location"] == "/friend/plans"
    return client


def paid(house: "House") -> Any:  # noqa: ANN401  # the fake's own
    reference, payment = list(house.provider.payments.items())[-1]
    house.deliver(*house.provider.pay(reference))
    house.settle_down()
    return payment.request


def a_number_of_nobody() -> str:
    from tsuzuku.testing.factories import new_iccid

    return new_iccid()


def test_a_friend_renews_by_a_link_and_sees_of_the_card_what_its_holder_chose(
    house: "House", link: str, card: "Card", plan: "Plan", holder: "User", of_holder: Client
) -> None:
    friend = Client()
    hidden = [card.iccid, card.iccid[-4:], card.public_token, "Mei", "mei@example.com"]
    assert len(link) <= 24
    pages = [friend.get(link), friend.get(f"{link}/renew/{plan.code}")]
    assert [heading(page) for page in pages] == ["Renew Mum’s phone"] * 2
    assert rows(pages[1])["To pay"] == "¥300"

    fields = fields_of(pages[1], email="friend@example.com", giver="Björn 李")
    to_pay = friend.post(f"{link}/renew/{plan.code}", fields)
    assert to_pay.status_code == 303
    assert friend.post(f"{link}/renew/{plan.code}", fields)["Location"] == to_pay["Location"]
    request = paid(house)
    pages.append(friend.get(request.return_url.removeprefix(settings.PUBLIC_URL), follow=True))
    assert heading(pages[-1]) == "Paid. The card is renewed"
    assert rows(pages[-1])["For"] == "Mum’s phone"
    pages.append(friend.get(f"/o/{request.order_number}/receipt", follow=True))
    assert heading(pages[-1]) == "Receipt"
    assert [word for word in hidden for page in pages if word in page.content.decode()] == []
    assert request.description == "Plan GB-1-3D · Mum’s phone"
    mails = {kept.message.address: kept.message for kept in house.gateway.sent}
    assert "Renewed: Mum’s phone" in mails["friend@example.com"].text
    assert [word for word in hidden if word in mails["friend@example.com"].text] == []
    assert friend.get(f"/c/{card.public_token}/plans").status_code == 404

    told = mails["mei@example.com"]
    assert told.subject == "A friend renewed Mei’s phone with Plan GB-1-3D"
    assert "Their name, as they left it: Björn 李" in told.text
    assert f"{settings.PUBLIC_URL}/c/{card.public_token}" in told.text
    assert "friend@example.com" not in told.text
    assert "A friend renewed Mei’s phone with Plan GB-1-3D" in text_of(of_holder.get("/inbox"))
    for page in (of_holder.get(f"/c/{card.public_token}"), of_holder.get(f"/c/{card.public_token}/history")):
        assert "from Björn 李" in text_of(page)
        assert request.order_number not in page.content.decode()
    assert "Spent on this card" not in text_of(of_holder.get(f"/c/{card.public_token}/history"))
    for address in (f"/o/{request.order_number}", f"/o/{request.order_number}/receipt"):
        assert of_holder.get(address).status_code == 404


def test_who_wants_no_names_is_told_what_and_not_who(
    house: "House", link: str, card: "Card", plan: "Plan", of_holder: Client
) -> None:
    of_holder.post(
        "/reminders", {"by_email": "on", "quiet_from": "00:00", "quiet_until": "00:00", "zone": "Asia/Tokyo"}
    )
    address = f"{link}/renew/{plan.code}"
    friend = Client()
    friend.post(address, fields_of(friend.get(address), giver="Björn"))
    paid(house)
    mail = house.gateway.sent[-1].message
    assert mail.subject == "A friend renewed Mei’s phone with Plan GB-1-3D"
    assert "Björn" not in mail.text
    history = text_of(of_holder.get(f"/c/{card.public_token}/history"))
    assert ("Björn" in history, "from a friend" in history) == (False, True)


@pytest.mark.parametrize(
    "giver", ["=cmd()", "win at evil.example", "https://evil", "03-1234-5678", "a\u202eb", "x" * 41]
)
def test_a_name_that_would_be_a_lure_is_refused(link: str, plan: "Plan", giver: str) -> None:
    from tsuzuku.orders.models import Order

    friend, address = Client(), f"{link}/renew/{plan.code}"
    page = friend.post(address, fields_of(friend.get(address), giver=giver))
    assert (page.status_code, Order.objects.count()) == (200, 0)
    assert 'id="id_giver_errors"' in page.content.decode()


def test_names_end_with_the_accounts_of_those_who_left_them(
    house: "House", link: str, card: "Card", plan: "Plan", holder: "User", stranger: "User"
) -> None:
    from tsuzuku.cards.models import FriendLink
    from tsuzuku.channels.web.leaving import leave_for_good
    from tsuzuku.renewals.models import GiverName

    friend, address = logged_in(stranger), f"{link}/renew/{plan.code}"
    friend.post(address, fields_of(friend.get(address), giver="Björn"))
    paid(house)
    assert GiverName.objects.count() == 1
    leave_for_good(user=holder, now=clock.now())
    assert list(FriendLink.objects.values_list("shown_name", flat=True)) == [""]
    assert "A friend’s card" in text_of(friend.get("/orders"))
    leave_for_good(user=stranger, now=clock.now())
    assert GiverName.objects.count() == 0


def test_a_name_is_shown_as_text(house: "House", link: str, card: "Card", plan: "Plan", of_holder: Client) -> None:
    friend, address = Client(), f"{link}/renew/{plan.code}"
    friend.post(address, fields_of(friend.get(address), giver="김 & 'Co' 👩‍👧"))
    paid(house)
    page = of_holder.get(f"/c/{card.public_token}/history").content.decode()
    assert "from 김 &amp; &#x27;Co&#x27; 👩‍👧" in page


def test_a_link_ends_by_its_time_by_its_maker_and_with_the_card(
    link: str, card: "Card", plan: "Plan", holder: "User", stranger: "User", of_holder: Client
) -> None:
    from tsuzuku.cards.actions import hold_card, release_card
    from tsuzuku.cards.models import FriendLink

    def stands(address: str) -> tuple[int, int]:
        return Client().get(address).status_code, Client().get(f"{address}/renew/{plan.code}").status_code

    assert stands(link) == (200, 200)
    with clock.travel_to(clock.now() + timedelta(days=7)):
        assert stands(link) == (410, 410)
    ended = of_holder.post(f"/c/{card.public_token}/friends/{FriendLink.objects.get().pk}/end", follow=True)
    assert notices(ended)[0] == "The link is ended. Nobody can follow it any more."
    assert (stands(link), heading(Client().get(link))) == ((410, 410), "This link has ended")

    of_release = made_link(of_holder, card)
    release_card(user=holder, card=card, now=clock.now())
    assert stands(of_release) == (410, 410)
    hold_card(user=holder, card=card, now=clock.now())
    assert stands(of_release) == (410, 410)
    for forged in (link[:-1], f"{link}x", "/f/x", "/f/" + "A" * 500):
        page = Client().get(forged)
        assert (page.status_code, heading(page)) == (404, "This link does not open anything")


def test_what_was_made_with_the_pin_ends_when_the_card_comes_to_an_account(
    stranger: "User", with_pin: Client, house: "House", plan: "Plan"
) -> None:
    from tests.unit.channels.conftest import PIN
    from tsuzuku.cards.actions import hold_card
    from tsuzuku.testing.factories import make_card

    other, client = make_card(pin=PIN), Client()
    client.post("/open", {"number": other.iccid, "pin": PIN})
    link = made_link(client, other, name="")
    assert heading(Client().get(link)) == "Renew a friend’s card"
    hold_card(user=stranger, card=other, now=clock.now())
    assert Client().get(link).status_code == 410


def test_a_card_has_ten_open_links_at_most_and_strangers_end_none(
    card: "Card", of_holder: Client, of_stranger: Client, with_pin: Client
) -> None:
    from tsuzuku.cards.friend_links import LINKS_MAX
    from tsuzuku.cards.models import FriendLink

    for _ in range(LINKS_MAX):
        made_link(of_holder, card)
    page = with_pin.post(f"/c/{card.public_token}/friends", {"name": "", "days": 7})
    assert "as many open links as it can have" in notices(page)[0]
    one = FriendLink.objects.latest("pk").pk
    address = f"/c/{card.public_token}/friends"
    assert [of_stranger.get(address).status_code, of_stranger.post(f"{address}/{one}/end").status_code] == [404, 404]
    assert with_pin.post(f"{address}/{one}/end").status_code == 302
    assert FriendLink.objects.filter(ended_at=None).count() == LINKS_MAX - 1


def test_a_holder_who_follows_a_link_is_led_to_the_plans(
    link: str, card: "Card", of_holder: Client, plan: "Plan"
) -> None:
    assert of_holder.get(link)["Location"] == f"/c/{card.public_token}/plans"


def test_a_card_that_cannot_be_renewed_says_no_more_than_that(link: str, card: "Card", plan: "Plan") -> None:
    from tsuzuku.cards.actions import block_card
    from tsuzuku.cards.models import Blocked

    block_card(card=card, blocked=Blocked.LOST)
    page = Client().get(f"{link}/renew/{plan.code}", follow=True)
    assert "This card cannot be renewed at the moment" in text_of(page)
    assert "lost" not in text_of(page)


def test_a_friend_renews_by_the_number_alone_and_only_then_is_it_told(
    house: "House", card: "Card", plan: "Plan", holder: "User", of_holder: Client
) -> None:
    spelled = f"{card.iccid[:6]} {card.iccid[6:12]}-{card.iccid[12:]}"
    friend = with_number(spelled)
    page = friend.get(f"/friend/renew/{plan.code}")
    assert "Compare the number with the one printed on the card" in text_of(page)
    assert card.iccid in text_of(page).replace(" ", "")
    assert [word for word in ("Mei", card.public_token) if word in page.content.decode()] == []
    answer = friend.post(f"/friend/renew/{plan.code}", fields_of(page, email="friend@example.com"))
    assert answer.status_code == 303
    assert "waits for its payment" not in text_of(of_holder.get(f"/c/{card.public_token}"))
    request = paid(house)
    page = friend.get(request.return_url.removeprefix(settings.PUBLIC_URL), follow=True)
    assert (heading(page), rows(page)["For"]) == ("Paid. The card is renewed", f"Card …{card.iccid[-4:]}")
    assert house.gateway.sent[-1].message.subject == "A friend renewed Mei’s phone with Plan GB-1-3D"
    assert "from a friend" in text_of(of_holder.get(f"/c/{card.public_token}/history"))


def test_every_number_leads_through_the_same_pages(card: "Card", plan: "Plan") -> None:
    from tsuzuku.cards.actions import block_card
    from tsuzuku.cards.models import Blocked
    from tsuzuku.testing.factories import make_card

    lost = make_card()
    block_card(card=lost, blocked=Blocked.LOST)
    past = make_card(last_use_date=(clock.now() - timedelta(days=3)).date())
    numbers = [card.iccid, lost.iccid, past.iccid, a_number_of_nobody()]

    def seen(number: str) -> list[str]:
        client = with_number(number)
        pages = [client.get("/friend/plans"), client.get(f"/friend/renew/{plan.code}")]
        return [text_of(page).replace(" ", "").replace(number, "N") for page in pages]

    assert len({tuple(seen(number)) for number in numbers}) == 1

    refused = set()
    for number in numbers[1:]:
        client = with_number(number)
        page = client.post(f"/friend/renew/{plan.code}", fields_of(client.get(f"/friend/renew/{plan.code}")))
        assert notices(page)[0].startswith(CANNOT)
        refused.add((page.status_code, text_of(page).replace(" ", "").replace(number, "N")))
    assert len(refused) == 1


def test_what_only_adds_to_what_runs_is_not_offered_to_a_number(card: "Card", plan: "Plan", link: str) -> None:
    from tsuzuku.testing.factories import make_plan

    make_plan("BOOST", stacking="value_only")
    friend = with_number(card.iccid)
    assert "BOOST" not in text_of(friend.get("/friend/plans"))
    assert friend.get("/friend/renew/BOOST")["Location"] == "/friend/plans"
    assert notices(friend.get("/friend/plans"))[0] == "This plan is no longer sold. These are the plans of today."


def test_a_number_that_is_none_is_told_at_once(plan: "Plan") -> None:
    wrong = Client().post("/friend", {"number": a_number_of_nobody()[:-1] + "x"})
    assert "A card number has 19 digits" in text_of(wrong)
    number = a_number_of_nobody()
    mistyped = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert "One digit of the card number is wrong" in text_of(Client().post("/friend", {"number": mistyped}))
    for address in ("/friend/plans", f"/friend/renew/{plan.code}"):
        assert Client().get(address)["Location"] == "/friend"


@pytest.mark.parametrize("network", ["192.0.2.1", "2001:db8:1:2::{}"])
def test_probing_numbers_is_limited_by_address(house: "House", card: "Card", plan: "Plan", network: str) -> None:
    from tsuzuku.cards.guesses import NUMBERS_ADDRESS_LIMITS
    from tsuzuku.orders.models import Order

    answers, now = [], clock.now()
    with clock.travel_to(now):
        for attempt in range(NUMBERS_ADDRESS_LIMITS[0].count_max + 1):
            client = with_number(a_number_of_nobody())
            fields = fields_of(client.get(f"/friend/renew/{plan.code}"))
            page = client.post(f"/friend/renew/{plan.code}", fields, REMOTE_ADDR=network.format(attempt + 1))
            answers.append((page.status_code, "Retry-After" in page))
        known = with_number(card.iccid)
        fields = fields_of(known.get(f"/friend/renew/{plan.code}"))
        answers.append(
            (known.post(f"/friend/renew/{plan.code}", fields, REMOTE_ADDR=network.format(99)).status_code, True)
        )
        assert answers == [(200, False)] * NUMBERS_ADDRESS_LIMITS[0].count_max + [(429, True)] * 2
        assert Order.objects.count() == 0
        assert known.post(f"/friend/renew/{plan.code}", fields, REMOTE_ADDR="198.51.100.7").status_code == 303


def test_probing_is_limited_by_number_and_for_the_installation_and_locks_no_pin(card: "Card", plan: "Plan") -> None:
    from tests.unit.channels.conftest import PIN
    from tsuzuku.cards.errors import TooManyNumbers
    from tsuzuku.cards.guesses import NUMBER_LIMITS, NUMBERS_INSTALLATION_LIMITS, count_number

    now = clock.now()
    with clock.travel_to(now):
        for number in range(NUMBER_LIMITS[0].count_max):
            count_number(number=card.iccid, address=f"192.0.2.{number}", now=now)
        with pytest.raises(TooManyNumbers):
            count_number(number=card.iccid, address="198.51.100.1", now=now)
        for number in range(NUMBERS_INSTALLATION_LIMITS[0].count_max - NUMBER_LIMITS[0].count_max):
            count_number(number=f"{number}", address=f"192.0.3.{number}", now=now)
        with pytest.raises(TooManyNumbers):
            count_number(number="new", address="198.51.100.2", now=now)
        assert Client().post("/open", {"number": card.iccid, "pin": PIN}).status_code == 302


def test_a_card_that_is_lost_before_it_is_paid_gives_the_money_back(house: "House", card: "Card", plan: "Plan") -> None:
    from tsuzuku.cards.actions import block_card
    from tsuzuku.cards.models import Blocked
    from tsuzuku.payments.queries import refunds_of

    friend = with_number(card.iccid)
    fields = fields_of(friend.get(f"/friend/renew/{plan.code}"), email="friend@example.com")
    assert friend.post(f"/friend/renew/{plan.code}", fields).status_code == 303
    block_card(card=card, blocked=Blocked.LOST)
    request = paid(house)
    page = friend.get(f"/o/{request.order_number}")
    assert heading(page) == "We could not renew the card"
    assert "lost" not in text_of(page)
    assert [refund.amount_minor for refund in refunds_of(request.order_number)] == [300]
    assert house.gateway.sent[-1].message.subject.startswith("We could not renew the card")


def test_a_second_friend_is_told_before_paying_for_the_same_again(house: "House", link: str, plan: "Plan") -> None:
    from tsuzuku.orders.models import Order

    address, first, second = f"{link}/renew/{plan.code}", Client(), Client()
    early = fields_of(second.get(address))
    first.post(address, fields_of(first.get(address)))
    page = second.post(address, early)
    assert (page.status_code, Order.objects.count()) == (409, 1)
    assert "Plan GB-1-3D was just ordered for this card" in notices(page)[0]
    paid(house)
    page = second.post(address, {**fields_of(page), "key": early["key"]})
    assert (page.status_code, Order.objects.count()) == (409, 1)
    assert "This card was just renewed with Plan GB-1-3D" in notices(second.get(address))[0]
    assert "Go to that order" not in text_of(second.get(address))
    assert "Go to that order" in text_of(first.get(address))
    assert second.post(address, fields_of(second.get(address))).status_code == 303
    with clock.travel_to(clock.now() + timedelta(minutes=40)):
        assert notices(Client().get(address)) == []


def test_by_a_number_one_is_told_of_one_s_own_orders_only(house: "House", card: "Card", plan: "Plan") -> None:
    address, first, second = f"/friend/renew/{plan.code}", with_number(card.iccid), with_number(card.iccid)
    first.post(address, fields_of(first.get(address)))
    paid(house)
    assert "This card was just renewed" in notices(first.get(address))[0]
    assert first.post(address, {**fields_of(first.get(address)), "warned": ""}).status_code == 409
    assert notices(second.get(address)) == []
    assert second.post(address, fields_of(second.get(address))).status_code == 303


def test_what_the_friend_pays_with_is_their_own(
    house: "House", link: str, plan: "Plan", holder: "User", stranger: "User"
) -> None:
    from tsuzuku.orders.models import Order

    friend, address = logged_in(stranger), f"{link}/renew/{plan.code}"
    friend.post(address, fields_of(friend.get(address)))
    order = Order.objects.get()
    assert (order.payer, order.email) == (stranger, stranger.email)
    paid(house)
    listed = text_of(friend.get("/orders"))
    assert ("Mum’s phone" in listed, "Renew again" in listed) == (True, False)


def test_a_price_that_changes_is_shown_before_it_is_paid(card: "Card", plan: "Plan", link: str) -> None:
    from tsuzuku.orders.models import Order
    from tsuzuku.testing.factories import make_plan

    by_number, by_link = with_number(card.iccid), Client()
    addresses = {by_number: f"/friend/renew/{plan.code}", by_link: f"{link}/renew/{plan.code}"}
    fields = {client: fields_of(client.get(address)) for client, address in addresses.items()}
    make_plan(plan.code, price_minor=400)
    for client, address in addresses.items():
        page = client.post(address, fields[client])
        assert (page.status_code, rows(page)["To pay"], Order.objects.count()) == (409, "¥400", 0)


def test_a_promotion_that_the_card_has_used_is_not_promised_again(house: "House", card: "Card", plan: "Plan") -> None:
    from tsuzuku.testing.factories import make_promotion

    make_promotion(uses_max_per_customer=1)
    address, first = f"/friend/renew/{plan.code}", with_number(card.iccid)
    assert rows(first.get(address))["To pay"] == "¥250"
    assert first.post(address, fields_of(first.get(address))).status_code == 303
    paid(house)
    second = with_number(card.iccid)
    changed = second.post(address, fields_of(second.get(address)))
    assert (changed.status_code, rows(changed)["To pay"]) == (409, "¥300")
    assert second.post(address, fields_of(changed)).status_code == 303
