# SPDX-License-Identifier: Apache-2.0
"""Texts that are 40 per cent longer break no page: some language always needs more room than those we look at."""

from collections.abc import Callable

from playwright.sync_api import Page

from tests.journeys.conftest import Demo
from tests.journeys.test_accessibility import of_an_account, of_cards, of_everybody

WIDTHS = (390, 320)
#: Every word grows by its own beginning, once, so that single words grow as much as sentences. Numbers and units stay.
_LENGTHEN = r"""() => {
    if (document.body.dataset.longer) return;
    document.body.dataset.longer = "yes";
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const node = walker.currentNode;
        if (!node.parentElement.closest("script, style")) {
            node.data = node.data.replace(/\p{L}{3,}/gu, word => word + word.slice(0, Math.ceil(word.length * 0.4)));
        }
    }
}"""
#: What sticks out of the screen, unless something around it scrolls, and controls whose words stick out of them.
_BROKEN = """() => [...document.querySelectorAll("body *")]
    .filter(each => each.checkVisibility({visibilityProperty: true}) && !each.closest(".skip, .hidden, svg"))
    .filter(each => {
        const box = each.getBoundingClientRect();
        for (let around = each.parentElement; around; around = around.parentElement) {
            if (["auto", "scroll"].includes(getComputedStyle(around).overflowX)) return false;
        }
        const isControl = each.matches("a, button, summary, label, .badge, .state");
        return box.right > innerWidth + 0.5 || box.left < -0.5
            || isControl && getComputedStyle(each).display !== "inline"
                && (each.scrollWidth > each.clientWidth + 1 || each.scrollHeight > each.clientHeight + 1);
    })
    .map(each => each.outerHTML.slice(0, 120))"""


def test_longer_texts_break_no_page(demo: Demo, visit: Callable[..., Page]) -> None:
    page = visit(size={"width": WIDTHS[0], "height": 844})
    broken = []
    for pages in (of_everybody(page), of_cards(page, demo), of_an_account(page, demo)):
        for _ in pages:
            page.evaluate(_LENGTHEN)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 844})
                if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                    broken.append(f"{page.url} at {width}: wider than the screen")
                broken += [f"{page.url} at {width}: {each}" for each in page.evaluate(_BROKEN)]
    assert broken == []
