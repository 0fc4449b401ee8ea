# SPDX-License-Identifier: Apache-2.0
"""The audit finds what will never happen by itself."""

from collections.abc import Iterator

import pytest

from tsuzuku.allowances.models import LotRow
from tsuzuku.journal.models import Delivery
from tsuzuku.orders.models import Order
from tsuzuku.payments.models import Capture, CaptureOutcome, Posting
from tsuzuku.project.audit import findings
from tsuzuku.receipts.models import Receipt, ReceiptSequence
from tsuzuku.renewals.models import Renewal, RenewalMove
from tsuzuku.testing.factories import make_card, make_plan
from tsuzuku.testing.fakes import Outcome
from tsuzuku.testing.house import House, open_house

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Iterator[House]:
    with open_house() as house:
        yield house


@pytest.fixture
def order(house: House) -> Order:
    make_plan("GB-1-3D")
    return house.order(make_card(), "GB-1-3D")


def codes() -> list[str]:
    return [finding.code for finding in findings()]


def test_money_that_is_yet_to_be_decided_is_no_finding(house: House, order: Order) -> None:
    house.deliver(*house.provider.pay(house.start_payment(order)))

    assert Capture.objects.get().outcome == CaptureOutcome.UNDECIDED
    assert codes() == []


def test_money_that_nobody_will_decide_about_is_found(house: House, order: Order) -> None:
    house.deliver(*house.provider.pay(house.start_payment(order)))

    Delivery.objects.all().delete()

    assert codes() == ["capture-forgotten"]


def test_an_activation_that_nobody_will_ask_about_is_found(house: House, order: Order) -> None:
    house.carrier.script.add(Outcome.LOST)
    house.pay(order)
    assert codes() == []

    Renewal.objects.update(next_attempt_at=None)

    assert codes() == ["renewal-forgotten"]


def test_a_paid_order_that_nobody_will_settle_is_found(house: House, order: Order) -> None:
    house.pay(order)

    RenewalMove.objects.all().delete()
    Renewal.objects.update(state="ordered", settled_at=None)

    assert "renewal-forgotten" in codes()


def test_rows_that_name_what_is_not_there_are_found(house: House, order: Order) -> None:
    house.pay(order)
    assert codes() == []

    LotRow.objects.update(terms_id=0)
    Renewal.objects.update(plan_id=0)
    Posting.objects.filter(kind="capture").update(debit_id=0)

    assert sorted(codes()) == ["account-missing", "ledger-unbalanced", "terms-missing", "terms-missing"]


def test_a_gap_in_the_numbers_of_receipts(house: House, order: Order) -> None:
    house.pay(order)
    assert codes() == []
    ReceiptSequence.objects.update(last=2)
    assert codes() == ["receipt-numbers-broken"]


def test_receipts_without_a_sequence(house: House, order: Order) -> None:
    house.pay(order)
    ReceiptSequence.objects.all().delete()
    assert codes() == ["receipt-numbers-broken"]


def test_a_receipt_over_another_amount(house: House, order: Order) -> None:
    house.pay(order)
    receipt = Receipt.objects.get()
    assert receipt.content is not None
    receipt.content["lines"][0]["amount_minor"] += 1
    receipt.save()
    assert codes() == ["receipt-and-sale-differ"]
