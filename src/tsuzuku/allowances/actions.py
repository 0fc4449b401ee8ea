# SPDX-License-Identifier: Apache-2.0
"""Changing what cards hold: granting renewals, starting a lot by a tap, drawing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from tsuzuku.allowances import rules
from tsuzuku.allowances.errors import LotCannotStart, RenewalRefused
from tsuzuku.allowances.events import LotStarted
from tsuzuku.allowances.lots import Lot
from tsuzuku.allowances.models import LotRow
from tsuzuku.allowances.store import (
    StackKey,
    brand_zone,
    load_lots,
    load_stacks,
    save_stacks,
    stacks_of,
    terms_of,
)
from tsuzuku.cards.models import Card
from tsuzuku.catalog.terms import LotKind
from tsuzuku.journal import statements
from tsuzuku.journal.actions import record_facts


@dataclass(frozen=True, kw_only=True)
class Grantee:
    """A renewal that is to be put on its card, at the moment from which it counts."""

    card_id: int
    renewal_id: int
    terms_id: int
    at: datetime
    #: The carrier has credited it already, so nothing can refuse it any more.
    is_credited: bool


def lock_cards(card_ids: Sequence[int]) -> dict[int, Card]:
    """Locks the rows of these cards in one order, which is what guards their lots; returns them by id."""
    return {card.pk: card for card in Card.objects.filter(pk__in=card_ids).order_by("pk").select_for_update()}


def grant_renewals(grantees: Sequence[Grantee]) -> dict[int, RenewalRefused | None]:
    """Puts many renewals on their cards, in the caller's transaction and under its locks of the cards.

    Applied in the order given. Returns by renewal None, or why its card could not take it; a refused one changes
    nothing and does not touch its neighbours. Granting the same renewal again is an error of the database.
    """
    stored = load_lots({each.card_id for each in grantees})
    before = stacks_of(stored)
    trial = _try(grantees, before)
    terms_ids: dict[tuple[StackKey, int], int] = {}
    for key, renewed, grantee in trial.grants:
        terms_ids.setdefault((key, renewed.sequence), grantee.terms_id)
    lot_ids = {(each.key, each.lot.sequence): each.id for each in stored}
    lot_ids |= save_stacks(before, trial.stacks, terms_ids)
    _write_grants(trial.grants, lot_ids)
    return trial.outcomes


def check_renewals(grantees: Sequence[Grantee]) -> dict[int, RenewalRefused | None]:
    """What `grant_renewals` would answer now, without doing it."""
    return _try(grantees, load_stacks({each.card_id for each in grantees})).outcomes


@dataclass(frozen=True)
class _Trial:
    """Renewals applied to stacks in memory."""

    stacks: dict[StackKey, rules.Stack]
    grants: list[tuple[StackKey, rules.Renewed, Grantee]]
    outcomes: dict[int, RenewalRefused | None]


def _try(grantees: Sequence[Grantee], before: Mapping[StackKey, rules.Stack]) -> _Trial:
    trial = _Trial(dict(before), [], {})
    for grantee in grantees:
        try:
            renewed = _renew(trial.stacks, grantee)
        except RenewalRefused as refusal:
            trial.outcomes[grantee.renewal_id] = refusal
            continue
        for key, result in renewed.items():
            trial.stacks[key] = result.stack
            trial.grants.append((key, result, grantee))
        trial.outcomes[grantee.renewal_id] = None
    return trial


def _renew(stacks: Mapping[StackKey, rules.Stack], grantee: Grantee) -> dict[StackKey, rules.Renewed]:
    of_card = {kind: stacks.get(StackKey(grantee.card_id, kind), ()) for kind in LotKind}
    # A carrier's clock may lag behind what the card has already seen.
    at = max([grantee.at, *(lot.renewed_at for stack in of_card.values() for lot in stack)])
    renewed = rules.renew_every_kind(
        of_card, terms_of(grantee.terms_id), at, brand_zone(), is_credited=grantee.is_credited
    )
    return {StackKey(grantee.card_id, kind): result for kind, result in renewed.items()}


#: What renewals gave, from one array for each column.
_INSERT_GRANTS = """
    INSERT INTO allowances_grant (card_id, renewal_id, kind, lot_id, amount, restored, granted_at)
    SELECT * FROM unnest(%(cards)s::bigint[], %(renewals)s::bigint[], %(kinds)s::text[], %(lots)s::bigint[],
                         %(amounts)s::bigint[], %(restored)s::bigint[], %(times)s::timestamptz[])
"""


def _write_grants(
    grants: Sequence[tuple[StackKey, rules.Renewed, Grantee]], lot_ids: Mapping[tuple[StackKey, int], int]
) -> None:
    if not grants:
        return
    statements.rows(
        _INSERT_GRANTS,
        {
            "cards": [key.card_id for key, _, _ in grants],
            "renewals": [grantee.renewal_id for _, _, grantee in grants],
            "kinds": [str(key.kind) for key, _, _ in grants],
            "lots": [lot_ids[key, renewed.sequence] for key, renewed, _ in grants],
            "amounts": [terms_of(grantee.terms_id).amounts[key.kind] for key, _, grantee in grants],
            "restored": [renewed.restored for _, renewed, _ in grants],
            "times": [grantee.at for _, _, grantee in grants],
        },
    )


def start_lot(*, card_id: int, lot_id: int, actor: str, now: datetime) -> None:
    """Starts a lot that waits for a tap. Starting it twice starts it once.

    Raises LotCannotStart if it is not this card's, or neither waits for a tap nor was started by one.
    """
    with transaction.atomic():
        lock_cards([card_id])
        row = LotRow.objects.filter(pk=lot_id, card_id=card_id).first()
        if row is None:
            raise LotCannotStart
        key = StackKey(card_id, LotKind(row.kind))
        before = load_stacks([card_id])
        stack = rules.advance(before[key], now, brand_zone())
        lot = _of_sequence(stack, row.sequence)
        if lot.starts_at is not None:
            return
        if not lot.can_be_tapped(now):
            raise LotCannotStart
        save_stacks(before, {key: rules.tap(stack, now, brand_zone(), row.sequence)}, {})
        record_facts([LotStarted(card_id=card_id, lot_id=lot_id)], actor=actor, now=now)


def draw(*, card_id: int, kind: LotKind, amount: int, now: datetime) -> rules.Used:
    """Draws an amount (bytes, seconds or messages) from one card in drain order."""
    with transaction.atomic():
        lock_cards([card_id])
        key = StackKey(card_id, kind)
        before = load_stacks([card_id])
        used = rules.use(before.get(key, ()), amount, now, brand_zone())
        save_stacks(before, {key: used.stack}, {})
        return used


def _of_sequence(stack: rules.Stack, sequence: int) -> Lot:
    return next(lot for lot in stack if lot.sequence == sequence)
