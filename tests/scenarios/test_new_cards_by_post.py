# SPDX-License-Identifier: Apache-2.0
"""A SIM card by post: paid, packed, shipped, its buyer told, and its address forgotten; or back on the shelf."""

import pytest
from pytest_django import Settings

from tests.scenarios.test_new_cards import state
from tests.unit.new_cards.test_addresses import GOOD
from tsuzuku.cards.models import Card, CardKind
from tsuzuku.cards.queries import holds
from tsuzuku.channels.web import CHANNEL
from tsuzuku.channels.web.own_data import own_data
from tsuzuku.journal.models import Fact
from tsuzuku.kernel import clock
from tsuzuku.kernel.states import MoveNotAllowed
from tsuzuku.new_cards.actions import order_new_card
from tsuzuku.new_cards.addresses import read_address
from tsuzuku.new_cards.errors import NewCardKeyReused, NotPostedThere, PlanNotForNewCard, TrackingMalformed
from tsuzuku.new_cards.models import NewCard, Parcel
from tsuzuku.new_cards.offers import offers_for_new, quote_new
from tsuzuku.new_cards.parcels import (
    forget_addresses,
    has_addresses_to_forget,
    mark_packed,
    mark_shipped,
    withdraw_parcel,
)
from tsuzuku.new_cards.protection import reveal_address
from tsuzuku.new_cards.shelf import put_up, stock
from tsuzuku.orders.models import Order
from tsuzuku.people.models import User
from tsuzuku.project.audit import findings
from tsuzuku.receipts.queries import receipt_of
from tsuzuku.renewals.actions import cancel_renewal
from tsuzuku.testing.factories import make_card, make_customer, make_plan
from tsuzuku.testing.fakes import Outcome
from tsuzuku.testing.house import House, Story

STAFF = "staff:1"
ADDRESS = read_address("JP", GOOD["JP"])


@pytest.fixture
def user(house: House, settings: Settings) -> User:
    settings.POSTAGE_YEN = {"JP": 370}
    settings.NEW_SIM_YEN = 200
    make_plan("TRIP", start="first_use", price_minor=1_500)
    make_plan("GB-1-3D", price_minor=300)
    return make_customer("mei@example.com")


@pytest.fixture
def card(user: User) -> Card:
    card = make_card(kind=CardKind.SIM, group="shop")
    put_up(group="shop", now=clock.now())
    return card


def buy(user: User, *, key: str = "n1", plan: str = "TRIP", country: str = "JP", street: str = "") -> Order:
    now = clock.now()
    quote = quote_new(plan, channel=CHANNEL, now=now, payer=user, country=country)
    return order_new_card(
        user=user,
        plan_code=plan,
        digest=quote.digest,
        key=key,
        email=user.mail_address,
        language="en",
        channel=CHANNEL,
        now=now,
        address=read_address("JP", GOOD["JP"] | ({"street": street} if street else {})),
    )


def parcel_of(order: Order) -> Parcel:
    return Parcel.objects.get(new_card__order=order)


def moves(order: Order) -> list[tuple[str, str, str]]:
    return [(each.source, each.target, each.actor) for each in parcel_of(order).moves.order_by("pk")]


def test_a_card_is_paid_packed_shipped_and_its_address_forgotten(
    house: House, story: Story, user: User, card: Card
) -> None:
    order = buy(user)
    assert order.lines == [
        {"plan": "TRIP", "amount_minor": 1_500},
        {"new_card": "sim", "amount_minor": 200},
        {"postage": "JP", "amount_minor": 370},
    ]
    assert (parcel_of(order).state, stock(clock.now(), CardKind.SIM)) == ("waiting", 0)
    house.pay(order)
    assert (state(order), parcel_of(order).state, holds(user, card)) == (("paid", "ready"), "to_pack", True)
    assert not [subject for subject in house.subjects() if "eSIM" in subject]
    receipt = receipt_of(order)
    assert receipt is not None
    (lot,) = house.allowance(card).lots
    assert lot.expected_starts_at is None

    parcel = parcel_of(order)
    with pytest.raises(MoveNotAllowed):
        mark_shipped(parcel_id=parcel.pk, carrier="JP", tracking_number="123456", actor=STAFF, now=clock.now())
    mark_packed(parcel_id=parcel.pk, actor=STAFF, now=clock.now())
    with pytest.raises(TrackingMalformed):
        mark_shipped(parcel_id=parcel.pk, carrier="JP", tracking_number="?", actor=STAFF, now=clock.now())
    mark_shipped(
        parcel_id=parcel.pk, carrier="Japan Post", tracking_number="rr 123-456 789 jp", actor=STAFF, now=clock.now()
    )
    house.settle_down()
    house.settle_down()
    told = [each.message for each in house.gateway.sent if "on its way" in each.message.subject]
    assert [each.subject for each in told] == [f"Your card is on its way · order {order.number}"]
    assert "Japan Post. Tracking number: RR123456789JP" in told[0].text
    assert moves(order) == [
        ("waiting", "to_pack", "system"),
        ("to_pack", "packed", STAFF),
        ("packed", "shipped", STAFF),
    ]
    assert reveal_address(parcel_of(order)) == ADDRESS
    assert "山田 花子" in "".join(own_data(user, now=clock.now()))
    kept = [str(body) for body in Fact.objects.values_list("body", flat=True)]
    assert not [text for text in [*kept, *(each.message.text for each in house.gateway.sent)] if "山田" in text]
    assert "山田".encode() not in bytes(parcel_of(order).address_encrypted or b"")

    with story.after(days=29):
        assert (has_addresses_to_forget(clock.now()), forget_addresses()) == (False, 0)
    with story.after(days=31):
        assert (has_addresses_to_forget(clock.now()), forget_addresses(), forget_addresses()) == (True, 1, 0)
    assert reveal_address(parcel_of(order)) is None
    assert "山田 花子" not in "".join(own_data(user, now=clock.now()))
    assert findings() == []


def test_an_abandoned_card_is_on_the_shelf_again_and_its_address_gone(house: House, user: User, card: Card) -> None:
    order = buy(user)
    cancel_renewal(number=order.number, actor=f"customer:{user.pk}", now=clock.now())
    house.settle_down()
    assert (state(order), stock(clock.now(), CardKind.SIM)) == (("cancelled", "released"), 1)
    assert (parcel_of(order).state, parcel_of(order).address_encrypted) == ("withdrawn", None)


def test_a_refused_plan_is_paid_back_and_nothing_is_packed(house: House, user: User, card: Card) -> None:
    house.carrier.script.add(Outcome.REFUSED)
    order = buy(user)
    house.pay(order)
    house.end_refunds()
    assert (state(order), parcel_of(order).state) == (("paid", "retired"), "withdrawn")


def test_staff_stop_a_parcel_that_is_still_there(house: House, user: User, card: Card) -> None:
    order = buy(user)
    house.pay(order)
    withdraw_parcel(parcel_id=parcel_of(order).pk, reason="lost", actor=STAFF, now=clock.now())
    with pytest.raises(MoveNotAllowed):
        mark_packed(parcel_id=parcel_of(order).pk, actor=STAFF, now=clock.now())
    assert parcel_of(order).address_encrypted is None
    assert findings() == []


def test_only_plans_that_wait_are_posted_and_only_where_the_operator_sends(user: User, card: Card) -> None:
    offers = offers_for_new(channel=CHANNEL, now=clock.now(), kind=CardKind.SIM)
    assert [each.offer.plan.code for each in offers] == ["TRIP"]
    with pytest.raises(PlanNotForNewCard):
        buy(user, plan="GB-1-3D")
    with pytest.raises(NotPostedThere):
        buy(user, country="TW")
    assert stock(clock.now()) == 0


def test_a_key_stands_for_one_address(user: User, card: Card) -> None:
    make_card(kind=CardKind.SIM, group="shop")
    put_up(group="shop", now=clock.now())
    order = buy(user)
    assert buy(user) == order
    with pytest.raises(NewCardKeyReused):
        buy(user, street="丸の内1-1")
    assert NewCard.objects.count() == 1
