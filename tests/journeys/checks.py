# SPDX-License-Identifier: Apache-2.0
"""What is looked for on a page that is open in a browser. Each check returns what is wrong, one line for each thing."""

import re
from collections.abc import Iterator
from functools import cache

from axe_playwright_python.sync_playwright import Axe
from babel.messages.catalog import Message
from babel.messages.pofile import read_po
from playwright.sync_api import Page, ViewportSize

from tsuzuku.project.messages import LOCALE

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
#: WCAG 2.5.5 asks for 44; we promise 48. Links inside a sentence are excepted there, too.
TOUCH_PX = 48

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
    return [f"{_address(page)}: {each}" for each in found]


def _address(page: Page) -> str:
    return page.url[:80]


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
#: What sticks out of the screen, unless something around it scrolls; controls whose words stick out of them; and what
#: is cut off where nobody can scroll to it. A field scrolls by itself.
_BROKEN = """() => [...document.querySelectorAll("body *")]
    .filter(each => each.checkVisibility({visibilityProperty: true}) && !each.closest(".skip, .hidden, svg"))
    .filter(each => {
        if (each.matches("input, select")) return false;
        const box = each.getBoundingClientRect();
        for (let around = each.parentElement; around; around = around.parentElement) {
            if (["auto", "scroll"].includes(getComputedStyle(around).overflowX)) return false;
        }
        const style = getComputedStyle(each);
        const isControl = each.matches("a, button, summary, label, .badge, .state");
        const cuts = ["hidden", "clip"].includes(style.overflowX);
        return box.right > innerWidth + 0.5 || box.left < -0.5
            || (isControl || cuts) && style.display !== "inline"
                && (each.scrollWidth > each.clientWidth + 1 || each.scrollHeight > each.clientHeight + 1);
    })
    .map(each => each.outerHTML.slice(0, 120))"""


def broken_when_longer(page: Page, sizes: tuple[ViewportSize, ...]) -> list[str]:
    """What texts that are 40 per cent longer break at these sizes; the page is left with them, at the last size."""
    page.evaluate(_LENGTHEN)
    found = []
    for size in sizes:
        page.set_viewport_size(size)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{_address(page)} at {size['width']}: wider than the screen")
        found += [f"{_address(page)} at {size['width']}: {each}" for each in page.evaluate(_BROKEN)]
    return found


#: Texts that are seen or read aloud. What says that it is in another language is.
_TEXTS = """() => {
    const own = document.documentElement.lang;
    const isOwn = element => element.closest("[lang]").lang === own && !element.closest("script, style, .mail");
    const texts = [document.title];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (isOwn(element) && element.checkVisibility()) texts.push(walker.currentNode.data);
    }
    for (const element of document.body.querySelectorAll("[aria-label], [placeholder], [title], [alt]")) {
        if (!isOwn(element)) continue;
        for (const name of ["aria-label", "placeholder", "title", "alt"]) texts.push(element.getAttribute(name) ?? "");
    }
    return texts.map(text => text.split(/\\s+/).join(" ").trim()).filter(Boolean);
}"""
#: Three words in a row.
_SENTENCE = re.compile(r"[A-Za-z][a-z’']+(?:,? [A-Za-z][a-z’']+){2,}")


def left_in_english(page: Page, language: str) -> list[str]:
    """Texts of a page in another language that are English and have a translation, or look like a sentence."""
    if page.evaluate("document.documentElement.lang") != language:
        return [f"{_address(page)}: lang is not {language}"]
    if language == "en":
        return []
    words, patterns = _translated(language)
    found = []
    for text in page.evaluate(_TEXTS):
        is_known = text in words or any(pattern.fullmatch(text) for pattern in patterns)
        if is_known or _SENTENCE.search(text):
            found.append(f"{_address(page)}: in English: {text}")
    return found


@cache
def _translated(language: str) -> tuple[frozenset[str], tuple[re.Pattern[str], ...]]:
    """The English texts whose translation is another: those of fixed words, and those with something put in."""
    folder = {"zh-hans": "zh_Hans", "zh-hant": "zh_Hant"}.get(language, language)
    with (LOCALE / folder / "LC_MESSAGES/django.po").open("rb") as file:
        texts = {each for message in read_po(file) if message.id for each in _different(message)}
    fixed = frozenset(text for text in texts if "%(" not in text and "{" not in text)
    put_in = (re.split(r"%\([a-z_]+\)[sd]|\{[a-z_]*\}", text) for text in texts - fixed)
    # With little besides what is put in, anything would be like it.
    telling = (parts for parts in put_in if len(re.findall("[A-Za-z]{2,}", " ".join(parts))) > 1)
    return fixed, tuple(re.compile(".+".join(re.escape(part) for part in parts)) for parts in telling)


def _different(message: Message) -> Iterator[str]:
    """The source texts of a message, singular and plural, that are no translation of it."""
    sources, targets = (
        list(each) if isinstance(each, list | tuple) else [each] for each in (message.id, message.string)
    )
    yield from (" ".join(str(each).split()) for each in sources if each not in targets)
