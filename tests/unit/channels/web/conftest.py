# SPDX-License-Identifier: Apache-2.0
"""Reading pages as people do."""

import html
import re
from typing import Any, Protocol

#: What Django's test client answers: a response that knows its context, how it was led there, and more.
Answer = Any


class Page(Protocol):
    """Something with markup in it."""

    @property
    def content(self) -> bytes: ...


def text_of(answer: Page) -> str:
    """The words of a page's main part, without markup."""
    main = answer.content.decode().partition("<main")[2].partition("</main>")[0]
    without_choices = re.sub(r"<(svg|script)\b.*?</\1>", "", main, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", without_choices)).split())


def heading(answer: Page) -> str:
    """What the page says it is."""
    found = re.search(r"<h1>(.*?)</h1>", answer.content.decode(), re.DOTALL)
    return html.unescape(found[1]) if found else ""


def notices(answer: Page) -> list[str]:
    """What is told in boxes."""
    found = re.findall(r'<p class="notice[^>]*>(.*?)</p>', answer.content.decode(), re.DOTALL)
    return [" ".join(html.unescape(re.sub(r"<[^>]+>", "", each)).split()) for each in found]


def rows(answer: Page) -> dict[str, str]:
    """The definition lists of a page: what by what."""
    pairs = re.findall(r"<dt[^>]*>(.*?)</dt><dd[^>]*>(.*?)</dd>", answer.content.decode(), re.DOTALL)
    return {_plain(name): _plain(value) for name, value in pairs}


def _plain(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<br>", " / ", markup)).split()) if "<" not in markup else _stripped(markup)


def _stripped(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", markup.replace("<br>", " / "))).split())
