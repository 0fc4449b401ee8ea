# SPDX-License-Identifier: Apache-2.0
import re

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from tests.unit.channels.conftest import PASSWORD
from tests.unit.channels.web.conftest import Answer, heading, notices, text_of
from tsuzuku.messaging.models import Message
from tsuzuku.people.models import User

pytestmark = pytest.mark.django_db


def code_of_mail() -> str:
    (code,) = re.findall(r"^([A-Z0-9]{2,}(?:-[A-Z0-9]+)*)$", Message.objects.latest("pk").text, re.MULTILINE)
    return str(code)


def ask(client: Client, address: str, **fields: str) -> Answer:
    return client.post("/login/code", {"email": address, **fields}, follow=True)


def test_a_code_logs_in_under_a_new_session(stranger: User) -> None:
    client = Client()
    page = ask(client, stranger.mail_address.upper(), next="/orders")
    assert page.redirect_chain == [("/login/code/enter?next=%2Forders", 302)]
    before = client.session.session_key
    answer = client.post("/login/code/enter", {"code": code_of_mail().lower(), "next": "/orders"})
    assert (answer["Location"], client.get("/orders").status_code) == ("/orders", 200)
    assert client.session.session_key != before
    other = Client()
    assert other.post("/login/code/enter", {"code": code_of_mail()})["Location"] == "/login/code"


def test_nobody_learns_whether_there_is_an_account(stranger: User) -> None:
    pages = [ask(Client(), address) for address in (stranger.mail_address, "nobody@example.com")]
    texts = [text_of(page).replace(stranger.mail_address, "…").replace("nobody@example.com", "…") for page in pages]
    assert texts[0] == texts[1]
    assert [len(Message.objects.filter(address=each)) for each in (stranger.mail_address, "nobody@example.com")] == [
        1,
        1,
    ]
    wrong = [page.client.post("/login/code/enter", {"code": "AAAA-AAAA"}).status_code for page in pages]
    assert wrong == [200, 200]


def test_a_code_of_nobody_opens_nothing() -> None:
    client = Client()
    ask(client, "nobody@example.com")
    for code in ("", " ", "-", "AAAA-AAAA"):
        assert client.post("/login/code/enter", {"code": code}).status_code in {200, 302}
    assert client.get("/account").status_code == 302


def test_three_wrong_codes_end_it(stranger: User) -> None:
    client = Client()
    ask(client, stranger.mail_address)
    answers = [client.post("/login/code/enter", {"code": "AAAA-AAAA"}).status_code for _ in range(3)]
    assert answers == [200, 200, 302]
    assert client.post("/login/code/enter", {"code": code_of_mail()})["Location"] == "/login/code"


def test_codes_are_not_mailed_for_ever(stranger: User) -> None:
    pages = [ask(Client(), stranger.mail_address) for _ in range(4)]
    assert ["Too many wrong tries" in text_of(page) for page in pages] == [False, False, False, True]
    assert Message.objects.count() == 3


def test_another_way_in_is_open_meanwhile(stranger: User) -> None:
    client = Client()
    ask(client, stranger.mail_address)
    assert heading(client.get("/login")) == "Log in"
    client.post("/login", {"login": stranger.mail_address, "password": PASSWORD})
    assert client.get("/account").status_code == 200


def test_who_registered_an_address_of_somebody_else_is_locked_out_when_its_owner_comes() -> None:
    Client().post("/signup", {"email": "mei@example.com", "password1": PASSWORD})
    owner = Client()
    ask(owner, "mei@example.com")
    owner.post("/login/code/enter", {"code": code_of_mail()})
    assert owner.get("/account").status_code == 200
    assert EmailAddress.objects.get().verified
    thief = Client()
    thief.post("/login", {"login": "mei@example.com", "password": PASSWORD})
    assert thief.get("/account").status_code == 302


def test_a_closed_account_gets_no_code(stranger: User) -> None:
    User.objects.filter(pk=stranger.pk).update(is_active=False)
    assert heading(ask(Client(), stranger.mail_address)) == "Enter the code"
    assert Message.objects.get().subject == "There is no Tsuzuku account with this address"
    assert notices(Client().get("/login")) == []
