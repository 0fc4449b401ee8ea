# SPDX-License-Identifier: Apache-2.0
"""What the judge reads: the clients' own logs, the carrier's and the provider's files, and our rows."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any


class Saw(StrEnum):
    """What a client was given, in the words of its log."""

    #: The number of an order.
    ORDER = "order"
    #: The provider's word that it took the money of a payment.
    PAID = "paid"
    ACTIVE = "active"
    #: Could not be renewed.
    WITHDRAWN = "withdrawn"
    #: The money is back.
    REFUNDED = "refunded"
    HELD = "held"
    CANCELLED = "cancelled"
    #: Nothing was ordered: the plan could not be had.
    TURNED_AWAY = "turned-away"


#: After these a client waits for nothing any more.
ENDS = frozenset({Saw.ACTIVE, Saw.REFUNDED, Saw.HELD, Saw.TURNED_AWAY})


class ClientLog:
    """The file into which one client writes every answer that it was given, a JSON object a line."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")

    def close(self) -> None:
        """No more lines."""
        self._file.close()

    def write(self, errand: str, saw: Saw | None, **fields: str) -> None:
        """Adds a line. Without `saw` it is the beginning of an errand."""
        line = {"at": datetime.now(tz=UTC).isoformat(), "errand": errand, "saw": saw, **fields}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


@dataclass
class Errand:
    """One renewal as its client saw it."""

    name: str
    card: str
    plan: str
    orders: set[str] = field(default_factory=set)
    paid: set[str] = field(default_factory=set)
    saw: set[Saw] = field(default_factory=set)

    @property
    def has_ended(self) -> bool:
        """Whether the client was told how it ended."""
        return bool(self.saw & ENDS)


@dataclass(frozen=True)
class Credit:
    """A line of the carrier's file: a plan given to a card."""

    reference: str
    card: str
    plan: str


@dataclass(frozen=True)
class Capture:
    """Money that the provider took, by its file, and how often it gave it back."""

    id: str
    payment: str
    order: str
    amount_minor: int
    refunds: int


@dataclass(frozen=True)
class Row:
    """A renewal of ours with its order."""

    order: str
    order_state: str
    state: str
    reference: str
    amount_minor: int
    unknown_outcomes: int
    attempts: int


@dataclass(frozen=True)
class Evidence:
    """All of it."""

    errands: Sequence[Errand]
    credits: Sequence[Credit]
    captures: Sequence[Capture]
    rows: Sequence[Row]
    #: The provider's ids of captures that wait for a person.
    held_captures: frozenset[str]
    #: What each provider but the sandbox holds for us, in minor units: by its own books, and by our ledger.
    books: Mapping[str, int] = field(default_factory=dict)
    ledger: Mapping[str, int] = field(default_factory=dict)


def read_errands(folder: Path) -> list[Errand]:
    """The errands of all clients, by their logs."""
    errands: dict[str, Errand] = {}
    for path in sorted(folder.glob("*.jsonl")):
        for line in _lines(path):
            if line["saw"] is None:
                errands[line["errand"]] = Errand(line["errand"], card=line["card"], plan=line["plan"])
                continue
            errand = errands[line["errand"]]
            saw = Saw(line["saw"])
            errand.saw.add(saw)
            if saw is Saw.ORDER:
                errand.orders.add(line["number"])
            elif saw is Saw.PAID:
                errand.paid.add(line["payment"])
    return list(errands.values())


def read_credits(history: Path) -> list[Credit]:
    """The carrier's file."""
    return [Credit(line["reference"], line["iccid"], line["plan_code"]) for line in _lines(history)]


def read_captures(books: Path) -> list[Capture]:
    """The provider's file: every capture, with the refunds that were done."""
    orders: dict[str, str] = {}
    taken: list[tuple[str, str, int]] = []
    returned: dict[str, int] = {}
    for line in _lines(books):
        if line["is"] == "payment":
            orders[line["payment"]["id"]] = line["payment"]["order_number"]
        elif line["is"] == "event":
            event: Mapping[str, Any] = line["event"]
            if event["type"] == "payment.captured":
                taken.append((event["capture"]["id"], event["payment"]["id"], event["amount"]["amount_minor"]))
            elif event["type"] == "refund.done":
                capture = event["capture"]["id"]
                returned[capture] = returned.get(capture, 0) + 1
    return [
        Capture(capture, payment, orders[payment], amount_minor, returned.get(capture, 0))
        for capture, payment, amount_minor in taken
    ]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
