# SPDX-License-Identifier: Apache-2.0
"""One renewal by one client: open the card, choose, confirm, pay in one of many ways, look until it has ended."""

import html
import random
import re
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx

from tests.faults.browser import Browser, Form, Page, Patience
from tests.faults.evidence import ClientLog, Saw
from tests.faults.installation import Installation
from tsuzuku.orders.numbers import ALPHABET

_NUMBER = re.compile(rf"\b[{ALPHABET}]{{5}}-[{ALPHABET}]{{5}}\b")
_POLL = re.compile(r'<div id="poll" hx-get="([^"]+)" hx-trigger="every (\d+)s"')
_STAGE = re.compile(r'<section id="state" [^>]*data-stage="([^"]+)"')
_PAID_BACK = "were paid back on"


class Stage(StrEnum):
    """What an order's page is about, as the page itself says."""

    TO_PAY = "to-pay"
    CHECKING = "checking"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    HELD = "held"
    INSTRUCTED = "instructed"
    ACTIVATING = "activating"
    ACTIVE = "active"
    WITHDRAWN = "withdrawn"


class Way(StrEnum):
    """How a traveller pays; where the pay page has a button for it, the button's name."""

    PAY = "pay"
    PAY_TWICE = "pay-twice"
    PAY_SLOWLY = "pay-slowly"
    WEBHOOK_LATE = "webhook-late"
    WEBHOOK_TWICE = "webhook-twice"
    WEBHOOK_OUT_OF_ORDER = "webhook-out-of-order"
    #: These take no money; the order is then paid at the second try.
    DECLINE_NETWORK = "decline-network"
    DECLINE_LIMIT = "decline-limit"
    DECLINE_REFUSED = "decline-refused"
    LEAVE = "leave"
    #: Is declined, pays by a new payment, then goes back to the first pay page and pays there too.
    BOTH_PAGES = "both-pages"
    #: Cancels in one tab, then pays in the other.
    CANCEL_AND_PAY = "cancel-and-pay"
    #: The provider takes another amount than was asked for.
    OTHER_AMOUNT = "other-amount"


#: How often each is chosen, of a hundred.
_WAYS: Mapping[Way, int] = {
    Way.PAY: 40,
    Way.PAY_TWICE: 8,
    Way.PAY_SLOWLY: 6,
    Way.WEBHOOK_LATE: 8,
    Way.WEBHOOK_TWICE: 8,
    Way.WEBHOOK_OUT_OF_ORDER: 8,
    Way.DECLINE_NETWORK: 4,
    Way.DECLINE_LIMIT: 4,
    Way.DECLINE_REFUSED: 4,
    Way.LEAVE: 3,
    Way.BOTH_PAGES: 3,
    Way.CANCEL_AND_PAY: 2,
    Way.OTHER_AMOUNT: 2,
}
_TAKES_NOTHING = {Way.DECLINE_NETWORK, Way.DECLINE_LIMIT, Way.DECLINE_REFUSED, Way.LEAVE}
#: How often somebody presses "confirm" twice at once, leaves an address, has no scripts, or pays once more when told
#: that a payment failed which the provider has taken.
_DOUBLE_CLICKS, _LEAVES_ADDRESS, _WITHOUT_SCRIPTS, _PAYS_ONCE_MORE = 0.1, 0.5, 0.5, 0.5
_LOOK_AGAIN_SECONDS = 2.0
_OFFERED = re.compile(r'name="method" value="([^"]+)"')
#: How often somebody pays at another provider than the sandbox that has so many ways, and is refused there at first.
_PAYS_ELSEWHERE, _REFUSED_ELSEWHERE = 0.4, 0.25
#: How a place that plays a provider takes money, its best button first; and how some of them refuse.
_PAY_BUTTON = re.compile(r'<button class="pay" name="([^"]+)" value="([^"]+)"')
_BUTTON = re.compile(r'<button name="([^"]+)" value="([^"]+)"')
_REFUSALS: Mapping[str, Mapping[str, str]] = {
    'name="card" value="4000000000009995"': {"do": "pay", "card": "4000000000009995"},
    'name="do" value="refuse"': {"do": "refuse"},
    'name="do" value="INSTRUMENT_DECLINED"': {"do": "INSTRUMENT_DECLINED"},
}


class Misunderstood(Exception):
    """A page says what no traveller understands: the test and the pages have drifted apart."""


@dataclass(frozen=True)
class Moment:
    """What the clients are at: renewals in flight, those of them that are paid, and all answers that were given yet."""

    in_flight: int
    paid: int
    answers: int
    ended: int


class Flying:
    """The renewals in flight: from the first press on "confirm" until the client has seen how it ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: Whether each is paid at the provider.
        self._flying: dict[str, bool] = {}
        self._answers = self._ended = 0

    def begin(self, name: str) -> None:
        """One more."""
        with self._lock:
            self._flying[name] = False

    def answer(self, name: str, saw: Saw) -> None:
        """A client was given an answer."""
        with self._lock:
            self._answers += 1
            if saw is Saw.PAID:
                self._flying[name] = True

    def end(self, name: str) -> None:
        """One less."""
        with self._lock:
            del self._flying[name]
            self._ended += 1

    def now(self) -> Moment:
        """How many there are."""
        with self._lock:
            return Moment(len(self._flying), sum(self._flying.values()), self._answers, self._ended)


class Shelf:
    """Which plans each card has been renewed with already. A card takes each plan once, which keeps them apart."""

    def __init__(self) -> None:
        self._taken: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def take(self, card: str, plan: str) -> bool:
        """Whether it is the first time."""
        with self._lock:
            if (card, plan) in self._taken:
                return False
            self._taken.add((card, plan))
            return True


@dataclass(frozen=True)
class World:
    """What all clients share."""

    installation: Installation
    flying: Flying
    shelf: Shelf
    patience: Patience


class Errand:
    """See above."""

    def __init__(self, name: str, *, card: str, pin: str, world: World, log: ClientLog, rng: random.Random) -> None:
        self._name = name
        self._card, self._pin = card, pin
        self._world = world
        self._log = log
        self._rng = rng
        self._browser = Browser(world.installation.url, patience=world.patience, rng=rng)
        self._pay_origin = str(world.installation.sandbox("payment-sandbox")["url"])
        self._others = tuple(f"{url}/" for url in world.installation.others().values())
        self._pays_elsewhere = rng.random() < _PAYS_ELSEWHERE
        self._way = rng.choices(list(_WAYS), weights=list(_WAYS.values()))[0]
        self._has_scripts = rng.random() > _WITHOUT_SCRIPTS
        leaves_address = rng.random() < _LEAVES_ADDRESS or self._pays_elsewhere
        self._address = f"traveller-{name}@example.com" if leaves_address else ""
        self._number = ""
        self._has_tried = self._has_paid = False
        self._first_pay_page = ""
        self._told: set[tuple[Saw, str]] = set()

    def run(self) -> None:
        """Does it all. Raises NeverAnswered or Misunderstood."""
        with self._browser:
            card_url = self._open_card()
            plan = self._choose(card_url)
            if plan is None:
                return
            asked = self._get(f"{card_url}/renew/{plan}")
            if asked.form(with_field="digest") is None:
                return  # Cannot be had any more.
            self._world.flying.begin(self._name)
            self._log.write(self._name, None, card=self._card, plan=plan)
            self._see_through(self._confirm(asked))
            self._world.flying.end(self._name)

    # -- choosing ------------------------------------------------------------------------------------------------------

    def _open_card(self) -> str:
        door = self._browser.get("/open")
        page = self._browser.submit(door, _needed(door, "pin"), number=self._card, pin=self._pin)
        path = urlsplit(page.url).path
        if page.status != HTTPStatus.OK or not path.startswith("/c/"):
            raise Misunderstood(f"{page.url} answered {page.status} to the right PIN: {page.heading}")
        return path

    def _get(self, url: str) -> Page:
        """A page behind the PIN; whoever is not let in any more opens the card again."""
        page = self._browser.get(url)
        if page.status == HTTPStatus.NOT_FOUND:
            self._open_card()
            page = self._browser.get(url)
        return page

    def _choose(self, card_url: str) -> str | None:
        page = self._get(f"{card_url}/plans")
        offered = [link.rpartition("/renew/")[2] for link in page.links if "/renew/" in link]
        self._rng.shuffle(offered)
        return next((plan for plan in offered if self._world.shelf.take(self._card, plan)), None)

    def _confirm(self, page: Page) -> Page:
        """Presses until there is an order, or it cannot be had; the page on which that ends."""
        is_first = True
        while (form := page.form(with_field="digest")) is not None:
            if is_first and self._rng.random() < _DOUBLE_CLICKS:
                answer = self._press_twice(page, form)
            else:
                answer = self._browser.submit(page, form, email=self._address, method=self._method(page))
            is_first = False
            if answer.status == HTTPStatus.NOT_FOUND:
                self._open_card()  # The same form is sent again, under the same key.
            else:
                page = answer
        return page

    def _press_twice(self, page: Page, form: Form) -> Page:
        method = self._method(page)
        with self._browser.twin() as tab, ThreadPoolExecutor(1) as other_hand:
            other = other_hand.submit(tab.submit, page, form, email=self._address, method=method)
            mine = self._browser.submit(page, form, email=self._address, method=method)
            self._note_number(other.result())
        return mine

    # -- paying --------------------------------------------------------------------------------------------------------

    def _see_through(self, page: Page) -> None:
        """Pays and waits until there is nothing left to wait for."""
        if page.status == HTTPStatus.OK and page.url.startswith(f"{self._world.installation.url}/c/"):
            self._tell(Saw.TURNED_AWAY)
            return
        while True:
            self._note_number(page)
            if self._is_anywhere_else(page):
                page = self._at_provider(page) if self._is_at_provider(page) else self._at_other(page)
                continue
            if self._is_instructed(page):
                page = self._where_instructed(page)
                continue
            match _stage(page):
                case Stage.ACTIVE | Stage.HELD as stage:
                    self._tell(Saw.ACTIVE if stage is Stage.ACTIVE else Saw.HELD)
                    return
                case Stage.WITHDRAWN | Stage.CANCELLED as stage:
                    self._tell(Saw.WITHDRAWN if stage is Stage.WITHDRAWN else Saw.CANCELLED)
                    if _PAID_BACK in page.text:
                        self._tell(Saw.REFUNDED)
                        return
                    page = self._look_again(page)
                case Stage.TO_PAY:
                    page = self._pay_again(page)
                case Stage.CHECKING if not self._has_paid:
                    page = self._pay_again(page)
                case _:
                    page = self._look_again(page)

    def _is_at_provider(self, page: Page) -> bool:
        return page.url.startswith(f"{self._pay_origin}/")

    def _is_anywhere_else(self, page: Page) -> bool:
        return self._is_at_provider(page) or page.url.startswith(self._others)

    def _is_instructed(self, page: Page) -> bool:
        """Whether there is a code or a number, and nobody has paid by it."""
        return not self._has_paid and page.status == HTTPStatus.OK and _stage(page) is Stage.INSTRUCTED

    def _at_provider(self, page: Page) -> Page:
        form = page.form(with_field="behaviour")
        if form is None:
            return self._get(self._order_url)
        way = Way.PAY if self._has_tried else self._way
        self._has_tried = True
        match way:
            case Way.CANCEL_AND_PAY:
                order = self._get(f"/o/{self._number}")
                cancelled = self._browser.submit(order, _needed(order, to="/cancel"))
                if _stage(cancelled) is not Stage.CANCELLED:
                    raise Misunderstood(f"order {self._number} was cancelled and says: {cancelled.heading}")
                self._tell(Saw.CANCELLED)
                return self._press(page, form, Way.PAY)
            case Way.OTHER_AMOUNT:
                self._take_other_amount(page)
                return self._get(self._order_url)
            case Way.BOTH_PAGES:
                self._first_pay_page = page.url
                return self._press(page, form, Way.DECLINE_REFUSED)
            case Way.PAY if self._first_pay_page not in {"", page.url}:
                self._press(page, form, Way.PAY)
                first = self._browser.get(self._first_pay_page)
                if (first_form := first.form(with_field="behaviour")) is not None:
                    return self._press(first, first_form, Way.PAY)
                return self._get(self._order_url)
            case _:
                return self._press(page, form, way)

    def _method(self, page: Page) -> str:
        """One of the ways to pay that a page offers."""
        offered: list[str] = _OFFERED.findall(page.text)
        others = [value for value in offered if not value.startswith("sandbox:")]
        if others and (self._pays_elsewhere or "sandbox:sandbox" not in offered):
            return self._rng.choice(others)
        return "sandbox:sandbox"

    def _where_instructed(self, page: Page) -> Page:
        """To the place that plays the store or the app of a code."""
        place = next((link for link in page.links if link.startswith(self._others)), None)
        if place is None:
            raise Misunderstood(f"{page.url} does not lead to where one pays")
        return self._browser.get(place)

    def _at_other(self, page: Page) -> Page:
        """Pays, or is refused at the first try, where another provider than the sandbox is played."""
        button = _PAY_BUTTON.search(page.text) or _BUTTON.search(page.text)
        form = page.form(with_field=button[1]) if button else None
        if button is None or form is None:
            return self._back_from(page)
        pressed = {button[1]: html.unescape(button[2])}
        refused = next((no for mark, no in _REFUSALS.items() if mark in page.text), None)
        is_refused = refused is not None and not self._has_tried and self._rng.random() < _REFUSED_ELSEWHERE
        self._has_tried = True
        after = self._browser.submit(page, form, **(refused if refused and is_refused else pressed))
        if button[1] == "issue":
            return after  # A store was chosen; the slip comes next.
        if not is_refused:
            self._has_paid = True
            self._world.flying.answer(self._name, Saw.PAID)
        return self._back_from(after)

    def _back_from(self, page: Page) -> Page:
        """The order, wherever another provider has left its payer; the same page where that leads nowhere yet."""
        self._note_number(page)
        if self._number:
            return self._get(self._order_url)
        back = next((link for link in page.links if link.startswith(f"{self._world.installation.url}/o/")), None)
        return page if back is None else self._browser.get(back)

    def _press(self, page: Page, form: Form, way: Way) -> Page:
        """Presses a button at the provider, which sends back to the order."""
        back = self._browser.submit(page, form, behaviour=way.value)
        if way not in _TAKES_NOTHING:
            self._note_paid(page)
        return back if back.status == HTTPStatus.OK else self._get(self._order_url)

    def _take_other_amount(self, page: Page) -> None:
        """What no page of ours offers: the provider is told by its own interface to take ¥1."""
        path = f"/v1/payments/{_payment_id(page)}/simulate"
        fields = {"behaviour": Way.PAY.value, "amount_minor": 1}
        headers = self._world.installation.provider_headers()
        while True:
            try:
                answer = httpx.post(
                    f"{self._pay_origin}{path}", json=fields, headers=headers, timeout=20, trust_env=False
                )
            except httpx.TransportError:
                self._world.patience.wait(0.5)
                continue
            answer.raise_for_status()
            self._note_paid(page)
            return

    def _pay_again(self, page: Page) -> Page:
        """The order still wants money. Who has paid already is as likely to wait as to pay once more."""
        if self._has_paid and self._rng.random() > _PAYS_ONCE_MORE:
            return self._look_again(page)
        form = page.form(to="/pay")
        if form is None or "method" not in form.fields:
            return self._look_again(page)
        paid = self._browser.submit(page, form, method=self._method(page), email=self._address)
        if not self._is_anywhere_else(paid):
            self._world.patience.wait(1.0)
        return paid if paid.status == HTTPStatus.OK else self._get(self._order_url)

    # -- waiting -------------------------------------------------------------------------------------------------------

    @property
    def _order_url(self) -> str:
        return f"/o/{self._number}?back=1"

    def _look_again(self, page: Page) -> Page:
        """The page after a while, as the page itself asks for: by script, or the whole page anew without scripts."""
        poll = _POLL.search(page.text)
        self._world.patience.wait(float(poll[2]) if poll else _LOOK_AGAIN_SECONDS)
        if poll is None or not self._has_scripts:
            return self._get(self._order_url)
        part = self._get(html.unescape(poll[1]))
        if part.status == HTTPStatus.NO_CONTENT:
            return page
        # Only how often to look has changed: what stands there is left as it is.
        return part if _STAGE.search(part.text) else self._get(self._order_url)

    # -- what is written down ------------------------------------------------------------------------------------------

    def _note_number(self, page: Page) -> None:
        """Order pages have the number in their address, pay pages in their text."""
        where = page.text if self._is_at_provider(page) else page.url
        if found := _NUMBER.search(where):
            self._number = found[0]
            self._tell(Saw.ORDER, number=found[0])

    def _note_paid(self, page: Page) -> None:
        self._has_paid = True
        self._tell(Saw.PAID, payment=_payment_id(page))

    def _tell(self, saw: Saw, **fields: str) -> None:
        """Into the log, once."""
        told = (saw, "".join(fields.values()))
        if told not in self._told:
            self._told.add(told)
            self._log.write(self._name, saw, **fields)
            self._world.flying.answer(self._name, saw)


def _stage(page: Page) -> Stage:
    """What an order's page says."""
    if (found := _STAGE.search(page.text)) is None:
        raise Misunderstood(f"{page.url} answered {page.status}: {page.heading or page.text[:200]}")
    return Stage(found[1])


def _needed(page: Page, with_field: str | None = None, *, to: str | None = None) -> Form:
    form = page.form(with_field=with_field, to=to)
    if form is None:
        raise Misunderstood(f"{page.url} answered {page.status} without the form: {page.heading}")
    return form


def _payment_id(page: Page) -> str:
    return urlsplit(page.url).path.rpartition("/")[2]
