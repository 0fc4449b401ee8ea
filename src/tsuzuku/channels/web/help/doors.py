# SPDX-License-Identifier: Apache-2.0
"""Every door through which a card can be renewed, as data, and which of them suits a wish. Pure.

A new door is one more row in `DOORS`. Only what this installation has is shown.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from django.utils.translation import gettext_lazy as _

from tsuzuku.payments.methods import Shape, shape_of

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Wish(StrEnum):
    """What somebody may need of a door. The value stands in addresses."""

    CASH = "cash"
    FOREIGN_CARD = "card"
    LANGUAGE = "language"
    NIGHT = "night"
    NO_DATA = "offline"


WISHES: "Final[dict[Wish, StrOrPromise]]" = {
    Wish.CASH: _("Cash"),
    Wish.FOREIGN_CARD: _("Foreign bank card"),
    Wish.LANGUAGE: _("In my language"),
    Wish.NIGHT: _("At night"),
    Wish.NO_DATA: _("My phone is offline"),
}
#: Methods that take money of cards issued abroad.
_TAKES_FOREIGN_CARDS: Final = frozenset({"card", "apple_pay", "paypal"})


@dataclass(frozen=True, slots=True)
class Installation:
    """What this installation has, as far as doors depend on it."""

    #: Payment methods that are offered.
    methods: frozenset[str]
    #: Whether others sell renewals of its cards.
    has_sellers: bool

    @property
    def takes_cash(self) -> bool:
        """Whether some method is paid in cash at a store."""
        return any(shape_of(method) is Shape.SLIP for method in self.methods)

    @property
    def takes_foreign_cards(self) -> bool:
        """Whether some method takes bank cards of any country."""
        return bool(self.methods & _TAKES_FOREIGN_CARDS)


def _always(_installation: Installation) -> bool:
    return True


def _never(_installation: Installation) -> bool:
    return False


def _with_cash(installation: Installation) -> bool:
    return installation.takes_cash


def _with_foreign_cards(installation: Installation) -> bool:
    return installation.takes_foreign_cards


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A way to renew. What nobody here can promise of it, such as a seller's hours, it does not fulfil."""

    slug: str
    name: "StrOrPromise"
    how: "StrOrPromise"
    #: How long until the card is renewed.
    time: "StrOrPromise"
    language: "StrOrPromise"
    pay: "StrOrPromise"
    #: What one must have.
    needs: "StrOrPromise"
    #: The name of the page where one goes in, and what a link to it says; empty: it is elsewhere.
    page: str = ""
    link: "StrOrPromise" = ""
    is_here: Callable[[Installation], bool] = _always
    takes_cash: Callable[[Installation], bool] = _never
    takes_foreign_cards: Callable[[Installation], bool] = _never
    is_open_at_night: bool = True
    #: Whether the phone whose card is renewed may be without any connection.
    works_offline: bool = False
    #: The languages from beginning to end; empty: every language of this website.
    languages: frozenset[str] = frozenset()
    #: Whether its language is known at all.
    speaks: bool = True

    def fulfils(self, wish: Wish, installation: Installation, *, language: str) -> bool:
        """Whether it is what somebody needs who reads `language`."""
        match wish:
            case Wish.CASH:
                return self.takes_cash(installation)
            case Wish.FOREIGN_CARD:
                return self.takes_foreign_cards(installation)
            case Wish.LANGUAGE:
                return self.speaks and (not self.languages or language in self.languages)
            case Wish.NIGHT:
                return self.is_open_at_night
            case Wish.NO_DATA:
                return self.works_offline


_EVERY_LANGUAGE = _("Every language of this website")

DOORS: Final[Sequence[Door]] = (
    Door(
        slug="website",
        name=_("This website, or its app"),
        how=_("Open your card with its number and PIN or log in, choose a plan, and pay."),
        time=_("At any hour. Online within minutes."),
        language=_EVERY_LANGUAGE,
        pay=_("Bank cards and apps that pay, as each page offers them."),
        needs=_("A little data, or Wi-Fi."),
        page="open_card",
        link=_("Open your card"),
        takes_foreign_cards=_with_foreign_cards,
    ),
    Door(
        slug="store",
        name=_("Cash at a convenience store"),
        how=_("Order on this website and choose cash. You get numbers; with them you pay at the machine or the till."),
        time=_("Most stores are open day and night. Online mostly within minutes after you paid."),
        language=_("The numbers and each step in your language; machine and till in Japanese."),
        pay=_("Cash in yen. No bank card."),
        needs=_("Wi-Fi or data for the order; none for paying. An e-mail address."),
        is_here=_with_cash,
        takes_cash=_with_cash,
        languages=frozenset({"ja"}),
    ),
    Door(
        slug="friend",
        name=_("Somebody pays for you"),
        how=_(
            "Make a link on your card’s page, or just tell them the number. "
            "They see plans and prices, and pay wherever they are."
        ),
        time=_("At any hour. Online within minutes."),
        language=_("Whoever pays reads it in their own language."),
        pay=_("However the other person pays here."),
        needs=_("Your card’s number, or a link that you made."),
        page="friend",
        link=_("Renew for somebody else"),
        takes_cash=_with_cash,
        takes_foreign_cards=_with_foreign_cards,
        works_offline=True,
    ),
    Door(
        slug="automatic",
        name=_("By itself, from your balance"),
        how=_(
            "Top up a balance and switch automatic renewal on. You hear of each renewal a day ahead and can stop it."
        ),
        time=_("By itself, before the last day is over."),
        language=_EVERY_LANGUAGE,
        pay=_("Top up by every method of this website, in cash too where that is offered."),
        needs=_("An account with your card in it."),
        page="balance",
        link=_("To my balance"),
        takes_cash=_with_cash,
        takes_foreign_cards=_with_foreign_cards,
        works_offline=True,
    ),
    Door(
        slug="seller",
        name=_("A shop or an app that sells our renewals"),
        how=_("Give them the number of your card. They renew it, and you pay there."),
        time=_("At their hours. Online within minutes."),
        language=_("Ask there"),
        pay=_("Ask there"),
        needs=_("The number of your card."),
        is_here=lambda installation: installation.has_sellers,
        is_open_at_night=False,
        works_offline=True,
        speaks=False,
    ),
)


def suiting(installation: Installation, wishes: Collection[Wish], *, language: str) -> list[Door]:
    """The doors of an installation that fulfil every wish of somebody who reads `language`, the quickest first."""
    return [
        door
        for door in DOORS
        if door.is_here(installation) and all(door.fulfils(wish, installation, language=language) for wish in wishes)
    ]


def wishes_of(texts: Iterable[str]) -> list[Wish]:
    """What an address asks for; what does not exist is left away."""
    asked = set(texts)
    return [wish for wish in WISHES if wish.value in asked]


def toggled(wishes: Collection[Wish], wish: Wish) -> str:
    """The query of an address with one wish more, or less if it is among them."""
    return urlencode([("want", each.value) for each in WISHES if (each in wishes) != (each is wish)])
