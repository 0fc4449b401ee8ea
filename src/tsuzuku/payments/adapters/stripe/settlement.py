# SPDX-License-Identifier: Apache-2.0
"""Reads Stripe's report "itemized balance change from activity", as the dashboard's balance report downloads it.

Columns by their names, https://docs.stripe.com/reports/report-types/balance (balance_change_from_activity.itemized),
what they tell by https://docs.stripe.com/reports/reporting-categories. Checked: 2026-11-21. Amounts are in major units
with a point, fees are above zero, and money that goes out is below it. The file has no line of totals, but each line
checks itself: gross less fee is net.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from tsuzuku.kernel.csv_lines import LineMalformed, by_columns, decimal_money, first_line, read_lines
from tsuzuku.kernel.money import Money
from tsuzuku.payments.ports import Settlement, SettlementKind, SettlementLine, SettlementMalformed

#: By these one tells that it is this report.
_TELLING = ("balance_transaction_id", "reporting_category")
_NEEDED = (*_TELLING, "created_utc", "currency", "gross", "fee", "net", "source_id", "payment_intent_id")
#: What lines of a category tell, and whether their money comes in. Every other category is no payment of a payer's:
#: payouts, Stripe's own fees, transfers.
_KINDS = {
    "charge": (SettlementKind.CAPTURE, 1),
    "refund": (SettlementKind.REFUND, -1),
    "refund_failure": (SettlementKind.REFUND_RETURNED, 1),
    "dispute": (SettlementKind.DISPUTE, -1),
    "dispute_reversal": (SettlementKind.DISPUTE_RETURNED, 1),
}


def read_settlement(body: bytes) -> Settlement | None:
    """See the port."""
    told = [column.strip('"') for column in first_line(body).split(",")]
    if not set(_TELLING) <= set(told):
        return None
    try:
        if missing := [column for column in _NEEDED if column not in told]:
            raise LineMalformed(1, f"the column {missing[0]}: choose all columns when you download the report")
        (_, columns), *lines = read_lines(body)
        return Settlement(lines=tuple(_line(number, cells) for number, cells in by_columns(lines, columns)))
    except LineMalformed as problem:
        raise SettlementMalformed(line=problem.line, expected=problem.expected) from None


def _line(number: int, cells: Mapping[str, str]) -> SettlementLine:
    currency = cells["currency"].upper()
    kind, sign = _KINDS.get(cells["reporting_category"], (SettlementKind.OTHER, 1))
    try:
        gross, fee, net = (decimal_money(cells[column], currency) for column in ("gross", "fee", "net"))
        if gross - fee != net:
            raise ValueError("gross less fee is not net")
        return SettlementLine(
            number=number,
            kind=kind,
            # Charges that somebody made by hand may have no PaymentIntent.
            capture_reference=cells["payment_intent_id"] or cells.get("charge_id", ""),
            reference=cells["source_id"],
            amount=Money(sign * gross.amount_minor, currency),
            fee=fee,
            booked_at=datetime.fromisoformat(cells["created_utc"]).replace(tzinfo=UTC),
        )
    except ValueError as problem:
        raise LineMalformed(number, f"a line of Stripe's report ({problem})") from None
