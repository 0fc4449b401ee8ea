# SPDX-License-Identifier: Apache-2.0
"""A browser in the hands of somebody stubborn: no scripts, cookies, forms, and every failed request sent once more."""

import random
import threading
import time
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http import HTTPStatus
from typing import Self
from urllib.parse import urljoin

import httpx

#: Longer than anything that answers at all takes, so that a kill is mostly seen as a broken connection.
_TIMEOUT = httpx.Timeout(20.0, connect=5.0)
#: A person looks at the error for a moment before pressing again.
_PAUSE_SECONDS = (0.3, 1.2)
_REDIRECTS_MAX = 10


class NeverAnswered(Exception):
    """Nobody answered for as long as anybody would go on trying."""


class Patience:
    """Until when people go on trying; set once for all of them."""

    def __init__(self) -> None:
        self._until: float | None = None
        self._changed = threading.Event()

    def ends_in(self, seconds: float) -> None:
        """Gives everybody so long from now on."""
        self._until = time.monotonic() + seconds

    def wait(self, seconds: float) -> None:
        """Passes the time. Raises NeverAnswered when there is none left."""
        if self._until is not None and time.monotonic() + seconds > self._until:
            raise NeverAnswered
        time.sleep(seconds)


@dataclass
class Form:
    """A form with the values that it was served with; of buttons and choices those that are preset."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    #: Whatever one can fill in or press.
    names: set[str] = field(default_factory=set)


class Page:
    """An answer, with what a person finds on it."""

    def __init__(self, url: str, status: int, text: str) -> None:
        self.url = url
        self.status = status
        self.text = text
        reader = _Reader()
        reader.feed(text)
        self.forms = reader.forms
        self.links = reader.links
        self.heading = " ".join(reader.heading.split())

    def form(self, *, with_field: str | None = None, to: str | None = None) -> Form | None:
        """The first form that has such a field, or leads to an address that ends like this."""
        for each in self.forms:
            if (with_field is None or with_field in each.names) and (to is None or each.action.endswith(to)):
                return each
        return None


class Browser:
    """One person's browser. Not to be shared between threads; `twin` is its other tab."""

    def __init__(self, base_url: str, *, patience: Patience, rng: random.Random) -> None:
        self._base_url = base_url
        self._patience = patience
        self._rng = rng
        self._client = httpx.Client(
            timeout=_TIMEOUT, headers={"Accept-Language": "en"}, trust_env=False, follow_redirects=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._client.close()

    def twin(self) -> "Browser":
        """Another tab: the same cookies."""
        tab = Browser(self._base_url, patience=self._patience, rng=random.Random(self._rng.random()))
        tab._client.cookies.update(self._client.cookies)
        return tab

    def get(self, url: str) -> Page:
        """Loads a page, again and again until there is an answer. Raises NeverAnswered."""
        return self._follow(self._send("GET", urljoin(self._base_url, url), None))

    def submit(self, page: Page, form: Form, **values: str) -> Page:
        """Fills a form in and sends it, again and again until there is an answer. Raises NeverAnswered."""
        return self._follow(self._send("POST", urljoin(page.url, form.action), {**form.fields, **values}))

    def _follow(self, response: httpx.Response) -> Page:
        # Each step by itself: a redirect that was received is followed once more, its form is not sent once more.
        for _ in range(_REDIRECTS_MAX):
            if not response.has_redirect_location:
                return Page(str(response.url), response.status_code, response.text)
            response = self._send("GET", urljoin(str(response.url), response.headers["Location"]), None)
        raise AssertionError(f"{response.url} leads in circles")

    def _send(self, method: str, url: str, fields: dict[str, str] | None) -> httpx.Response:
        while True:
            try:
                response = self._client.request(method, url, data=fields)
            except httpx.TransportError:
                pass
            else:
                if response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                    return response
            self._patience.wait(self._rng.uniform(*_PAUSE_SECONDS))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.heading = ""
        self._form: Form | None = None
        self._in_heading = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form":
            self._form = Form(action=found.get("action") or "", method=(found.get("method") or "get").upper())
            self.forms.append(self._form)
        elif tag == "a" and (href := found.get("href")):
            self.links.append(href)
        elif tag == "h1" and not self.heading:
            self._in_heading = True
        elif tag in {"input", "button"} and self._form is not None and (name := found.get("name")):
            self._form.names.add(name)
            is_preset = tag == "input" and (found.get("type") != "radio" or "checked" in found)
            if is_preset:
                self._form.fields[name] = found.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "h1":
            self._in_heading = False

    def handle_data(self, data: str) -> None:
        if self._in_heading:
            self.heading += data
