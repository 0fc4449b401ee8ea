# SPDX-License-Identifier: Apache-2.0
"""The website as an app: it shows without a network what was known, and what broke off goes on and is paid once."""

import json
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.bad_line import BadLine, Line, bad_line
from tests.journeys.conftest import PHONE, Demo
from tests.journeys.traveller import choose_plan, choose_way, open_card, pay, wait_for_stage

OVERLAPPING = "two plans that overlap, and one that follows"


@pytest.fixture
def line() -> Iterator[BadLine]:
    with bad_line() as line:
        yield line


@pytest.fixture
def page(demo: Demo, browser: Browser, line: BadLine) -> Iterator[Page]:
    """A phone whose every request goes over a line that may be bad."""
    context = browser.new_context(
        base_url=demo.url,
        locale="zh-CN",
        viewport=PHONE,
        # Chromium asks no proxy for its own machine unless it is told to.
        proxy={"server": line.address, "bypass": "<-loopback>"},
    )
    yield context.new_page()
    context.close()


def wait_until(page: Page, what: str) -> None:
    """Until an expression becomes true; it may be a promise. The page's policy forbids what Playwright has for it."""
    for _ in range(300):
        if page.evaluate(what):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"never became true: {what}")


def wait_until_kept(page: Page) -> None:
    """Until the service worker has taken over and knows the page."""
    wait_until(page, "caches.match(location.pathname).then(Boolean)")


def test_without_a_network_the_app_shows_what_was_known(page: Page, demo: Demo, line: BadLine) -> None:
    open_card(page, demo, OVERLAPPING)
    known = page.locator(".figures").inner_text()
    expect(page.locator(".last-known")).to_be_hidden()
    wait_until_kept(page)

    line.line = Line.CUT
    page.goto("/")
    expect(page.locator(".last-known")).to_contain_text("没有网络连接")
    assert page.locator(".figures").inner_text() == known
    expect(page.locator("svg.qr")).to_be_visible()
    expect(page.locator(":is(main form, main .advice):visible")).to_have_count(0)

    page.goto("/orders")
    expect(page.get_by_role("heading", level=1)).to_have_text("没有网络连接")

    line.line = Line.GOOD
    page.click("a.again")
    page.wait_for_url(re.compile("/login"))


def test_who_leaves_leaves_nothing_in_the_phone(page: Page, demo: Demo, line: BadLine) -> None:
    open_card(page, demo, OVERLAPPING)
    wait_until_kept(page)

    page.click("form[action$='/leave'] button")
    page.wait_for_url(re.compile("/$"))
    line.line = Line.CUT
    page.goto("/")

    expect(page.get_by_role("heading", level=1)).to_have_text("没有网络连接")
    expect(page.locator(".figures")).to_have_count(0)


def test_the_guide_for_this_phone_is_there_before_it_is_needed(demo: Demo, browser: Browser, line: BadLine) -> None:
    # What a context says that it is, its service worker does not say.
    pixel = "Mozilla/5.0 (Linux; Android 15; Pixel 8a) AppleWebKit/537.36 Chrome/142.0.0.0 Mobile Safari/537.36"
    phone = browser.browser_type.launch(
        executable_path=shutil.which("chromium"), args=["--no-sandbox", f"--user-agent={pixel}"]
    )
    page = phone.new_page(
        base_url=demo.url,
        locale="zh-CN",
        viewport=PHONE,
        proxy={"server": line.address, "bypass": "<-loopback>"},
    )
    page.goto("/")
    wait_until(page, "caches.match('/help/phones/pixel').then(Boolean)")
    wait_until(page, "navigator.serviceWorker.controller !== null")

    line.line = Line.CUT
    page.goto("/help/questions")
    page.click("main a[href='/help/phones/pixel']")
    expect(page.get_by_role("heading", level=1)).to_have_text("Google Pixel")
    expect(page.locator("#roaming")).to_contain_text("设置 › 网络和互联网 › SIM 卡 › ［这张 SIM］ › 漫游")
    # What the app keeps of help is not what somebody sees who starts it.
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("没有网络连接")
    phone.close()


def renewals_of(page: Page, card: str) -> list[str]:
    """The numbers of the orders of a card, newest first."""
    page.goto(f"{card}/history")
    links = page.locator("main a[href*='/o/']").all()
    return list(dict.fromkeys(str(link.get_attribute("href")).rpartition("/")[2] for link in links))


def test_a_renewal_that_is_interrupted_goes_on_and_is_paid_once(page: Page, demo: Demo, line: BadLine) -> None:
    open_card(page, demo, OVERLAPPING)
    wait_until_kept(page)
    card = page.url
    before = renewals_of(page, card)
    page.goto(card)

    line.line = Line.CUT
    page.click("main a[href$='/plans']")
    line.line = Line.GOOD
    page.click("a.again:visible")
    page.go_back()
    choose_plan(page, "GB-3-30D")
    choose_way(page, "sandbox:sandbox")
    # It does not arrive, then it arrives and its answer does not, then all is well.
    for bad in (Line.CUT, Line.MUTE):
        line.line = bad
        page.locator("main form .button:visible:not(.plain)").click()
        expect(page.locator("main form")).to_contain_text("只算一次")
    line.line = Line.GOOD
    page.click("button.again")
    page.wait_for_url(re.compile("/pay/"))

    number = pay(page)
    line.line = Line.CUT
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("没有网络连接")
    line.line = Line.GOOD
    page.click("a.again:visible")
    wait_for_stage(page, "可以上网了")

    assert renewals_of(page, card) == [number, *before]


def test_a_reminder_is_shown_by_the_phone(page: Page, demo: Demo) -> None:
    page.context.grant_permissions(["notifications"], origin=demo.url)
    session = page.context.new_cdp_session(page)
    registered: list[str] = []
    session.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: registered.extend(each["registrationId"] for each in event["registrations"]),
    )
    session.send("ServiceWorker.enable")
    page.goto("/app")
    wait_until(page, "navigator.serviceWorker.controller !== null")

    told = {"id": "1", "title": "卡还剩 1 天", "text": "续费不会损失剩余流量。", "link": "/app", "language": "zh-hans"}
    message = {"origin": demo.url, "registrationId": registered[-1], "data": json.dumps(told)}
    # The same message twice is one notification.
    session.send("ServiceWorker.deliverPushMessage", message)
    session.send("ServiceWorker.deliverPushMessage", message)

    wait_until(
        page,
        "navigator.serviceWorker.ready.then((worker) => worker.getNotifications())"
        ".then((shown) => shown.length === 1 && shown[0].title === '卡还剩 1 天' && shown[0].data === '/app')",
    )
