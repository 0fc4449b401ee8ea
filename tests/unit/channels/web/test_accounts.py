# SPDX-License-Identifier: Apache-2.0
import re
import threading

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import connection, transaction
from django.test import Client
from pytest_django import Settings

from tests.connections import wait_until_somebody_waits
from tests.unit.channels.conftest import PASSWORD, logged_in, make_user
from tests.unit.channels.web.conftest import Answer, Page, heading, notices
from tsuzuku.messaging.models import Message
from tsuzuku.people.models import User

pytestmark = pytest.mark.django_db
ADDRESS = "new@example.com"


def mails() -> list[tuple[str, str]]:
    """To whom, and the subject without its code."""
    found = Message.objects.order_by("pk").values_list("address", "subject")
    return [(address, re.sub(r"^[A-Z0-9-]+(?= )", "CODE", subject)) for address, subject in found]


def code_of_mail() -> str:
    """The code in the newest mail: it stands alone on a line."""
    message = Message.objects.latest("pk")
    (code,) = re.findall(r"^([A-Z0-9]{2,}(?:-[A-Z0-9]+)*)$", message.text, re.MULTILINE)
    return str(code)


def mistakes(answer: Page) -> list[str]:
    return re.findall(
        r'<p class="(?:mistake"|notice error mistake")[^>]*>(.*?)</p>', answer.content.decode(), re.DOTALL
    )


def sign_up(client: Client, address: str = ADDRESS) -> Answer:
    return client.post("/signup", {"email": address, "password1": PASSWORD}, follow=True)


def test_registering_asks_for_the_code_that_was_mailed() -> None:
    client = Client(headers={"accept-language": "zh-CN"})
    page = sign_up(client)
    assert (page.redirect_chain, heading(page)) == ([("/signup/code", 302)], "输入验证码")
    assert mails() == [(ADDRESS, "CODE 是您的 Tsuzuku 验证码")]
    assert [client.get("/cards").status_code, client.get("/account").status_code] == [302, 302]
    wrong = client.post("/signup/code", {"code": "AAAAAA", "action": "verify"})
    assert mistakes(wrong) == ["验证码不对，请看最新的一封邮件。"]
    right = client.post("/signup/code", {"code": code_of_mail(), "action": "verify"})
    assert (right.status_code, right["Location"]) == (302, "/")
    user = User.objects.get()
    assert [user.mail_address, user.language, client.get("/account").status_code] == [ADDRESS, "zh-hans", 200]


def test_mistakes_in_registering_are_told_in_the_language_of_the_page() -> None:
    client = Client(headers={"accept-language": "zh-CN"})
    answer = client.post("/signup", {"email": "new@@example", "password1": "kumo-88"})
    assert mistakes(answer) == ["请填写正确的邮箱。", "密码太短，至少要 8 个字符。"]


def test_three_wrong_codes_end_it() -> None:
    client = Client()
    sign_up(client)
    answers = [client.post("/signup/code", {"code": "AAAAAA", "action": "verify"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 302]
    assert notices(client.get("/login")) == ["Too many wrong tries. Please wait five minutes, then try again."]
    assert client.post("/signup/code", {"code": code_of_mail(), "action": "verify"})["Location"] == "/login"


def test_the_code_can_be_sent_again_but_not_at_once() -> None:
    client = Client()
    sign_up(client)
    answer = client.post("/signup/code", {"action": "resend"}, follow=True)
    assert heading(answer) == "Enter the code"
    assert notices(answer) == ["We have just sent a mail. Please wait a moment before you ask for another."]
    assert len(mails()) == 1
    # The code that was mailed still holds.
    assert client.post("/signup/code", {"code": code_of_mail(), "action": "verify"})["Location"] == "/"


def test_another_code_replaces_the_first(settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"confirm_email": None}
    client = Client()
    sign_up(client)
    first = code_of_mail()
    client.post("/signup/code", {"action": "resend"})
    assert [subject for _, subject in mails()] == ["CODE is your Tsuzuku code"] * 2
    assert mistakes(client.post("/signup/code", {"code": first, "action": "verify"})) != []
    assert client.post("/signup/code", {"code": code_of_mail(), "action": "verify"})["Location"] == "/"


def test_a_wrong_address_can_be_started_anew() -> None:
    client = Client()
    sign_up(client)
    assert client.get("/signup")["Location"] == "/signup/code"
    answer = client.post("/logout", {"next": "/signup"}, follow=True)
    assert heading(answer) == "Register"


def test_registering_an_address_that_is_there_tells_only_its_owner(stranger: User) -> None:
    page = sign_up(Client(), stranger.mail_address.upper())
    fresh = sign_up(Client(), ADDRESS)
    assert [heading(page), heading(fresh)] == ["Enter the code"] * 2
    assert mails() == [
        (stranger.mail_address, "You have a Tsuzuku account already"),
        (ADDRESS, "CODE is your Tsuzuku code"),
    ]
    assert User.objects.count() == 2


def test_registering_takes_as_long_for_an_address_that_is_there(
    stranger: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = []
    hash_password = MD5PasswordHasher.encode

    def count(hasher: MD5PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return hash_password(hasher, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", count)
    for address in (stranger.mail_address, ADDRESS):
        sign_up(Client(), address)
        assert hashed == [PASSWORD], address
        hashed.clear()


@pytest.mark.django_db(transaction=True)
def test_an_address_that_is_registered_at_the_same_moment_tells_only_its_owner() -> None:
    """The one who comes second looks before the first is done, and has to wait for them to be."""
    has_registered = threading.Event()

    def register_first() -> None:
        try:
            with transaction.atomic():
                make_user(ADDRESS)
                has_registered.set()
                wait_until_somebody_waits()
        finally:
            connection.close()

    first = threading.Thread(target=register_first)
    first.start()
    has_registered.wait(10)
    page = sign_up(Client())
    first.join()
    assert (page.redirect_chain, heading(page)) == ([("/signup/code", 302)], "Enter the code")
    assert mails() == [(ADDRESS, "You have a Tsuzuku account already")]
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("address", "password", "told"),
    [
        ("nobody", PASSWORD, ["Enter a valid email address."]),
        (ADDRESS, "hen-7xq", ["This password is too short. It must contain at least 8 characters."]),
        (ADDRESS, "password", ["This password is too common."]),
        (ADDRESS, "", ["This field is required."]),
    ],
)
def test_what_cannot_be_registered(address: str, password: str, told: list[str]) -> None:
    answer = Client().post("/signup", {"email": address, "password1": password})
    assert mistakes(answer) == told
    assert User.objects.count() == 0


@pytest.mark.parametrize("address", ["stranger@example.com", "Stranger@EXAMPLE.com "])
def test_logging_in(stranger: User, address: str) -> None:
    client = Client()
    answer = client.post("/login", {"login": address, "password": PASSWORD, "next": "/orders"})
    assert (answer.status_code, answer["Location"]) == (302, "/orders")
    assert client.get("/orders").status_code == 200


def test_logging_in_brings_the_persons_language(stranger: User) -> None:
    User.objects.filter(pk=stranger.pk).update(language="zh-hans")
    client = Client()
    client.post("/login", {"login": stranger.mail_address, "password": PASSWORD})
    assert heading(client.get("/account")) == "账户"
    # A language that was chosen in this browser stays.
    other = Client()
    other.post("/language", {"language": "en"})
    other.post("/login", {"login": stranger.mail_address, "password": PASSWORD})
    assert heading(other.get("/account")) == "Account"


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(stranger: User) -> None:
    answers = [
        Client().post("/login", {"login": login, "password": "wrong"}) for login in (stranger.mail_address, ADDRESS)
    ]
    assert [mistakes(answer) for answer in answers] == [["E-mail address and password do not match."]] * 2


def test_after_too_many_wrong_passwords_one_has_to_wait(stranger: User) -> None:
    client = Client()
    for _ in range(5):
        client.post("/login", {"login": stranger.mail_address, "password": "wrong"})
    answer = client.post("/login", {"login": stranger.mail_address, "password": PASSWORD})
    assert mistakes(answer) == ["Too many wrong tries. Please wait five minutes, then try again."]


def test_too_many_requests_get_a_page_of_ours() -> None:
    answers = [Client().post("/login", {}) for _ in range(31)]
    assert [answer.status_code for answer in answers[-2:]] == [200, 429]
    assert (heading(answers[-1]), answers[-1]["Retry-After"]) == ("Too many tries", "60")


def test_a_closed_account_is_told_so(stranger: User) -> None:
    User.objects.filter(pk=stranger.pk).update(is_active=False)
    answer = Client().post("/login", {"login": stranger.mail_address, "password": PASSWORD}, follow=True)
    assert heading(answer) == "This account is closed"
    assert not answer.wsgi_request.user.is_authenticated


def test_a_forgotten_password_is_replaced_with_a_code(stranger: User) -> None:
    client = Client()
    asked = client.post("/forgot", {"email": stranger.mail_address}, follow=True)
    assert (asked.redirect_chain, heading(asked)) == ([("/forgot/code", 302)], "Enter the code")
    assert mails() == [(stranger.mail_address, "CODE is your code for a new password")]
    confirmed = client.post("/forgot/code", {"code": code_of_mail()}, follow=True)
    assert heading(confirmed) == "Choose a new password"
    new = {"password1": "an even better horse", "password2": "an even better horse"}
    done = client.post("/forgot/new", new)
    assert (done.status_code, done["Location"]) == (302, "/")
    assert mails()[1:] == [(stranger.mail_address, "Your Tsuzuku password was changed")]
    assert client.get("/account").status_code == 200
    stranger.refresh_from_db()
    assert stranger.check_password("an even better horse")


def test_a_forgotten_password_of_nobody_is_told_by_mail_only() -> None:
    asked = Client().post("/forgot", {"email": ADDRESS}, follow=True)
    assert heading(asked) == "Enter the code"
    assert mails() == [(ADDRESS, "There is no Tsuzuku account with this address")]


def test_changing_the_password(of_stranger: Client, stranger: User) -> None:
    new = {"password1": "an even better horse", "password2": "an even better horse"}
    wrong = of_stranger.post("/password", {"oldpassword": "wrong", **new})
    assert mistakes(wrong) == ["This is not your current password."]
    right = of_stranger.post("/password", {"oldpassword": PASSWORD, **new}, follow=True)
    assert (heading(right), notices(right)) == ("Account", ["Your new password is saved."])
    assert mails() == [(stranger.mail_address, "Your Tsuzuku password was changed")]


def test_who_has_no_password_yet_shows_first_who_they_are(stranger: User) -> None:
    stranger.set_unusable_password()
    stranger.save()
    client = logged_in(stranger)
    assert heading(client.get("/password", follow=True)) == "Is it you?"


def test_logging_out_is_asked_for_and_done(of_stranger: Client) -> None:
    assert heading(of_stranger.get("/logout")) == "Log out?"
    assert of_stranger.post("/logout")["Location"] == "/"
    assert of_stranger.get("/account").status_code == 302


def test_mails_have_a_subject_of_one_line_and_lead_to_our_pages(stranger: User) -> None:
    sign_up(Client(), stranger.mail_address)
    Client().post("/forgot", {"email": ADDRESS})
    for message in Message.objects.all():
        links = re.findall(r"https?://\S+", message.text)
        assert {link.partition("/")[0] + "//" + link.split("/")[2] for link in links} == {"http://127.0.0.1:8000"}
        assert [len(message.subject.splitlines()), message.html, message.language] == [1, "", "en"]
