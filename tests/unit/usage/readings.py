# SPDX-License-Identifier: Apache-2.0
"""Cards that hold lots, and readings of them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

from tsuzuku.allowances.actions import Grantee, grant_renewals
from tsuzuku.allowances.rules import Stack
from tsuzuku.allowances.store import StackKey, load_stacks
from tsuzuku.cards.models import Card
from tsuzuku.catalog.models import Plan
from tsuzuku.catalog.terms import LotKind
from tsuzuku.usage.actions import Taken, take_readings
from tsuzuku.usage.reading_lines import Reading

#: Ten in the morning in Tokyo.
NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
_renewals = count(1)


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def give(card: Card, plan: Plan, at: datetime) -> None:
    """Puts a plan on a card as a renewal would."""
    assert plan.terms_now_id is not None
    grantee = Grantee(card_id=card.pk, terms_id=plan.terms_now_id, at=at, is_credited=True)
    assert list(grant_renewals({next(_renewals): grantee}).values()) == [None]


def reading(
    card: Card | str, amount: int, at: datetime, record_id: str = "r1", kind: LotKind = LotKind.DATA
) -> Reading:
    return Reading(card if isinstance(card, str) else card.iccid, record_id, kind, amount, at)


def take(*readings: Reading, actor: str = "partner:1", groups: frozenset[str] | None = None) -> Taken:
    return take_readings(readings=readings, actor=actor, card_groups=groups, now=NOW)


def stack_of(card: Card, kind: LotKind = LotKind.DATA) -> Stack:
    return load_stacks([card.pk]).get(StackKey(card.pk, kind), ())


def left(card: Card, kind: LotKind = LotKind.DATA) -> Sequence[int | None]:
    return [lot.remaining for lot in stack_of(card, kind)]
