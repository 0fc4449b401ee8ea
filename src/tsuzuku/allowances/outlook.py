# SPDX-License-Identifier: Apache-2.0
"""How long cards have what they need, for many cards at once and without a picture of every lot."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tsuzuku.allowances import rules
from tsuzuku.allowances.lots import Lot, LotState
from tsuzuku.allowances.queries import version_of
from tsuzuku.allowances.store import brand_zone, load_stacks
from tsuzuku.catalog.terms import LotKind
from tsuzuku.journal import statements


@dataclass(frozen=True, slots=True)
class Fall:
    """What the data comes to once a lot ends with something left in it. Amounts as in `Outlook`."""

    at: datetime
    left: int | None
    total: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a card's data comes to. Amounts in bytes."""

    #: As in `queries.Allowance`: another one after each renewal.
    version: str
    #: When what keeps it online ends; None if nothing does now.
    online_until: datetime | None
    #: The latest moment at which something began to count: a renewal, or a lot that waited for use or a tap.
    armed_at: datetime | None
    #: What the lots that are not over have left; what they had, those aside that were empty when something last began
    #: to count. None is unlimited.
    left: int | None
    total: int | None
    #: What ends before the last of them, if nothing is used, the earliest first.
    falls: tuple[Fall, ...]
    #: Lots that are not over were used up, and no other has anything left.
    is_used_up: bool
    #: Of those that wait: one begins by the first use, one by a tap.
    waits_for_use: bool
    waits_for_tap: bool
    #: When the first of the lots that wait for use is lost, if it is not used; None if there is none.
    lapses_at: datetime | None
    #: When something was drawn last.
    drawn_at: datetime | None


#: When renewals last gave something to cards.
_LATEST_GRANTS = """
    SELECT card_id, max(granted_at)
      FROM allowances_grant
     WHERE card_id = ANY(%(cards)s::bigint[])
     GROUP BY card_id
"""


def outlooks(card_ids: Collection[int], *, now: datetime) -> dict[int, Outlook]:
    """What each of these cards has ahead at `now`. Two queries."""
    stacks: dict[int, dict[LotKind, rules.Stack]] = defaultdict(dict)
    for key, stack in load_stacks(card_ids).items():
        stacks[key.card_id][key.kind] = rules.advance(stack, now, brand_zone())
    granted = dict(statements.rows(_LATEST_GRANTS, {"cards": list(card_ids)}))
    return {card_id: _outlook(stacks[card_id], granted.get(card_id), now) for card_id in card_ids}


def _outlook(stacks: dict[LotKind, rules.Stack], granted_at: datetime | None, now: datetime) -> Outlook:
    data = stacks.get(LotKind.DATA, ())
    living = [lot for lot in data if lot.state(now) in {LotState.RUNNING, LotState.WAITING} and lot.has_left]
    waiting = [lot for lot in living if lot.starts_at is None and lot.waits_alone]
    for_use = [lot for lot in waiting if not lot.can_be_tapped(now)]
    began = [lot.starts_at for lot in data if lot.waits_alone and lot.starts_at is not None]
    armed_at = max([*began, *([granted_at] if granted_at else [])], default=None)
    emptied = [
        lot
        for lot in data
        if lot.state(now) is LotState.USED_UP
        and lot.drawn_at is not None
        and (armed_at is None or lot.drawn_at >= armed_at)
    ]
    left, total = _sums([*living, *emptied])
    return Outlook(
        version=version_of(stacks),
        online_until=rules.standing(data, now, brand_zone()).online_until,
        armed_at=armed_at,
        left=left,
        total=total,
        falls=_falls(living, emptied, _ends(data, now)) if len(living) > 1 else (),
        is_used_up=not living and any(lot.state(now) is LotState.USED_UP for lot in data),
        waits_for_use=bool(for_use),
        waits_for_tap=any(lot.can_be_tapped(now) for lot in waiting),
        lapses_at=min((lot.lapses_at for lot in for_use), default=None),
        drawn_at=rules.latest_draw(data),
    )


def _sums(lots: Sequence[Lot]) -> tuple[int | None, int | None]:
    """What lots have left, and what they had."""
    if any(lot.remaining is None for lot in lots):
        return None, None
    return sum(lot.remaining or 0 for lot in lots), sum(lot.total or 0 for lot in lots)


def _ends(data: rules.Stack, now: datetime) -> dict[int, datetime]:
    """When lots are over if nothing is used, by sequence; those that wait alone lapse."""
    ends = {lot.sequence: ends_at for lot, _, ends_at in rules.serving_windows(data, now, brand_zone())}
    return {lot.sequence: ends.get(lot.sequence) or lot.ends_at or lot.lapses_at for lot in data}


def _falls(living: Sequence[Lot], emptied: Sequence[Lot], ends: Mapping[int, datetime]) -> tuple[Fall, ...]:
    lots = [*living, *emptied]
    moments = sorted({ends[lot.sequence] for lot in living})
    return tuple(Fall(at, *_sums([lot for lot in lots if ends[lot.sequence] > at])) for at in moments[:-1])
