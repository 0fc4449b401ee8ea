# SPDX-License-Identifier: Apache-2.0
"""Changing what cards hold: granting renewals, starting a lot by a tap, drawing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

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


class Grantee(NamedTuple):
    """A renewal that is to be put on its card, at the moment from which it counts."""

    card_id: int
    terms_id: int
    at: datetime
    #: The carrier has credited it already, so nothing can refuse it any more.
    is_credited: bool


@dataclass(frozen=True, slots=True)
class Granted:
    """What a renewal makes of its card's stacks, from which moment on."""

    grantee: Grantee
    at: datetime
    renewed: Mapping[StackKey, rules.Renewed]

    @property
    def standing(self) -> rules.Standing:
        """What the card then has of data."""
        data = self.renewed[StackKey(self.grantee.card_id, LotKind.DATA)]
        return rules.standing(data.stack, self.at, brand_zone())


def lock_cards(card_ids: Sequence[int]) -> dict[int, Card]:
    """Locks the rows of these cards in one order, which is what guards their lots; returns them by id."""
    return {card.pk: card for card in Card.objects.filter(pk__in=card_ids).order_by("pk").select_for_update()}


#: What renewals gave, from one array for each column.
_INSERT_GRANTS = """
    INSERT INTO allowances_grant (card_id, renewal_id, kind, lot_id, amount, restored, granted_at)
    SELECT * FROM unnest(%(cards)s::bigint[], %(renewals)s::bigint[], %(kinds)s::text[], %(lots)s::bigint[],
                         %(amounts)s::bigint[], %(restored)s::bigint[], %(times)s::timestamptz[])
"""


class Trial:
    """Renewals applied in memory to what cards hold, under the locks of the cards; `write` makes them last."""

    def __init__(self, card_ids: Collection[int]) -> None:
        stored = load_lots(card_ids)
        self._lot_ids = {(each.key, each.lot.sequence): each.id for each in stored}
        self._before = stacks_of(stored)
        self._stacks = dict(self._before)

    def renew(self, grantee: Grantee) -> Granted:
        """What a renewal would make of its card as it stands by now; raises RenewalRefused. Nothing is kept yet."""
        keys = [StackKey(grantee.card_id, kind) for kind in LotKind]
        of_card = {key.kind: self._stacks.get(key, ()) for key in keys}
        # A carrier's clock may lag behind what the card has already seen.
        at = max([grantee.at, *(lot.renewed_at for stack in of_card.values() for lot in stack)])
        renewed = rules.renew_every_kind(
            of_card, terms_of(grantee.terms_id), at, brand_zone(), is_credited=grantee.is_credited
        )
        return Granted(grantee, at, {StackKey(grantee.card_id, kind): result for kind, result in renewed.items()})

    def keep(self, granted: Granted) -> None:
        """Lets what follows see it."""
        for key, result in granted.renewed.items():
            self._stacks[key] = result.stack

    def write(self, granted: Mapping[int, Granted]) -> None:
        """Writes lots and grants of what was kept, by renewal, in the caller's transaction.

        Granting the same renewal again is an error of the database.
        """
        grants = [(renewal_id, key, each) for renewal_id, each in granted.items() for key in each.renewed]
        if not grants:
            return
        terms_ids: dict[tuple[StackKey, int], int] = {}
        for _, key, each in grants:
            terms_ids.setdefault((key, each.renewed[key].sequence), each.grantee.terms_id)
        lot_ids = self._lot_ids | save_stacks(self._before, self._stacks, terms_ids)
        statements.execute(
            _INSERT_GRANTS,
            {
                "cards": [key.card_id for _, key, _ in grants],
                "renewals": [renewal_id for renewal_id, _, _ in grants],
                "kinds": [str(key.kind) for _, key, _ in grants],
                "lots": [lot_ids[key, each.renewed[key].sequence] for _, key, each in grants],
                "amounts": [terms_of(each.grantee.terms_id).amounts[key.kind] for _, key, each in grants],
                "restored": [each.renewed[key].restored for _, key, each in grants],
                "times": [each.grantee.at for _, _, each in grants],
            },
        )


def grant_renewals(grantees: Mapping[int, Grantee]) -> dict[int, RenewalRefused | None]:
    """Puts many renewals (by their ids) on their cards, in the caller's transaction and under its locks of the cards.

    Applied in the order given. Returns by renewal None, or why its card could not take it; a refused one changes
    nothing and does not touch its neighbours.
    """
    return _try(grantees, is_written=True)


def check_renewals(grantees: Mapping[int, Grantee]) -> dict[int, RenewalRefused | None]:
    """What `grant_renewals` would answer now, without doing it."""
    return _try(grantees, is_written=False)


def _try(grantees: Mapping[int, Grantee], *, is_written: bool) -> dict[int, RenewalRefused | None]:
    trial = Trial({each.card_id for each in grantees.values()})
    outcomes: dict[int, RenewalRefused | None] = {}
    granted: dict[int, Granted] = {}
    for renewal_id, grantee in grantees.items():
        try:
            granted[renewal_id] = trial.renew(grantee)
        except RenewalRefused as refusal:
            outcomes[renewal_id] = refusal
        else:
            trial.keep(granted[renewal_id])
            outcomes[renewal_id] = None
    if is_written:
        trial.write(granted)
    return outcomes


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


def _of_sequence(stack: rules.Stack, sequence: int) -> Lot:
    return next(lot for lot in stack if lot.sequence == sequence)
