# SPDX-License-Identifier: Apache-2.0
"""The website as an app: its manifest, and which pages a phone may keep and for how long."""

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client

from tsuzuku.channels.web.access import OPENED_FOR
from tsuzuku.channels.web.keeping import KEEP_UNTIL
from tsuzuku.kernel import clock

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("language", [code for code, _ in settings.LANGUAGES])
def test_the_manifest_speaks_each_language(language: str) -> None:
    manifest = Client().get(f"/app/{language}.webmanifest")
    content = manifest.json()
    assert manifest["Content-Type"] == "application/manifest+json"
    assert (content["lang"], content["start_url"], content["display"]) == (language, "/", "standalone")
    assert {icon["sizes"] for icon in content["icons"]} == {"any", "192x192", "512x512"}
    assert [icon["src"] for icon in content["icons"] if not finders.find(icon["src"].removeprefix("/static/"))] == []


def test_a_language_that_is_not_spoken_has_no_manifest() -> None:
    assert Client().get("/app/xx.webmanifest").status_code == 404


def test_a_page_names_the_manifest_of_its_language() -> None:
    page = Client().get("/", headers={"Accept-Language": "zh-TW"}).content.decode()
    assert re.findall(r'rel="manifest" href="([^"]+)"', page) == ["/app/zh-hant.webmanifest"]


def test_the_worker_asks_before_it_is_used_again_and_names_parts_that_exist() -> None:
    worker = Client().get("/service-worker.js")
    assert (worker["Content-Type"], worker["Cache-Control"]) == ("text/javascript", "no-cache")
    parts = re.findall(r'"/static/([^"]+)"', worker.content.decode().partition("PARTS")[2].partition("]")[0])
    assert [part for part in parts if not finders.find(part)] == []


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("LEAVING", ["/leave", "/logout", "/account/delete", "/account/devices"]),
        (
            "ENTERING",
            ["/login", "/login/code/enter", "/signup/code", "/forgot/new", "/phone/code", "/login/passkey"],
        ),
    ],
)
def test_the_worker_knows_where_what_it_kept_ends(name: str, paths: list[str]) -> None:
    worker = Client().get("/service-worker.js").content.decode()
    assert re.findall(r'"([^"]+)"', worker.partition(f"const {name} = [")[2].partition("]")[0]) == paths


def kept_for(client: Client, page: str) -> timedelta:
    """How much longer a phone may keep a page, to the minute."""
    seconds = int(client.get(page)[KEEP_UNTIL]) - clock.now().timestamp()
    return timedelta(minutes=round(seconds / 60))


def test_a_holders_card_is_kept_for_a_journey(house: "House", card: "Card", of_holder: Client) -> None:
    for page in (f"/c/{card.public_token}", "/cards?all"):
        assert kept_for(of_holder, page) == timedelta(days=60)


def test_a_card_that_a_pin_opened_is_kept_as_long_as_it_is_open(house: "House", card: "Card", with_pin: Client) -> None:
    assert kept_for(with_pin, f"/c/{card.public_token}") == OPENED_FOR


def test_nothing_else_is_kept(card: "Card", with_pin: Client) -> None:
    pages = ["/", "/offline", "/app", "/login", f"/c/{card.public_token}/plans"]
    assert [page for page in pages if with_pin.get(page).has_header(KEEP_UNTIL)] == []
    assert not Client().get(f"/c/{card.public_token}").has_header(KEEP_UNTIL)
