# SPDX-License-Identifier: Apache-2.0
"""Who copies a session that waits for a code by mail has no more tries than who does not."""

import re

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from pytest_django import Settings

from tests.unit.channels.conftest import PASSWORD
from tests.unit.channels.web.conftest import notices
from tsuzuku.messaging.models import Message
from tsuzuku.people.models import User

pytestmark = pytest.mark.django_db


def code_of_mail() -> str:
    (code,) = re.findall(r"^([A-Z0-9]{2,}(?:-[A-Z0-9]+)*)$", Message.objects.latest("pk").text, re.MULTILINE)
    return str(code)


def copy_of(asked: dict[str, object]) -> Client:
    copy = SessionStore()
    copy.update(asked)
    copy.create()
    forked = Client()
    forked.cookies["tsuzuku_session"] = str(copy.session_key)
    return forked


@pytest.mark.parametrize(
    ("ask", "enter", "again"),
    [
        ("/login/code", "/login/code/enter", "/login/code"),
        ("/forgot", "/forgot/code", "/login"),
        ("/signup", "/signup/code", "/login"),
    ],
)
def test_copies_of_a_session_have_no_tries_of_their_own(ask: str, enter: str, again: str, stranger: User) -> None:
    client = Client()
    client.post(ask, {"email": "new@example.com" if ask == "/signup" else stranger.mail_address, "password1": PASSWORD})
    right, asked = code_of_mail(), dict(client.session)
    wrong = [copy_of(asked).post(enter, {"code": "AAAA-AAAA"}).status_code for _ in range(3)]
    assert wrong == [200, 200, 200]
    answers = [each.post(enter, {"code": right}) for each in (copy_of(asked), client)]
    assert [answer.get("Location") for answer in answers] == [again, again]
    assert notices(client.get("/login")) == ["Too many wrong tries. Please wait five minutes, then try again."]
    assert client.get(enter).status_code == client.get("/account").status_code == 302


def test_asking_for_another_mail_is_no_try(settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"confirm_email": None}
    client = Client()
    client.post("/signup", {"email": "new@example.com", "password1": PASSWORD})
    for each in ({"action": "resend"}, {"action": "resend"}, {"code": "AAAAAA"}, {"code": "BBBBBB"}):
        client.post("/signup/code", each)
    assert client.post("/signup/code", {"code": code_of_mail()})["Location"] == "/"
