# SPDX-License-Identifier: Apache-2.0
"""Settlement files, as their providers' documents show them, and as simulators write them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

from tsuzuku.kernel.money import Money
from tsuzuku.payments.adapters.alipay import settlement as alipay
from tsuzuku.payments.adapters.komoju import settlement as komoju
from tsuzuku.payments.adapters.paypal import settlement as paypal
from tsuzuku.payments.adapters.wechat_pay import settlement as wechat_pay
from tsuzuku.payments.ports import Settlement, SettlementKind, SettlementLine, SettlementMalformed
from tsuzuku.testing.simulators.alipay import bill as alipay_bill
from tsuzuku.testing.simulators.komoju import report as komoju_report
from tsuzuku.testing.simulators.paypal import report as paypal_report
from tsuzuku.testing.simulators.wechat_pay import bill as wechat_pay_bill

FILES = Path(__file__).parent / "settlements"
READERS: dict[str, tuple[ModuleType, Callable[[Sequence[SettlementLine]], bytes]]] = {
    "paypal": (paypal, paypal_report.write),
    "komoju": (komoju, komoju_report.write),
    "wechat_pay": (wechat_pay, wechat_pay_bill.write),
    "alipay": (alipay, alipay_bill.write),
}


def example(name: str) -> bytes:
    """A file as the provider's documents show it."""
    return (FILES / f"{name}.csv").read_bytes()


def read(name: str, body: bytes) -> Settlement:
    settlement: Settlement | None = READERS[name][0].read_settlement(body)
    assert settlement is not None
    return settlement


def essence(line: SettlementLine) -> tuple[object, ...]:
    fee = line.fee.amount_minor if line.fee else None
    return (line.kind, line.capture_reference, line.reference, line.amount, fee, line.booked_at)


def test_paypal() -> None:
    found = read("paypal", example("paypal"))
    capture = "3C679366HH908993F"
    assert [essence(line)[:5] for line in found.lines] == [
        (SettlementKind.CAPTURE, capture, capture, Money(1180, "JPY"), 82),
        (SettlementKind.REFUND, capture, "1JU08902781691411", Money(600, "JPY"), -20),
        (SettlementKind.DISPUTE, capture, "8AB08902781691411", Money(1180, "JPY"), 0),
        (SettlementKind.OTHER, "", "9AB08902781691411", Money(-3000, "USD"), 0),
    ]
    assert [line.number for line in found.lines] == [5, 6, 7, 8]
    assert found.lines[0].booked_at == datetime(2024, 8, 20, 7, 1, 17, tzinfo=UTC)
    assert (found.begins_at, found.ends_at) == (
        datetime(2024, 8, 20, 7, tzinfo=UTC),
        datetime(2024, 8, 21, 7, tzinfo=UTC),
    )


def test_komoju() -> None:
    payment = "807nhquor2u027yn30ssx008m"
    assert [essence(line) for line in read("komoju", example("komoju")).lines] == [
        (
            SettlementKind.CAPTURE,
            payment,
            payment,
            Money(5000, "JPY"),
            152,
            datetime(2025, 6, 4, 3, 34, 56, tzinfo=UTC),
        ),
        (
            SettlementKind.REFUND,
            payment,
            "3wt550ngz3roq94k1cy4n9b94",
            Money(5000, "JPY"),
            0,
            datetime(2025, 6, 5, 3, 34, 56, tzinfo=UTC),
        ),
        (SettlementKind.OTHER, "", "cor_1", Money(-220, "JPY"), 0, datetime(2025, 6, 29, 15, tzinfo=UTC)),
    ]


def test_wechat_pay() -> None:
    capture = "4200000153201808209352891155"
    assert [essence(line) for line in read("wechat_pay", example("wechat_pay")).lines] == [
        (SettlementKind.CAPTURE, capture, capture, Money(1180, "JPY"), 24, datetime(2026, 11, 19, 16, 30, tzinfo=UTC)),
        (
            SettlementKind.REFUND,
            capture,
            "50300007078",
            Money(600, "JPY"),
            -12,
            datetime(2026, 11, 20, 15, 59, 59, tzinfo=UTC),
        ),
    ]


def test_alipay() -> None:
    found, capture = read("alipay", example("alipay")), "2019091622001458860515315453"
    assert [essence(line)[:5] for line in found.lines] == [
        (SettlementKind.CAPTURE, capture, capture, Money(120, "CNY"), 1),
        (SettlementKind.REFUND, capture, "re_test_1568602607356", Money(70, "CNY"), 0),
    ]
    assert (found.begins_at, found.ends_at) == (
        datetime(2019, 9, 15, 16, tzinfo=UTC),
        datetime(2019, 9, 16, 16, tzinfo=UTC),
    )


@pytest.mark.parametrize("name", READERS)
def test_what_a_simulator_writes_is_what_is_read(name: str) -> None:
    at = datetime(2026, 11, 20, 3, 4, 5, tzinfo=UTC)
    capture = SettlementLine(
        number=0,
        kind=SettlementKind.CAPTURE,
        capture_reference="c1",
        reference="c1",
        amount=Money(1180, "JPY"),
        fee=Money(42, "JPY"),
        booked_at=at,
    )
    refund = SettlementLine(
        number=0,
        kind=SettlementKind.REFUND,
        capture_reference="c1",
        reference="r1",
        amount=Money(600, "JPY"),
        fee=Money(0, "JPY"),
        booked_at=at,
    )
    written = READERS[name][1]([capture, refund])
    assert [essence(line) for line in read(name, written).lines] == [essence(capture), essence(refund)]
    assert read(name, READERS[name][1]([])).lines == ()


@pytest.mark.parametrize("name", READERS)
def test_a_file_is_taken_by_nobody_else(name: str) -> None:
    for other in READERS:
        assert (READERS[name][0].read_settlement(example(other)) is None) == (other != name)


@pytest.mark.parametrize("name", [name for name in READERS if name != "komoju"])
def test_a_file_without_its_last_lines_is_cut_off(name: str) -> None:
    """But of KOMOJU's, which has no line of totals."""
    lines = example(name).splitlines(keepends=True)
    for left in range(1, len(lines)):
        body = b"".join(lines[:-left])
        with pytest.raises(SettlementMalformed) as caught:
            read(name, body)
        assert caught.value.particulars["expected"]


@pytest.mark.parametrize("name", READERS)
def test_no_byte_of_the_end_can_be_missing(name: str) -> None:
    body = example(name)
    for left in range(1, 40):
        with pytest.raises(SettlementMalformed):
            read(name, body[:-left])


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("paypal", '"SC",4', '"SC",3'),
        ("paypal", '"FF",4', '"FF",5'),
        ("paypal", '1180,"JPY","DR"', '"lots","JPY","DR"'),
        ("paypal", "2024/08/20 00:00:00 -0700,", "yesterday,"),
        ("paypal", '"Fee Amount"', '"Fee"'),
        ("komoju", "4848", "4849"),
        ("komoju", "Capture,", "Surprise,"),
        ("komoju", "Exchange Rate", "Rate"),
        ("wechat_pay", "`2,`1180", "`3,`1180"),
        ("wechat_pay", "`2026-11-20 00:30:00", "`soon"),
        ("wechat_pay", "标价币种,订单金额", "币种,订单金额"),
        ("alipay", "#交易合计：1笔", "#交易合计：2笔"),
        ("alipay", ",1.20,1.20", ",1.205,1.20"),
        ("alipay", "退款批次号/请求号", "号"),
        ("alipay", "2019年09月16日", "2019年13月16日"),
    ],
)
def test_says_that_a_line_is_wrong(name: str, before: str, after: str) -> None:
    encoding = "gbk" if name == "alipay" else "utf-8"
    text = example(name).decode(encoding)
    assert text.count(before) >= 1
    with pytest.raises(SettlementMalformed):
        read(name, text.replace(before, after, 1).encode(encoding))
