# SPDX-License-Identifier: Apache-2.0
"""Reads the sandbox's settlement file, `GET /settlement`: a line for each move, then how many there were."""

from collections.abc import Mapping
from datetime import datetime

from tsuzuku.kernel.csv_lines import DOWNLOAD_AGAIN, LineMalformed, by_columns, first_line, read_lines
from tsuzuku.kernel.money import Money
from tsuzuku.payments.ports import Settlement, SettlementKind, SettlementLine, SettlementMalformed

COLUMNS = ("sandbox_settlement", "id", "capture", "amount_minor", "currency", "fee_minor", "booked_at")
#: In the first column of the last line; the second has the number of the lines between.
END = "end"


def read_settlement(body: bytes) -> Settlement | None:
    """See the port."""
    if first_line(body) != ",".join(COLUMNS):
        return None
    try:
        lines = read_lines(body)[1:]
        if not lines or lines[-1][1] != [END, str(len(lines) - 1)]:
            raise LineMalformed(lines[-1][0] if lines else 1, DOWNLOAD_AGAIN)
        return Settlement(lines=tuple(_line(number, cells) for number, cells in by_columns(lines[:-1], COLUMNS)))
    except LineMalformed as problem:
        raise SettlementMalformed(line=problem.line, expected=problem.expected) from None


def _line(number: int, cells: Mapping[str, str]) -> SettlementLine:
    try:
        return SettlementLine(
            number=number,
            kind=SettlementKind(cells["sandbox_settlement"]),
            capture_reference=cells["capture"],
            reference=cells["id"],
            amount=Money(int(cells["amount_minor"]), cells["currency"]),
            fee=Money(int(cells["fee_minor"]), cells["currency"]),
            booked_at=datetime.fromisoformat(cells["booked_at"]),
        )
    except ValueError as problem:
        raise LineMalformed(number, f"a line of the sandbox ({problem})") from None
