# SPDX-License-Identifier: Apache-2.0
"""Staff and their browsers, let in as they are in earnest: by password, then by a code of their app."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from pytest_django import Settings

from tests.unit.channels.conftest import PASSWORD, make_user
from tsuzuku.project.demo_factor import FACTOR_KEY, factor_code

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.catalog.models import Promotion
    from tsuzuku.new_cards.models import Parcel
    from tsuzuku.orders.models import Order
    from tsuzuku.payments.models import Dispute, Refund, RefundProposal
    from tsuzuku.people.models import User
    from tsuzuku.reports.models import SettlementDifference
    from tsuzuku.sellers.models import Partner
    from tsuzuku.testing.house import House


def make_staff(role: str, email: str = "") -> "User":
    """A member of staff with a password and a second factor."""
    from tsuzuku.kernel import clock
    from tsuzuku.people.second_factor import set_up_second_factor
    from tsuzuku.people.staff import add_staff

    user = add_staff(email=email or f"{role}@example.com", role=role, actor="operator", now=clock.now())
    user.set_password(PASSWORD)
    user.save(update_fields=["password"])
    set_up_second_factor(user, FACTOR_KEY)
    return user


def let_in(user: "User") -> Client:
    client = Client()
    answer = client.post("/login", {"login": user.email, "password": PASSWORD, "next": "/console/"})
    assert answer["Location"] == "/console/code"
    answer = client.post("/console/code", {"code": factor_code()})
    assert answer["Location"] == "/console/"
    return client


@pytest.fixture
def as_role(house: "House") -> Callable[[str], Client]:
    """The browser of somebody in a role."""
    return lambda role: let_in(make_staff(role))


@pytest.fixture
def manager(as_role: Callable[[str], Client]) -> Client:
    return as_role("manager")


@pytest.fixture
def parcel(house: "House", settings: Settings) -> "Parcel":
    """A card by post that is paid and waits to be packed."""
    from tests.unit.new_cards.test_addresses import GOOD
    from tsuzuku.kernel import clock
    from tsuzuku.new_cards.actions import order_new_card
    from tsuzuku.new_cards.addresses import read_address
    from tsuzuku.new_cards.models import Parcel
    from tsuzuku.new_cards.offers import quote_new
    from tsuzuku.new_cards.shelf import put_up
    from tsuzuku.testing.factories import make_card, make_customer, make_plan

    settings.POSTAGE_YEN = {"JP": 370}
    make_plan("TRIP", start="first_use", price_minor=1_500)
    make_card(group="shop")
    now = clock.now()
    put_up(group="shop", now=now)
    user = make_customer("mei@example.com")
    quote = quote_new("TRIP", channel="web", now=now, payer=user, country="JP")
    order = order_new_card(
        user=user,
        plan_code="TRIP",
        digest=quote.digest,
        key="n1",
        email=user.mail_address,
        language="en",
        channel="web",
        now=now,
        address=read_address("JP", GOOD["JP"]),
    )
    house.pay(order)
    return Parcel.objects.get()


@pytest.fixture
def customer(house: "House") -> Client:
    client = Client()
    user = make_user("customer@example.com")
    client.post("/login", {"login": user.email, "password": PASSWORD})
    return client


@dataclass(frozen=True)
class Rows:
    """One of everything that the console shows."""

    order: "Order"
    refund: "Refund"
    proposal: "RefundProposal"
    dispute: "Dispute"
    promotion: "Promotion"
    partner: "Partner"
    #: The card of what is disputed.
    flagged: "Card"
    difference: "SettlementDifference"


def make_rows(house: "House", settings: Settings) -> Rows:
    """An order whose refund failed, whose other refund waits for a second person, and one that is disputed."""
    from tsuzuku.cards.flags import raise_flag
    from tsuzuku.kernel import clock
    from tsuzuku.payments.models import Capture, Dispute, Refund
    from tsuzuku.testing.factories import make_card, make_partner, make_plan, make_promotion

    settings.REFUND_APPROVAL_YEN = 250
    make_plan("GB-20-30D", price_minor=1000)
    order, disputed = (house.order(make_card(), "GB-20-30D") for _ in range(2))
    for each in (order, disputed):
        house.pay(each)
    house.give_back(order, amount_minor=200)
    (key,) = house.provider.refunds_under_way()
    house.deliver(house.provider.fail_refund(key))
    proposal = house.give_back(order, amount_minor=700)
    house.deliver(house.provider.dispute(Capture.objects.get(payment__purpose=disputed.number).reference))
    # Letting the house do its work would raise it, too, but gather evidence first, which takes long.
    flagged = house.renewal(disputed).card
    raise_flag(card_id=flagged.pk, reason="dispute", subject="dispute:1", now=clock.now())
    return Rows(
        order=order,
        refund=Refund.objects.get(),
        proposal=proposal,
        dispute=Dispute.objects.get(),
        promotion=make_promotion(),
        partner=make_partner(),
        flagged=flagged,
        difference=make_difference(house),
    )


def make_difference(house: "House") -> "SettlementDifference":
    """The provider's file of today without its first line."""
    from tsuzuku.kernel import clock
    from tsuzuku.reports.models import SettlementDifference
    from tsuzuku.reports.periods import Days
    from tsuzuku.reports.reconciling import take_settlement

    now, day = clock.now(), timedelta(days=1)
    title, _first, *lines, count, end = house.provider.settlement(now - day, now + day).decode().split("\n")
    take_settlement(
        name="november.csv",
        body="\n".join([title, *lines, str(int(count) - 1), end]).encode(),
        provider="fake",
        days=Days((now - day).date(), (now + day).date()),
        actor="operator",
        now=now,
    )
    return SettlementDifference.objects.get(kind="missing-there")


@pytest.fixture
def rows(house: "House", settings: Settings) -> Rows:
    return make_rows(house, settings)


def do(client: Client, address: str, **fields: object) -> str:
    """Fills in the form of a deed, confirms it, and returns what the page then says."""
    page = client.get(address).content.decode()
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key is not None
    asked = {"key": key[1], "reason": "they asked", **fields}
    confirm = client.post(address, asked).content.decode()
    assert 'name="confirmed"' in confirm
    return told(client.post(address, {**asked, "confirmed": "yes"}, follow=True).content.decode())


def told(page: str) -> str:
    """What a page says in its notices."""
    found = re.findall(r'<p class="notice[^>]*>(.*?)</p>', page, re.DOTALL)
    return " ".join(html.unescape(each) for each in found)
