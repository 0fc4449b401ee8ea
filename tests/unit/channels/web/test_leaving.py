# SPDX-License-Identifier: Apache-2.0
import json
from typing import TYPE_CHECKING

import pytest
from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.test import Client

from tests.unit.channels.conftest import PASSWORD, PIN, make_user
from tests.unit.channels.web.conftest import heading, notices, text_of
from tsuzuku.cards.actions import hold_card
from tsuzuku.cards.models import CardHolder
from tsuzuku.kernel import clock
from tsuzuku.messaging.actions import send_message
from tsuzuku.messaging.adapters.web_push import public_text, vapid_key
from tsuzuku.messaging.models import Message
from tsuzuku.messaging.ports import AddressKind
from tsuzuku.orders.models import Order
from tsuzuku.payments.models import KeptMethodRow
from tsuzuku.people.models import Browser, User
from tsuzuku.reminders.models import Preferences, PushDevice, Reminder
from tsuzuku.reminders.rules import Kind
from tsuzuku.reminders.states import TOLD

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.catalog.models import Plan
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db


@pytest.fixture
def entered(holder: User) -> Client:
    """The holder's browser, just logged in."""
    client = Client()
    client.post("/login", {"login": holder.mail_address, "password": PASSWORD})
    return client


def keep(user: User) -> None:
    KeptMethodRow.objects.create(
        owner=user, provider="fake", method="card", reference="tok_1", label="Visa 4242", kept_at=clock.now()
    )


def test_deleting_an_account_forgets_the_person_and_keeps_the_order(
    house: "House", card: "Card", plan: "Plan", holder: User, entered: Client
) -> None:
    order = house.order(card, plan.code, payer=holder)
    house.pay(order)
    house.settle_down()
    keep(holder)
    Preferences.objects.create(user=holder)
    assert Order.objects.get().email == "mei@example.com"
    assert heading(entered.get("/account/delete")) == "Delete the account?"
    answer = entered.post("/account/delete", follow=True)
    assert notices(answer) == ["Your account is deleted."]
    gone = User.objects.get(pk=holder.pk)
    assert (gone.email, gone.phone, gone.display_name, gone.is_active) == (None, None, "", False)
    assert not gone.has_usable_password()
    kept = Order.objects.get()
    assert (kept.payer_id, kept.email, kept.state) == (holder.pk, "", "paid")
    assert KeptMethodRow.objects.filter(removed_at=None).count() == 0
    assert KeptMethodRow.objects.values_list("label", flat=True).get() == ""
    left = [EmailAddress.objects.count(), CardHolder.objects.count(), Browser.objects.count()]
    assert [*left, Preferences.objects.count(), Reminder.objects.count()] == [0, 0, 0, 0, 0]
    assert list(Message.objects.values_list("address", "subject")) == [
        ("mei@example.com", "Your Tsuzuku account is deleted")
    ]
    assert "account-closed" in house.facts()
    assert house.findings() == []
    again = Client()
    again.post("/login", {"login": "mei@example.com", "password": PASSWORD})
    assert again.get("/account").status_code == 302
    # The card goes on working, and the address is free.
    assert Client().post("/open", {"number": card.iccid, "pin": PIN}).status_code == 302
    assert make_user("mei@example.com").pk != holder.pk


def test_deleting_an_account_forgets_its_pushes_and_what_reminded_it_elsewhere(
    house: "House", card: "Card", holder: User, stranger: User, entered: Client
) -> None:
    now = clock.now()
    keys = {"p256dh": public_text(vapid_key("a secret")), "auth": "A" * 22}
    entered.post("/push/add", {"subscription": json.dumps({"endpoint": "https://push.example/one", "keys": keys})})
    pushed_to = PushDevice.objects.get().subscription
    told = {"card": card, "kind": Kind.USED_UP, "episode": "1", "state": TOLD, "found_at": now, "ended_at": now}
    mine, theirs = (Reminder.objects.create(user=user, **told) for user in (holder, stranger))
    sent = [
        (f"reminder:{mine.pk}", AddressKind.PUSH, pushed_to),
        ("something else", AddressKind.PUSH, pushed_to),
        (f"reminder:{mine.pk}", AddressKind.EMAIL, "before@example.com"),
        (f"reminder:{theirs.pk}", AddressKind.EMAIL, stranger.mail_address),
    ]
    for number, (purpose, kind, address) in enumerate(sent):
        send_message(
            dedupe_key=str(number),
            kind=kind,
            address=address,
            language="en",
            subject="x",
            text="y",
            purpose=purpose,
            now=now,
        )
    house.settle_down()
    entered.post("/account/delete")
    assert list(Message.objects.order_by("pk").values_list("address", "subject")) == [
        (stranger.mail_address, "x"),
        ("mei@example.com", "Your Tsuzuku account is deleted"),
    ]


def test_a_balance_is_not_lost_unawares(house: "House", holder: User, entered: Client) -> None:
    house.top_up(holder, 500, key="t1")
    assert "Your balance of ¥500 is lost with the account." in text_of(entered.get("/account/delete"))
    for fields in ({}, {"gives_up": "on"}, {"gives_up": "on", "balance": "400"}):
        page = entered.post("/account/delete", fields)
        assert notices(page)[0] == "Please confirm that you give up your balance, or use it first."
    entered.post("/account/delete", {"gives_up": "on", "balance": "500"})
    assert User.objects.get(pk=holder.pk).closed_at is not None
    assert house.findings() == []


def test_deleting_asks_first_whose_account_it_is(of_holder: Client, holder: User) -> None:
    assert of_holder.post("/account/delete")["Location"] == "/account/prove?next=/account/delete"
    assert User.objects.get(pk=holder.pk).closed_at is None


def test_staff_cannot_delete_themselves(stranger: User) -> None:
    User.objects.filter(pk=stranger.pk).update(is_staff=True)
    client = Client()
    client.post("/login", {"login": stranger.mail_address, "password": PASSWORD})
    assert client.post("/account/delete").status_code == 403


def test_one_file_has_everything_of_one_person_and_no_secret(
    house: "House", card: "Card", plan: "Plan", holder: User, entered: Client, stranger: User
) -> None:
    house.pay(house.order(card, plan.code, payer=holder))
    house.settle_down()
    house.order(card, plan.code, payer=stranger, key="other")
    house.top_up(holder, 500, key="t1")
    keep(holder)
    answer = entered.post("/account/data")
    written = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]  # a streaming response
    data = json.loads(written)
    assert list(data) == [
        "written_at",
        "account",
        "passkeys",
        "devices",
        "cards",
        "friend_links",
        "automatic_renewals",
        "kept_methods",
        "balance",
        "orders",
        "parcels",
        "reminder_preferences",
        "push_devices",
        "reminders",
        "messages",
    ]
    assert data["account"][0]["email"] == "mei@example.com"
    assert [each["iccid"] for each in data["cards"]] == [card.iccid]
    assert [(each["card"], each["plan"], each["is_top_up"]) for each in data["orders"]] == [
        (card.iccid, plan.code, False),
        (None, None, True),
    ]
    assert [each["amount_minor"] for each in data["balance"]] == [500]
    assert [each["label"] for each in data["kept_methods"]] == ["Visa 4242"]
    holder.refresh_from_db()
    secrets = [
        holder.password,
        "tok_1",
        PIN,
        stranger.mail_address,
        *Session.objects.values_list("session_key", flat=True),
    ]
    assert [secret for secret in secrets if f'"{secret}' in written] == []
    assert Message.objects.latest("pk").subject == "Your data at Tsuzuku was downloaded"
    assert answer["Content-Disposition"] == 'attachment; filename="tsuzuku-account.json"'


def test_who_paid_for_a_friend_s_card_gets_four_digits_of_it(
    house: "House", card: "Card", plan: "Plan", stranger: User
) -> None:
    house.pay(house.order(card, plan.code, payer=stranger))
    friend = Client()
    friend.post("/login", {"login": stranger.mail_address, "password": PASSWORD})
    answer = friend.post("/account/data")
    written = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]  # a streaming response
    assert [each["card"] for each in json.loads(written)["orders"]] == [f"…{card.iccid[-4:]}"]
    assert card.iccid not in written


def test_a_card_that_moved_is_in_both_accounts_until_one_lets_go(card: "Card", entered: Client, stranger: User) -> None:
    hold_card(user=stranger, card=card, name="bought from Mei", now=clock.now())
    assert CardHolder.objects.count() == 2
    path = f"/c/{card.public_token}/release"
    assert heading(entered.get(path)) == "Take the card out of the account?"
    assert entered.post(path)["Location"] == "/cards"
    assert list(CardHolder.objects.values_list("user_id", "name")) == [(stranger.pk, "bought from Mei")]
    assert entered.get(f"/c/{card.public_token}").status_code == 302
    assert entered.post(path).status_code == 404
