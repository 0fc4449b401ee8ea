# SPDX-License-Identifier: Apache-2.0
"""What a payer's bank is shown: gathered when it disputes, and the same ever after."""

import hashlib
import json
import threading
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from unittest.mock import patch
from zipfile import ZipFile

import pytest
from django.db import connection

from tsuzuku.kernel import clock
from tsuzuku.orders.models import Order
from tsuzuku.payments.models import Capture, Dispute
from tsuzuku.receipts.errors import ReceiptNotPrintable
from tsuzuku.renewals.models import Renewal
from tsuzuku.support.actions import keep_evidence
from tsuzuku.support.models import DisputeEvidence
from tsuzuku.testing.factories import make_card, make_plan, use_data
from tsuzuku.testing.house import House, open_house


@pytest.fixture
def house(db: None) -> Iterator[House]:
    with open_house() as house:
        yield house


@pytest.fixture
def order(house: House) -> Order:
    """An order that was paid, whose card has used a part of what it paid for."""
    make_plan("GB-1-3D", price_minor=300)
    order = house.order(make_card(), "GB-1-3D")
    house.pay(order)
    use_data(house.renewal(order).card, 5_000_000)
    house.settle_down()
    return order


def dispute(house: House) -> None:
    house.deliver(house.provider.dispute(Capture.objects.latest("pk").reference))
    house.settle_down()


def opened() -> tuple[dict[str, Any], ZipFile]:
    archive = ZipFile(BytesIO(DisputeEvidence.objects.get().file))
    return json.loads(archive.read("case.json")), archive


def test_all_that_a_dispute_needs_is_one_file(house: House, order: Order) -> None:
    dispute(house)
    case, archive = opened()

    assert archive.namelist() == [
        "case.json",
        "receipt.pdf",
        "provider/01-captured.txt",
        "provider/02-dispute_opened.txt",
    ]
    assert (case["dispute"]["reason"], case["dispute"]["amount_minor"]) == ("fraudulent", 300)
    assert case["order"]["number"] == order.number
    assert case["order"]["lines"] == [{"plan": "GB-1-3D", "amount_minor": 300}]
    assert case["order"]["policy_told"]["en"][0] == "Once the renewal is active it cannot be refunded."
    assert [move["target"] for move in case["order"]["moves"]] == ["paid"]
    assert [capture["outcome"] for capture in case["captures"]] == ["accepted"]
    renewal = case["renewal"]
    assert [move["target"] for move in renewal["moves"]] == ["activating", "active"]
    assert renewal["credited_at"] is not None
    assert renewal["carrier_reference"] == Renewal.objects.get().carrier_reference
    assert [(day["kind"], day["amount"]) for day in renewal["used_since"]] == [("data", 5_000_000)]
    assert [message["subject"] for message in case["messages"]] == [f"Your card is renewed · order {order.number}"]
    assert case["receipt"]["number"].endswith("-000001")
    assert archive.read("receipt.pdf").startswith(b"%PDF")
    assert json.loads(archive.read("provider/01-captured.txt")) == {"id": case["webhooks"][0]["event"]}


def test_a_payer_is_shown_what_they_read(house: House, order: Order) -> None:
    Order.objects.update(language="zh-hans")
    dispute(house)
    assert sorted(opened()[0]["order"]["policy_told"]) == ["en", "zh-hans"]
    assert opened()[0]["order"]["policy_told"]["zh-hans"][0] == "开通后不能退款。"


def test_what_is_kept_does_not_change(house: House, order: Order) -> None:
    dispute(house)
    kept = DisputeEvidence.objects.get()
    assert kept.sha256 == hashlib.sha256(kept.file).hexdigest()
    use_data(house.renewal(order).card, 5_000_000)
    again = keep_evidence(dispute_id=Dispute.objects.get().pk, now=clock.now())
    assert (again, bytes(again.file)) == (kept, bytes(kept.file))


def test_a_receipt_that_cannot_be_printed_is_there_in_words(house: House, order: Order) -> None:
    with patch("tsuzuku.support.gathering.receipt_pdf", side_effect=ReceiptNotPrintable):
        dispute(house)
    case, archive = opened()
    assert archive.namelist()[1].startswith("provider/")
    assert case["receipt"]["content"]["order_number"] == order.number


def test_what_was_never_given_is_not_said_to_be(house: House) -> None:
    make_plan("GB-1-3D", price_minor=300)
    order = house.order(make_card(), "GB-1-3D")
    house.carrier.is_down = True
    house.pay(order)
    dispute(house)
    case, archive = opened()
    assert (case["renewal"]["credited_at"], case["receipt"]) == (None, None)
    assert archive.namelist()[0] == "case.json"


@pytest.mark.django_db(transaction=True)
def test_two_at_once_keep_one_file() -> None:
    with open_house() as house:
        make_plan("GB-1-3D", price_minor=300)
        house.pay(house.order(make_card(), "GB-1-3D"))
        house.deliver(house.provider.dispute(Capture.objects.get().reference))
        dispute_id, barrier = Dispute.objects.get().pk, threading.Barrier(4)

        def run() -> None:
            try:
                barrier.wait()
                keep_evidence(dispute_id=dispute_id, now=clock.now())
            finally:
                connection.close()

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert DisputeEvidence.objects.count() == 1
