# SPDX-License-Identifier: Apache-2.0
"""From what a card holds to the stretches of the line."""

from collections.abc import Iterable

from tsuzuku.allowances.lots import LotState
from tsuzuku.allowances.queries import Allowance, LotView
from tsuzuku.catalog.terms import LotKind
from tsuzuku.look.line import Stretch

_DRAWN_STATES = frozenset({LotState.RUNNING, LotState.WAITING})


def laid(allowance: Allowance) -> tuple[Stretch, ...]:
    """What covers the card: running lots with something left, and lots that will start by themselves on their end."""
    return tuple(_stretch(lot) for lot in _drawn(allowance.lots))


def planned(before: Allowance, after: Allowance) -> tuple[Stretch, ...]:
    """What a renewal would add: a lot of its own, or the days at the end of the lot that it joins."""
    known = {lot.sequence: _stretch(lot) for lot in _drawn(before.lots)}
    stretches = []
    for lot in _drawn(after.lots):
        stretch = _stretch(lot)
        end_before = known[lot.sequence].ends_at if lot.sequence in known else None
        if end_before is None:
            stretches.append(stretch)
        elif stretch.ends_at is not None and stretch.ends_at > end_before:
            stretches.append(Stretch(end_before, stretch.ends_at))
    return tuple(stretches)


def _drawn(lots: Iterable[LotView]) -> list[LotView]:
    """Lots of data that have a window and something left in it."""
    return [
        lot
        for lot in lots
        if lot.kind is LotKind.DATA
        and lot.state in _DRAWN_STATES
        and lot.remaining != 0
        and lot.expected_starts_at is not None
    ]


def _stretch(lot: LotView) -> Stretch:
    if lot.expected_starts_at is None:
        raise ValueError("a lot without a window cannot be drawn")
    return Stretch(lot.expected_starts_at, lot.expected_ends_at)
