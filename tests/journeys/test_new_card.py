# SPDX-License-Identifier: Apache-2.0
"""A traveller buys an eSIM and comes back for its code; another registers a card from a shop."""

import re
from collections.abc import Callable

import pypdfium2
import zxingcpp
from playwright.sync_api import Page, expect

from tests.journeys.checks import complaints
from tests.journeys.conftest import Demo
from tests.journeys.traveller import confirm, pay, wait_for_mail, wait_for_stage

Visit = Callable[..., Page]


def scanned(page: Page) -> str:
    """What a phone reads from the QR code on the page."""
    sheets = [sheet.render(scale=2, grayscale=True) for sheet in pypdfium2.PdfDocument(page.pdf())]
    pictures = [memoryview(bytes(seen.buffer)).cast("B", shape=[seen.height, seen.stride]) for seen in sheets]
    (found,) = [code for picture in pictures for code in zxingcpp.read_barcodes(picture)]
    return str(found.text)


def test_an_esim_is_bought_seen_and_seen_again(demo: Demo, visit: Visit) -> None:
    page = visit("/new")
    page.click("main a[href='/new/esim']")
    page.click("main a[href='/new/esim/TRIP-3-8D']")
    page.wait_for_url(re.compile(r"/login\?next="))
    page.fill("input[name=login]", "alex@example.com")
    page.fill("input[name=password]", demo.password)
    page.click("main form .button")
    page.wait_for_url("**/new/esim/TRIP-3-8D")
    page.check("input[name=checked]")
    confirm(page)
    number = pay(page)
    wait_for_stage(page, "Your eSIM is ready")

    page.get_by_role("link", name="Install the eSIM").click()
    page.wait_for_url(f"**/o/{number}/esim")
    code = scanned(page)
    assert complaints(page) == []
    assert re.fullmatch(r"LPA:1\$smdp\.tsuzuku\.example\$DEMO-\d{7}", code)
    link = page.get_by_role("link", name="Install on this iPhone").get_attribute("href") or ""
    assert link == f"https://esimsetup.apple.com/esim_qrcode_provisioning?carddata={code}"
    page.goto("/orders")
    page.get_by_role("link", name="Install the eSIM").first.click()
    page.wait_for_url(f"**/o/{number}/esim")
    page.get_by_text("Type it by hand").click()
    expect(page.locator("main")).to_contain_text(code)
    expect(wait_for_mail(page, number).first).to_contain_text(number)


def test_a_card_from_a_shop_is_registered_and_says_what_it_needs(demo: Demo, visit: Visit) -> None:
    page = visit("/first-steps")
    page.fill("input[name=number]", demo.cards["past its last date of use"])
    page.fill("input[name=pin]", demo.pin)
    page.click("main form .button")
    page.wait_for_url("**/first-steps")
    expect(page.locator("main")).to_contain_text("This card has passed its last day")

    page.goto("/first-steps")
    page.fill("input[name=number]", demo.cards["a plan that waits for its first use"])
    page.fill("input[name=pin]", demo.pin)
    page.click("main form .button")
    expect(page.locator("main")).to_contain_text("Your plan is ready")
    expect(page.locator("main")).to_contain_text("Steps on an iPhone")


def test_a_card_is_sent_by_post_with_an_address_in_full_width_digits(demo: Demo, visit: Visit) -> None:
    page = visit("/new/sim")
    page.click("main a[href='/new/sim/JP']")
    page.click("main a[href='/new/sim/JP/TRIP-3-8D']")
    page.wait_for_url(re.compile(r"/login\?next="))
    page.fill("input[name=login]", "alex@example.com")
    page.fill("input[name=password]", demo.password)
    page.click("main form .button")
    page.wait_for_url("**/new/sim/JP/TRIP-3-8D")
    page.fill("[name=to-postal_code]", "１００ー０００１")
    page.select_option("[name=to-prefecture]", "東京都")
    for name, text in {
        "city": "千代田区",
        "street": "千代田1-1",
        "name": "Alex Morgan",
        "phone": "090-1234-5678",
    }.items():
        page.fill(f"[name=to-{name}]", text)
    confirm(page)
    pay(page)
    wait_for_stage(page, "Paid. Your card is being packed")
