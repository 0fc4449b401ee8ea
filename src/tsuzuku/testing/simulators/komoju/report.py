# SPDX-License-Identifier: Apache-2.0
"""The simulator's books as KOMOJU's settlement report.

Columns as https://komoju-en.helpscoutdocs.com/article/862-settlement-report-update names them. Checked: 2026-11-21.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from tsuzuku.kernel.csv_lines import decimal_text
from tsuzuku.kernel.money import Money
from tsuzuku.payments.ports import SettlementKind, SettlementLine
from tsuzuku.testing.simulators.object_books import Json, ObjectBooks
from tsuzuku.testing.simulators.settlements import csv_bytes, fee_minor

_TOKYO = ZoneInfo("Asia/Tokyo")
_COLUMNS = [
    "Type",
    "Payment External Order#",
    "Payment UUID",
    "Timestamp",
    "Payment Method",
    "Currency",
    "Description",
    "Transaction UUID",
    "Clearing UUID",
    "Processing Currency",
    "Transaction Amount",
    "Fee Amount",
    "Fee Tax Amount",
    "Remittance Currency",
    "Exchange Rate",
    "Settlement Amount",
    "Transfer Date",
]
_TYPES = {
    SettlementKind.CAPTURE: ("Capture", 1),
    SettlementKind.REFUND: ("Refund", -1),
    SettlementKind.REFUND_RETURNED: ("Refund", 1),
    SettlementKind.DISPUTE: ("Chargeback", -1),
    SettlementKind.DISPUTE_RETURNED: ("Chargeback", 1),
    SettlementKind.OTHER: ("Correction", 1),
}


def booked(books: ObjectBooks) -> list[SettlementLine]:
    """Every payment that was captured, and every refund that was made of it."""
    return [line for each in books.objects.values() if each["_kind"] == "payment" for line in _lines(each)]


def _lines(payment: Json) -> Iterator[SettlementLine]:
    if payment["captured_at"] is None:
        return
    currency = payment["currency"]
    amount = Money(payment["amount"], currency)
    yield SettlementLine(
        number=0,
        kind=SettlementKind.CAPTURE,
        capture_reference=payment["id"],
        reference=payment["id"],
        amount=amount,
        fee=Money(fee_minor(amount.amount_minor), currency),
        booked_at=datetime.fromisoformat(payment["captured_at"]),
    )
    for refund in payment["refunds"]:
        yield SettlementLine(
            number=0,
            kind=SettlementKind.REFUND,
            capture_reference=payment["id"],
            reference=refund["id"],
            amount=Money(refund["amount"], refund["currency"]),
            fee=Money(0, currency),
            booked_at=datetime.fromisoformat(refund["created_at"]),
        )


def write(lines: Sequence[SettlementLine]) -> bytes:
    """The file."""
    return csv_bytes([_COLUMNS, *map(_row, lines)])


def _row(line: SettlementLine) -> list[str]:
    name, sign = _TYPES[line.kind]
    currency = line.amount.currency
    amount = Money(sign * line.amount.amount_minor, currency)
    fee = Money(-(line.fee.amount_minor if line.fee else 0), currency)
    told = {
        "Type": name,
        "Payment UUID": line.capture_reference,
        "Timestamp": f"{line.booked_at.astimezone(_TOKYO):%Y-%m-%d %H:%M:%S%z}",
        "Payment Method": "konbini",
        "Currency": currency,
        # Of a capture the payment itself.
        "Transaction UUID": line.capture_reference if line.kind is SettlementKind.CAPTURE else line.reference,
        "Processing Currency": currency,
        "Transaction Amount": decimal_text(amount),
        "Fee Amount": decimal_text(fee),
        "Fee Tax Amount": decimal_text(Money(0, currency)),
        "Remittance Currency": currency,
        "Settlement Amount": decimal_text(amount + fee),
    }
    return [told.get(column, "") for column in _COLUMNS]
