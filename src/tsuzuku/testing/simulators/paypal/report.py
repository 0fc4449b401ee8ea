# SPDX-License-Identifier: Apache-2.0
"""The simulator's books as PayPal's Settlement Report, https://developer.paypal.com/docs/reports/sftp-reports/.

Checked: 2026-11-21.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from tsuzuku.kernel.csv_lines import decimal_money
from tsuzuku.kernel.money import Money
from tsuzuku.payments.ports import SettlementKind, SettlementLine
from tsuzuku.testing.simulators.object_books import Json, ObjectBooks
from tsuzuku.testing.simulators.settlements import csv_bytes

_COLUMNS = [
    "Transaction ID",
    "Invoice ID",
    "PayPal Reference ID",
    "PayPal Reference ID Type",
    "Transaction Event Code",
    "Transaction Initiation Date",
    "Transaction Completion Date",
    "Transaction Debit or Credit",
    "Gross Transaction Amount",
    "Gross Transaction Currency",
    "Fee Debit or Credit",
    "Fee Amount",
    "Fee Currency",
    "Custom Field",
    "Consumer ID",
    "Payment Tracking ID",
    "Store ID",
]
_CODES = {
    SettlementKind.CAPTURE: ("T0006", "CR"),
    SettlementKind.REFUND: ("T1107", "DR"),
    SettlementKind.REFUND_RETURNED: ("T1107", "CR"),
    SettlementKind.DISPUTE: ("T1201", "DR"),
    SettlementKind.DISPUTE_RETURNED: ("T1201", "CR"),
    SettlementKind.OTHER: ("T0400", "DR"),
}
_TAKEN = frozenset({"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"})
_ACCOUNT = "SIMULATEDSELLER"


def booked(books: ObjectBooks) -> list[SettlementLine]:
    """Every capture, every refund that went through, and what payers disputed until it was theirs or ours."""
    return [line for each in books.objects.values() for line in _READERS.get(each["_kind"], _nothing)(each)]


def write(lines: Sequence[SettlementLine]) -> bytes:
    """The file."""
    begins_at = min((line.booked_at for line in lines), default=datetime(1970, 1, 1, tzinfo=UTC))
    ends_at = max((line.booked_at for line in lines), default=begins_at)
    count = len(lines)
    rows: list[Sequence[object]] = [
        ("RH", _text(ends_at), "A", _ACCOUNT, "011", ""),
        ("FH", "01"),
        ("SH", _text(begins_at), _text(ends_at), _ACCOUNT, ""),
        ("CH", *_COLUMNS),
        *(("SB", *_row(line)) for line in lines),
        ("SC", count),
        ("RC", count),
        ("FF", count),
    ]
    return csv_bytes(rows, ends="\r\n")


def _row(line: SettlementLine) -> list[object]:
    code, direction = _CODES[line.kind]
    fee = line.fee.amount_minor if line.fee else 0
    told = {
        "Transaction ID": line.capture_reference if line.kind is SettlementKind.CAPTURE else line.reference,
        "PayPal Reference ID": "" if line.kind is SettlementKind.CAPTURE else line.capture_reference,
        "PayPal Reference ID Type": "" if line.kind is SettlementKind.CAPTURE else "TXN",
        "Transaction Event Code": code,
        "Transaction Initiation Date": _text(line.booked_at),
        "Transaction Completion Date": _text(line.booked_at),
        "Transaction Debit or Credit": direction,
        "Gross Transaction Amount": abs(line.amount.amount_minor),
        "Gross Transaction Currency": line.amount.currency,
        "Fee Debit or Credit": "CR" if fee < 0 else "DR" if fee else "",
        "Fee Amount": abs(fee) or "",
        "Fee Currency": line.amount.currency if fee else "",
    }
    return [told.get(column, "") for column in _COLUMNS]


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y/%m/%d %H:%M:%S} +0000"


def _nothing(each: Json) -> Iterator[SettlementLine]:
    yield from ()


def _capture(each: Json) -> Iterator[SettlementLine]:
    if each["status"] in _TAKEN:
        fee = _money(each["seller_receivable_breakdown"]["paypal_fee"])
        yield _line(SettlementKind.CAPTURE, each, each["id"], each["amount"], each["create_time"], fee=fee)


def _refund(each: Json) -> Iterator[SettlementLine]:
    # What a lost dispute took is told as the dispute.
    if each["status"] == "COMPLETED" and each.get("note_to_payer") != "Payment reversed":
        yield _line(SettlementKind.REFUND, each, each["_of"], each["amount"], each["create_time"])


def _dispute(each: Json) -> Iterator[SettlementLine]:
    amount = each["dispute_amount"]
    yield _line(SettlementKind.DISPUTE, each, each["_of"], amount, each["create_time"])
    outcome = each.get("dispute_outcome", {}).get("outcome_code", "RESOLVED_BUYER_FAVOUR")
    if outcome != "RESOLVED_BUYER_FAVOUR":
        yield _line(SettlementKind.DISPUTE_RETURNED, each, each["_of"], amount, each["update_time"])


_READERS: Mapping[str, Callable[[Json], Iterator[SettlementLine]]] = {
    "capture": _capture,
    "refund": _refund,
    "dispute": _dispute,
}


def _line(
    kind: SettlementKind, each: Json, capture: str, amount: Json, at: str, *, fee: Money | None = None
) -> SettlementLine:
    money = _money(amount)
    return SettlementLine(
        number=0,
        kind=kind,
        capture_reference=capture,
        reference=each["_id"],
        amount=money,
        fee=fee or Money(0, money.currency),
        booked_at=datetime.fromisoformat(at),
    )


def _money(fields: Json) -> Money:
    return decimal_money(fields["value"], fields["currency_code"])
