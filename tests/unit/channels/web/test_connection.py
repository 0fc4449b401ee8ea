# SPDX-License-Identifier: Apache-2.0
"""What measurements mean and what to do next: every branch; then the pages, and what they can be asked for."""

import re
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import translation
from pytest_django import Settings

from tests.unit.channels.web.conftest import heading, notices, rows, text_of
from tsuzuku.channels.web.advice import Condition
from tsuzuku.channels.web.connection import (
    CardState,
    Finding,
    Measured,
    Speed,
    Step,
    Verdict,
    Way,
    full_speed_at,
    speed_class,
    verdict,
    way_of,
)
from tsuzuku.channels.web.connection_texts import HEADINGS, SPEEDS, TONES, step_text
from tsuzuku.channels.web.views import connection
from tsuzuku.channels.web.views.connection import SAMPLES_BYTES
from tsuzuku.kernel import clock
from tsuzuku.kernel.access_points import parse_access_points
from tsuzuku.testing.factories import make_plan, use_data

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.testing.house import House

#: Half past two in the afternoon in Japan, and the next midnight there.
NOW, MIDNIGHT = datetime(2026, 11, 24, 5, 30, tzinfo=UTC), datetime(2026, 11, 24, 15, tzinfo=UTC)
GB = 10**9
FAST = Measured(kbits=9_000, round_trip=40)
AT_128 = Measured(kbits=120, round_trip=480)


def card_that_is(condition: Condition, **fields: object) -> CardState:
    usual = {"can_be_renewed": True, "is_on_its_way": False, "full_speed_at": None}
    return CardState(condition=condition, **{**usual, **fields})  # type: ignore[arg-type]  # fields of it


# -- the rules ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("is_carriers", "link", "says_wifi_off", "way"),
    [
        (True, "", False, Way.CARD),
        (True, "wifi", False, Way.CARD),  # The Wi-Fi of a hotspot with such a card in it.
        (False, "wifi", True, Way.WIFI),
        (False, "cellular", False, Way.OTHER_MOBILE),
        (False, "", True, Way.OTHER_MOBILE),
        (False, "", False, Way.ELSEWHERE),
        (None, "wifi", True, Way.WIFI),
        (None, "ethernet", False, Way.WIFI),
        (None, "cellular", False, Way.MOBILE),
        (None, "", True, Way.MOBILE),
        (None, "unknown", False, Way.UNKNOWN),
    ],
)
def test_by_which_way_a_request_has_come(is_carriers: bool | None, link: str, says_wifi_off: bool, way: Way) -> None:
    assert way_of(is_carriers=is_carriers, link=link, says_wifi_off=says_wifi_off) is way


@pytest.mark.parametrize(
    ("kbits", "speed"),
    [
        (0, Speed.THROTTLED),
        (160, Speed.THROTTLED),
        (161, Speed.MESSAGES),
        (299, Speed.MESSAGES),
        (300, Speed.MAPS),
        (1_499, Speed.MAPS),
        (1_500, Speed.VIDEO),
    ],
)
def test_what_a_speed_is_good_for(kbits: int, speed: Speed) -> None:
    assert speed_class(kbits) is speed


SLOW_TODAY = card_that_is(Condition.SLOW, full_speed_at=MIDNIGHT)


@pytest.mark.parametrize(
    ("way", "card", "measured", "finding", "step"),
    [
        # What lies with the card comes first, however it is reached.
        (Way.CARD, card_that_is(Condition.SUSPENDED), FAST, Finding.SUSPENDED, Step.ASK_SELLER),
        (Way.WIFI, card_that_is(Condition.LOST, is_on_its_way=True), FAST, Finding.LOST, Step.ASK_SELLER),
        (Way.WIFI, card_that_is(Condition.PAST_LAST_DATE), Measured(), Finding.PAST_LAST_DATE, Step.NEW_CARD),
        (Way.WIFI, card_that_is(Condition.OFFLINE), Measured(), Finding.NO_PLAN, Step.CHOOSE_PLAN),
        (Way.CARD, card_that_is(Condition.NEW), AT_128, Finding.NO_PLAN, Step.CHOOSE_PLAN),
        (Way.WIFI, card_that_is(Condition.OFFLINE, is_on_its_way=True), FAST, Finding.ON_ITS_WAY, Step.WATCH_ORDER),
        (Way.UNKNOWN, card_that_is(Condition.READY), Measured(), Finding.TO_START, Step.START_PLAN),
        # Then the way: nothing that is measured beside the card says anything about it.
        (Way.WIFI, card_that_is(Condition.ONLINE), FAST, Finding.WIFI, Step.WIFI_OFF),
        (Way.WIFI, card_that_is(Condition.STARTS_BY_USE), Measured(), Finding.WIFI, Step.WIFI_OFF),
        (Way.OTHER_MOBILE, None, AT_128, Finding.OTHER_MOBILE, Step.CHOOSE_CARD),
        (Way.ELSEWHERE, SLOW_TODAY, AT_128, Finding.ELSEWHERE, Step.WIFI_OFF),
        (Way.UNKNOWN, None, Measured(), Finding.UNKNOWN_WAY, Step.WIFI_OFF),
        # Then the line. A used-up day explains all that is slow.
        (Way.CARD, SLOW_TODAY, AT_128, Finding.DAY_USED_UP, Step.WAIT),
        (Way.CARD, SLOW_TODAY, Measured(kbits=1_000, round_trip=2_500, lost=1), Finding.DAY_USED_UP, Step.WAIT),
        (Way.MOBILE, SLOW_TODAY, Measured(), Finding.DAY_USED_UP, Step.WAIT),
        (Way.CARD, card_that_is(Condition.SLOW), AT_128, Finding.DAY_USED_UP, Step.CHOOSE_PLAN),
        (
            Way.CARD,
            card_that_is(Condition.SLOW, can_be_renewed=False),
            AT_128,
            Finding.DAY_USED_UP,
            Step.NEW_CARD,
        ),
        (Way.CARD, SLOW_TODAY, FAST, Finding.WELL, Step.NOTHING),
        (Way.CARD, None, Measured(kbits=9_000, round_trip=40, lost=1), Finding.UNSTEADY, Step.FLIGHT_MODE),
        (Way.CARD, None, Measured(kbits=9_000, round_trip=2_000), Finding.UNSTEADY, Step.FLIGHT_MODE),
        (
            Way.CARD,
            None,
            Measured(kbits=9_000, reaches_ipv4=False, reaches_ipv6=True),
            Finding.PARTLY,
            Step.CHANGE_PROTOCOL,
        ),
        # That neither is reached lies with what was asked, since this page has come.
        (Way.CARD, None, Measured(kbits=9_000, reaches_ipv4=False, reaches_ipv6=False), Finding.WELL, Step.NOTHING),
        (Way.CARD, None, Measured(kbits=9_000, reaches_ipv4=True, reaches_ipv6=False), Finding.WELL, Step.NOTHING),
        (Way.CARD, card_that_is(Condition.ONLINE), AT_128, Finding.SLOWER_THAN_PLAN, Step.FLIGHT_MODE),
        (Way.MOBILE, None, AT_128, Finding.SLOW, Step.LOOK_AT_CARD),
        (Way.MOBILE, None, Measured(kbits=200), Finding.SLOW, Step.LOOK_AT_CARD),
        (Way.CARD, card_that_is(Condition.SOON), Measured(), Finding.ONLINE, Step.MEASURE),
        (Way.MOBILE, None, Measured(round_trip=40), Finding.ONLINE, Step.MEASURE),
        (Way.CARD, card_that_is(Condition.SOON), FAST, Finding.WELL, Step.NOTHING),
        (Way.CARD, card_that_is(Condition.STARTS_BY_USE), Measured(kbits=400), Finding.WELL, Step.NOTHING),
    ],
)
def test_one_finding_and_one_next_step(
    way: Way, card: CardState | None, measured: Measured, finding: Finding, step: Step
) -> None:
    assert verdict(way, card, measured) == Verdict(finding=finding, step=step)


@pytest.mark.parametrize("language", [code for code, _ in django_settings.LANGUAGES])
def test_every_finding_has_words_and_a_colour(language: str) -> None:
    with translation.override(language):
        for finding in Finding:
            for step in (Step.WAIT, Step.CHOOSE_PLAN, Step.NEW_CARD):
                assert step_text(Verdict(finding=finding, step=step), full_speed_at=MIDNIGHT, now=NOW)
            assert str(HEADINGS[finding])
            assert TONES[finding] in {"good", "soon", "act"}
        assert [speed for speed in Speed if not str(SPEEDS[speed])] == []


def test_it_says_when_full_speed_comes_back_or_that_it_does_not() -> None:
    def said(step: Step, at: datetime | None) -> str:
        return step_text(Verdict(finding=Finding.DAY_USED_UP, step=step), full_speed_at=at, now=NOW)

    assert said(Step.WAIT, MIDNIGHT).startswith("It comes back by itself on Tue 24 Nov, 24:00, Japan time.")
    assert said(Step.CHOOSE_PLAN, None).startswith("It does not come back with this plan. Another")
    assert said(Step.NEW_CARD, None).endswith("Get a new one.")


# -- the pages ---------------------------------------------------------------------------------------------------------

pytestmark = pytest.mark.django_db


def renew(house: "House", card: "Card", **fields: object) -> None:
    house.pay(house.order(card, make_plan("RUNNING", **fields).code))


def test_without_any_setting_it_says_that_it_cannot_tell_and_believes_that_wifi_is_off() -> None:
    page = Client().get("/check")
    assert heading(page) == "You are online: through the card, or over Wi-Fi?"
    assert rows(page) == {"You reach us": "over the card or Wi-Fi", "Internet protocol": "IPv4"}
    page = Client().get("/check?wifi=off")
    assert (heading(page), rows(page)["You reach us"]) == ("You are online", "over a mobile network")


def test_an_address_of_the_carrier_is_the_card_and_every_other_is_not(settings: Settings) -> None:
    settings.CARRIER_NETWORKS = [ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")]
    found = {
        address: heading(Client(REMOTE_ADDR=address).get("/check"))
        for address in ("192.0.2.9", "::ffff:192.0.2.9", "2001:db8::1", "198.51.100.1", "nonsense")
    }
    by_card, elsewhere = "You are online", "You are online, but not through this card"
    assert list(found.values()) == [by_card, by_card, by_card, elsewhere, elsewhere]
    assert rows(Client(REMOTE_ADDR="2001:db8::1").get("/check"))["Internet protocol"] == "IPv6"
    page = Client().get("/check?wifi=off")
    assert "Choose this card for mobile data" in text_of(page)


def test_what_was_measured_is_told_with_its_meaning(with_pin: Client, house: "House", card: "Card") -> None:
    renew(house, card, data_bytes=5 * GB, days=10)
    page = with_pin.get(f"/c/{card.public_token}/check?wifi=off&kbits=9000&round_trip=1480&ipv4=1&ipv6=0&link=cellular")
    assert heading(page) == "All is well: you are online"
    assert rows(page) == {
        "You reach us": "over a mobile network",
        "Speed": "Fast enough for video",
        "Answers come after": "1,480 ms",
        "IPv4": "works",
        "IPv6": "not here, which is no fault",
        "The card": "Online",
    }


def test_what_is_odd_was_not_measured() -> None:
    page = Client().get("/check?wifi=on&kbits=-1&round_trip=fast&lost=9999999999999&ipv4=2&ipv6=&link=%00&x=1")
    assert heading(page) == heading(Client().get("/check"))
    assert rows(page) == rows(Client().get("/check"))


def test_a_speed_that_could_not_be_measured_is_named(house: "House") -> None:
    assert notices(Client().get("/check?wifi=off&round_trip=40"))[-1].startswith("The speed could not be measured")


def test_a_used_up_day_says_when_it_comes_back(of_holder: Client, house: "House", card: "Card") -> None:
    with clock.travel_to(NOW):
        renew(house, card, data_bytes=None, daily_bytes=GB, days=5)
        use_data(card, 2 * GB)
    with clock.travel_to(NOW + timedelta(minutes=5)):
        page = of_holder.get(f"/c/{card.public_token}/check?wifi=off&kbits=120&round_trip=480")
    assert heading(page) == "Online, but today’s full speed is used up"
    assert "It comes back by itself on Tue 24 Nov, 24:00" in text_of(page)


def test_a_day_that_is_the_plans_last_does_not_come_back(house: "House", card: "Card") -> None:
    from tsuzuku.allowances.queries import card_allowance

    with clock.travel_to(NOW):
        renew(house, card, data_bytes=None, daily_bytes=GB, days=1, day_rule="calendar")
        assert full_speed_at(card_allowance(card.pk, now=NOW), now=NOW) is None
        use_data(card, 2 * GB)
        assert full_speed_at(card_allowance(card.pk, now=NOW), now=NOW) is None


def test_a_card_without_a_plan_is_led_to_one_and_a_paid_one_to_its_order(
    with_pin: Client, house: "House", card: "Card"
) -> None:
    address = f"/c/{card.public_token}/check"
    page = with_pin.get(address)
    assert heading(page) == "No plan is running on this card"
    assert f'href="/c/{card.public_token}/plans"' in page.content.decode()
    house.carrier.is_down = True
    order = house.order(card, make_plan().code)
    house.pay(order)
    page = with_pin.get(address)
    assert heading(page) == "Your renewal is on its way"
    assert f'href="/o/{order.number}"' in page.content.decode()


def test_an_active_order_and_its_card_lead_to_the_check(with_pin: Client, house: "House", card: "Card") -> None:
    order = house.order(card, make_plan().code)
    house.pay(order)
    link = f'href="/c/{card.public_token}/check"'
    for page in (f"/o/{order.number}", f"/c/{card.public_token}"):
        assert link in with_pin.get(page).content.decode()


def test_who_may_not_see_a_card_checks_without_it(card: "Card", of_stranger: Client) -> None:
    for token in (card.public_token, "A" * 16):
        for client in (Client(), of_stranger):
            assert client.get(f"/c/{token}/check")["Location"] == "/check"


def test_the_access_point_is_that_of_the_card_and_stands_where_it_is_needed(
    with_pin: Client, card: "Card", settings: Settings
) -> None:
    settings.ACCESS_POINTS = parse_access_points("sandbox=sandbox.example me secret, other.example")
    page = with_pin.get(f"/c/{card.public_token}/check")
    assert {name: said for name, said in rows(page).items() if name in {"APN", "User name", "Password"}} == {
        "APN": "sandbox.example",
        "User name": "me",
        "Password": "secret",
    }
    for page in (Client().get("/check"), Client().get("/offline")):
        assert "with what came with the card" in text_of(page)
    settings.ACCESS_POINTS = parse_access_points("all.example")
    for page in (Client().get("/check"), Client().get("/offline")):
        assert rows(page)["APN"] == "all.example"


def test_the_page_for_who_is_offline_has_the_steps_in_order_and_is_fetched_anew_when_they_change(
    settings: Settings,
) -> None:
    steps = re.findall(r"<li>(.*?)[.:<]", Client().get("/offline").content.decode(), re.DOTALL)
    assert steps == [
        "Switch flight mode and Wi-Fi off, switch mobile data on, and choose the card for it",
        "Switch data roaming on for the card",
        "Compare the access point (APN) in the phone’s settings with what came with the card",
        "Restart the phone",
    ]
    worker = Client().get("/service-worker.js").content
    assert Client().get("/service-worker.js").content == worker
    settings.ACCESS_POINTS = parse_access_points("new.example")
    assert Client().get("/service-worker.js").content != worker


class TestMeasuring:
    """What the browser asks for: small, of a fixed size, fresh, without cookies, and not without end."""

    def test_bodies_of_fixed_sizes_that_nothing_makes_smaller(self) -> None:
        for place, size in enumerate(SAMPLES_BYTES, start=1):
            answer = Client().get(f"/check/sample/{place}", headers={"Accept-Encoding": "gzip"})
            assert (answer.status_code, len(answer.content)) == (200, size)
        assert sum(SAMPLES_BYTES) == 200_000
        assert [Client().get(f"/check/sample/{place}").status_code for place in (0, 4, 10**20)] == [404, 404, 404]

    @pytest.mark.parametrize("path", ["/check/ping", "/check/sample/1"])
    def test_answers_are_fresh_and_bring_no_cookies(self, path: str, of_stranger: Client) -> None:
        for client in (Client(), of_stranger):
            answer = client.get(path)
            assert "no-store" in answer["Cache-Control"]
            assert answer.cookies == {}

    def test_a_machine_that_asks_on_and_on_is_sent_away(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connection, "QUESTIONS_A_MINUTE_MAX", 3)
        with clock.travel_to(NOW):
            for _ in range(3):
                assert Client().get("/check/ping").status_code == 204
            for path in ("/check/ping", "/check/sample/1"):
                answer = Client().get(path)
                assert (answer.status_code, answer["Retry-After"], answer.content) == (429, "60", b"")
            assert Client(REMOTE_ADDR="192.0.2.1").get("/check/ping").status_code == 204


def test_browsers_may_ask_the_addresses_of_one_protocol_and_no_others(settings: Settings) -> None:
    settings.CHECK_IPV4_URL = "https://ipv4.example.jp/check/ping"
    settings.CHECK_IPV6_URL = "https://ipv6.example.jp:8443/check/ping"
    page = Client().get("/check")
    assert "connect-src 'self' https://ipv4.example.jp https://ipv6.example.jp:8443;" in page["Content-Security-Policy"]
    assert re.findall(r'data-ipv\d="([^"]+)"', page.content.decode()) == [
        settings.CHECK_IPV4_URL,
        settings.CHECK_IPV6_URL,
    ]
