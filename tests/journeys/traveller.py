# SPDX-License-Identifier: Apache-2.0
"""What a traveller does with the pages, told in one place for all journeys."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.journeys.conftest import Demo


def open_card(page: Page, demo: Demo, shows: str) -> None:
    """Opens a card with its number and PIN."""
    page.goto("/open")
    page.fill("input[name=number]", demo.cards[shows])
    page.fill("input[name=pin]", demo.pin)
    page.click("main form .button")
    expect(page, f"{shows} should open").to_have_url(re.compile(r"/c/[\w-]+$"), timeout=30_000)


def log_in(page: Page, demo: Demo) -> None:
    """As the customer who has cards and a balance."""
    page.goto("/login")
    page.fill("input[name=login]", "mei@example.com")
    page.fill("input[name=password]", demo.password)
    page.click("main form .button")


def choose_plan(page: Page, code: str) -> None:
    """From the card to the confirmation of a plan."""
    page.click("main a[href$='/plans']")
    page.click(f"main a[href*='/renew/{code}']")
    page.wait_for_url(re.compile(f"/renew/{code}"))


def choose_way(page: Page, way: str) -> None:
    """Chooses how to pay, behind "More ways to pay" if need be."""
    choice = page.locator(f"input[name=method][value='{way}']")
    if not choice.is_visible():
        page.click("fieldset details summary")
    choice.check()


def confirm(page: Page, *, email: str = "", way: str = "sandbox:sandbox", leads_to: str = r"/pay/") -> None:
    """Orders, and is led to the provider's page or to what else an address says."""
    choose_way(page, way)
    if email:
        page.fill("input[name=email]", email)
    page.click("main form .button:not(.plain)")
    page.wait_for_url(re.compile(leads_to))


def pay(page: Page, behaviour: str | None = None) -> str:
    """Does on the pay page what a payer does; returns the order's number when back on its page."""
    if behaviour is None:
        page.locator("button").first.click()
    else:
        page.click(f"button[value={behaviour}]")
    page.wait_for_url(re.compile(r"/o/"))
    number: str = re.findall(r"/o/([\w-]+)", page.url)[0]
    return number


def wait_for_stage(page: Page, words: str) -> None:
    """Waits until the order's page says it by itself; the numbers for a store look again every half minute."""
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(words), timeout=45_000)


def wait_for_mail(page: Page, number: str) -> Locator:
    """Looks into the demo's mailbox until the mail about an order is there."""
    mail = page.get_by_role("link").filter(has_text=number)
    for _ in range(20):
        page.goto("/demo/mail")
        if mail.count():
            break
        page.wait_for_timeout(500)
    return mail
