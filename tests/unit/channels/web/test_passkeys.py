# SPDX-License-Identifier: Apache-2.0
import html
import json
import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from tests.unit.channels.conftest import PASSWORD, logged_in, make_user
from tests.unit.channels.web.conftest import Answer, heading, notices, text_of
from tests.unit.channels.web.passkey_device import Device, user_handle_of
from tsuzuku.messaging.models import Message
from tsuzuku.people.models import User

pytestmark = pytest.mark.django_db
ASK = {"accept": "application/json"}


def browser() -> Client:
    """At an address for which browsers make passkeys."""
    return Client(headers={"host": "localhost"})


def entered(user: User) -> Client:
    """A browser in which somebody has just logged in with the password."""
    client = browser()
    client.post("/login", {"login": user.email, "password": PASSWORD})
    return client


def options_of(client: Client, path: str) -> dict[str, Any]:
    page = client.get(path).content.decode()
    found: dict[str, Any] = json.loads(html.unescape(re.findall(r'data-options="([^"]+)"', page)[0]))
    return found


def make_passkey(user: User, device: Device) -> Authenticator:
    client = entered(user)
    options = options_of(client, "/account/passkeys/add")
    answer = client.post("/account/passkeys/add", {"name": "Mei’s phone", "credential": device.make(options)})
    assert answer["Location"] == "/account/passkeys"
    made: Authenticator = Authenticator.objects.get(user=user)
    return made


def show(client: Client, device: Device, **fields: str) -> Answer:
    options = client.get("/login/passkey", headers=ASK).json()["request_options"]
    return client.post("/login/passkey", {"credential": device.sign(options), **fields})


def test_a_passkey_is_made_named_shown_and_removed(stranger: User) -> None:
    device = Device()
    made = make_passkey(stranger, device)
    assert Message.objects.values_list("address", "subject").get() == (
        stranger.email,
        "A way into your Tsuzuku account was changed",
    )
    client = browser()
    answer = show(client, device, next="/orders")
    assert (answer.status_code, answer["Location"]) == (302, "/orders")
    assert client.get("/account/passkeys").status_code == 200
    client.post(f"/account/passkeys/{made.pk}/name", {"name": "旧手机"})
    assert "旧手机" in text_of(client.get("/account/passkeys"))
    assert heading(client.get(f"/account/passkeys/{made.pk}/remove")) == "Remove the passkey?"
    client.post(f"/account/passkeys/{made.pk}/remove")
    assert Authenticator.objects.count() == 0
    again = browser()
    assert show(again, device)["Location"] == "/login"
    assert notices(again.get("/login")) == ["This passkey opens no account here. Log in another way."]


def test_beside_a_passkey_the_password_still_opens_by_itself(stranger: User) -> None:
    make_passkey(stranger, Device())
    assert entered(stranger).get("/account").status_code == 200


def test_an_answer_counts_once_and_only_for_its_question(stranger: User) -> None:
    device = Device()
    make_passkey(stranger, device)
    client, other = browser(), browser()
    credential = device.sign(client.get("/login/passkey", headers=ASK).json()["request_options"])
    assert other.post("/login/passkey", {"credential": credential})["Location"] == "/login"
    assert client.post("/login/passkey", {"credential": credential})["Location"] == "/"
    client.post("/logout")
    assert client.post("/login/passkey", {"credential": credential})["Location"] == "/login"
    assert client.get("/account").status_code == 302


def test_no_forged_answer_opens_anything(stranger: User) -> None:
    device = Device()
    make_passkey(stranger, device)
    forged = [
        Device(user_handle=device.user_handle),
        Device(key=device.key, user_handle=device.user_handle, origin="http://evil.example"),
        Device(key=device.key, user_handle=device.user_handle, is_verified=False),
        Device(key=device.key, user_handle=user_handle_of(make_user("other@example.com"))),
        Device(key=device.key, user_handle="!"),
        Device(key=device.key, user_handle=""),
    ]
    clients = [browser() for _ in forged]
    assert [show(client, each)["Location"] for client, each in zip(clients, forged, strict=True)] == ["/login"] * 6
    for rubbish in ("", "{", "[]", "{}", "null", '{"id": 1}', '{"response": 3}', '{"response": {"userHandle": 3}}'):
        assert browser().post("/login/passkey", {"credential": rubbish})["Location"] == "/login", rubbish
    assert {client.get("/account").status_code for client in clients} == {302}


def test_what_cannot_be_made(stranger: User) -> None:
    client = entered(stranger)
    for device in (Device(is_verified=False), Device(origin="http://evil.example"), Device(host="evil.example")):
        credential = device.make(options_of(client, "/account/passkeys/add"))
        assert client.post("/account/passkeys/add", {"credential": credential})["Location"] == "/account/passkeys/add"
    for rubbish in ("", "{", "[]", "{}", '{"id": 1}', '{"id": "AA", "rawId": "AA", "response": {}}'):
        options_of(client, "/account/passkeys/add")
        answer = client.post("/account/passkeys/add", {"credential": rubbish})
        assert answer["Location"] == "/account/passkeys/add", rubbish
    assert Authenticator.objects.count() == 0


def test_a_session_of_another_day_has_to_show_whose_it_is_first(stranger: User) -> None:
    device = Device()
    made = make_passkey(stranger, device)
    client = logged_in(stranger)
    client.defaults["HTTP_HOST"] = "localhost"
    removal = f"/account/passkeys/{made.pk}/remove"
    assert client.get("/account/passkeys/add")["Location"] == "/account/prove?next=/account/passkeys/add"
    assert client.post(removal)["Location"].startswith("/account/prove?next=")
    credential = device.sign(options_of(client, "/account/prove"))
    answer = client.post("/account/prove", {"way": "passkey", "credential": credential, "next": removal})
    assert answer["Location"] == removal
    assert client.post(removal)["Location"] == "/account/passkeys"


def test_a_passkey_of_somebody_else_is_not_there(stranger: User, holder: User) -> None:
    made = make_passkey(stranger, Device())
    client = entered(holder)
    assert client.post(f"/account/passkeys/{made.pk}/remove").status_code == 404
    assert client.post(f"/account/passkeys/{made.pk}/name", {"name": "mine"}).status_code == 404
    assert "Mei" not in text_of(client.get("/account/passkeys"))


def test_the_passkey_of_a_customer_opens_no_account_of_staff(stranger: User) -> None:
    """Who becomes staff loses their passkeys; one that came in between is of no use."""
    device = Device()
    make_passkey(stranger, device)
    User.objects.filter(pk=stranger.pk).update(is_staff=True)
    assert show(browser(), device)["Location"] == "/login"
    assert entered(stranger).get("/account/passkeys/add").status_code == 403


def test_where_browsers_make_none_none_are_offered(stranger: User) -> None:
    page = Client(headers={"host": "127.0.0.1"}).get("/login").content.decode()
    assert ("passkeys.js" in page, "passkeys.js" in browser().get("/login").content.decode()) == (False, True)
