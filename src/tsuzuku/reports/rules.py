# SPDX-License-Identifier: Apache-2.0
"""What a provider's line and a row of ours make of each other. No database."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tsuzuku.kernel.money import Money
from tsuzuku.payments.ports import SettlementKind, SettlementLine
from tsuzuku.reports.kinds import DifferenceKind

_REFUNDS = frozenset({SettlementKind.REFUND, SettlementKind.REFUND_RETURNED})
#: Of the others we do not know the moment.
_TIMED = frozenset({SettlementKind.CAPTURE, SettlementKind.REFUND, SettlementKind.DISPUTE})
_RETURNED = frozenset({SettlementKind.REFUND_RETURNED, SettlementKind.DISPUTE_RETURNED})
_DISPUTES = frozenset({SettlementKind.DISPUTE, SettlementKind.DISPUTE_RETURNED})


class Identity(NamedTuple):
    """By which two lines of a provider are one."""

    kind: SettlementKind
    reference: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Ours:
    """A row of our books that a line can be of."""

    #: The capture that it is, or is of.
    capture_id: int
    refund_id: int | None = None
    dispute_id: int | None = None
    reference: str
    amount: Money
    #: What was paid for.
    purpose: str
    #: When it began and when it was done, in our books; the provider may have booked it at either.
    began_at: datetime
    done_at: datetime
    #: Of a refund: that it has gone back, or is on its way; and that our books say that it came back or never went. Of
    #: a dispute the second: that it was won.
    is_gone: bool = True
    is_returned: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Books:
    """The rows of ours that a file's lines name, by what lines name them by. Refunds stand under both their names.

    Disputes stand under their own, and under that of their capture: some files name the move and not the dispute.
    """

    captures: Mapping[str, Ours]
    refunds: Mapping[str, Ours]
    disputes: Mapping[str, Ours]
    #: Refunds that no file has told yet, by their capture and amount, where files do not name them.
    nameless: Mapping[tuple[str, Money], Sequence[Ours]] = field(default_factory=dict)
    #: What earlier files have told, and what they have told twice.
    known: Collection[Identity]
    known_twice: Collection[Identity] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A difference between a line and our books."""

    kind: DifferenceKind
    line: SettlementLine
    ours: Ours | None = None


@dataclass(kw_only=True, slots=True)
class Matched:
    """What came of all lines of a file, but those of OTHER, which are only counted."""

    #: Lines that no earlier file had told, and the rows that they are of.
    lines: list[tuple[SettlementLine, Ours | None]] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    others: int = 0
    known: int = 0

    @property
    def has_ours(self) -> bool:
        """Whether anything of the file is ours."""
        return self.known > 0 or any(ours for _, ours in self.lines) or any(each.ours for each in self.found)


def identity_of(line: SettlementLine) -> Identity:
    """A capture is named by its own reference, everything else by that of the refund or dispute."""
    if line.kind is SettlementKind.CAPTURE:
        return Identity(line.kind, line.capture_reference or line.reference)
    return Identity(line.kind, line.reference or line.capture_reference)


def match_lines(lines: Sequence[SettlementLine], books: Books, *, zone: ZoneInfo) -> Matched:
    """Holds every line against the books."""
    matched = Matched()
    #: Which were in this file already.
    seen: set[Identity] = set()
    told = {identity_of(line) for line in lines}
    nameless = {key: list(refunds) for key, refunds in books.nameless.items()}
    for line in lines:
        if line.kind is SettlementKind.OTHER:
            matched.others += 1
            continue
        identity = identity_of(line)
        if identity in seen:
            if identity not in books.known_twice:
                matched.found.append(Found(kind=DifferenceKind.TWICE_IN_FILE, line=line, ours=_ours(line, books)))
            continue
        seen.add(identity)
        if identity in books.known:
            matched.known += 1
            continue
        ours = _ours(line, books)
        if ours is None and line.kind is SettlementKind.REFUND:
            alike = nameless.get((line.capture_reference, line.amount))
            ours = alike.pop(0) if alike else None
        matched.lines.append((line, ours))
        kind = _difference(line, ours, books, told=told, zone=zone)
        if kind is not None:
            is_by_hand = kind is DifferenceKind.REFUND_BY_HAND
            matched.found.append(
                Found(kind=kind, line=line, ours=books.captures[line.capture_reference] if is_by_hand else ours)
            )
    return matched


def _ours(line: SettlementLine, books: Books) -> Ours | None:
    reference = identity_of(line).reference
    if line.kind in _REFUNDS:
        return books.refunds.get(reference)
    if line.kind in _DISPUTES:
        return books.disputes.get(reference) or books.disputes.get(line.capture_reference)
    return books.captures.get(reference)


def _difference(
    line: SettlementLine, ours: Ours | None, books: Books, *, told: Collection[Identity], zone: ZoneInfo
) -> DifferenceKind | None:
    if ours is None:
        return _missing_here(line, books)
    if line.amount.currency != ours.amount.currency:
        return DifferenceKind.CURRENCY_DIFFERS
    if line.amount != ours.amount:
        return DifferenceKind.AMOUNT_DIFFERS
    if line.kind in _RETURNED and not ours.is_returned:
        return DifferenceKind.MISSING_HERE
    if line.kind is SettlementKind.REFUND and not ours.is_gone:
        # It went, and if it did not come back as well, our books are wrong.
        back = Identity(SettlementKind.REFUND_RETURNED, identity_of(line).reference)
        return None if back in told or back in books.known else DifferenceKind.MISSING_HERE
    first, day, last = (at.astimezone(zone).date() for at in (ours.began_at, line.booked_at, ours.done_at))
    if line.kind in _TIMED and not first <= day <= last:
        return DifferenceKind.ANOTHER_DAY
    return None


def _missing_here(line: SettlementLine, books: Books) -> DifferenceKind:
    if line.kind in _DISPUTES:
        return DifferenceKind.DISPUTE_UNKNOWN
    if line.kind is SettlementKind.REFUND and line.capture_reference in books.captures:
        return DifferenceKind.REFUND_BY_HAND
    return DifferenceKind.MISSING_HERE
