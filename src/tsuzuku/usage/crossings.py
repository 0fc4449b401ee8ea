# SPDX-License-Identifier: Apache-2.0
"""Cards whose data runs low, told as facts: of cards that somebody holds, and only when it happens.

A lot runs low when four fifths of it are used, and empty when all is. A card runs low when that is so of everything
that is not over, or of what had something left before: one of its lots may have plenty then, and another nothing. What
it means for its holder is for whoever hears of it to see.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from tsuzuku.allowances.lots import LIVING_STATES, Lot
from tsuzuku.allowances.rules import Stack
from tsuzuku.journal import statements
from tsuzuku.journal.actions import record_facts
from tsuzuku.usage.events import DataRanLow, LotsBegan

#: Per cent that are used.
LOW: Final = 80
EMPTY: Final = 100
#: A lot, or a card, is low with this part of it, or less, left.
LOW_PART: Final = 5


def crossing(before: Stack, after: Stack, *, at: datetime) -> int | None:
    """EMPTY, if any lot became so; LOW, if any became so or all together did; None if none did.

    `at` is the last moment at which something was used: what was over by then does not count.
    """
    was = {lot.sequence: lot.remaining for lot in before}
    marks = [mark for lot in after if (mark := _crossing(was.get(lot.sequence, lot.total), lot)) is not None]
    return max(marks, default=LOW if _is_low_together(was, after, at) else None)


def _crossing(was: int | None, lot: Lot) -> int | None:
    if was is None or lot.remaining is None or lot.total is None or lot.remaining >= was:
        return None
    if lot.remaining == 0:
        return EMPTY
    low = lot.total // LOW_PART
    return LOW if lot.remaining <= low < was else None


def _is_low_together(was: Mapping[int, int | None], after: Stack, at: datetime) -> bool:
    living = [lot for lot in after if lot.state(at) in LIVING_STATES]
    if any(lot.remaining is None for lot in living):
        return False
    left = sum(lot.remaining or 0 for lot in living)
    left_before = sum(was.get(lot.sequence, lot.total) or 0 for lot in living)
    total = sum(lot.total or 0 for lot in living)
    total_with_left = sum(lot.total or 0 for lot in living if was.get(lot.sequence, lot.total))
    return any(left * LOW_PART <= each < left_before * LOW_PART for each in (total, total_with_left))


def has_begun(before: Stack, after: Stack) -> bool:
    """Whether a lot that waited has begun."""
    waited = {lot.sequence for lot in before if lot.starts_at is None}
    return any(lot.starts_at is not None and lot.sequence in waited for lot in after)


_HELD = "SELECT DISTINCT card_id FROM cards_cardholder WHERE card_id = ANY(%(cards)s::bigint[])"


def tell_crossings(crossings: Mapping[int, int], begun: Collection[int], *, actor: str, now: datetime) -> None:
    """Records by card what became low or empty, and of which cards lots began, in the caller's transaction."""
    concerned = crossings.keys() | set(begun)
    if not concerned:
        return
    held = sorted(card_id for (card_id,) in statements.rows(_HELD, {"cards": list(concerned)}))
    low = [DataRanLow(card_id=card_id, percent=crossings[card_id]) for card_id in held if card_id in crossings]
    began = [LotsBegan(card_id=card_id) for card_id in held if card_id in begun]
    record_facts([*low, *began], actor=actor, now=now)
