# SPDX-License-Identifier: Apache-2.0
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.core import management
from django.db import connection
from django.test import Client
from pytest_django import Settings

from tests.unit.channels.conftest import PASSWORD, logged_in, make_user
from tests.unit.channels.web.conftest import Answer, heading, notices, rows, text_of
from tsuzuku.journal.models import Count
from tsuzuku.kernel import clock
from tsuzuku.messaging.models import Message
from tsuzuku.messaging.ports import AddressKind
from tsuzuku.messaging.registry import using_gateway
from tsuzuku.people.errors import TooManyCodes
from tsuzuku.people.models import User
from tsuzuku.people.phones import NOTICE_LIMIT, NUMBER_LIMITS, send_code, set_phone
from tsuzuku.testing.fakes import FakeGateway

pytestmark = pytest.mark.django_db
NUMBER, KOREAN = "+8613800138000", "+821023456789"


@pytest.fixture(autouse=True)
def _carried() -> Iterator[None]:
    with using_gateway(AddressKind.SMS, FakeGateway()):
        yield


def texts() -> list[tuple[str, str, str]]:
    """Kind, address, and the text without its code."""
    found = Message.objects.order_by("pk").values_list("kind", "address", "subject", "text")
    return [(kind, address, re.sub("^[0-9]{6}", "CODE", subject or text)) for kind, address, subject, text in found]


def code() -> str:
    """The code in the newest message."""
    return str(re.findall(r"^([0-9]{6}|[A-Z]{4}-[A-Z]{4})\b", Message.objects.latest("pk").text, re.MULTILINE)[0])


def ask(client: Client, number: str, country: str = "CN", **fields: str) -> Answer:
    return client.post("/phone", {"country": country, "number": number, **fields})


def enter(number: str = "138 0013 8000", country: str = "CN", **fields: str) -> Client:
    client = Client(headers={"accept-language": "zh-CN"})
    assert ask(client, number, country, **fields).status_code == 302
    client.post("/phone/code", {"code": code(), **fields})
    return client


def owner_of(number: str = NUMBER) -> User:
    user = make_user("mei@example.com")
    set_phone(user=user, phone=number, now=clock.now())
    return user


def test_a_number_and_its_code_make_an_account_and_open_it_again() -> None:
    client = Client(headers={"accept-language": "zh-CN"})
    assert ask(client, "１３８ 0013-800").status_code == 200
    asked = ask(client, "1３8 0013-8000", next="/orders")
    assert (asked.status_code, asked["Location"]) == (302, "/phone/code?next=/orders")
    assert User.objects.count() == 0
    assert texts() == [("sms", NUMBER, "CODE 是您的 Tsuzuku 验证码，15 分钟内有效，请勿告诉任何人。")]
    before = client.session.session_key
    answer = client.post("/phone/code", {"code": code(), "next": "/orders"})
    assert (answer["Location"], client.get("/orders").status_code) == ("/orders", 200)
    assert client.session.session_key != before
    user = User.objects.get()
    assert (user.phone, user.email, user.language, user.has_usable_password()) == (NUMBER, None, "zh-hans", False)
    Message.objects.all().delete()
    assert enter().get("/account").status_code == 200
    assert User.objects.get() == user


def test_an_account_with_a_number_only_has_every_page() -> None:
    client = enter()
    pages = ("/account", "/cards", "/orders", "/balance", "/account/devices", "/account/prove", "/account/passkeys")
    assert [client.get(path, follow=True).status_code for path in pages] == [200] * 7
    assert rows(client.get("/account"))["手机号"] == "+86 138 0013 8000"


def test_known_and_unknown_numbers_get_the_same_answer_and_the_same_message() -> None:
    owner_of(KOREAN)
    pages = [ask(Client(), number) for number in (NUMBER, KOREAN)]
    assert [page["Location"] for page in pages] == ["/phone/code"] * 2
    assert {text for _kind, _address, text in texts()} == {
        "CODE is your Tsuzuku code. It holds for 15 minutes. Tell it to nobody."
    }


def test_three_wrong_codes_end_it_and_a_code_counts_once_and_in_its_browser() -> None:
    client = Client()
    ask(client, NUMBER)
    right = code()
    assert Client().post("/phone/code", {"code": right})["Location"] == "/phone"
    wrong = "000000" if right != "000000" else "000001"
    answers = [client.post("/phone/code", {"code": wrong}).status_code for _ in range(3)]
    assert answers == [200, 200, 302]
    assert client.post("/phone/code", {"code": right})["Location"] == "/phone"
    assert User.objects.count() == 0


def test_a_code_is_too_old_after_a_quarter_of_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    ask(client, NUMBER)
    session = client.session
    session["new-way:enter"] = {**session["new-way:enter"], "at": session["new-way:enter"]["at"] - 16 * 60}
    session.save()
    assert client.post("/phone/code", {"code": code()})["Location"] == "/phone"


@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("010 6552 9988", "This is no mobile number. Please compare it, digit by digit, and choose its country."),
        ("+62 812 3456 7890", "To numbers of this country we cannot send codes. Please use an e-mail address."),
    ],
)
def test_numbers_that_get_no_code(number: str, told: str) -> None:
    assert told in text_of(ask(Client(), number))
    assert Message.objects.count() == 0


def test_codes_are_not_sent_for_ever(settings: Settings) -> None:
    answers = [ask(Client(), NUMBER).status_code for _ in range(4)]
    assert answers == [302, 302, 302, 429]
    settings.PHONE_CODES_HOUR_MAX = 4
    assert [ask(Client(), f"+861380013800{digit}").status_code for digit in (1, 2)] == [302, 429]
    assert Message.objects.count() == 4
    assert {re.sub(" [0-9a-f]{32}$", "", row.subject) for row in Count.objects.all()} == {
        "codes, address in an hour",
        "codes, address in a day",
        "codes, number in 15 min",
        "codes, number in a day",
        "codes, all in an hour",
    }


def test_one_address_gets_only_so_many() -> None:
    answers = [ask(Client(), f"+8613800138{each:03}").status_code for each in range(61)]
    assert answers == [302] * 60 + [429]


def test_an_own_network_counts_as_no_address(settings: Settings) -> None:
    settings.OWN_NETWORKS = (ip_network("127.0.0.0/8"),)
    assert {ask(Client(), f"+8613800138{each:03}").status_code for each in range(61)} == {302}


def test_copies_of_a_session_have_no_tries_of_their_own() -> None:
    client = Client()
    ask(client, NUMBER)
    right = code()
    asked = dict(client.session)
    for _ in range(3):
        copy = SessionStore()
        copy.update(asked)
        copy.create()
        forked = Client()
        forked.cookies["tsuzuku_session"] = str(copy.session_key)
        forked.post("/phone/code", {"code": "000000" if right != "000000" else "000001"})
    assert client.post("/phone/code", {"code": right})["Location"] == "/phone"
    assert User.objects.count() == 0


def test_what_nobody_asked_for_goes_by_sms_a_few_times_a_day_only() -> None:
    client = enter()
    for each in range(7):
        password = f"a long enough secret {each}"
        client.post("/password/new", {"password1": password, "password2": password})
    told = [text for kind, _address, text in texts() if kind == "sms" and not text.startswith("CODE")]
    assert len(told) == NOTICE_LIMIT.count_max


@pytest.mark.django_db(transaction=True)
def test_codes_asked_for_at_the_same_time_all_count() -> None:
    management.call_command("createcachetable", verbosity=0)

    def one(_each: int) -> bool:
        try:
            send_code(phone=NUMBER, code="123456", address="203.0.113.9", user=None, now=clock.now())
        except TooManyCodes:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(8))) == NUMBER_LIMITS[0].count_max == Message.objects.count()


def test_a_number_and_a_password_open_the_account_however_the_number_is_written() -> None:
    owner_of("+819012345678")
    for login in ("090-1234-5678", "+81 90 1234 5678", "819012345678", "０９０１２３４５６７８"):
        client = Client()
        client.post("/login", {"login": login, "password": PASSWORD})
        assert client.get("/account").status_code == 200, login
    page = Client().post("/login", {"login": "090-1234-5678", "password": "wrong"})
    unknown = Client().post("/login", {"login": "090-1234-9999", "password": "wrong"})
    assert notices(page) == notices(unknown) == ["Phone number and password do not match."]


def test_wrong_passwords_are_counted_for_each_number() -> None:
    owner_of()
    for spelling in ("13800138000", "138 0013 8000", "+8613800138000", "008613800138000", "138-0013-8000"):
        Client().post("/login", {"login": spelling, "password": "wrong"})
    page = Client().post("/login", {"login": "13800138000", "password": PASSWORD})
    assert notices(page) == ["Too many wrong tries. Please wait five minutes, then try again."]
    other = Client().post("/login", {"login": "13800138001", "password": PASSWORD})
    assert notices(other) == ["Phone number and password do not match."]


def test_a_forgotten_password_is_replaced_after_a_code_by_sms() -> None:
    user = owner_of()
    client = enter(next="/password/new")
    new = {"password1": "an even better horse", "password2": "an even better horse"}
    assert client.post("/password/new", new)["Location"] == "/account"
    user.refresh_from_db()
    assert user.check_password("an even better horse")
    assert texts()[-1] == ("email", "mei@example.com", "Your Tsuzuku password was changed")
    assert client.get("/account").status_code == 200


def test_a_number_is_added_changed_and_removed_and_everybody_is_told() -> None:
    user = make_user("mei@example.com")
    client = Client()
    client.post("/login", {"login": "mei@example.com", "password": PASSWORD})
    client.post("/account/phone", {"country": "CN", "number": "13800138000"})
    client.post("/account/phone/code", {"code": code()})
    client.post("/account/phone", {"country": "KR", "number": "010-2345-6789"})
    client.post("/account/phone/code", {"code": code()})
    user.refresh_from_db()
    assert user.phone == KOREAN
    client.post("/account/phone/remove")
    assert User.objects.values_list("phone", "phone_verified_at").get() == (None, None)
    told = ("email", "mei@example.com", "A way into your Tsuzuku account was changed")
    asked = "CODE is your Tsuzuku code. It holds for 15 minutes. Tell it to nobody."
    assert texts() == [
        ("sms", NUMBER, asked),
        told,
        ("sms", KOREAN, asked),
        told,
        ("sms", NUMBER, "This number was taken out of your Tsuzuku account."),
        told,
        ("sms", KOREAN, "This number was taken out of your Tsuzuku account."),
    ]


def test_a_number_of_another_account_is_told_to_its_owner_only() -> None:
    owner_of()
    client = logged_in(make_user("other@example.com"))
    client.post("/account/prove", {"way": "password", "password": PASSWORD})
    assert client.post("/account/phone", {"country": "CN", "number": NUMBER})["Location"] == "/account/phone/code"
    answer = client.post("/account/phone/code", {"code": code()}, follow=True)
    assert notices(answer) == ["There is another account with this. Log in to it instead, or use something else here."]
    assert User.objects.get(phone=NUMBER).email == "mei@example.com"


def test_the_only_way_in_cannot_be_removed_and_an_address_is_added() -> None:
    client = enter()
    assert client.post("/account/phone/remove").status_code == 404
    client.post("/account/email", {"email": "Mei@Example.com"})
    client.post("/account/email/code", {"code": code()})
    user = User.objects.get()
    assert user.email == "mei@example.com"
    told = "您的账户更换了邮箱，今后的邮件会发到新邮箱。 http://127.0.0.1:8000/account"
    assert texts()[-1] == ("sms", NUMBER, told)
    assert client.post("/account/phone/remove")["Location"] == "/account"
    assert [kind for kind, *_ in texts()][-2:] == ["email", "sms"]
    other = Client()
    other.post("/login/code", {"email": "mei@example.com"})
    other.post("/login/code/enter", {"code": code()})
    assert other.get("/account").status_code == 200


def test_an_address_of_another_account_is_not_taken_and_one_never_confirmed_is() -> None:
    make_user("other@example.com")
    Client().post("/signup", {"email": "mei@example.com", "password1": PASSWORD})
    client = enter()
    client.post("/account/email", {"email": "other@example.com"})
    client.post("/account/email/code", {"code": code()})
    client.post("/account/email", {"email": "mei@example.com"})
    client.post("/account/email/code", {"code": code()})
    assert set(User.objects.values_list("email", "phone")) == {("other@example.com", None), ("mei@example.com", NUMBER)}


def test_without_a_gateway_nothing_of_phones_is_there() -> None:
    from tsuzuku.messaging.registry import _gateways

    kept = dict(_gateways.all())
    del kept[AddressKind.SMS]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tsuzuku.messaging.queries.has_gateway", lambda kind: kind in kept)
        pages = [Client().get(path).content.decode() for path in ("/login", "/signup", "/forgot")]
        assert ['"/phone' in page for page in pages] == [False] * 3
        assert Client().get("/phone").status_code == 404
        assert heading(Client().get("/login")) == "Log in"
