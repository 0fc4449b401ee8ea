# SPDX-License-Identifier: Apache-2.0
"""A member of staff in a real browser: in with a second factor, a refund, and every page as axe-core sees it."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize

from tests.journeys.checks import RULES
from tests.journeys.conftest import DESKTOP, PHONE, Demo
from tsuzuku.project.demo_factor import factor_code

Visit = Callable[..., Page]


def let_in(visit: Visit, demo: Demo, email: str, *, locale: str, size: ViewportSize) -> Page:
    page = visit("/console/", locale=locale, size=size)
    page.fill("[name=login]", email)
    page.fill("[name=password]", demo.password)
    page.click("main form .button >> nth=0")
    page.fill("[name=code]", factor_code())
    page.click("main form .button >> nth=0")
    assert page.url.endswith("/console/")
    return page


def complaints(page: Page) -> list[str]:
    results = Axe().run(page, options=RULES).response
    assert results["passes"], "axe-core looked at nothing"
    found = [f"{rule['id']}: {node['html'][:120]}" for rule in results["violations"] for node in rule["nodes"]]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("wider than the screen")
    return [f"{page.url}: {each}" for each in found]


# Each with a person of their own: a code is good once.
@pytest.mark.parametrize(
    ("email", "locale", "size"), [("manager@example.com", "zh-CN", PHONE), ("finance@example.com", "en-US", DESKTOP)]
)
def test_every_page_is_accessible(visit: Visit, demo: Demo, email: str, locale: str, size: ViewportSize) -> None:
    page = let_in(visit, demo, email, locale=locale, size=size)
    found = complaints(page)
    for path in ("orders", "payments", "promotions", "promotions/preview?plan=GB-3-30D&channel=web", "proposals"):
        page.goto(f"/console/{path}{'' if '?' in path else '/'}")
        found += complaints(page)
    page.goto(f"/console/orders/?q={demo.cards['all used up, days left']}")
    page.click("#result_list a >> nth=-1")  # the oldest is the demo's own
    found += complaints(page)
    page.click("a.press[href$='/propose-refund']")
    found += complaints(page)
    page.fill("[name=amount_minor]", "10")
    page.fill("[name=reason]", "no signal on the train")
    page.click("main form .press")
    found += complaints(page)
    page.click("[name=confirmed]")
    assert page.locator(".notice.success").count() == 1
    found += complaints(page)
    assert found == []
