# SPDX-License-Identifier: Apache-2.0
"""Whoever changes a new card by hand is found out."""

from collections.abc import Callable, Iterator

import pytest

from tsuzuku.cards.models import CardKind
from tsuzuku.kernel import clock
from tsuzuku.new_cards.actions import order_new_card
from tsuzuku.new_cards.models import NewCard, ShelvedCard
from tsuzuku.new_cards.offers import quote_new
from tsuzuku.new_cards.shelf import put_up
from tsuzuku.orders.models import Order
from tsuzuku.project.audit import findings
from tsuzuku.renewals.actions import cancel_renewal
from tsuzuku.renewals.models import Renewal
from tsuzuku.testing.factories import make_card, make_customer, make_plan
from tsuzuku.testing.house import House, open_house

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Iterator[House]:
    with open_house() as house:
        yield house


@pytest.fixture
def order(house: House) -> Order:
    make_plan("GB-1-3D")
    make_card(kind=CardKind.ESIM, activation_code="LPA:1$smdp.example.com$K2", group="shop")
    put_up(group="shop", now=clock.now())
    user, now = make_customer(), clock.now()
    digest = quote_new("GB-1-3D", channel="web", now=now, payer=user).digest
    return order_new_card(
        user=user, plan_code="GB-1-3D", digest=digest, key="n1", email="", language="en", channel="web", now=now
    )


def ready_unpaid() -> None:
    NewCard.objects.update(state="ready")


def free_and_wanted() -> None:
    NewCard.objects.update(state="released")


def on_the_shelf_and_wanted() -> None:
    ShelvedCard.objects.update(is_available=True)


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        (ready_unpaid, {"new-card-and-renewal-differ"}),
        (free_and_wanted, {"new-card-and-renewal-differ", "shelf-differs"}),
        (on_the_shelf_and_wanted, {"shelf-differs"}),
    ],
)
def test_a_change_by_hand_is_found(house: House, order: Order, change: Callable[[], None], codes: set[str]) -> None:
    assert findings() == []
    change()
    assert {finding.code for finding in findings()} == codes


def test_a_timed_out_order_whose_renewal_still_waits_is_found(house: House, order: Order) -> None:
    cancel_renewal(number=order.number, actor="customer:1", now=clock.now())
    house.settle_down()
    assert findings() == []
    Renewal.objects.update(state="ordered")
    assert "timed-out-order-forgotten" in {finding.code for finding in findings()}
