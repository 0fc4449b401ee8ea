# SPDX-License-Identifier: Apache-2.0
"""The simulator's books as a bill ("业务明细") in GBK, with words before and after its lines.

As alipay.data.dataservice.bill.downloadurl.query gives it, https://opendocs.alipay.com/open/02ivbs, unpacked. Checked:
2026-11-21. The currency of the trades stands in the headings, where mainland bills have 元.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from tsuzuku.kernel.csv_lines import decimal_money, decimal_text
from tsuzuku.kernel.money import Money
from tsuzuku.payments.ports import SettlementKind, SettlementLine
from tsuzuku.testing.simulators.alipay.objects import trade_key
from tsuzuku.testing.simulators.object_books import ObjectBooks
from tsuzuku.testing.simulators.settlements import csv_bytes, fee_minor

_CHINA = timezone(timedelta(hours=8))
_COLUMNS = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,"
    "支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,"
    "退款批次号/请求号,服务费（元）,分润（元）,备注"
)
_DASHES = "-" * 41


def booked(books: ObjectBooks) -> list[SettlementLine]:
    """Every trade that was paid, and every refund."""
    found = []
    for each in books.objects.values():
        is_refund = "out_request_no" in each
        at = each.get("gmt_refund_pay" if is_refund else "send_pay_date")
        if at is None:
            continue
        trade = books.objects[trade_key(each["out_trade_no"])] if is_refund else each
        amount = decimal_money(each["refund_amount" if is_refund else "total_amount"], trade["trans_currency"])
        found.append(
            SettlementLine(
                number=0,
                kind=SettlementKind.REFUND if is_refund else SettlementKind.CAPTURE,
                capture_reference=each["trade_no"],
                reference=each["out_request_no" if is_refund else "trade_no"],
                amount=amount,
                fee=Money(0 if is_refund else fee_minor(amount.amount_minor), amount.currency),
                booked_at=datetime.fromisoformat(at).replace(tzinfo=_CHINA),
            )
        )
    return found


def write(lines: Sequence[SettlementLine]) -> bytes:
    """The file."""
    currency = lines[0].amount.currency if lines else "JPY"
    unit = "元" if currency == "CNY" else currency
    columns = _COLUMNS.replace("元", unit).split(",")
    return csv_bytes(
        [*_before(lines), columns, *(_row(line, columns) for line in lines), *_after(lines, unit)], encoding="gbk"
    )


def _before(lines: Sequence[SettlementLine]) -> list[list[str]]:
    begins_at = min((line.booked_at for line in lines), default=datetime(1970, 1, 1, tzinfo=_CHINA))
    ends_at = max((line.booked_at for line in lines), default=begins_at) + timedelta(seconds=1)
    return [
        ["#支付宝业务明细查询"],
        ["#账号：[20880000000000000156]"],
        [f"#起始日期：[{_words(begins_at)}]   终止日期：[{_words(ends_at)}]"],
        [f"#{_DASHES}业务明细列表{_DASHES}"],
    ]


def _after(lines: Sequence[SettlementLine], unit: str) -> list[list[str]]:
    sums = {}
    for kind in (SettlementKind.CAPTURE, SettlementKind.REFUND):
        of_kind = [line.amount.amount_minor for line in lines if line.kind is kind]
        sums[kind] = (len(of_kind), sum(of_kind))
    (trades, taken), (refunds, returned) = sums[SettlementKind.CAPTURE], sums[SettlementKind.REFUND]
    return [
        [f"#{_DASHES}业务明细列表结束{_DASHES}"],
        [f"#交易合计：{trades}笔，商家实收共{taken}{unit}，商家优惠共0.00{unit}"],
        [f"#退款合计：{refunds}笔，商家实收退款共-{returned}{unit}，商家优惠退款共0.00{unit}"],
        [f"#导出时间：[{_words(datetime.now(_CHINA))}]"],
    ]


def _row(line: SettlementLine, columns: Sequence[str]) -> list[str]:
    is_refund = line.kind is SettlementKind.REFUND
    amount = decimal_text(Money(-line.amount.amount_minor, line.amount.currency) if is_refund else line.amount)
    at = f"{line.booked_at.astimezone(_CHINA):%Y-%m-%d %H:%M:%S}"
    told = {
        "支付宝交易号": f"{line.capture_reference}\t",
        "业务类型": "退款\t" if is_refund else "交易\t",
        "创建时间": at,
        "完成时间": at,
        "订单金额": amount,
        "商家实收": amount,
        "退款批次号/请求号": line.reference if is_refund else "\t",
        "服务费": decimal_text(line.fee or Money(0, line.amount.currency)),
    }
    return [told.get(column.partition("（")[0], "") for column in columns]


def _words(moment: datetime) -> str:
    return f"{moment.astimezone(_CHINA):%Y年%m月%d日 %H:%M:%S}"
