# SPDX-License-Identifier: Apache-2.0
"""The pages of help: in every language, light, the same for everybody, and true of this installation."""

import gzip
import re
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.test import Client
from pytest_django import Settings

from tests.unit.channels.web.conftest import heading, text_of
from tsuzuku.channels.web.help.doors import Installation
from tsuzuku.channels.web.help.phones import PHONES
from tsuzuku.channels.web.help.questions import Question, questions
from tsuzuku.channels.web.keeping import KEEP_UNTIL
from tsuzuku.kernel import clock
from tsuzuku.orders.policy import CURRENT_POLICY, policy_sentences
from tsuzuku.sellers.actions import create_key, revoke_key
from tsuzuku.testing.factories import make_partner

if TYPE_CHECKING:
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db

PAGES = ["/help", "/help/phones", *(f"/help/phones/{slug}" for slug in PHONES), "/help/doors", "/help/questions"]
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Version/18.6 Mobile/15E148"
#: What one page may weigh: a third of a second at 128 kbit/s.
PAGE_BYTES_MAX = 5_000
FULL = Installation(frozenset({"card", "konbini"}), has_sellers=True)
BARE = Installation(frozenset({"alipay"}), has_sellers=False)


@pytest.mark.parametrize("language", [code for code, _ in settings.LANGUAGES])
def test_every_page_speaks_its_language_and_is_light(house: "House", language: str) -> None:
    client = Client(headers={"Accept-Language": language})
    answers = {page: client.get(page) for page in PAGES}
    assert {answer.status_code for answer in answers.values()} == {200}
    assert {page: size for page in PAGES if (size := len(gzip.compress(answers[page].content))) > PAGE_BYTES_MAX} == {}
    if language != "en":
        words = " ".join(text_of(answer) for answer in answers.values())
        assert re.findall(r"[A-Za-z’]+ [a-z]{2,} [a-z]{2,}", words) == []


def test_a_phone_that_has_no_guide_has_no_page() -> None:
    assert Client().get("/help/phones/nokia").status_code == 404


def test_the_guide_for_this_phone_is_at_hand() -> None:
    client = Client(headers={"User-Agent": IPHONE})
    assert "iPhone · iPad this phone" in text_of(client.get("/help/phones"))
    for page in ("/help", "/offline", "/service-worker.js"):
        assert "/help/phones/iphone" in client.get(page).content.decode()
        assert "/help/phones/" not in Client().get(page).content.decode()


def test_browser_and_app_may_keep_whole_pages() -> None:
    for page in PAGES:
        answer = Client().get(page)
        assert answer["Cache-Control"] == "private, max-age=3600"
        assert answer["Vary"] == "Cookie, Accept-Language, User-Agent, Sec-CH-UA-Model, Accept-Encoding"
        assert answer.has_header(KEEP_UNTIL)
    assert not Client().get("/help/doors?want=cash").has_header(KEEP_UNTIL)


def test_nobody_stands_in_them(house: "House", of_holder: Client) -> None:
    for page in PAGES:
        assert re.sub(r"csrfmiddlewaretoken[^>]+", "", of_holder.get(page).content.decode()) == re.sub(
            r"csrfmiddlewaretoken[^>]+", "", Client().get(page).content.decode()
        )


def test_a_wish_leaves_the_doors_that_fulfil_it(house: "House") -> None:
    page = Client().get("/help/doors?want=offline").content.decode()
    assert re.findall(r'<section class="panel" id="(\w+)"', page) == ["friend", "automatic"]
    assert re.findall(r'href="([^"]+)" aria-current="true"', page) == ["/help/doors"]


def test_who_sells_renewals_is_a_door_as_long_as_a_key_lives(house: "House") -> None:
    make_partner("Kaze")
    key = create_key(name="Kaze", scopes=["cards:read"], actor="operator", now=clock.now())
    assert 'id="seller"' in Client().get("/help/doors").content.decode()
    revoke_key(key_id=key.id, actor="operator", now=clock.now())
    assert 'id="seller"' not in Client().get("/help/doors").content.decode()


def test_a_link_opens_its_question() -> None:
    page = Client().get("/help/questions?about=pin").content.decode()
    assert re.findall(r'id="([\w-]+)" open', page) == ["pin"]


@pytest.mark.parametrize("path", ["/open", "/nothing-here"])
def test_where_somebody_is_stuck_help_is_near(path: str) -> None:
    assert 'href="/help' in Client().get(path).content.decode()
    assert heading(Client().get("/help")) == "Help"


def answers(installation: Installation) -> dict[str, str]:
    return {question.slug: " ".join(question.answer) for question in questions(installation)}


def test_what_an_installation_does_not_offer_is_not_asked() -> None:
    assert set(answers(FULL)) - set(answers(BARE)) == {"foreign-card", "store"}
    assert len(answers(FULL)) == 17


def test_rules_answer_for_themselves() -> None:
    told = answers(FULL)
    assert told["refund"].startswith(" ".join(policy_sentences(CURRENT_POLICY)))
    assert "3\u00a0days, 1\u00a0day, 3\u00a0hours before the end" in told["reminders"]
    assert "within 1\u00a0day" in told["how-soon"]
    assert "at least 2\u00a0hours" in told["payment-failed"]
    assert "¥500 to ¥10,000" in told["balance"]


def test_settings_answer_for_the_brand(settings: Settings) -> None:
    settings.BRAND_CONTACT, settings.BRAND_TAX_NUMBER, settings.BALANCE_REGISTERED = "", "", True
    plain = answers(FULL)
    settings.BRAND_CONTACT, settings.BRAND_TAX_NUMBER = "help@brand.example", "T1234567890123"
    settings.BALANCE_REGISTERED = False
    full = answers(FULL)
    assert plain["contact"].startswith("Ask where you bought the card.")
    assert full["contact"].startswith("Write to help@brand.example.")
    assert {slug for slug in full if full[slug] != plain[slug]} == {"contact", "receipt", "balance"}
    assert "180\u00a0days" in full["balance"]


def test_every_link_of_an_answer_leads_somewhere(of_holder: Client) -> None:
    pages = [question for question in questions(FULL) if question.page]
    assert [question for question in pages if not _leads_somewhere(of_holder, question)] == []


def _leads_somewhere(client: Client, question: Question) -> bool:
    from django.urls import reverse

    return bool(question.link) and client.get(reverse(question.page)).status_code == 200
