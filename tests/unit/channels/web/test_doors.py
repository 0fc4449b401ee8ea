# SPDX-License-Identifier: Apache-2.0
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from tests.unit.channels.conftest import PIN
from tests.unit.channels.web.conftest import heading, notices, text_of
from tsuzuku.kernel import clock
from tsuzuku.testing.factories import new_iccid

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.people.models import User

pytestmark = pytest.mark.django_db
NO_MATCH = "Card number and PIN do not match. Both are printed on the card or in the mail with your eSIM."


def mistakes(content: bytes) -> list[str]:
    return re.findall(r'<p class="mistake"[^>]*>(.*?)</p>', content.decode())


def test_the_start_page_has_three_doors_and_the_way_to_a_card() -> None:
    page = Client().get("/").content.decode()
    assert re.findall(r'<(?:form class="panel" method="post" action|a class="button[^>]*href)="([^"]+)"', page) == [
        "/open",
        "/login",
        "/signup",
        "/new",
    ]


def test_who_is_logged_in_sees_their_cards(of_stranger: Client) -> None:
    answer = of_stranger.get("/")
    assert (answer.status_code, answer["Location"]) == (302, "/cards")


@pytest.mark.parametrize("written", ["{}", " {} ", "{}F", "spaced"])
def test_number_and_pin_open_a_card(card: "Card", written: str) -> None:
    number = " ".join(re.findall(r"\d{1,4}", card.iccid)) if written == "spaced" else written.format(card.iccid)
    client = Client()
    answer = client.post("/open", {"number": number, "pin": f" {PIN} "})
    assert (answer.status_code, answer["Location"]) == (302, f"/c/{card.public_token}")
    assert client.get(answer["Location"]).status_code == 200


def test_a_card_closes_after_two_hours(card: "Card", with_pin: Client) -> None:
    address = f"/c/{card.public_token}"
    now = clock.now()
    with clock.travel_to(now + timedelta(minutes=119)):
        assert with_pin.get(address).status_code == 200
    with clock.travel_to(now + timedelta(minutes=121)):
        assert with_pin.get(address).status_code == 302
        assert with_pin.get(f"{address}/plans").status_code == 404


def test_opening_a_card_changes_the_session_id(card: "Card") -> None:
    client = Client()
    client.get("/")
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies["tsuzuku_session"] = str(session.session_key)
    client.post("/open", {"number": card.iccid, "pin": PIN})
    assert client.session.session_key != session.session_key


def test_a_wrong_pin_and_an_unknown_card_get_the_same_answer(card: "Card") -> None:
    answers = [Client().post("/open", {"number": number, "pin": "0000"}) for number in (card.iccid, str(new_iccid()))]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [notices(answer) for answer in answers] == [[NO_MATCH], [NO_MATCH]]
    pages = {re.sub(r'value="[^"]*"', "", answer.content.decode()) for answer in answers}
    assert len(pages) == 1


@pytest.mark.parametrize(
    ("number", "mistake"),
    [
        ("8981200961153878264", "One digit of the card number is wrong. Please compare it with the card."),
        ("898120", "A card number has 19 digits and begins with 89. Spaces do not matter."),
        ("", "This field is required."),
    ],
)
def test_a_mistyped_number_is_told_at_once(number: str, mistake: str) -> None:
    assert mistakes(Client().post("/open", {"number": number, "pin": "1"}).content) == [mistake]


def test_mistakes_are_told_in_chinese() -> None:
    client = Client(headers={"accept-language": "zh-CN"})
    answer = client.post("/open", {"number": "8981200961153878264", "pin": ""})
    assert mistakes(answer.content) == ["卡号有一位不对，请和卡上的号码对一下。", "这个字段是必填项。"]


def test_after_too_many_guesses_one_has_to_wait(card: "Card") -> None:
    client = Client()
    answers = [client.post("/open", {"number": card.iccid, "pin": f"{n:04d}"}) for n in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    wait = "Too many wrong PINs. For the safety of your card, please wait 15\u00a0minutes and try again."
    assert [notice.replace("\xa0", "\u00a0") for notice in notices(answers[-1])] == [" ".join(wait.split())]
    # Even the right PIN does not help now, and the waiting does.
    assert client.post("/open", {"number": card.iccid, "pin": PIN}).status_code == 429
    with clock.travel_to(clock.now() + timedelta(minutes=16)):
        assert client.post("/open", {"number": card.iccid, "pin": PIN}).status_code == 302


@pytest.mark.parametrize("path", ["/open", "/cards/add"])
def test_how_long_one_has_to_wait_is_told_to_programs_too(of_stranger: Client, card: "Card", path: str) -> None:
    now = clock.now()
    told = []
    # Half a second off, since the clock runs on while a page is made.
    for seconds in (0, 1, 2, 3, 4, 5.5, 600.5):
        with clock.travel_to(now + timedelta(seconds=seconds)):
            answer = of_stranger.post(path, {"number": card.iccid, "pin": "0000"})
        told.append((answer.status_code, answer.get("Retry-After")))
    assert told == [(200, None)] * 5 + [(429, "895"), (429, "300")]


def test_leaving_forgets_everything(card: "Card", with_pin: Client) -> None:
    with_pin.post("/leave")
    assert with_pin.get(f"/c/{card.public_token}").status_code == 302
    assert notices(with_pin.get("/")) == ["You have left. Nobody can see your cards in this browser now."]


def test_the_browser_chooses_the_language_until_a_person_does() -> None:
    client = Client(headers={"accept-language": "zh-CN,zh;q=0.9"})
    assert heading(client.get("/")) == "在日本，不断网"
    answer = client.post("/language", {"language": "en", "next": "/login"})
    assert (answer.status_code, answer["Location"]) == (302, "/login")
    assert heading(client.get("/")) == "Stay online in Japan"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        *((region, "zh-hant") for region in ("zh-TW,zh;q=0.9", "zh-HK", "zh-MO", "zh-Hant-HK")),
        *((region, "zh-hans") for region in ("zh-CN", "zh-SG", "zh", "zh-Hans-CN")),
        ("ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        ("ja-JP", "ja"),
        ("fr-FR", "en"),
    ],
)
def test_a_region_reads_its_own_script(accepted: str, language: str) -> None:
    page = Client(headers={"accept-language": accepted}).get("/").content.decode()
    assert re.findall(r'<html lang="([^"]*)"', page) == [language]


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_languages_are_offered_in_their_own_names(language: str) -> None:
    page = Client(headers={"accept-language": language}).get("/").content.decode()
    assert re.findall(r'<button name="language" value="([^"]*)"[^>]*>([^<]*)<', page) == [
        ("zh-hans", "简体中文"),
        ("zh-hant", "繁體中文"),
        ("ja", "日本語"),
        ("en", "English"),
        ("ko", "한국어"),
    ]


def test_the_language_of_an_account_follows_its_person(holder: "User", of_holder: Client) -> None:
    of_holder.post("/language", {"language": "zh-hans", "next": "/account"})
    holder.refresh_from_db()
    assert holder.language == "zh-hans"
    assert heading(of_holder.get("/account")) == "账户"


def test_an_unknown_language_changes_nothing() -> None:
    client = Client()
    assert client.post("/language", {"language": "tlh", "next": "/"}).cookies.keys() == set()
    assert heading(client.get("/")) == "Stay online in Japan"


ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "///evil.example",
    "http:evil.example",
    "javascript:alert(1)",
    "%2F%2Fevil.example",
    "\x00//evil.example",
    "",
]


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_no_way_back_leads_to_another_site(elsewhere: str, stranger: "User") -> None:
    from tests.unit.channels.conftest import PASSWORD

    assert Client().post("/language", {"language": "en", "next": elsewhere})["Location"] == "/"
    login = Client().post("/login", {"login": stranger.email, "password": PASSWORD, "next": elsewhere})
    assert (login.status_code, login["Location"]) == (302, "/")
    assert "evil" not in text_of(Client().get("/open", {"next": elsewhere}))


def test_forms_need_a_token(card: "Card") -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/open", {"number": card.iccid, "pin": PIN})
    assert (answer.status_code, heading(answer)) == (403, "This page was open for too long")
