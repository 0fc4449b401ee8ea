# SPDX-License-Identifier: Apache-2.0
"""Readings in statements over arrays, one array for each column."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from tsuzuku.catalog.terms import LotKind
from tsuzuku.journal import statements
from tsuzuku.usage.models import Reason
from tsuzuku.usage.reading_lines import Reading


class CardReading(NamedTuple):
    """A reading of a card that is known."""

    card_id: int
    record_id: str
    kind: str
    amount: int
    ended_at: datetime
    #: That the card is suspended or lost.
    is_blocked: bool


class Sorted(NamedTuple):
    """Readings by what is to become of them; what is named nowhere has come before."""

    #: How many are drawn already.
    drawn: int
    #: New ones that the rules must see.
    rest: list[CardReading]
    #: The numbers of cards that there are not, or not for the sender.
    unknown: set[str]
    #: Of those drawn already: per cent used, by held card of which a lot ran low or empty (`crossings`).
    crossings: dict[int, int]


class Outcome(NamedTuple):
    """A reading that was drawn, and what of it no lot served at full speed, or at all."""

    reading: CardReading
    throttled: int
    unserved: int


class LockedCard(NamedTuple):
    """A card whose lots nobody else touches until the transaction ends."""

    id: int
    is_blocked: bool


#: Locks cards in the one order in which cards are locked everywhere.
_LOCK = """
    SELECT iccid, id, blocked <> ''
      FROM cards_card
     WHERE iccid = ANY(%(iccids)s::text[])
       AND (%(groups)s::text[] IS NULL OR "group" = ANY(%(groups)s::text[]))
     ORDER BY id
       FOR NO KEY UPDATE
"""


def lock_cards(iccids: Collection[str], groups: frozenset[str] | None) -> dict[str, LockedCard]:
    """Locks those of these cards that there are, in these groups (None is all); returns them by number."""
    found = statements.rows(_LOCK, {"iccids": list(iccids), "groups": None if groups is None else sorted(groups)})
    return {iccid: LockedCard(card_id, is_blocked) for iccid, card_id, is_blocked in found}


#: Which records came before; one look by the key of each month.
_KNOWN = """
    SELECT asked.card_id, asked.record_id
      FROM unnest(%(cards)s::bigint[], %(records)s::text[]) AS asked(card_id, record_id)
     WHERE (SELECT true FROM usage_record AS known
             WHERE known.card_id = asked.card_id AND known.record_id = asked.record_id LIMIT 1)
"""


def of_card(reading: Reading, card: LockedCard) -> CardReading:
    """A reading of a card that is locked."""
    _iccid, record_id, kind, amount, ended_at = reading
    return CardReading(card.id, record_id, str(kind), amount, ended_at, card.is_blocked)


def sort_out(readings: Sequence[Reading], groups: frozenset[str] | None) -> Sorted:
    """Locks the cards of a few readings until the transaction ends, and leaves all that are new to the rules.

    `groups` are those of whose cards the sender may speak; None is all.
    """
    iccids = {each.iccid for each in readings}
    cards = lock_cards(iccids, groups)
    waiting = about_to_be_drawn(cards)
    return Sorted(
        drawn=0,
        rest=without_repetitions(
            [
                of_card(each, cards[each.iccid])
                for each in readings
                if each.iccid in cards and (each.iccid, each.record_id) not in waiting
            ]
        ),
        unknown=iccids - cards.keys(),
        crossings={},
    )


def without_repetitions(readings: Sequence[CardReading]) -> list[CardReading]:
    """Those that have not been drawn. Hold the locks of their cards."""
    params = {"cards": [each.card_id for each in readings], "records": [each.record_id for each in readings]}
    known = {(card_id, record_id) for card_id, record_id in statements.rows(_KNOWN, params)}
    return [each for each in readings if (each.card_id, each.record_id) not in known]


#: Keeps records with what became of them.
_KEEP = """
    INSERT INTO usage_record (card_id, record_id, kind, amount, ended_at, taken_at, throttled, unserved)
    SELECT card_id, record_id, kind, amount, ended_at, %(now)s, throttled, unserved
      FROM unnest(%(card_id)s::bigint[], %(record_id)s::text[], %(kind)s::text[], %(amount)s::bigint[],
                  %(ended_at)s::timestamptz[], %(throttled)s::bigint[], %(unserved)s::bigint[])
           AS new(card_id, record_id, kind, amount, ended_at, throttled, unserved)
"""


def keep_records(outcomes: Sequence[Outcome], *, now: datetime) -> None:
    """Writes readings that were drawn."""
    if not outcomes:
        return
    statements.execute(
        _KEEP,
        {
            "card_id": [each.reading.card_id for each in outcomes],
            "record_id": [each.reading.record_id for each in outcomes],
            "kind": [each.reading.kind for each in outcomes],
            "amount": [each.reading.amount for each in outcomes],
            "ended_at": [each.reading.ended_at for each in outcomes],
            "throttled": [each.throttled for each in outcomes],
            "unserved": [each.unserved for each in outcomes],
            "now": now,
        },
    )


#: Remembers when the newest reading was measured of which no lot gave anything.
_MEASURE = """
    INSERT INTO usage_unservedmeter AS meter (card_id, measured_at)
    SELECT * FROM unnest(%(cards)s::bigint[], %(times)s::timestamptz[]) AS new(card_id, measured_at) ORDER BY card_id
    ON CONFLICT (card_id) DO UPDATE SET measured_at = greatest(meter.measured_at, excluded.measured_at)
"""


def set_meters(times: Mapping[int, datetime]) -> None:
    """Remembers by card when the newest reading was measured of which no lot gave anything."""
    if times:
        statements.execute(_MEASURE, {"cards": list(times), "times": list(times.values())})


# -- kept aside --------------------------------------------------------------------------------------------------------


class Aside(NamedTuple):
    """A reading that is not drawn, and why."""

    reading: Reading
    reason: Reason


#: Keeps readings aside; of one that is there already nothing is written.
_KEEP_ASIDE = """
    INSERT INTO usage_keptreading (iccid, record_id, kind, amount, ended_at, actor, card_groups, reason, first_seen_at)
    SELECT iccid, record_id, kind, amount, ended_at, %(actor)s::text, %(groups)s::text[], reason, %(now)s
      FROM unnest(%(iccids)s::text[], %(records)s::text[], %(kinds)s::text[], %(amounts)s::bigint[],
                  %(times)s::timestamptz[], %(reasons)s::text[])
           AS new(iccid, record_id, kind, amount, ended_at, reason)
     ORDER BY iccid, record_id
    ON CONFLICT (iccid, record_id, actor) DO NOTHING
    RETURNING id
"""


def keep_aside(asides: Sequence[Aside], *, actor: str, card_groups: frozenset[str] | None, now: datetime) -> int:
    """Keeps readings aside that are not yet; returns how many."""
    if not asides:
        return 0
    written = statements.rows(
        _KEEP_ASIDE,
        {
            "iccids": [each.reading.iccid for each in asides],
            "records": [each.reading.record_id for each in asides],
            "kinds": [str(each.reading.kind) for each in asides],
            "amounts": [each.reading.amount for each in asides],
            "times": [each.reading.ended_at for each in asides],
            "reasons": [str(each.reason) for each in asides],
            "actor": actor,
            "groups": None if card_groups is None else sorted(card_groups),
            "now": now,
        },
    )
    return len(written)


class Kept(NamedTuple):
    """A reading that was kept aside, and is there to be drawn."""

    id: int
    card_id: int
    reading: Reading


#: Readings that wait for cards which are there now, in a group of which their sender may speak.
_APPEARED = """
      FROM usage_keptreading AS kept JOIN cards_card AS card
        ON card.iccid = kept.iccid AND (kept.card_groups IS NULL OR card."group" = ANY(kept.card_groups))
     WHERE kept.reason = 'card-unknown'
"""
_FIND_APPEARED = f"""
    SELECT kept.id, card.id, kept.iccid, kept.record_id, kept.kind, kept.amount, kept.ended_at
    {_APPEARED}
     LIMIT %(limit)s
"""
_APPEARED_OF = f"""
    SELECT kept.iccid, kept.record_id
    {_APPEARED} AND kept.iccid = ANY(%(iccids)s::text[])
"""
#: Of the cards that `draw_sql` has locked.
APPEARED_OF_LOCKED = _APPEARED_OF.replace("%(iccids)s::text[]", "ARRAY(SELECT iccid FROM usage_locked)")


def find_appeared(limit: int) -> list[Kept]:
    """Readings that were kept aside and whose card is there now."""
    return [
        Kept(kept_id, card_id, Reading(iccid, record_id, LotKind(kind), amount, ended_at))
        for kept_id, card_id, iccid, record_id, kind, amount, ended_at in statements.rows(
            _FIND_APPEARED, {"limit": limit}
        )
    ]


def about_to_be_drawn(iccids: Collection[str]) -> set[tuple[str, str]]:
    """The records of these cards that were kept aside and will be drawn presently."""
    return {(iccid, record_id) for iccid, record_id in statements.rows(_APPEARED_OF, {"iccids": list(iccids)})}


def take_from_aside(ids: Iterable[int]) -> set[int]:
    """Removes readings from those kept aside; returns which were still there."""
    removed = statements.rows(
        "DELETE FROM usage_keptreading WHERE id = ANY(%(ids)s::bigint[]) RETURNING id", {"ids": list(ids)}
    )
    return {kept_id for (kept_id,) in removed}


def leave_aside_for_good(ids: Iterable[int]) -> None:
    """Says of readings kept aside that they have become too old to be drawn."""
    statements.execute(
        "UPDATE usage_keptreading SET reason = %(reason)s WHERE id = ANY(%(ids)s::bigint[])",
        {"ids": list(ids), "reason": str(Reason.TOO_OLD)},
    )
