# SPDX-License-Identifier: Apache-2.0
"""The connection check in a real browser: at full speed, throttled as carriers throttle, cut, and without a script."""

import re
from collections.abc import Callable

from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import PHONE, Demo
from tsuzuku.channels.web.views.connection import SAMPLES_BYTES

#: What the page promises to use at most, with the page and its script from an empty cache.
CHECK_BYTES_MAX = 250_000
#: What stands around each answer: its headers, and those of the question.
_AROUND_BYTES = 1_500
_128_KBITS = {"offline": False, "latency": 400, "downloadThroughput": 16_000, "uploadThroughput": 16_000}


def weigh(page: Page) -> list[int]:
    """The sizes of all bodies that come from now on, as they come over the wire."""
    sizes: list[int] = []
    page.on("response", lambda response: sizes.append(int(response.headers.get("content-length", "0"))))
    return sizes


def result(page: Page) -> str:
    """What the check says when it is over."""
    page.get_by_role("button", name="Wi-Fi is off").click()
    page.locator("dt", has_text="Answers come after").wait_for()
    return page.get_by_role("heading", level=1).inner_text()


def test_at_full_speed_all_is_well_and_it_weighs_what_it_says(visit: Callable[..., Page]) -> None:
    page = visit("/app")
    sizes = weigh(page)
    page.goto("/check")
    expect(page.locator("#uses")).to_contain_text("0.25 MB")
    assert result(page) == "All is well: you are online"
    expect(page.locator("dl")).to_contain_text(["Fast enough for video"])
    assert set(SAMPLES_BYTES) < set(sizes)
    assert sum(sizes) + _AROUND_BYTES * len(sizes) < CHECK_BYTES_MAX
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("through the card, or over Wi-Fi"))


def test_a_throttled_line_is_known_and_costs_little(visit: Callable[..., Page]) -> None:
    page = visit("/app")
    sizes = weigh(page)
    page.goto("/check")
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", _128_KBITS)
    assert result(page) == "You are online, but slowly"
    expect(page.locator("dl")).to_contain_text(["Throttled, about 128 kbit/s"])
    assert [size for size in sizes if size in SAMPLES_BYTES] == [min(SAMPLES_BYTES)]


def test_who_loses_the_network_has_the_steps(demo: Demo, browser: Browser) -> None:
    context = browser.new_context(base_url=demo.url, locale="en-US", viewport=PHONE)
    page = context.new_page()
    page.goto("/check")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    context.set_offline(True)
    page.get_by_role("button", name="Wi-Fi is off").click()
    expect(page.locator("#unreachable")).to_contain_text("your phone is offline")
    expect(page.locator("#steps li")).to_have_count(4)
    page.goto("/check")
    expect(page.get_by_role("heading", level=1)).to_have_text("No connection")
    expect(page.locator("main ol li")).to_have_text(
        [re.compile("mobile data"), re.compile("roaming"), re.compile("internet.tsuzuku.example"), "Restart the phone."]
    )
    context.close()


def test_without_a_script_the_server_says_what_it_knows(visit: Callable[..., Page]) -> None:
    page = visit("/check", script=False)
    expect(page.locator("#uses")).to_be_hidden()
    page.get_by_role("button", name="Wi-Fi is off").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are online")
    expect(page.locator("#check")).to_be_hidden()
