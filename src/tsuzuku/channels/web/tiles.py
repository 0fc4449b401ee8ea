# SPDX-License-Identifier: Apache-2.0
"""A plan to choose, with what the card would be after it."""

from dataclasses import dataclass
from datetime import datetime

from tsuzuku.allowances.lots import LotState
from tsuzuku.allowances.queries import Allowance, LotView, Preview
from tsuzuku.catalog.terms import LotKind
from tsuzuku.channels.web import stretches
from tsuzuku.channels.web.advice import held_bytes
from tsuzuku.channels.web.plan_texts import calls_and_messages, conditions, how_it_joins, price_a_day, price_a_gigabyte
from tsuzuku.kernel.money import Money
from tsuzuku.look.line import Stretch
from tsuzuku.renewals.quotes import Offer


@dataclass(frozen=True, slots=True)
class Tile:
    """An offer as the plans page shows it."""

    offer: Offer
    name: str
    #: Sharing, places and calls, as far as they are worth a word.
    gives: list[str]
    joins: str
    a_day: Money | None
    a_gigabyte: Money | None
    held: int | None
    #: Nothing begins before the card's holder does something.
    is_waiting: bool
    starts_at: datetime | None
    until: datetime | None
    planned: tuple[Stretch, ...]


def tile(offer: Offer, before: Allowance, language: str) -> Tile:
    """An offer that the card can take. Raises ValueError for one that it cannot."""
    if offer.preview is None:
        raise ValueError("a plan that the card cannot take has no tile")
    terms = offer.terms
    after, lot = offer.preview.allowance, new_lot(offer.preview)
    return Tile(
        offer=offer,
        name=offer.plan.name_in(language),
        gives=[*calls_and_messages(offer.plan, terms), *conditions(offer.plan)],
        joins=how_it_joins(terms, is_joined=is_joined(before, offer.preview)),
        a_day=price_a_day(offer.price, terms),
        a_gigabyte=price_a_gigabyte(offer.price, terms),
        held=held_bytes(after),
        is_waiting=is_waiting(lot),
        starts_at=lot.expected_starts_at,
        until=after.online_until,
        planned=stretches.planned(before, after),
    )


def new_lot(preview: Preview) -> LotView:
    """The lot of data that the renewal makes or joins."""
    return next(lot for lot in preview.allowance.lots if lot.kind is LotKind.DATA and lot.sequence == preview.sequence)


def helps_now(preview: Preview) -> bool:
    """Whether somebody who is offline would be online with it, at once or by a tap or the first use."""
    lot = new_lot(preview)
    return lot.state is LotState.RUNNING or lot.can_be_tapped or lot.waits_for_use


def is_joined(before: Allowance, preview: Preview) -> bool:
    """Whether the renewal adds to a lot that the card has."""
    return preview.sequence in {lot.sequence for lot in before.lots if lot.kind is LotKind.DATA}


def is_waiting(lot: LotView) -> bool:
    """Whether it waits for a tap or for use alone."""
    return lot.expected_starts_at is None
