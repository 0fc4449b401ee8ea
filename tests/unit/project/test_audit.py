# SPDX-License-Identifier: Apache-2.0
"""The audit finds what will never happen by itself."""

from collections.abc import Iterator

import pytest

from tsuzuku.allowances.models import LotRow
from tsuzuku.catalog.models import Promotion, Redemption
from tsuzuku.journal.actions import chore_name
from tsuzuku.journal.chores import chore
from tsuzuku.journal.models import Delivery
from tsuzuku.kernel import clock
from tsuzuku.orders.models import Order
from tsuzuku.payments.models import Capture, CaptureOutcome, Dispute, Posting, Refund
from tsuzuku.project.audit import findings
from tsuzuku.receipts.models import Receipt, ReceiptSequence
from tsuzuku.renewals.actions import ACTIVATE
from tsuzuku.renewals.models import Renewal, RenewalMove
from tsuzuku.testing.factories import make_card, make_plan, make_promotion
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


def test_what_went_back_without_being_taken_out_of_the_revenue_is_found(house: House, order: Order) -> None:
    house.pay(order)
    house.give_back(order, amount_minor=100)
    assert codes() == []

    Posting.objects.filter(kind="unearn").delete()
    assert codes() == ["earned-without-money"]


def test_a_refund_that_was_closed_without_a_posting_is_found(house: House, order: Order) -> None:
    house.pay(order)
    house.provider.script.add(Outcome.REFUSED)
    house.give_back(order, amount_minor=100)
    Refund.objects.update(state="closed")
    assert codes() == ["refund-not-posted", "earned-without-money"]


def test_more_back_than_was_taken_is_found(house: House, order: Order) -> None:
    house.pay(order)
    house.give_back(order, amount_minor=100)
    Refund.objects.update(amount_minor=301)
    Posting.objects.filter(kind="unearn").update(amount_minor=301)
    assert codes() == ["returned-too-much"]


def test_a_dispute_that_is_not_in_the_books_as_what_it_is_is_found(house: House, order: Order) -> None:
    house.pay(order)
    house.deliver(house.provider.dispute(Capture.objects.get().reference))
    assert codes() == []

    Dispute.objects.update(state="lost", ended_at=clock.now())
    assert codes() == ["dispute-not-posted"]


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


@pytest.fixture
def discounted(house: House) -> Order:
    make_plan("GB-1-3D")
    make_promotion()
    return house.order(make_card(), "GB-1-3D")


def test_uses_that_are_counted_wrongly_are_found(discounted: Order) -> None:
    assert codes() == []

    Promotion.objects.update(uses=2)
    assert codes() == ["promotion-uses-differ"]

    Promotion.objects.update(uses=1, spent_minor=49)
    assert codes() == ["promotion-uses-differ"]


def test_a_price_that_its_lines_do_not_explain_is_found(discounted: Order) -> None:
    Order.objects.update(lines=[{"plan": "GB-1-3D", "amount_minor": 300}])
    assert codes() == ["order-and-lines-differ"]

    Order.objects.update(lines=[{"plan": "GB-1-3D", "amount_minor": 250}])
    assert codes() == ["order-and-lines-differ"]

    Order.objects.update(lines=discounted.lines)
    Redemption.objects.update(purpose="4KX9P-7TRWC")
    assert codes() == ["order-and-lines-differ", "order-and-lines-differ"]


def test_a_use_that_does_not_fit_its_order_is_found(house: House, discounted: Order) -> None:
    house.pay(discounted)
    assert codes() == []

    Redemption.objects.update(state="reserved")
    assert codes() == ["promotion-and-order-differ"]

    Redemption.objects.update(state="freed")
    Promotion.objects.update(uses=0, spent_minor=0)
    assert codes() == ["promotion-and-order-differ"]


def test_a_use_that_is_about_to_be_freed_is_no_finding_until_nobody_will(house: House, discounted: Order) -> None:
    house.carrier.script.add(Outcome.REFUSED)
    house.deliver(*house.provider.pay(house.start_payment(discounted)))
    for name in (chore_name("orders accept captures"), chore_name("renewals settle paid orders"), ACTIVATE):
        chore(name).run()
    assert Redemption.objects.get().state == "used"
    assert codes() == []

    Delivery.objects.filter(listener="renewals free promotions").delete()
    assert codes() == ["promotion-and-order-differ"]
