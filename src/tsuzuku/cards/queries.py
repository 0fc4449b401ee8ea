# SPDX-License-Identifier: Apache-2.0
"""Reads of cards."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet

from tsuzuku.cards.errors import CardUnknown
from tsuzuku.cards.models import Card, CardHolder
from tsuzuku.journal import statements
from tsuzuku.kernel.iccid import Iccid, parse_iccid
from tsuzuku.people.models import User

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16}", re.ASCII)


def card_by_iccid(text: str) -> Card:
    """The card of a number as people write it. Raises IccidMalformed, IccidCheckDigit or CardUnknown."""
    return _only(Card.objects.filter(iccid=parse_iccid(text)))


def card_by_token(token: str) -> Card:
    """The card that an address or a QR code names. Raises CardUnknown."""
    # Whatever stands in an address: a text with a zero byte is one that the database cannot even be asked for.
    if _TOKEN.fullmatch(token) is None:
        raise CardUnknown
    return _only(Card.objects.filter(public_token=token))


@dataclass(frozen=True, slots=True)
class ListedCard:
    """What doors that work on many cards at once need of one."""

    id: int
    iccid: Iccid
    kind: str
    group: str
    carrier: str
    blocked: str
    last_use_date: date | None


#: Cards by their numbers, in the order in which they are locked.
_BY_ICCIDS = """
    SELECT id, iccid, kind, "group", carrier, blocked, last_use_date
      FROM cards_card
     WHERE iccid = ANY(%(iccids)s::text[])
     ORDER BY id
"""


def cards_by_iccids(iccids: Collection[Iccid], *, locked: bool = False) -> dict[Iccid, ListedCard]:
    """The cards of these numbers, those that there are; `locked` holds their rows, in one order, until the commit."""
    found = statements.rows(f"{_BY_ICCIDS} FOR UPDATE" if locked else _BY_ICCIDS, {"iccids": list(iccids)})
    return {row[1]: ListedCard(*row) for row in found}


def _only(cards: QuerySet[Card]) -> Card:
    card = cards.first()
    if card is None:
        raise CardUnknown
    return card


def cards_of(user: User) -> QuerySet[CardHolder]:
    """What a person holds, with its cards, in the order in which they were added."""
    return CardHolder.objects.filter(user=user).select_related("card").order_by("since", "pk")


def holds(user: User, card: Card) -> bool:
    """Whether a person may act for a card."""
    return CardHolder.objects.filter(user=user, card=card).exists()
