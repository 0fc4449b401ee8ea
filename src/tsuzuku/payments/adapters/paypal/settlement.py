# SPDX-License-Identifier: Apache-2.0
"""Reads PayPal's Settlement Report (STL), and its Transaction Detail Report, as CSV.

https://developer.paypal.com/docs/reports/sftp-reports/settlement-report/; what happened by its T-code,
https://developer.paypal.com/docs/reports/reference/tcodes/. Checked: 2026-11-21. Each line says in its first cell what
it is: RH and FH begin the report, SH a section with the time that it tells of, CH names the columns, SB is a move, SC
counts those of a section, FF those of the file. Amounts are in minor units without a sign; CR is what came in.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from tsuzuku.kernel.csv_lines import DOWNLOAD_AGAIN, LineMalformed, by_columns, first_line, read_lines
from tsuzuku.kernel.money import Money
from tsuzuku.payments.ports import Settlement, SettlementKind, SettlementLine, SettlementMalformed

_CODE, _DIRECTION, _COMPLETED = "Transaction Event Code", "Transaction Debit or Credit", "Transaction Completion Date"
_GROSS, _CURRENCY = "Gross Transaction Amount", "Gross Transaction Currency"
_FEE, _FEE_DIRECTION = "Fee Amount", "Fee Debit or Credit"
_NEEDED = ("Transaction ID", "PayPal Reference ID", _CODE, _DIRECTION, _COMPLETED, _GROSS, _CURRENCY, _FEE)
#: By T-code and direction: what a payer's money did. T00nn are payments of every kind, T1106 is a reversal by PayPal.
_KINDS = {
    ("T1107", "DR"): SettlementKind.REFUND,
    ("T1107", "CR"): SettlementKind.REFUND_RETURNED,
    ("T1106", "DR"): SettlementKind.DISPUTE,
    ("T1106", "CR"): SettlementKind.DISPUTE_RETURNED,
    ("T1201", "DR"): SettlementKind.DISPUTE,
    ("T1201", "CR"): SettlementKind.DISPUTE_RETURNED,
}


def read_settlement(body: bytes) -> Settlement | None:
    """See the port."""
    if first_line(body).partition(",")[0] not in {'"RH"', "RH"}:
        return None
    try:
        lines = read_lines(body)
        moves = [line for line in lines if line[1][0] == "SB"]
        if lines[-1][1][:2] != ["FF", str(len(moves))]:
            raise LineMalformed(lines[-1][0], DOWNLOAD_AGAIN)
        _check_counts(lines)
        columns = next((cells for _, cells in lines if cells[0] == "CH"), ["CH"])
        if missing := [column for column in _NEEDED if column not in columns]:
            raise LineMalformed(1, f"the column {missing[0]}")
        begins_at, ends_at = _period([line for line in lines if line[1][0] == "SH"])
        found = tuple(_line(number, cells) for number, cells in by_columns(moves, columns))
        return Settlement(lines=found, begins_at=begins_at, ends_at=ends_at)
    except LineMalformed as problem:
        raise SettlementMalformed(line=problem.line, expected=problem.expected) from None


def _check_counts(lines: Sequence[tuple[int, list[str]]]) -> None:
    """Holds every section to its own count. Raises LineMalformed."""
    moves = 0
    for number, cells in lines:
        if cells[0] == "SB":
            moves += 1
        if cells[0] == "SC":
            if cells[1:2] != [str(moves)]:
                raise LineMalformed(number, f"as many lines as it counts: {DOWNLOAD_AGAIN}")
            moves = 0


def _period(sections: Sequence[tuple[int, list[str]]]) -> tuple[datetime | None, datetime | None]:
    """From the first moment of the sections to the one after their last, which are whole seconds."""
    found = []
    for number, cells in sections:
        try:
            found.append((_moment(cells[1]), _moment(cells[2]) + timedelta(seconds=1)))
        except (IndexError, ValueError):
            raise LineMalformed(number, "the time that the section tells of") from None
    if not found:
        return None, None
    return min(begins_at for begins_at, _ in found), max(ends_at for _, ends_at in found)


def _line(number: int, cells: Mapping[str, str]) -> SettlementLine:
    currency, direction = cells[_CURRENCY], cells[_DIRECTION]
    kind = _KINDS.get((cells[_CODE], direction), SettlementKind.OTHER)
    if cells[_CODE].startswith("T00") and direction == "CR":
        kind = SettlementKind.CAPTURE
    try:
        amount, fee = int(cells[_GROSS]), int(cells[_FEE] or "0")
        sign = -1 if kind is SettlementKind.OTHER and direction == "DR" else 1
        is_capture = kind is SettlementKind.CAPTURE
        return SettlementLine(
            number=number,
            kind=kind,
            capture_reference=cells["Transaction ID" if is_capture else "PayPal Reference ID"],
            reference=cells["Transaction ID"],
            amount=Money(sign * amount, currency),
            fee=Money(-fee if cells.get(_FEE_DIRECTION) == "CR" else fee, currency),
            booked_at=_moment(cells[_COMPLETED]),
        )
    except ValueError as problem:
        raise LineMalformed(number, f"a line of PayPal's report ({problem})") from None


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y/%m/%d %H:%M:%S %z")
