# SPDX-License-Identifier: Apache-2.0
"""WCAG 2.2 AA on every page, as far as axe-core can tell, in languages of all scripts and both colour schemes."""

from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.journeys.conftest import DESKTOP, PHONE, Demo
from tests.journeys.traveller import open_card

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
#: WCAG 2.5.5 asks for 44; we promise 48. Links inside a sentence are excepted there, too.
TOUCH_PX = 48
Visit = Callable[..., Page]

_SMALL_TARGETS = """least => [...document.querySelectorAll("a, button, input:not([type=hidden]), summary, select")]
    .filter(each => each.checkVisibility() && !each.matches("p a, .skip, .mail a"))
    .map(each => (each.matches("label input") ? each.closest("label") : each))
    .map(each => [each.getBoundingClientRect(), each.outerHTML.slice(0, 80)])
    .filter(([box]) => box.height < least - 0.5 || box.width < least - 0.5)
    .map(([box, html]) => `${Math.round(box.width)}x${Math.round(box.height)} ${html}`)"""


def complaints(page: Page) -> list[str]:
    """What axe-core finds, and what is too small for a thumb or wider than the screen."""
    # The end of a page lies clear of the bar at the foot of the screen; elsewhere that covers what it is scrolled over.
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    results = Axe().run(page, options=RULES).response
    assert results["passes"], "axe-core looked at nothing"
    found = [f"{rule['id']}: {node['html'][:120]}" for rule in results["violations"] for node in rule["nodes"]]
    found += page.evaluate(_SMALL_TARGETS, TOUCH_PX)
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("wider than the screen")
    return [f"{page.url}: {each}" for each in found]


#: Pages of help; guides differ in words only.
HELP = ("/help", "/help/phones", "/help/phones/iphone", "/help/doors?want=cash", "/help/questions?about=pin")


def of_everybody(page: Page) -> Iterator[str]:
    """Pages that need nobody."""
    doors = (
        "/",
        "/open",
        "/new",
        "/new/esim",
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
    page.fill("input[name=number]", "8981200961153878264")
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
        "/friends",
        "/first-steps",
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
    [("en-US", "light", PHONE), ("zh-TW", "dark", PHONE), ("ko-KR", "light", DESKTOP)],
    ids=["english-light", "chinese-dark", "korean-desktop"],
)
def test_nothing_stands_in_anybodys_way(
    demo: Demo, visit: Visit, locale: str, scheme: str, size: dict[str, int]
) -> None:
    page = visit(locale=locale, size=size)
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]  # one of two words
    found = []
    for pages in (of_everybody(page), of_cards(page, demo), of_an_account(page, demo)):
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
