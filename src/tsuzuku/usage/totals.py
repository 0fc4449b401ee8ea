# SPDX-License-Identifier: Apache-2.0
"""Carriers that tell a card's total instead of differences: their figure wins, and the drift is a fact."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from tsuzuku.allowances import rules
from tsuzuku.allowances.actions import lock_cards
from tsuzuku.allowances.store import StackKey, brand_zone, load_stacks, save_stacks
from tsuzuku.catalog.terms import LotKind
from tsuzuku.journal.actions import record_facts
from tsuzuku.usage import sql
from tsuzuku.usage.events import UsageDrifted
from tsuzuku.usage.models import Correction


@dataclass(frozen=True, slots=True)
class Drift:
    """What running lots held by our count and by the carrier's, and what was taken from them for it (or given back)."""

    ours: int
    carriers: int
    placed: int


def reconcile_total(
    *,
    card_id: int,
    kind: LotKind,
    remaining: int | None = None,
    used: int | None = None,
    measured_at: datetime,
    actor: str,
    now: datetime,
) -> Drift | None:
    """Makes what a card's running lots hold what its carrier says; returns the drift, None if there is none to mend.

    The carrier tells what is `remaining`, or what was `used` of the lots that run, in bytes, seconds or messages, at
    `measured_at`. A total older than the card's latest draw or correction says nothing of what it holds now; nor does
    any total of a card with an unlimited lot. Raises ValueError unless exactly one figure is given, not negative.
    """
    [figure] = [each for each in (remaining, used) if each is not None]
    if figure < 0:
        raise ValueError("a total is not negative")
    key = StackKey(card_id, kind)
    with transaction.atomic():
        lock_cards([card_id])
        before = load_stacks([card_id])
        stack = rules.advance(before.get(key, ()), measured_at, brand_zone())
        running = rules.running_lots(stack, measured_at)
        held = [lot.remaining for lot in running if lot.remaining is not None]
        if len(held) < len(running) or _is_superseded(key, stack, measured_at):
            return None
        sql.set_meters({card_id: measured_at})
        ours = sum(held)
        carriers = figure if used is None else max(sum(lot.total or 0 for lot in running) - figure, 0)
        if ours == carriers:
            return None
        stack, placed = rules.correct(stack, ours - carriers, measured_at, brand_zone())
        save_stacks(before, {key: stack}, {})
        Correction.objects.create(
            card_id=card_id,
            kind=kind,
            measured_at=measured_at,
            ours=ours,
            carriers=carriers,
            drawn=placed,
            actor=actor,
            at=now,
        )
        fact = UsageDrifted(card_id=card_id, lot_kind=str(kind), ours=ours, carriers=carriers, placed=placed)
        record_facts([fact], actor=actor, now=now)
        return Drift(ours, carriers, placed)


def _is_superseded(key: StackKey, stack: rules.Stack, measured_at: datetime) -> bool:
    latest = rules.latest_draw(stack)
    if latest is not None and latest > measured_at:
        return True
    return Correction.objects.filter(card_id=key.card_id, kind=key.kind, measured_at__gt=measured_at).exists()
