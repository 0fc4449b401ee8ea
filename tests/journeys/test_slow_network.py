# SPDX-License-Identifier: Apache-2.0
"""From a reminder's link to paid, on a network of 128 kbit/s whose every answer is 400 ms away.

No time is asserted, since it is this machine's too. What follows from bytes and requests is: all of them one after the
other, each with a round trip of its own, which is more than a browser needs.
"""

import json
import sys
import time
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Page

from tests.journeys.conftest import PHONE, Demo
from tests.journeys.traveller import confirm, pay, wait_for_stage

BITS_PER_SECOND = 128_000
ROUND_TRIP_SECONDS = 0.4
WITH_SCRIPT_SECONDS_MAX, WITHOUT_SCRIPT_SECONDS_MAX = 60, 90
_CONDITIONS = {
    "offline": False,
    "latency": ROUND_TRIP_SECONDS * 1000,
    "downloadThroughput": BITS_PER_SECOND // 8,
    "uploadThroughput": BITS_PER_SECOND // 8,
}


class SlowNetwork:
    """Makes the network of a page and of its service worker slow, and counts what goes over it.

    Requests with redirects, and bytes of headers and bodies as they were sent.
    """

    def __init__(self, page: Page, browser: CDPSession) -> None:
        self.bytes = self.requests = 0
        self._browser = browser
        session = page.context.new_cdp_session(page)
        for event in ("Network.requestWillBeSent", "Network.loadingFinished"):
            session.on(event, lambda told, event=event: self._count(event, told))
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", _CONDITIONS)
        # A worker has a network of its own, and Playwright no session for it.
        browser.on("Target.targetCreated", self._slow_worker_down)
        browser.on("Target.receivedMessageFromTarget", self._hear_worker)
        browser.send("Target.setDiscoverTargets", {"discover": True})

    def _slow_worker_down(self, event: dict[str, Any]) -> None:
        if event["targetInfo"]["type"] == "service_worker":
            target = {"targetId": event["targetInfo"]["targetId"], "flatten": False}
            worker = self._browser.send("Target.attachToTarget", target)["sessionId"]
            for number, (method, told) in enumerate(
                {"Network.enable": {}, "Network.emulateNetworkConditions": _CONDITIONS}.items(), start=1
            ):
                message = json.dumps({"id": number, "method": method, "params": told})
                self._browser.send("Target.sendMessageToTarget", {"sessionId": worker, "message": message})

    def _hear_worker(self, event: dict[str, Any]) -> None:
        told = json.loads(event["message"])
        self._count(told.get("method", ""), told.get("params", {}))

    def _count(self, event: str, told: dict[str, Any]) -> None:
        if event == "Network.requestWillBeSent":
            self.requests += 1
            self.bytes += int(told.get("redirectResponse", {}).get("encodedDataLength", 0))
        elif event == "Network.loadingFinished":
            self.bytes += int(told["encodedDataLength"])

    @property
    def seconds(self) -> float:
        """What all of it takes at most."""
        return self.bytes * 8 / BITS_PER_SECOND + self.requests * ROUND_TRIP_SECONDS


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-javascript"])
def test_a_reminder_leads_to_paid_on_a_slow_network(
    demo: Demo, states: dict[str, str], browser: Browser, script: bool
) -> None:
    context = browser.new_context(base_url=demo.url, locale="zh-CN", viewport=PHONE, java_script_enabled=script)
    page = context.new_page()
    network = SlowNetwork(page, browser.new_browser_cdp_session())
    began = time.monotonic()

    page.goto(f"/r/{states['remind_slow_with_script' if script else 'remind_slow_without_script']}")
    confirm(page)
    pay(page)
    wait_for_stage(page, "已付款")

    took = time.monotonic() - began
    context.close()
    sys.stdout.write(
        f"\nslow_network{'' if script else ' without JavaScript'}: {network.bytes} bytes, {network.requests} requests, "
        f"at most {network.seconds:.1f} s of network; took {took:.1f} s\n"
    )
    assert network.seconds < (WITH_SCRIPT_SECONDS_MAX if script else WITHOUT_SCRIPT_SECONDS_MAX)
