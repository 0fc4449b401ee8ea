# SPDX-License-Identifier: Apache-2.0
"""Whoever changes a balance by hand is found out."""

from collections.abc import Callable, Iterator

import pytest

from tsuzuku.balances.models import TopUp
from tsuzuku.kernel import clock
from tsuzuku.orders.models import Order
from tsuzuku.payments.models import BalanceCharge, BalancePart, Capture, CaptureOutcome, SpendingAccount
from tsuzuku.payments.refunding import request_refund
from tsuzuku.people.models import User
from tsuzuku.project.audit import findings
from tsuzuku.testing.factories import make_card, make_customer, make_plan
from tsuzuku.testing.house import House, open_house

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Iterator[House]:
    with open_house() as house:
        yield house


@pytest.fixture
def order(house: House) -> Order:
    """Half of it set aside from a balance."""
    mei: User = make_customer()
    make_plan("GB-1-3D", price_minor=1_000)
    house.top_up(mei, 600)
    order = house.order(make_card(), "GB-1-3D", payer=mei)
    house.use_balance(order, mei)
    assert findings() == []
    return order


def more_in_the_account() -> None:
    SpendingAccount.objects.update(balance_minor=1)


def more_in_a_part() -> None:
    SpendingAccount.objects.update(balance_minor=1)
    BalancePart.objects.update(left_minor=1, amount_minor=601)


def a_smaller_charge() -> None:
    BalanceCharge.objects.update(amount_minor=599)


def a_charge_returned_without_its_money() -> None:
    BalanceCharge.objects.update(state="returned")


def an_order_that_ended_with_its_charge() -> None:
    Order.objects.filter(state="awaiting_payment").update(state="expired")


def a_top_up_that_nobody_booked() -> None:
    TopUp.objects.update(part=None)


def a_top_up_given_back() -> None:
    request_refund(Capture.objects.get(outcome=CaptureOutcome.ACCEPTED), reason="by hand", now=clock.now())


def an_order_paid_without_its_other_half() -> None:
    BalanceCharge.objects.update(state="spent")
    Order.objects.filter(state="awaiting_payment").update(state="paid")


@pytest.mark.usefixtures("order")
@pytest.mark.parametrize(
    ("mischief", "found"),
    [
        (more_in_the_account, {"spending-differs", "balance-differs"}),
        (more_in_a_part, {"spending-differs", "balance-part-differs", "top-up-and-order-differ"}),
        (a_smaller_charge, {"balance-charge-differs"}),
        (a_charge_returned_without_its_money, {"balance-charge-differs", "balance-part-differs"}),
        (an_order_that_ended_with_its_charge, {"history-differs", "balance-forgotten"}),
        (a_top_up_that_nobody_booked, {"top-up-and-order-differ"}),
        (a_top_up_given_back, {"top-up-refunded"}),
        (an_order_paid_without_its_other_half, {"order-and-money-differ", "history-differs", "renewal-forgotten"}),
    ],
)
def test_what_does_not_add_up_is_named(mischief: Callable[[], None], found: set[str]) -> None:
    mischief()
    assert {finding.code for finding in findings()} == found
