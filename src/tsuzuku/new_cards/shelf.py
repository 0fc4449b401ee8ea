# SPDX-License-Identifier: Apache-2.0
"""The shelf: which cards of the stock are sold here. One statement each to fill it, to look at it, and to take a card.

A card is for sale only while it is as new: nobody holds it, nothing was renewed on it, it is not blocked, and its own
last date of use is far enough away.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings

from tsuzuku.cards.models import Card, CardKind
from tsuzuku.cards.protection import reveal_activation_code
from tsuzuku.journal import statements
from tsuzuku.new_cards.errors import NewCardsSoldOut
from tsuzuku.new_cards.installing import installation
from tsuzuku.new_cards.models import ShelvedCard

#: A new card can be renewed for at least this long.
LAST_USE_DAYS_MIN: Final = 60
_PORTION: Final = 1000

_AS_NEW = """
    card.blocked = ''
    AND (card.kind <> 'esim' OR card.activation_code_encrypted IS NOT NULL)
    AND (card.last_use_date IS NULL OR card.last_use_date >= %(last_use_least)s::date)
    AND NOT EXISTS (SELECT FROM cards_cardholder AS holder WHERE holder.card_id = card.id)
    AND NOT EXISTS (SELECT FROM renewals_renewal AS r WHERE r.card_id = card.id AND r.state <> 'withdrawn')
"""

#: The cards of a group that are as new and were never put up.
_NEVER_UP = f"""
    SELECT card.id
      FROM cards_card AS card
     WHERE card."group" = %(group)s::text AND {_AS_NEW}
       AND NOT EXISTS (SELECT FROM new_cards_shelvedcard AS shelf WHERE shelf.card_id = card.id)
     ORDER BY card.id
"""  # noqa: S608  # two constants of this file

#: Puts cards up, unless somebody else has just done so.
_PUT_UP = """
    INSERT INTO new_cards_shelvedcard (card_id, is_available, shelved_at)
    SELECT id, true, %(now)s::timestamptz FROM cards_card WHERE id = ANY(%(cards)s::bigint[]) ORDER BY id
        ON CONFLICT (card_id) DO NOTHING
"""

#: The card that has been up longest; locked ones are being taken by somebody else.
_NEXT = f"""
    SELECT shelf.id, shelf.card_id
      FROM new_cards_shelvedcard AS shelf
      JOIN cards_card AS card ON card.id = shelf.card_id
     WHERE shelf.is_available AND card.kind = %(kind)s::text AND {_AS_NEW}
     ORDER BY shelf.id
     LIMIT 1
"""  # noqa: S608

_STOCK = f"""
    SELECT count(*)
      FROM new_cards_shelvedcard AS shelf
      JOIN cards_card AS card ON card.id = shelf.card_id
     WHERE shelf.is_available AND card.kind = %(kind)s::text AND {_AS_NEW}
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class PutUp:
    """What came of putting cards up."""

    put_up: int
    #: eSIMs whose phones ask for a confirmation code, which the stock does not have.
    left_out: int


def put_up(*, group: str, now: datetime) -> PutUp:
    """Puts the cards of a group up for sale that are as new. Doing it again changes nothing."""
    found = statements.rows(_NEVER_UP, {"group": group, "last_use_least": _last_use_least(now)})
    ids, came_up, left_out = [card_id for (card_id,) in found], 0, 0
    for start in range(0, len(ids), _PORTION):
        cards = Card.objects.filter(pk__in=ids[start : start + _PORTION])
        fit = [card.pk for card in cards if not _asks_confirmation(card)]
        came_up += statements.execute(_PUT_UP, {"cards": fit, "now": now})
        left_out += len(cards) - len(fit)
    return PutUp(came_up, left_out)


def _asks_confirmation(card: Card) -> bool:
    code = reveal_activation_code(card)
    return code is not None and installation(code).asks_confirmation


def stock(now: datetime, kind: CardKind = CardKind.ESIM) -> int:
    """How many cards of a kind can be sold."""
    ((number,),) = statements.rows(_STOCK, {"kind": kind.value, "last_use_least": _last_use_least(now)})
    return int(number)


def next_card(now: datetime, kind: CardKind = CardKind.ESIM) -> Card | None:
    """The card of a kind that would be sold next, to be looked at; None if there is none."""
    found = statements.rows(_NEXT, {"kind": kind.value, "last_use_least": _last_use_least(now)})
    return Card.objects.get(pk=found[0][1]) if found else None


def take(now: datetime, kind: CardKind = CardKind.ESIM) -> Card:
    """Takes a card of a kind from the shelf in the caller's transaction, past those that others are taking.

    Raises NewCardsSoldOut.
    """
    asked = {"kind": kind.value, "last_use_least": _last_use_least(now)}
    found = statements.rows(f"{_NEXT} FOR UPDATE OF shelf SKIP LOCKED", asked)
    if not found:
        raise NewCardsSoldOut
    shelved_id, card_id = found[0]
    ShelvedCard.objects.filter(pk=shelved_id).update(is_available=False)
    return Card.objects.get(pk=card_id)


def put_back(card_ids: Collection[int]) -> None:
    """Puts cards back that nobody has paid for, in the caller's transaction."""
    ShelvedCard.objects.filter(card__in=card_ids).update(is_available=True)


def _last_use_least(now: datetime) -> date:
    return now.astimezone(ZoneInfo(settings.TIME_ZONE)).date() + timedelta(days=LAST_USE_DAYS_MIN)
