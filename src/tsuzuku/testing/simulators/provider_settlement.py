# SPDX-License-Identifier: Apache-2.0
"""The sandbox's books as a settlement file of its own: `payments/adapters/sandbox/settlement.py` says how it looks."""

from collections.abc import Sequence
from datetime import datetime

from tsuzuku.kernel.money import Money
from tsuzuku.payments.ports import SettlementKind, SettlementLine
from tsuzuku.testing.simulators.provider_books import Books
from tsuzuku.testing.simulators.settlements import csv_bytes, fee_minor

_COLUMNS = ("sandbox_settlement", "id", "capture", "amount_minor", "currency", "fee_minor", "booked_at")
#: A refund that failed has never left the account.
_KINDS = {"payment.captured": SettlementKind.CAPTURE, "refund.done": SettlementKind.REFUND}


def booked(books: Books) -> list[SettlementLine]:
    """Every move of money that was ever told."""
    lines = []
    for number, event in enumerate(books.events, start=1):
        kind = _KINDS.get(event["type"])
        if kind is None:
            continue
        amount, is_capture = Money(**event["amount"]), kind is SettlementKind.CAPTURE
        lines.append(
            SettlementLine(
                number=number,
                kind=kind,
                capture_reference=event["capture"]["id"],
                reference=event["payment"]["id"] if is_capture else event["refund"]["id"],
                amount=amount,
                fee=Money(fee_minor(amount.amount_minor) if is_capture else 0, amount.currency),
                booked_at=datetime.fromisoformat(event["created"]),
            )
        )
    return lines


def write(lines: Sequence[SettlementLine]) -> bytes:
    """The file."""
    rows = [
        (
            line.kind.value,
            line.reference,
            line.capture_reference,
            line.amount.amount_minor,
            line.amount.currency,
            line.fee.amount_minor if line.fee else 0,
            line.booked_at.isoformat(),
        )
        for line in lines
    ]
    return csv_bytes([_COLUMNS, *rows, ("end", len(rows))])
