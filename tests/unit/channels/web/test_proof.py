# SPDX-License-Identifier: Apache-2.0
import re

import pytest
from django.test import Client

from tests.unit.channels.conftest import PASSWORD, logged_in
from tests.unit.channels.web.conftest import heading, notices
from tsuzuku.messaging.models import Message
from tsuzuku.people.models import User

pytestmark = pytest.mark.django_db
AFTER = "/account/passkeys/add"


def code_of_mail() -> str:
    (code,) = re.findall(r"^([A-Z0-9]{2,}(?:-[A-Z0-9]+)*)$", Message.objects.latest("pk").text, re.MULTILINE)
    return str(code)


def mistakes(client: Client, path: str, fields: dict[str, str]) -> list[str]:
    return re.findall(r'<p class="mistake" id[^>]*>(.*?)</p>', client.post(path, fields).content.decode(), re.DOTALL)


def test_a_password_shows_whose_it_is(of_stranger: Client) -> None:
    wrong = {"way": "password", "password": "wrong", "next": AFTER}
    assert mistakes(of_stranger, "/account/prove", wrong) == ["This is not your current password."]
    right = of_stranger.post("/account/prove", {**wrong, "password": PASSWORD})
    assert right["Location"] == AFTER


def test_passwords_cannot_be_tried_for_ever(of_stranger: Client) -> None:
    fields = {"way": "password", "password": "wrong"}
    answers = [of_stranger.post("/account/prove", fields).status_code for _ in range(11)]
    assert answers == [200] * 10 + [429]


def test_a_code_shows_whose_it_is(stranger: User) -> None:
    stranger.set_unusable_password()
    stranger.save()
    client = logged_in(stranger)
    sent = client.post("/account/prove", {"way": "code", "next": AFTER}, follow=True)
    assert (heading(sent), Message.objects.get().address) == ("Enter the code", stranger.email)
    assert client.post("/account/prove/code", {"code": code_of_mail(), "next": AFTER})["Location"] == AFTER
    # It is used up.
    assert client.get("/account/prove/code")["Location"].startswith("/account/prove?")


def test_three_wrong_codes_end_it_and_codes_are_not_sent_for_ever(of_stranger: Client) -> None:
    of_stranger.post("/account/prove", {"way": "code"})
    answers = [of_stranger.post("/account/prove/code", {"code": "AAAA-AAAA"}).status_code for _ in range(3)]
    assert answers == [200, 200, 302]
    assert of_stranger.post("/account/prove/code", {"code": code_of_mail()})["Location"].startswith("/account/prove?")
    for _ in range(2):
        of_stranger.post("/account/prove", {"way": "code"})
    page = of_stranger.post("/account/prove", {"way": "code"})
    assert notices(page)[-1:] == [
        "We have sent as many codes as we may. Please wait 1 minute before you ask for another."
    ]
    assert Message.objects.count() == 3


def test_it_leads_nowhere_else(of_stranger: Client) -> None:
    fields = {"way": "password", "password": PASSWORD, "next": "https://evil.example/"}
    assert of_stranger.post("/account/prove", fields)["Location"] == "/account"
