# SPDX-License-Identifier: Apache-2.0
"""Numbers without gaps and without doubles, whoever issues and whoever dies."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from tsuzuku.kernel import clock

if TYPE_CHECKING:
    from pytest_django import Settings

    from tsuzuku.receipts.models import Receipt
    from tsuzuku.testing.house import House, Story


def numbers() -> list[tuple[int | None, int | None]]:
    from tsuzuku.receipts.models import Receipt

    return list(Receipt.objects.order_by("sequence").values_list("year", "sequence"))


def forget_numbers() -> None:
    """Has everything waiting for its number again."""
    from tsuzuku.receipts.models import Receipt, ReceiptSequence

    Receipt.objects.update(
        year=None, sequence=None, issued_at=None, content=None, token="", next_attempt_at=clock.now()
    )
    ReceiptSequence.objects.all().delete()


def test_a_receipt_is_written_when_what_was_paid_for_is_given(house: "House", story: "Story") -> None:
    from tsuzuku.receipts.models import Receipt
    from tsuzuku.testing.factories import make_card, make_plan
    from tsuzuku.testing.fakes import Outcome

    make_plan("GB-1-3D")
    order = house.order(make_card(), "GB-1-3D")
    house.carrier.script.add(Outcome.UNAVAILABLE)
    house.pay(order)
    assert Receipt.objects.get().sequence is None
    with story.after(minutes=10):
        house.settle_down()
        assert house.renewal(order).state == "active"
        house.settle_down()
    receipt = Receipt.objects.get()
    assert (receipt.order, receipt.sequence, receipt.next_attempt_at) == (order, 1, None)


def test_what_is_never_given_gets_no_receipt(house: "House", story: "Story") -> None:
    from tsuzuku.receipts.models import Receipt
    from tsuzuku.testing.factories import make_card, make_plan
    from tsuzuku.testing.fakes import Outcome

    make_plan("GB-1-3D")
    order = house.order(make_card(), "GB-1-3D")
    house.carrier.script.add(Outcome.REFUSED)
    house.pay(order)
    with story.after(hours=1):
        house.settle_down()
    assert house.renewal(order).state == "withdrawn"
    assert Receipt.objects.count() == 0


def test_it_says_what_a_qualified_invoice_must(make_receipt: "Callable[[], Receipt]") -> None:
    from tsuzuku.receipts.document import describe

    receipt = make_receipt()
    document = describe(receipt, language="ja", ordinal=1, returned=None)
    assert receipt.issued_at is not None
    assert document.subtitle == "適格簡易請求書"
    assert (document.issuer_name, document.issuer_rest[-1]) == ("株式会社つづく通信", "登録番号 T1234567890123")
    assert document.lines == (("30日間 3ギガプラン", "10%", "¥1,180"),)
    assert document.sums == (("10%対象 合計（税込）", "¥1,180"), ("うち消費税（10%）", "¥107"))
    assert document.total == ("領収金額（税込）", "¥1,180")
    assert [name for name, _ in document.facts] == ["番号", "発行日", "取引日", "注文番号"]


def test_without_a_tax_number_it_claims_to_be_no_qualified_invoice(
    make_receipt: "Callable[[], Receipt]", brand: "Settings"
) -> None:
    from tsuzuku.receipts.document import describe

    brand.BRAND_TAX_NUMBER = brand.BRAND_ADDRESS = ""
    document = describe(make_receipt(), language="ja", ordinal=1, returned=None)
    assert (document.subtitle, document.issuer_rest) == ("", ())


def test_a_receipt_stays_as_it_was_written(make_receipt: "Callable[[], Receipt]", brand: "Settings") -> None:
    from tsuzuku.catalog.models import Plan
    from tsuzuku.receipts.document import describe
    from tsuzuku.receipts.queries import find_genuine

    receipt = make_receipt()
    before = describe(receipt, language="en", ordinal=1, returned=None)
    brand.BRAND_NAME, brand.PUBLIC_URL = "Another Ltd.", "https://other.example"
    brand.RECEIPT_SECRET = "another secret"
    Plan.objects.update(name={"en": "Another plan"})
    make_receipt()
    assert describe(receipt, language="en", ordinal=1, returned=None) == before
    assert find_genuine(before.verify_address)[1] == receipt


def test_the_order_may_have_lines_that_take_something_off(house: "House") -> None:
    from tsuzuku.receipts.content import receipt_content
    from tsuzuku.testing.factories import make_card, make_plan

    plan = make_plan("GB-1-3D", price_minor=1180)
    order = house.order(make_card(), "GB-1-3D")
    order.lines = [{"plan": "GB-1-3D", "amount_minor": 1480}, {"promotion": "SPRING", "amount_minor": -300}]
    content = receipt_content(order, plan, sold_on=date(2026, 11, 21))
    assert (content.total.amount_minor, content.tax.amount_minor) == (1180, 107)
    assert [line.names.get("en") for line in content.lines] == ["Plan GB-1-3D", None]


def test_the_year_is_the_brands_and_each_begins_at_one(make_receipt: "Callable[[], Receipt]") -> None:
    with clock.travel_to(datetime(2026, 12, 31, 14, 59, tzinfo=UTC)):
        assert [make_receipt().number for _ in range(2)] == ["2026-000001", "2026-000002"]
    with clock.travel_to(datetime(2026, 12, 31, 15, 0, tzinfo=UTC)):
        assert make_receipt().number == "2027-000001"


def test_money_of_another_currency_gets_no_receipt(house: "House") -> None:
    from tsuzuku.receipts.models import Receipt
    from tsuzuku.testing.factories import make_card, make_plan

    make_plan("USD", currency="USD")
    house.pay(house.order(make_card(), "USD"))
    assert Receipt.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_several_workers_number_without_a_gap_or_a_double(
    make_receipt: "Callable[[], Receipt]", monkeypatch: pytest.MonkeyPatch
) -> None:
    from tsuzuku.receipts import actions

    monkeypatch.setattr(actions, "_PORTION", 3)
    for _ in range(20):
        make_receipt()
    forget_numbers()
    barrier = threading.Barrier(4)

    def work() -> None:
        try:
            barrier.wait()
            actions.issue_receipts()
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [sequence for _, sequence in numbers()] == list(range(1, 21))


#: Numbers in portions of three, and tells of each receipt before its portion is committed.
WORKER = """
import time, django
django.setup()
from tsuzuku.receipts import actions
write = actions._write
def slowly(*receipt):
    write(*receipt)
    print("written", flush=True)
    time.sleep(0.02)
actions._PORTION, actions._write = 3, slowly
actions.issue_receipts()
"""


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_between_two_numbers_leaves_no_gap(make_receipt: "Callable[[], Receipt]") -> None:
    for _ in range(15):
        make_receipt()
    forget_numbers()
    database = connection.settings_dict
    url = make_conninfo(
        dbname=database["NAME"],
        user=database["USER"] or None,
        password=database["PASSWORD"] or None,
        host=database["HOST"] or None,
        port=database["PORT"] or None,
    )
    environment = {"TSUZUKU_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tsuzuku.project.settings"}

    def start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-c", WORKER], stdout=subprocess.PIPE, env={**os.environ, **environment}
        )

    for killed_after in (2, 4, 5):
        worker = start()
        assert worker.stdout is not None
        for _ in range(killed_after):
            worker.stdout.readline()
        worker.kill()
        worker.wait()
        worker.stdout.close()
    helpers = [start() for _ in range(2)]
    for helper in helpers:
        helper.communicate()
        assert helper.returncode == 0
    assert [sequence for _, sequence in numbers()] == list(range(1, 16))
