# SPDX-License-Identifier: Apache-2.0
"""What a renewal weighs: a traveller throttled to 128 kbit/s must still be able to renew.

With an empty cache: the card's page, the plans, the confirm page, the sandbox's pay page, the order until its plan can
be used. What is allowed takes a second for the first page at that speed, and less than four for all of it.
"""

import sys
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page

from tests.journeys.conftest import PHONE, Demo
from tests.journeys.traveller import choose_plan, confirm, open_card, pay, wait_for_stage

FIRST_PAGE_BYTES_MAX = 15_000
JOURNEY_BYTES_MAX = 60_000


class Scale:
    """Counts what Chromium counts: every response's headers and body as they came over the wire, redirects too."""

    def __init__(self, page: Page) -> None:
        self.bytes = 0
        self.session: CDPSession = page.context.new_cdp_session(page)
        self.session.on("Network.loadingFinished", self._finished)
        self.session.on("Network.requestWillBeSent", self._redirected)
        self.session.send("Network.enable")

    def _finished(self, event: dict[str, Any]) -> None:
        self.bytes += int(event["encodedDataLength"])

    def _redirected(self, event: dict[str, Any]) -> None:
        self.bytes += int(event.get("redirectResponse", {}).get("encodedDataLength", 0))


def test_a_renewal_weighs_no_more_than_it_may(
    demo: Demo, browser: Browser, visit: Callable[..., Page], record_property: Callable[[str, object], None]
) -> None:
    opener = visit(locale="zh-CN")
    open_card(opener, demo, "two plans that overlap, and one that follows")
    context = browser.new_context(
        base_url=demo.url, locale="zh-CN", viewport=PHONE, storage_state=opener.context.storage_state()
    )
    page = context.new_page()
    scale = Scale(page)

    page.goto(opener.url)
    first_page = scale.bytes
    choose_plan(page, "GB-3-30D")
    confirm(page)
    pay(page)
    wait_for_stage(page, "可以上网了")
    context.close()

    record_property("first_page_bytes", first_page)
    record_property("journey_bytes", scale.bytes)
    sys.stdout.write(f"\npage_weight: first page {first_page} bytes, whole journey {scale.bytes} bytes\n")
    assert first_page <= FIRST_PAGE_BYTES_MAX
    assert scale.bytes <= JOURNEY_BYTES_MAX
