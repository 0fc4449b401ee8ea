# SPDX-License-Identifier: Apache-2.0
"""The simulator's books as a transaction bill, in the columns that merchants outside mainland China get.

https://pay.weixin.qq.com/wiki/doc/api_external/ch/apis/chapter3_3_6.shtml names them. Checked: 2026-11-21.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from tsuzuku.kernel.csv_lines import decimal_text
from tsuzuku.kernel.money import Money
from tsuzuku.payments.ports import SettlementKind, SettlementLine
from tsuzuku.testing.simulators.object_books import ObjectBooks
from tsuzuku.testing.simulators.settlements import csv_bytes, fee_minor

_CHINA = timezone(timedelta(hours=8))
_COLUMNS = [
    "交易时间",
    "公众账号ID",
    "商户号",
    "子商户号",
    "设备号",
    "微信订单号",
    "商户订单号",
    "用户标识",
    "交易类型",
    "交易状态",
    "付款银行",
    "充值券币种",
    "充值券金额",
    "优惠券币种",
    "优惠券金额",
    "微信退款单号",
    "商户退款单号",
    "退款类型",
    "退款状态",
    "商品名称",
    "商户数据包",
    "手续费",
    "费率",
    "标价币种",
    "订单金额(标价币种)",
    "用户支付币种",
    "用户支付金额",
    "结算币种",
    "应结订单金额",
    "支付汇率",
    "退款汇率",
    "申请退款金额",
    "用户退款币种",
    "用户退款金额",
    "退款结算币种",
    "退款应结订单金额",
    "充值券退款金额",
    "优惠券退款金额",
]
_TOTALS = [
    "总交易单数",
    "应结订单总金额",
    "退款总金额",
    "充值券退款总金额",
    "手续费总金额",
    "订单总金额",
    "申请退款总金额",
]


def booked(books: ObjectBooks) -> list[SettlementLine]:
    """Every payment, and every refund that went through."""
    found = []
    for each in books.objects.values():
        is_refund = "out_refund_no" in each
        if each.get("status") != "SUCCESS" and not (not is_refund and "success_time" in each):
            continue
        amount, currency = each["amount"]["refund" if is_refund else "total"], each["amount"]["currency"]
        found.append(
            SettlementLine(
                number=0,
                kind=SettlementKind.REFUND if is_refund else SettlementKind.CAPTURE,
                capture_reference=each["transaction_id"] if is_refund else each["id"],
                reference=each["id"],
                amount=Money(amount, currency),
                fee=Money(0 if is_refund else fee_minor(amount), currency),
                booked_at=datetime.fromisoformat(each["success_time"]),
            )
        )
    return found


def write(lines: Sequence[SettlementLine]) -> bytes:
    """The file."""
    paid = sum(line.amount.amount_minor for line in lines if line.kind is SettlementKind.CAPTURE)
    returned = sum(line.amount.amount_minor for line in lines if line.kind is SettlementKind.REFUND)
    fees = sum(line.fee.amount_minor for line in lines if line.fee)
    totals = [len(lines), paid, returned, 0, fees, paid, returned]
    rows = [*map(_row, lines), _TOTALS, [f"`{total}" for total in totals]]
    return csv_bytes([_COLUMNS, *rows], ends="\r\n")


def _row(line: SettlementLine) -> list[str]:
    is_refund, currency = line.kind is SettlementKind.REFUND, line.amount.currency
    amount, nothing = decimal_text(line.amount), decimal_text(Money(0, currency))
    told = {
        "交易时间": f"{line.booked_at.astimezone(_CHINA):%Y-%m-%d %H:%M:%S}",
        "微信订单号": line.capture_reference,
        "交易类型": "NATIVE",
        "交易状态": "REFUND" if is_refund else "SUCCESS",
        "微信退款单号": line.reference if is_refund else "0",
        "退款状态": "SUCCESS" if is_refund else "",
        "手续费": decimal_text(line.fee or Money(0, currency)),
        "标价币种": currency,
        "订单金额(标价币种)": nothing if is_refund else amount,
        "结算币种": currency,
        "应结订单金额": nothing if is_refund else amount,
        "申请退款金额": amount if is_refund else nothing,
    }
    return [f"`{told.get(column, '')}" for column in _COLUMNS]
