# SPDX-License-Identifier: Apache-2.0
"""Stripe's report as the dashboard downloads it, in the words of https://docs.stripe.com/reports/report-types/balance."""

from datetime import UTC, datetime

import pytest

from tsuzuku.kernel.money import Money
from tsuzuku.payments.adapters.stripe.settlement import read_settlement
from tsuzuku.payments.ports import SettlementKind, SettlementMalformed

HEADER = (
    '"balance_transaction_id","created_utc","available_on_utc","currency","gross","fee","net","reporting_category",'
    '"source_id","description","charge_id","payment_intent_id"'
)
LINES = (
    'txn_1,2026-11-01 14:59:59,2026-11-05 00:00:00,jpy,1180.00,42.00,1138.00,charge,ch_1,"7 days, 3 GB",ch_1,pi_1',
    "txn_2,2026-11-01 15:00:00,2026-11-05 00:00:00,jpy,-600.00,0.00,-600.00,refund,re_1,REFUND,ch_1,pi_1",
    "txn_3,2026-11-02 00:00:00,2026-11-05 00:00:00,jpy,600.00,0.00,600.00,refund_failure,re_1,,ch_1,pi_1",
    "txn_4,2026-11-03 01:02:03,2026-11-05 00:00:00,jpy,-1180.00,1500.00,-2680.00,dispute,dp_1,,ch_1,pi_1",
    "txn_5,2026-11-09 01:02:03,2026-11-09 00:00:00,jpy,1180,-1500,2680,dispute_reversal,dp_1,,ch_1,pi_1",
    'txn_6,2026-11-09 02:00:00,2026-11-09 00:00:00,usd,"-1,234.56",0.00,"-1,234.56",payout,po_1,STRIPE PAYOUT,,',
)  # fmt: skip


def body(*lines: str, header: str = HEADER, ends: str = "\r\n") -> bytes:
    return ("\ufeff" + ends.join([header, *lines, ""])).encode()


def test_reads_every_category() -> None:
    settlement = read_settlement(body(*LINES))
    assert settlement is not None
    assert [(line.number, line.kind, line.capture_reference, line.reference) for line in settlement.lines] == [
        (2, SettlementKind.CAPTURE, "pi_1", "ch_1"),
        (3, SettlementKind.REFUND, "pi_1", "re_1"),
        (4, SettlementKind.REFUND_RETURNED, "pi_1", "re_1"),
        (5, SettlementKind.DISPUTE, "pi_1", "dp_1"),
        (6, SettlementKind.DISPUTE_RETURNED, "pi_1", "dp_1"),
        (7, SettlementKind.OTHER, "", "po_1"),
    ]
    assert [(line.amount, line.fee) for line in settlement.lines] == [
        (Money(1180, "JPY"), Money(42, "JPY")),
        (Money(600, "JPY"), Money(0, "JPY")),
        (Money(600, "JPY"), Money(0, "JPY")),
        (Money(1180, "JPY"), Money(1500, "JPY")),
        (Money(1180, "JPY"), Money(-1500, "JPY")),
        (Money(-123456, "USD"), Money(0, "USD")),
    ]
    assert settlement.lines[0].booked_at == datetime(2026, 11, 1, 14, 59, 59, tzinfo=UTC)
    assert (settlement.begins_at, settlement.ends_at) == (None, None)


def test_a_month_without_sales_is_whole() -> None:
    settlement = read_settlement(body())
    assert settlement is not None
    assert settlement.lines == ()


def test_a_charge_without_payment_intent_is_named_by_itself() -> None:
    settlement = read_settlement(body(LINES[0].removesuffix("pi_1")))
    assert settlement is not None
    assert settlement.lines[0].capture_reference == "ch_1"


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        (body(LINES[0])[:-1], 2),
        (body(LINES[0])[:-2], 2),
        (body(LINES[0].removesuffix(",pi_1")), 2),
        (body(LINES[0] + ",more"), 2),
        (body(LINES[0], LINES[1].replace("-600.00,0.00", "-600.00,1.00")), 3),
        (body(LINES[0].replace("1180.00,42.00,1138.00", "1180.50,42.00,1138.50")), 2),
        (body(LINES[0].replace("1180.00", "lots")), 2),
        (body(LINES[0].replace("1180.00,42.00,1138.00", "NaN,0,NaN")), 2),
        (body(LINES[0].replace("1180.00,42.00,1138.00", "-5,0,-5")), 2),
        (body(LINES[0].replace("1180.00,42.00,1138.00", f"{'9' * 30},0,{'9' * 30}")), 2),
        (body(LINES[0].replace("jpy", "yen!")), 2),
        (body(LINES[0].replace("2026-11-01 14:59:59", "yesterday")), 2),
        (body(LINES[0].replace("3 GB", "3 \0 GB")), 2),
        (body(LINES[0].replace('3 GB"', "3 GB")), 2),
        (body(LINES[0]).replace(b"3 GB", b"3 \xff GB"), 2),
        (body(header=HEADER.replace(',"payment_intent_id"', "")), 1),
    ],
)
def test_says_which_line_is_wrong(broken: bytes, line: int) -> None:
    with pytest.raises(SettlementMalformed) as caught:
        read_settlement(broken)
    assert caught.value.particulars["line"] == line
    assert caught.value.particulars["expected"]


@pytest.mark.parametrize("header", ["", "id,type,amount", '"balance_transaction_id"', "sandbox_settlement,id"])
def test_leaves_other_files_alone(header: str) -> None:
    assert read_settlement(body(header=header)) is None
