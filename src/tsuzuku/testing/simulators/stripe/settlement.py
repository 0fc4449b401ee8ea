# SPDX-License-Identifier: Apache-2.0
"""The simulator's books as Stripe's report "itemized balance change from activity".

Columns and their order as https://docs.stripe.com/reports/report-types/balance has them, without those that tell of
customers and invoices. Checked: 2026-11-21.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tsuzuku.kernel.csv_lines import decimal_text
from tsuzuku.kernel.fingerprint import fingerprint
from tsuzuku.kernel.money import Money
from tsuzuku.payments.ports import SettlementKind, SettlementLine
from tsuzuku.testing.simulators.settlements import csv_bytes, fee_minor
from tsuzuku.testing.simulators.stripe.books import StripeBooks

_COLUMNS = (
    "balance_transaction_id",
    "created_utc",
    "available_on_utc",
    "currency",
    "gross",
    "fee",
    "net",
    "reporting_category",
    "source_id",
    "description",
    "charge_id",
    "payment_intent_id",
)
_CATEGORIES = {
    SettlementKind.CAPTURE: "charge",
    SettlementKind.REFUND: "refund",
    SettlementKind.REFUND_RETURNED: "refund_failure",
    SettlementKind.DISPUTE: "dispute",
    SettlementKind.DISPUTE_RETURNED: "dispute_reversal",
    SettlementKind.OTHER: "other_adjustment",
}
_RETURNED = {
    "refund.failed": SettlementKind.REFUND_RETURNED,
    "charge.dispute.funds_reinstated": SettlementKind.DISPUTE_RETURNED,
}
_TAKEN = frozenset({SettlementKind.REFUND, SettlementKind.DISPUTE})
#: What a dispute costs the merchant.
_DISPUTE_FEE = 1500
_AVAILABLE_AFTER = timedelta(days=4)


def booked(books: StripeBooks) -> list[SettlementLine]:
    """Every change of the balance."""
    found = [line for each in books.objects.values() for line in _lines(each)]
    # A refund or dispute tells when it was made, its event when the money came back.
    back = [event for event in books.told.values() if event["type"] in _RETURNED]
    return [*found, *(_line(_RETURNED[event["type"]], event["data"]["object"], event["created"]) for event in back)]


def write(lines: Sequence[SettlementLine]) -> bytes:
    """The file."""
    return csv_bytes([_COLUMNS, *(_row(line) for line in lines)])


def _lines(each: Mapping[str, Any]) -> Iterator[SettlementLine]:
    match each["object"]:
        case "charge" if each["paid"]:
            yield _line(SettlementKind.CAPTURE, each, each["created"], fee=fee_minor(each["amount"]))
        case "refund":
            yield _line(SettlementKind.REFUND, each, each["created"])
        case "dispute":
            yield _line(SettlementKind.DISPUTE, each, each["created"], fee=_DISPUTE_FEE)


def _line(kind: SettlementKind, each: Mapping[str, Any], at: float, *, fee: int = 0) -> SettlementLine:
    currency = each["currency"].upper()
    return SettlementLine(
        number=0,
        kind=kind,
        capture_reference=each["payment_intent"],
        reference=each["id"],
        amount=Money(each["amount"], currency),
        fee=Money(fee, currency),
        booked_at=datetime.fromtimestamp(at, UTC),
    )


def _row(line: SettlementLine) -> tuple[object, ...]:
    category = _CATEGORIES[line.kind]
    gross = Money(-line.amount.amount_minor if line.kind in _TAKEN else line.amount.amount_minor, line.amount.currency)
    fee = line.fee or Money(0, gross.currency)
    return (
        f"txn_{fingerprint(category=category, source=line.reference)[:24]}",
        _text(line.booked_at),
        _text(line.booked_at + _AVAILABLE_AFTER),
        gross.currency.lower(),
        decimal_text(gross),
        decimal_text(fee),
        decimal_text(gross - fee),
        category,
        line.reference,
        "",
        line.reference if line.kind is SettlementKind.CAPTURE else "",
        line.capture_reference,
    )


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
