# SPDX-License-Identifier: Apache-2.0
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from tests.unit.channels.web.conftest import heading, notices, rows, text_of
from tsuzuku.kernel import clock
from tsuzuku.payments.models import KeptMethodRow
from tsuzuku.renewals.models import AutomaticRenewal
from tsuzuku.testing.factories import make_plan

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.catalog.models import Plan
    from tsuzuku.people.models import User
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db


@pytest.fixture
def address(card: "Card", plan: "Plan") -> str:
    return f"/c/{card.public_token}/automatic"


@pytest.fixture
def kept(house: "House", holder: "User") -> KeptMethodRow:
    return house.keep_method(holder)


def test_a_method_is_kept_for_who_asks_and_charged_by_itself(
    house: "House", of_holder: Client, card: "Card", plan: "Plan", address: str
) -> None:
    page = of_holder.get(f"/c/{card.public_token}/renew/{plan.code}")
    assert "Keep it for automatic renewal Possible with: fake." in text_of(page)
    fields = dict(re.findall(r'name="(digest|key)" value="([^"]*)"', page.content.decode()))
    of_holder.post(f"/c/{card.public_token}/renew/{plan.code}", {**fields, "method": "fake:fake", "keep": "1"})
    house.deliver(*house.provider.pay("fakepay_1"))
    house.settle_down()
    method = KeptMethodRow.objects.get()

    answer = of_holder.post(address, {"plan": f"{plan.code}|300", "source": str(method.pk)}, follow=True)
    assert notices(answer)[0] == "Switched on. We write to you a day before anything is charged."
    assert (rows(answer)["Price"], rows(answer)["Charged to"]) == ("¥300", "Fake ···· 0001")
    until = house.allowance(card).online_until
    assert until is not None
    with clock.travel_to(until - timedelta(hours=37)):
        house.settle_down()
    with clock.travel_to(until - timedelta(hours=12)):
        house.settle_down()
        house.hear_charges()
    assert house.provider.payments["fakepay_2"].request.kept_reference == method.reference
    with clock.travel_to(until - timedelta(hours=11)):
        assert len(house.allowance(card).lots) == 2


def test_who_does_not_ask_or_is_not_logged_in_keeps_nothing(
    house: "House", of_holder: Client, with_pin: Client, holder: "User", card: "Card", plan: "Plan"
) -> None:
    order = house.order(card, plan.code, payer=holder)
    assert "Keep it for" in text_of(of_holder.get(f"/o/{order.number}"))
    assert "Keep it for" not in text_of(with_pin.get(f"/o/{order.number}"))
    with_pin.post(f"/o/{order.number}/pay", {"method": "fake:fake", "keep": "1"})
    of_holder.post(f"/o/{order.number}/pay", {"method": "fake:fake"})
    house.deliver(*house.provider.pay("fakepay_1"))
    assert KeptMethodRow.objects.count() == 0


def test_switched_on_from_the_balance_and_off_again(of_holder: Client, address: str) -> None:
    assert "tick “Keep it for automatic renewal” the next time" in text_of(of_holder.get(address))
    of_holder.post(address, {"plan": "GB-1-3D|300", "source": "balance"})
    assert rows(of_holder.get(address))["Charged to"] == "your balance"
    answer = of_holder.post(f"{address}/off", follow=True)
    assert notices(answer)[0] == "Switched off. Nothing will be charged by itself."
    assert AutomaticRenewal.objects.get().is_on is False


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"plan": "", "source": "balance"}, "Please choose a plan and how it is paid."),
        ({"plan": "GB-1-3D|x", "source": "balance"}, "Please choose a plan and how it is paid."),
        ({"plan": "GB-1-3D|300", "source": "x"}, "Please choose a plan and how it is paid."),
        ({"plan": "GB-1-3D|299", "source": "balance"}, "The price has changed in the meantime. Please look again."),
        ({"plan": "NONE|300", "source": "balance"}, "This plan is no longer sold. These are the plans of today."),
        (
            {"plan": "GB-1-3D|300", "source": "999"},
            "This way of paying is not kept any more. Please choose another one.",
        ),
    ],
)
def test_what_does_not_fit_is_said(of_holder: Client, address: str, fields: dict[str, str], told: str) -> None:
    assert notices(of_holder.post(address, fields, follow=True))[0] == told
    assert AutomaticRenewal.objects.count() == 0


def test_the_mail_stops_it_without_a_login_by_one_button(
    house: "House", of_holder: Client, holder: "User", card: "Card", plan: "Plan", address: str, kept: KeptMethodRow
) -> None:
    house.pay(house.order(card, plan.code, payer=holder))
    of_holder.post(address, {"plan": f"{plan.code}|300", "source": str(kept.pk)})
    until = house.allowance(card).online_until
    assert until is not None
    with clock.travel_to(until - timedelta(hours=37)):
        house.settle_down()
    found = re.search(r"https?://[^/]+(/automatic/stop/\S+)", house.gateway.sent[-1].message.text)
    assert found is not None
    anybody = Client(enforce_csrf_checks=True)
    page = anybody.get(found[1])
    assert heading(page) == heading(anybody.get(found[1])) == "Stop automatic renewal?"
    assert AutomaticRenewal.objects.get().is_on is True
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.content.decode())
    assert token is not None
    for _ in range(2):
        assert heading(anybody.post(found[1], {"csrfmiddlewaretoken": token[1]})) == "It is stopped"
    assert AutomaticRenewal.objects.get().is_on is False
    assert heading(anybody.get(found[1][:-2])) == "This link stops nothing any more"


def test_a_method_that_is_removed_is_gone_and_only_ones_own_can_be(
    of_holder: Client, of_stranger: Client, address: str, kept: KeptMethodRow
) -> None:
    of_holder.post(address, {"plan": "GB-1-3D|300", "source": str(kept.pk)})
    of_stranger.post(f"/methods/{kept.pk}/remove")
    assert "Fake ···· 0001" in text_of(of_holder.get(address))
    answer = of_holder.post(f"/methods/{kept.pk}/remove", {"next": address}, follow=True)
    assert notices(answer)[0] == "Removed. It is never charged again."
    assert "Fake ···· 0001" not in text_of(answer)
    assert AutomaticRenewal.objects.get().is_on is False


def test_another_holder_sees_that_it_is_on_and_not_from_what(
    of_holder: Client, of_stranger: Client, stranger: "User", card: "Card", address: str, kept: KeptMethodRow
) -> None:
    from tsuzuku.cards.actions import hold_card

    hold_card(user=stranger, card=card, name="", now=clock.now())
    of_holder.post(address, {"plan": "GB-1-3D|300", "source": str(kept.pk)})
    page = text_of(of_stranger.get(address))
    assert "Somebody else who holds this card has it renewed automatically." in page
    assert "Fake" not in page
    of_stranger.post(f"{address}/off")
    of_stranger.post(address, {"plan": "GB-1-3D|300", "source": "balance"})
    assert AutomaticRenewal.objects.get().kept == kept


def test_a_price_of_its_own_for_the_door_is_shown(of_holder: Client, address: str) -> None:
    make_plan("GB-1-3D", price_minor=300, prices=[{"channel": "automatic", "price_minor": 250}])
    assert "GB-1-3D|250" in of_holder.get(address).content.decode()
