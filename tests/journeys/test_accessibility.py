# SPDX-License-Identifier: Apache-2.0
"""WCAG 2.2 AA as far as axe-core can tell, where test_every_page.py does not look: in the dark, and on a desk."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page

from tests.journeys.checks import complaints
from tests.journeys.conftest import DESKTOP, PHONE, Demo
from tests.journeys.traveller import open_card

Visit = Callable[..., Page]


#: Pages of help; guides differ in words only.
HELP = ("/help", "/help/phones", "/help/phones/iphone", "/help/doors?want=cash", "/help/questions?about=pin")


def of_everybody(page: Page, demo: Demo) -> Iterator[str]:
    """Pages that need nobody."""
    doors = (
        "/",
        "/open",
        "/new",
        "/new/esim",
        "/new/sim",
        "/first-steps",
        "/login",
        "/signup",
        "/forgot",
        "/verify",
        "/check",
        "/offline",
    )
    for path in (*doors, "/verify?r=forged", "/r/forged", "/u/forged", *HELP):
        page.goto(path)
        yield path
    for path in ("/friend", "/f/forged"):
        page.goto(path)
        yield path
    page.goto("/friend")
    page.fill("input[name=number]", next(iter(demo.cards.values())))
    page.click("main form .button")
    yield "plans for a friend"
    page.click("main a.tile >> nth=0")
    yield "a plan for a friend"
    page.goto("/")
    page.locator(".menu summary").click()
    yield "the menu"
    page.goto("/open")
    page.fill("input[name=number]", "8981200961153878264")
    page.fill("input[name=pin]", "1")
    page.click("main form .button")
    yield "a mistake"


def of_cards(page: Page, demo: Demo) -> Iterator[str]:
    """Every card of the demo, and from one of them every page of a renewal."""
    for shows in demo.cards:
        open_card(page, demo, shows)
        yield shows
    open_card(page, demo, next(iter(demo.cards)))
    card = page.url
    for path in (
        "/plans",
        "/plans?find=1&now=1&by=day",
        "/renew/GB-3-30D",
        "/renew/UNL-24H",
        "/mix/OWN-MIX?data=9000000000&days=10",
        "/usage",
        "/history",
        "/check?wifi=off&kbits=120&round_trip=480&ipv4=0&ipv6=1",
        "/first-steps",
        "/friends",
    ):
        page.goto(card + path)
        yield path
    page.click("main > form .button")
    yield "a link for friends"
    page.goto(card)
    page.click("main a[href^='/o/']")
    yield "an order"


def of_an_account(page: Page, demo: Demo) -> Iterator[str]:
    """Pages of somebody who is logged in."""
    page.goto("/login")
    page.fill("input[name=login]", "mei@example.com")
    page.fill("input[name=password]", demo.password)
    page.click("main form .button")
    for path in (
        "/cards",
        "/cards/add",
        "/new/esim/TRIP-3-8D",
        "/new/sim/JP/TRIP-3-8D",
        "/orders",
        "/inbox",
        "/reminders",
        "/account",
        "/password",
        "/logout",
        "/demo/mail",
    ):
        page.goto(path)
        yield path
    page.goto("/orders")
    page.click("main .rows li:has(.badge.good):has(a[href*='/renew/']) a.link >> nth=0")
    page.click("main a[href$='/receipt']")
    yield "a receipt"
    page.click(".proof a")
    yield "a genuine receipt"


@pytest.mark.parametrize(
    ("locale", "scheme", "size"),
    [("zh-TW", "dark", PHONE), ("ko-KR", "light", DESKTOP)],
    ids=["chinese-dark", "korean-desktop"],
)
def test_nothing_stands_in_anybodys_way(
    demo: Demo, visit: Visit, locale: str, scheme: str, size: dict[str, int]
) -> None:
    page = visit(locale=locale, size=size)
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]  # one of two words
    found = []
    for pages in (of_everybody(page, demo), of_cards(page, demo), of_an_account(page, demo)):
        for _ in pages:
            found += complaints(page)
    assert found == []


def test_the_narrowest_phone_shows_everything(demo: Demo, visit: Visit) -> None:
    page = visit(size={"width": 320, "height": 568})
    wide = [name for name in of_cards(page, demo) if page.evaluate("document.documentElement.scrollWidth > innerWidth")]
    assert wide == []


def test_everything_is_reached_with_the_keyboard(visit: Visit) -> None:
    page = visit("/")
    reached = []
    for _ in range(8):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate('document.activeElement.name || document.activeElement.innerText.split("\\n").pop().trim()')
        )
    assert reached == [
        "Skip to the content",
        "Tsuzuku",
        "English",
        "number",
        "pin",
        "Open my card",
        "Log in",
        "Register",
    ]
