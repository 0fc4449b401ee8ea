# SPDX-License-Identifier: Apache-2.0
import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from tsuzuku.kernel import clock
from tsuzuku.receipts.errors import ReceiptNotPrintable, TooManyReceiptMails

if TYPE_CHECKING:
    from pytest_django import Settings

    from tsuzuku.receipts.models import Receipt
    from tsuzuku.testing.house import House


def mail(
    receipt: "Receipt", *, key: uuid.UUID | None = None, language: str = "ja", address: str = "traveller@example.com"
) -> None:
    from tsuzuku.receipts.handing_out import mail_receipt

    mail_receipt(
        receipt,
        address=address,
        language=language,
        key=key or uuid.uuid4(),
        actor="customer:1",
        now=clock.now(),
    )


def copies(receipt: "Receipt") -> list[tuple[int, str, str]]:
    return list(receipt.copies.order_by("ordinal").values_list("ordinal", "way", "language"))


def test_the_first_is_the_original_and_later_ones_say_that_they_are_copies(
    house: "House", make_receipt: "Callable[[], Receipt]"
) -> None:
    receipt = make_receipt()
    mail(receipt)
    mail(receipt, language="ko")
    house.settle_down()
    first, second = (kept.message.text for kept in house.gateway.sent[-2:])
    assert first.startswith("領収書\n適格簡易請求書\n")
    assert second.startswith("영수증 · 재발행 (2번째)\n")
    assert copies(receipt) == [(1, "mail", "ja"), (2, "mail", "ko")]


def test_the_mail_is_a_whole_receipt(house: "House", make_receipt: "Callable[[], Receipt]") -> None:
    from tsuzuku.orders.links import order_link

    receipt = make_receipt()
    mail(receipt, language="zh-hans")
    house.settle_down()
    sent = house.gateway.sent[-1].message
    number = receipt.order.number
    assert (sent.subject, sent.language) == (f"收据 {receipt.number}", "zh-hans")
    for said in (
        f"编号: {receipt.number}",
        f"订单号: {number}",
        "3 GB 流量包 · 30 天 · 税率 10% · ¥1,180",
        "其中消费税（10%）: ¥107",
        "开具方: 株式会社つづく通信",
        "登记号 T1234567890123",
        f"{order_link(receipt.order)}/receipt?language=zh-hans",
        f"https://sim.example/verify?r={receipt.token}",
    ):
        assert said in sent.text.splitlines()


def test_a_mail_to_somebody_else_lets_nobody_in_to_the_order(
    house: "House", make_receipt: "Callable[[], Receipt]"
) -> None:
    receipt = make_receipt()
    mail(receipt, address="accounts@example.com")
    house.settle_down()
    lines = house.gateway.sent[-1].message.text.splitlines()
    assert f"https://sim.example/o/{receipt.order.number}/receipt?language=ja" in lines


def test_the_same_press_sends_once(house: "House", make_receipt: "Callable[[], Receipt]") -> None:
    receipt, key = make_receipt(), uuid.uuid4()
    before = len(house.gateway.sent)
    for _ in range(3):
        mail(receipt, key=key)
    house.settle_down()
    assert len(house.gateway.sent) == before + 1
    assert copies(receipt) == [(1, "mail", "ja")]


def test_five_mails_an_hour_are_enough(make_receipt: "Callable[[], Receipt]") -> None:
    receipt = make_receipt()
    for _ in range(5):
        mail(receipt)
    with pytest.raises(TooManyReceiptMails):
        mail(receipt)
    assert len(copies(receipt)) == 5
    with clock.travel_to(clock.now() + timedelta(hours=1, minutes=1)):
        mail(receipt)


def test_a_file_that_cannot_be_made_was_not_handed_out(
    make_receipt: "Callable[[], Receipt]", brand: "Settings"
) -> None:
    """Rather no file than one with boxes; what is to be the original stays to be had."""
    from tsuzuku.receipts.handing_out import print_receipt

    brand.BRAND_NAME = "Tsuzuku \U00013000"
    receipt = make_receipt()
    with pytest.raises(ReceiptNotPrintable):
        print_receipt(receipt, language="ja", key=uuid.uuid4(), actor="customer:1", now=clock.now())
    assert copies(receipt) == []


@pytest.mark.django_db(transaction=True)
def test_two_at_once_get_one_original(make_receipt: "Callable[[], Receipt]") -> None:
    receipt = make_receipt()
    barrier = threading.Barrier(4)

    def work() -> None:
        try:
            barrier.wait()
            mail(receipt)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [ordinal for ordinal, _, _ in copies(receipt)] == [1, 2, 3, 4]


def test_a_sale_that_was_paid_back_says_how_much(house: "House", make_receipt: "Callable[[], Receipt]") -> None:
    from tsuzuku.receipts.document import describe
    from tsuzuku.receipts.queries import find_genuine, returned_of

    receipt = make_receipt()
    assert returned_of(receipt.order.number) is None
    for amount, told in ((80, "¥80 (consumption tax in it: ¥7)."), (1100, "¥1,180 (consumption tax in it: ¥107).")):
        house.give_back(receipt.order, amount_minor=amount)
        document = describe(receipt, language="en", ordinal=1, returned=returned_of(receipt.order.number))
        assert document.returned.startswith("Repayment of ")
        assert document.returned.endswith(f": {told}")
    assert find_genuine(receipt.token)[1] == receipt
