# SPDX-License-Identifier: Apache-2.0
"""Reads WeChat Pay's transaction bill of a day, in Chinese headings as the merchant platform and its API give it.

Columns by their names, https://pay.weixin.qq.com/wiki/doc/api_external/ch/apis/chapter3_3_6.shtml; that every cell
begins with a backtick and two lines of totals come last, as in .../api/wxpay/en/pay/QuickPay/chapter8_6.shtml there.
Checked: 2026-11-21. Amounts are in major units, times are Beijing's.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from tsuzuku.kernel.csv_lines import (
    DOWNLOAD_AGAIN,
    LineMalformed,
    by_columns,
    decimal_money,
    first_line,
    read_lines,
)
from tsuzuku.kernel.money import Money
from tsuzuku.payments.ports import Settlement, SettlementKind, SettlementLine, SettlementMalformed

_CHINA = timezone(timedelta(hours=8))
_TIME, _CAPTURE, _REFUND, _STATE = "交易时间", "微信订单号", "微信退款单号", "交易状态"
_CURRENCY, _PAID, _RETURNED, _FEE = "标价币种", "订单金额(标价币种)", "申请退款金额", "手续费"
_NEEDED = (_TIME, _CAPTURE, _REFUND, _STATE, _CURRENCY, _PAID, _RETURNED, _FEE)
#: The heading of the first total, which counts the lines.
_TOTAL = "总交易单数"
_MARK = "`"


def read_settlement(body: bytes) -> Settlement | None:
    """See the port."""
    columns = first_line(body).split(",")
    if columns[0] != _TIME or _CAPTURE not in columns:
        return None
    try:
        if missing := [column for column in _NEEDED if column not in columns]:
            raise LineMalformed(1, f"the column {missing[0]}: download the bill of a merchant outside mainland China")
        lines = read_lines(body)[1:]
        if len(lines) < 2 or lines[-2][1][0] != _TOTAL or _cell(lines[-1][1][0]) != str(len(lines) - 2):
            raise LineMalformed(lines[-1][0] if lines else 1, DOWNLOAD_AGAIN)
        told = [(number, [_cell(cell) for cell in cells]) for number, cells in lines[:-2]]
        return Settlement(lines=tuple(_line(number, cells) for number, cells in by_columns(told, columns)))
    except LineMalformed as problem:
        raise SettlementMalformed(line=problem.line, expected=problem.expected) from None


def _line(number: int, cells: Mapping[str, str]) -> SettlementLine:
    currency = cells[_CURRENCY]
    is_refund = cells[_STATE] == "REFUND"
    try:
        fee = decimal_money(cells[_FEE], currency)
        return SettlementLine(
            number=number,
            kind=SettlementKind.REFUND if is_refund else SettlementKind.CAPTURE,
            capture_reference=cells[_CAPTURE],
            reference=cells[_REFUND] if is_refund else cells[_CAPTURE],
            amount=decimal_money(cells[_RETURNED if is_refund else _PAID], currency),
            # Of a refund it is what they give back of their fee.
            fee=Money(-abs(fee.amount_minor), currency) if is_refund else fee,
            booked_at=datetime.fromisoformat(cells[_TIME]).replace(tzinfo=_CHINA),
        )
    except ValueError as problem:
        raise LineMalformed(number, f"a line of WeChat Pay's bill ({problem})") from None


def _cell(text: str) -> str:
    return text.strip().removeprefix(_MARK)
