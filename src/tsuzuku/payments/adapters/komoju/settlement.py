# SPDX-License-Identifier: Apache-2.0
"""Reads KOMOJU's settlement report, the CSV of the page "Settlements" as it is since June 2025.

Columns by their names, https://komoju-en.helpscoutdocs.com/article/862-settlement-report-update. Checked: 2026-11-21.
What is taken off stands below zero, and each line checks itself: amount, fee and its tax come to the settled amount.
"""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from tsuzuku.kernel.csv_lines import LineMalformed, by_columns, decimal_money, first_line, read_lines
from tsuzuku.kernel.money import Money
from tsuzuku.payments.ports import Settlement, SettlementKind, SettlementLine, SettlementMalformed

_TOKYO = ZoneInfo("Asia/Tokyo")
_TELLING = ("Payment UUID", "Transaction UUID", "Settlement Amount")
_NEEDED = (
    *_TELLING,
    "Type",
    "Timestamp",
    "Processing Currency",
    "Transaction Amount",
    "Fee Amount",
    "Fee Tax Amount",
    "Exchange Rate",
)
#: Of what the brand's account is not asked in another currency.
_SAME = frozenset({"", "1", "1.0"})


def read_settlement(body: bytes) -> Settlement | None:
    """See the port."""
    told = [column.strip('"') for column in first_line(body).split(",")]
    if not set(_TELLING) <= set(told):
        return None
    try:
        if missing := [column for column in _NEEDED if column not in told]:
            raise LineMalformed(1, f"the column {missing[0]}")
        (_, columns), *lines = read_lines(body)
        found = tuple(_line(number, cells) for number, cells in by_columns(lines, columns))
        # People make refunds by bank transfer, under a number that we are never told.
        return Settlement(lines=found, names_refunds=False)
    except LineMalformed as problem:
        raise SettlementMalformed(line=problem.line, expected=problem.expected) from None


def _line(number: int, cells: Mapping[str, str]) -> SettlementLine:
    currency = cells["Processing Currency"].upper()
    try:
        amount, fee, tax = (
            decimal_money(cells[column] or "0", currency)
            for column in ("Transaction Amount", "Fee Amount", "Fee Tax Amount")
        )
        if cells["Exchange Rate"] in _SAME and amount + fee + tax != decimal_money(
            cells["Settlement Amount"], currency
        ):
            raise ValueError("amount, fee and tax do not come to the settled amount")
        kind = _kind(cells["Type"], amount)
        is_other = kind is SettlementKind.OTHER
        return SettlementLine(
            number=number,
            kind=kind,
            capture_reference=cells["Payment UUID"],
            reference=cells["Transaction UUID"],
            amount=amount if is_other else Money(abs(amount.amount_minor), currency),
            fee=Money(-(fee + tax).amount_minor, currency),
            booked_at=_moment(cells["Timestamp"]),
        )
    except ValueError as problem:
        raise LineMalformed(number, f"a line of KOMOJU's report ({problem})") from None


def _kind(name: str, amount: Money) -> SettlementKind:
    """What a line tells; a chargeback that was won comes in. Raises ValueError for an amount the wrong way."""
    is_in = amount.amount_minor > 0
    match name.lower():
        case "capture" if is_in:
            return SettlementKind.CAPTURE
        case "refund":
            return SettlementKind.REFUND_RETURNED if is_in else SettlementKind.REFUND
        case "chargeback":
            return SettlementKind.DISPUTE_RETURNED if is_in else SettlementKind.DISPUTE
        case "correction":
            return SettlementKind.OTHER
    raise ValueError(f"a {name} of {amount.amount_minor}")


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=_TOKYO)
