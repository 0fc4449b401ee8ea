# SPDX-License-Identifier: Apache-2.0
"""Reads Alipay's bill of a day or month ("业务明细"), unpacked from the archive in which it is downloaded.

In GBK: lines of words that begin with #, the headings, a line for each trade and refund, words again, among them how
many trades and refunds there were. Described with alipay.data.dataservice.bill.downloadurl.query,
https://opendocs.alipay.com/open/02ivbs. Checked: 2026-11-21. Times are Beijing's. The headings of mainland bills say
that amounts are in yuan (元); another currency is read where its code stands instead.
"""

import re
from collections.abc import Mapping, Sequence
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

_ENCODING = "gbk"
_TITLE, _END, _LAST = "#支付宝业务明细查询", "业务明细列表结束", "#导出时间"
_CHINA = timezone(timedelta(hours=8))
_PERIOD = re.compile(r"#起始日期：\[(.+?)\]\s*终止日期：\[(.+?)\]")
_COUNT = re.compile(r"#(交易|退款)合计：(\d+)笔")
_AMOUNT = re.compile(r"订单金额（(.+)）")
_CAPTURE, _KIND, _TIME, _REFUND = "支付宝交易号", "业务类型", "完成时间", "退款批次号/请求号"
_KINDS = {"交易": SettlementKind.CAPTURE, "退款": SettlementKind.REFUND}
_YUAN = {"元": "CNY"}


def read_settlement(body: bytes) -> Settlement | None:
    """See the port."""
    if first_line(body, encoding=_ENCODING).split(",")[0].strip() != _TITLE:
        return None
    try:
        lines = read_lines(body, encoding=_ENCODING)
        if not lines[-1][1][0].startswith(_LAST):
            raise LineMalformed(lines[-1][0], DOWNLOAD_AGAIN)
        return _settlement(lines)
    except LineMalformed as problem:
        raise SettlementMalformed(line=problem.line, expected=problem.expected) from None


def _settlement(lines: Sequence[tuple[int, list[str]]]) -> Settlement:
    words = {number: ",".join(cells) for number, cells in lines if cells[0].startswith("#")}
    told = [(number, cells) for number, cells in lines if number not in words]
    if not told or not any(_END in text for text in words.values()):
        raise LineMalformed(lines[-1][0], DOWNLOAD_AGAIN)
    (heading, columns), *rows = told
    columns = [column.strip() for column in columns]
    amount = next((column for column in columns if _AMOUNT.fullmatch(column)), None)
    if amount is None or not {_CAPTURE, _KIND, _TIME, _REFUND} <= set(columns):
        raise LineMalformed(heading, f"the columns {_CAPTURE}, {_KIND}, {_TIME}, 订单金额, {_REFUND}")
    found = tuple(_line(number, cells, amount) for number, cells in by_columns(rows, columns))
    for number, text in words.items():
        counted = _COUNT.search(text)
        if counted and int(counted[2]) != sum(line.kind is _KINDS[counted[1]] for line in found):
            raise LineMalformed(number, f"as many lines as it counts ({counted[2]}): download it again")
    period = next((match for text in words.values() if (match := _PERIOD.search(text))), None)
    try:
        begins_at, ends_at = (_moment(text) for text in period.groups()) if period else (None, None)
    except ValueError:
        raise LineMalformed(next(iter(words)), "the time that it tells of") from None
    return Settlement(lines=found, begins_at=begins_at, ends_at=ends_at)


def _line(number: int, cells: Mapping[str, str], amount_column: str) -> SettlementLine:
    unit = amount_column.removeprefix("订单金额（").removesuffix("）")
    currency, kind = _YUAN.get(unit, unit), _KINDS.get(cells[_KIND], SettlementKind.OTHER)
    try:
        amount = decimal_money(cells[amount_column], currency)
        fee = decimal_money(cells.get(f"服务费（{unit}）") or "0", currency)
        is_refund = kind is SettlementKind.REFUND
        return SettlementLine(
            number=number,
            kind=kind,
            capture_reference=cells[_CAPTURE],
            # Our key of the refund, the only name that the bill has for it.
            reference=cells[_REFUND] if is_refund else cells[_CAPTURE],
            amount=Money(-amount.amount_minor, currency) if is_refund else amount,
            fee=Money(-abs(fee.amount_minor) if is_refund else abs(fee.amount_minor), currency),
            booked_at=datetime.fromisoformat(cells[_TIME]).replace(tzinfo=_CHINA),
        )
    except ValueError as problem:
        raise LineMalformed(number, f"a line of Alipay's bill ({problem})") from None


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y年%m月%d日 %H:%M:%S").replace(tzinfo=_CHINA)
