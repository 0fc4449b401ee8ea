# SPDX-License-Identifier: Apache-2.0
"""The links of reminders, the inbox, preferences and devices, as people and their browsers use them."""

import json
import re
from datetime import time, timedelta
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from django.conf import settings
from django.test import Client

from tests.unit.channels.web.conftest import heading, notices, rows, text_of
from tsuzuku.kernel import clock

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.catalog.models import Plan
    from tsuzuku.people.models import User
    from tsuzuku.reminders.models import Reminder
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db

#: A point of the curve, and no one's key.
POINT = "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"
SUBSCRIPTION = json.dumps({"endpoint": "https://push.example/one", "keys": {"p256dh": POINT, "auth": "A" * 22}})


@pytest.fixture
def plan(db: None) -> "Plan":
    """On sale since some days."""
    from tsuzuku.testing.factories import make_plan

    with clock.travel_to(clock.now() - timedelta(hours=80)):
        return make_plan()


@pytest.fixture
def reminder(house: "House", card: "Card", plan: "Plan", holder: "User") -> "Reminder":
    """That the holder's card ends soon; told by mail."""
    from tsuzuku.reminders.models import Preferences, Reminder
    from tsuzuku.testing.factories import make_plan

    Preferences.objects.create(user=holder, quiet_from=time(0), quiet_until=time(0))
    make_plan("CHEAP", price_minor=100, days=1)
    with clock.travel_to(clock.now() - timedelta(hours=70)):
        house.pay(house.order(card, plan.code, payer=holder))
    house.settle_down()
    return Reminder.objects.get()


@pytest.fixture
def link(reminder: "Reminder") -> str:
    from tsuzuku.reminders.links import reminder_link

    return reminder_link(reminder.pk).removeprefix(settings.PUBLIC_URL)


def the_forms(page: object) -> dict[str, str]:
    return dict(re.findall(r'name="(digest|key)" value="([^"]*)"', page.content.decode()))  # type: ignore[attr-defined]


def test_the_link_is_short_and_leads_its_holder_to_the_plan(
    house: "House", link: str, of_holder: Client, card: "Card", plan: "Plan"
) -> None:
    assert len(link) <= 22
    mail = house.gateway.sent[-1].message
    assert f"{settings.PUBLIC_URL}{link}\n" in mail.text
    assert of_holder.get(link)["Location"] == f"/c/{card.public_token}/renew/{plan.code}"


def test_whoever_has_the_link_sees_the_plan_and_nothing_else_of_the_card_and_can_pay(
    house: "House", link: str, card: "Card", plan: "Plan"
) -> None:
    friend = Client()
    page = friend.get(link)
    digits = card.iccid[-4:]
    assert heading(page) == f"Renew card …{digits}"
    assert (rows(page)["For"], rows(page)["To pay"]) == (f"the card ending in {digits}", "¥300")
    hidden = [card.iccid, card.public_token, "Mei", "mei@example.com", "1 GB left"]
    assert [word for word in hidden if word in page.content.decode()] == []

    fields = {**the_forms(page), "method": "fake:fake", "email": "friend@example.com"}
    to_pay = friend.post(link, fields)
    assert to_pay.status_code == 303
    assert friend.post(link, fields)["Location"] == to_pay["Location"]
    reference, payment = list(house.provider.payments.items())[-1]
    house.deliver(*house.provider.pay(reference))
    house.settle_down()

    order_page = friend.get(payment.request.return_url.removeprefix(settings.PUBLIC_URL), follow=True)
    assert heading(order_page) == "Paid. The card is renewed"
    assert [word for word in [*hidden, "GB</b>"] if word in order_page.content.decode()] == []
    mail = next(kept.message for kept in reversed(house.gateway.sent) if kept.message.address == "friend@example.com")
    assert "You now have" not in mail.text
    assert friend.get(f"/c/{card.public_token}/plans").status_code == 404

    again = friend.get(link)
    assert (again.status_code, heading(again)) == (410, "There is nothing to pay here any more")


def test_a_link_that_was_forwarded_to_two_warns_the_second_before_it_is_paid_twice(
    house: "House", link: str, card: "Card"
) -> None:
    from tsuzuku.orders.models import Order

    first, second, known = Client(), Client(), Order.objects.count()
    fields = {client: {**the_forms(client.get(link)), "method": "fake:fake"} for client in (first, second)}
    assert first.post(link, fields[first]).status_code == 303
    page = second.post(link, fields[second])
    assert (page.status_code, Order.objects.count()) == (409, known + 1)
    assert "was just ordered for this card" in notices(page)[0]
    warned = re.findall(r'name="warned" value="([^"]*)"', page.content.decode())[0]
    assert second.post(link, {**fields[second], "warned": warned}).status_code == 303

    house.deliver(*house.provider.pay(list(house.provider.payments)[-1]))
    house.settle_down()
    told = house.gateway.sent[-1].message
    assert (told.address, told.subject) == ("mei@example.com", "Mei’s phone was renewed with Plan GB-1-3D")


def test_a_link_that_is_old_or_forged_says_so(link: str, card: "Card", of_holder: Client) -> None:
    from tsuzuku.reminders.links import LINKS_LAST

    with clock.travel_to(clock.now() + LINKS_LAST + timedelta(hours=1)):
        for client in (Client(), of_holder):
            page = client.get(link)
            assert page.status_code == 410
            assert (f"/c/{card.public_token}" in page.content.decode()) == (client is of_holder)
    token = link.removeprefix("/r/")
    for forged in (token[:-1] + ("A" if token[-1] != "A" else "B"), token[1:], "x", "ö", "A" * 500):
        page = Client().get(f"/r/{forged}")
        assert (page.status_code, heading(page)) == (404, "This link does not open anything")


def test_a_price_that_has_changed_is_shown_before_it_is_paid(link: str, plan: "Plan") -> None:
    from tsuzuku.orders.models import Order
    from tsuzuku.testing.factories import make_plan

    friend, known = Client(), Order.objects.count()
    fields = {**the_forms(friend.get(link)), "method": "fake:fake"}
    make_plan(plan.code, price_minor=400)
    page = friend.post(link, fields)
    assert (page.status_code, rows(page)["To pay"], Order.objects.count()) == (409, "¥400", known)


def test_very_many_orders_by_a_link_wait_as_the_card_s_own_do(link: str, card: "Card") -> None:
    from tsuzuku.orders.limits import ORDERS_LIMITS, count_order
    from tsuzuku.orders.models import Order

    friend, known, now = Client(), Order.objects.count(), clock.now()
    fields = {**the_forms(friend.get(link)), "method": "fake:fake", "email": "friend@example.com"}
    with clock.travel_to(now):
        for number in range(ORDERS_LIMITS[0].count_max):
            count_order(subject=f"card:{card.pk}", address=f"192.0.2.{number}", now=now)
        page = friend.post(link, fields)
    assert (page.status_code, Order.objects.count()) == (429, known)
    assert notices(page)[0].startswith("There were very many orders from here in a short time. Nothing was ordered")
    assert 'value="friend@example.com"' in page.content.decode()
    with clock.travel_to(now + timedelta(minutes=11)):
        assert friend.post(link, fields).status_code == 303


def test_the_cheapest_that_helps_is_chosen_when_the_last_plan_is_gone(
    link: str, plan: "Plan", of_holder: Client, card: "Card"
) -> None:
    from tsuzuku.catalog.models import Plan as PlanRow

    PlanRow.objects.filter(pk=plan.pk).update(on_sale_until=clock.now() - timedelta(hours=1))
    assert of_holder.get(link)["Location"] == f"/c/{card.public_token}/renew/CHEAP"


def test_the_inbox_counts_what_is_new_and_tells_what_became_of_it(
    reminder: "Reminder", of_holder: Client, of_stranger: Client, house: "House"
) -> None:
    counted = '<b class="count"><span class="hidden">unread: </span>1</b>'
    assert counted in of_holder.get("/account").content.decode()
    page = of_holder.get("/inbox")
    assert "unread Mei’s phone is online for 2 hours more" in text_of(page).replace("\u00a0", " ")
    assert "E-mail · sent" in text_of(page)
    assert counted not in of_holder.get("/account").content.decode()
    assert "unread Mei" not in text_of(of_holder.get("/inbox"))
    assert "Mei" not in text_of(of_stranger.get("/inbox"))


def test_an_address_that_bounced_is_said_and_tried_again_when_its_owner_says_so(
    holder: "User", of_holder: Client, of_stranger: Client
) -> None:
    from tsuzuku.messaging.models import BouncedAddress
    from tsuzuku.messaging.ports import AddressKind
    from tsuzuku.messaging.rules import address_digest

    address = holder.email or ""
    BouncedAddress.objects.create(
        digest=address_digest(AddressKind.EMAIL, address),
        kind="email",
        address=address,
        problem="x",
        bounced_at=clock.now(),
    )
    said = "Messages to mei@example.com do not arrive, so we write there no more."
    for page in ("/inbox", "/reminders"):
        assert said in text_of(of_holder.get(page))
    again = {"kind": "email", "address": holder.email}
    of_stranger.post("/reminders/try-again", again)
    assert BouncedAddress.objects.count() == 1
    assert notices(of_holder.post("/reminders/try-again", again, follow=True))[0] == "We write there again."
    assert BouncedAddress.objects.count() == 0


def test_preferences_are_kept_and_nonsense_is_refused(holder: "User", of_holder: Client) -> None:
    from tsuzuku.reminders.models import Preferences

    fields = {"by_email": "on", "quiet_from": "21:00", "quiet_until": "07:00", "zone": "Asia/Seoul"}
    assert notices(of_holder.post("/reminders", fields, follow=True))[0] == "Saved."
    kept = Preferences.objects.get(user=holder)
    assert (kept.by_email, kept.by_push, kept.quiet_from, kept.zone) == (True, False, time(21), "Asia/Seoul")
    assert '<option value="Asia/Seoul" selected>' in of_holder.get("/reminders").content.decode()
    for wrong in ({"zone": "Mars/Olympus"}, {"quiet_from": "25:00"}, {"quiet_until": ""}):
        page = of_holder.post("/reminders", {**fields, **wrong})
        assert notices(page)[0] == "Please choose times of the day and a place from the list."


def test_one_tap_in_a_mail_ends_mails_and_a_mail_program_can_tap_it(
    house: "House", reminder: "Reminder", holder: "User"
) -> None:
    from tsuzuku.reminders.models import Preferences

    mail = house.gateway.sent[-1].message
    path = mail.unsubscribe.removeprefix(settings.PUBLIC_URL)
    anybody = Client(enforce_csrf_checks=True)
    assert heading(anybody.get(path)) == "No more reminders by e-mail?"
    assert Preferences.objects.get(user=holder).by_email
    answer = anybody.post(path, {"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, heading(answer)) == (200, "You get no more reminders by e-mail")
    assert not Preferences.objects.get(user=holder).by_email
    assert anybody.post(f"{path}x").status_code == 404


def test_a_browser_is_added_moves_with_who_logs_in_and_is_forgotten_when_it_is_gone(
    house: "House", holder: "User", stranger: "User", of_holder: Client, of_stranger: Client
) -> None:
    from tsuzuku.messaging.models import Message
    from tsuzuku.messaging.ports import AddressDead
    from tsuzuku.reminders.models import PushDevice

    assert of_holder.post("/push/add", {"subscription": "{}"}).status_code == 400
    assert Client().post("/push/add", {"subscription": SUBSCRIPTION}).status_code == 302
    for _ in range(2):
        assert of_holder.post("/push/add", {"subscription": SUBSCRIPTION, "name": "Pixel"}).status_code == 204
    assert [device.user for device in PushDevice.objects.all()] == [holder]
    assert "Pixel" in text_of(of_holder.get("/reminders"))
    assert of_stranger.post("/push/remove", {"endpoint": "https://push.example/one"}).status_code == 204
    assert PushDevice.objects.count() == 1
    of_stranger.post("/push/add", {"subscription": SUBSCRIPTION})
    device = PushDevice.objects.get()
    assert device.user == stranger
    of_holder.post("/push/remove", {"device": device.pk})
    assert PushDevice.objects.count() == 1

    from tsuzuku.messaging.actions import send_message
    from tsuzuku.messaging.ports import AddressKind

    with patch.object(house.push, "send", side_effect=AddressDead("gone")):
        send_message(
            dedupe_key="p",
            kind=AddressKind.PUSH,
            address=device.subscription,
            language="en",
            subject="x",
            text="y",
            purpose="z",
            now=clock.now(),
        )
        house.settle_down()
    assert Message.objects.get(dedupe_key="p").state == "bounced"
    assert PushDevice.objects.count() == 0
