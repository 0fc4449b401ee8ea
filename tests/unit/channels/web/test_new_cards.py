# SPDX-License-Identifier: Apache-2.0
"""Pages of new cards: who may buy, who sees the code, and what is said when there is none."""

import logging
import re
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from tests.unit.channels.conftest import PIN
from tests.unit.channels.web.conftest import Answer, heading, notices, rows, text_of
from tests.unit.new_cards.test_addresses import GOOD
from tsuzuku.kernel import clock

if TYPE_CHECKING:
    from pytest_django import Settings

    from tsuzuku.cards.models import Card
    from tsuzuku.catalog.models import Plan
    from tsuzuku.people.models import User
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db

CODE = "LPA:1$smdp.example.com$SECRET-1"


@pytest.fixture
def esim(house: "House", plan: "Plan") -> "Card":
    from tsuzuku.cards.models import CardKind
    from tsuzuku.new_cards.shelf import put_up
    from tsuzuku.testing.factories import make_card

    card = make_card(kind=CardKind.ESIM, activation_code=CODE, group="shop")
    put_up(group="shop", now=clock.now())
    return card


def filled(page: Answer) -> dict[str, str]:
    """The form as it was shown, with the phone checked."""
    hidden = dict(re.findall(r'name="(digest|key|coupon_shown)" value="([^"]*)"', page.content.decode()))
    return {**hidden, "coupon": hidden["coupon_shown"], "checked": "1", "method": "fake:fake"}


def bought(client: Client, house: "House") -> str:
    """Orders and pays an eSIM; returns the order's number."""
    from tsuzuku.orders.models import Order

    page = client.get("/new/esim/GB-1-3D")
    assert client.post("/new/esim/GB-1-3D", filled(page)).status_code == 303
    order = Order.objects.latest("pk")
    house.deliver(*house.provider.pay(house.payment_reference(order)))
    house.settle_down()
    return order.number


def test_the_way_to_an_esim_asks_to_log_in_and_comes_back(esim: "Card") -> None:
    client = Client()
    assert "from ¥300" in text_of(client.get("/new"))
    assert "Plan GB-1-3D" in text_of(client.get("/new/esim"))
    assert client.get("/new/esim/GB-1-3D")["Location"] == "/login?next=/new/esim/GB-1-3D"


def test_its_buyer_sees_the_code_and_nobody_else(
    esim: "Card", house: "House", of_stranger: Client, of_holder: Client, caplog: pytest.LogCaptureFixture
) -> None:
    from tsuzuku.journal.models import Fact

    with caplog.at_level(logging.DEBUG):
        number = bought(of_stranger, house)
        page = of_stranger.get(f"/o/{number}/esim")
    again = of_stranger.get(f"/o/{number}/esim")
    for seen in (page, again):
        assert rows(seen) == {
            "SM-DP+ address": "smdp.example.com",
            "Activation code": "SECRET-1",
            "Both in one, as Android asks for it": CODE,
        }
    assert (page["Cache-Control"], page["Referrer-Policy"]) == (
        "max-age=0, no-cache, no-store, must-revalidate, private",
        "no-referrer",
    )
    assert of_holder.get(f"/o/{number}/esim").status_code == 404
    with_pin = Client()
    with_pin.post("/open", {"number": esim.iccid, "pin": PIN})
    assert with_pin.get(f"/o/{number}").status_code == 200
    assert with_pin.get(f"/o/{number}/esim")["Location"] == f"/login?next=/o/{number}/esim"
    assert "SECRET-1" not in caplog.text
    assert all("SECRET-1" not in str(body) for body in Fact.objects.values_list("body", flat=True))
    assert heading(of_stranger.get(f"/o/{number}")) == "Your eSIM is ready"


def test_before_it_is_paid_there_is_no_code(esim: "Card", house: "House", of_stranger: Client) -> None:
    from tsuzuku.orders.models import Order

    of_stranger.post("/new/esim/GB-1-3D", filled(of_stranger.get("/new/esim/GB-1-3D")))
    number = Order.objects.latest("pk").number
    assert of_stranger.get(f"/o/{number}/esim")["Location"] == f"/o/{number}"
    assert heading(of_stranger.get("/new/esim", follow=True)) == "A new card for Japan"
    assert "Sold out" in text_of(of_stranger.get("/new"))


def test_a_phone_that_was_not_checked_is_asked_about(esim: "Card", of_stranger: Client) -> None:
    from tsuzuku.orders.models import Order

    form = filled(of_stranger.get("/new/esim/GB-1-3D"))
    del form["checked"]
    answer = of_stranger.post("/new/esim/GB-1-3D", form)
    assert "Please check your phone first, and say so here." in text_of(answer)
    assert Order.objects.count() == 0


def test_a_plan_that_begins_at_once_warns_who_is_not_there_yet(esim: "Card", of_stranger: Client) -> None:
    page = of_stranger.get("/new/esim/GB-1-3D")
    (notice,) = notices(page)
    assert notice.startswith("Its days begin as soon as you have paid. Are you not in Japan yet?")
    assert rows(page)["To pay"] == "¥300"


def test_a_coupon_takes_its_part_off_the_plan(esim: "Card", house: "House", of_stranger: Client) -> None:
    from tsuzuku.orders.models import Order
    from tsuzuku.testing.factories import make_promotion

    make_promotion("HELLO", coupons=["HELLO-1"], takes_off={"amount_minor": 100})
    form = filled(of_stranger.get("/new/esim/GB-1-3D"))
    shown = of_stranger.post("/new/esim/GB-1-3D", {**form, "coupon": "HELLO-1"})
    assert rows(shown)["To pay"] == "¥200"
    of_stranger.post("/new/esim/GB-1-3D", filled(shown))
    assert Order.objects.get().amount_minor == 200


@pytest.mark.parametrize("code", ["NO-SUCH", "OWN-MIX", "MORE"])
def test_a_plan_that_cannot_be_had_leads_back_to_those_that_can(esim: "Card", of_stranger: Client, code: str) -> None:
    from tsuzuku.testing.factories import make_mix_plan, make_plan

    make_mix_plan()
    make_plan("MORE", stacking="value_only", joins=["GB-1-3D"])
    assert heading(of_stranger.get(f"/new/esim/{code}", follow=True)) == "eSIM: choose its first plan"


def test_a_registered_card_is_in_the_account_and_says_what_it_needs(card: "Card", of_stranger: Client) -> None:
    answer = of_stranger.post("/first-steps", {"number": card.iccid, "pin": PIN}, follow=True)
    assert heading(answer) == "Switch the card on"
    assert "This card has no plan yet" in text_of(answer)
    assert of_stranger.get("/cards", follow=True).status_code == 200


def test_a_card_past_its_day_is_refused_with_a_clear_word(house: "House") -> None:
    from datetime import timedelta

    from tsuzuku.testing.factories import make_card

    old = make_card(pin=PIN, last_use_date=(clock.now() - timedelta(days=2)).date())
    answer = Client().post("/first-steps", {"number": old.iccid, "pin": PIN}, follow=True)
    assert "It cannot be activated any more, whatever is printed on its pack." in text_of(answer)
    assert "Steps on an iPhone" not in text_of(answer)


def test_a_wrong_pin_registers_nothing(card: "Card", of_stranger: Client, stranger: "User") -> None:
    from tsuzuku.cards.queries import holds

    answer = of_stranger.post("/first-steps", {"number": card.iccid, "pin": "0000"})
    assert "Card number and PIN do not match." in text_of(answer)
    assert not holds(stranger, card)


@pytest.fixture
def sim(house: "House", settings: "Settings") -> "Card":
    from tsuzuku.new_cards.shelf import put_up
    from tsuzuku.testing.factories import make_card, make_plan

    settings.POSTAGE_YEN = dict.fromkeys(GOOD, 370)
    make_plan("TRIP", start="first_use", price_minor=1_500)
    card = make_card(group="shop")
    put_up(group="shop", now=clock.now())
    return card


def addressed(page: Answer, country: str, **typed: str) -> dict[str, str]:
    """The form as it was shown, with an address."""
    form = filled(page)
    del form["checked"]
    return form | {f"to-{name}": text for name, text in (GOOD[country] | typed).items()}


@pytest.mark.parametrize("country", GOOD)
def test_the_form_of_each_country_asks_for_its_parts_and_says_what_is_wrong(
    sim: "Card", of_stranger: Client, country: str
) -> None:
    from tsuzuku.new_cards.addresses import COUNTRIES
    from tsuzuku.orders.models import Order

    path = f"/new/sim/{country}/TRIP"
    page = of_stranger.get(path)
    assert rows(page)["To pay"] == "¥1,870"
    shown = re.findall(r'name="to-([a-z_]+)"', page.content.decode())
    assert shown == [part.name for part in COUNTRIES[country].parts]
    wrong = of_stranger.post(path, addressed(page, country, name="", phone="１２"))
    found = re.findall(r'id="id_to-([a-z_]+)_errors"', wrong.content.decode())
    assert sorted(found) == ["name", "phone"]
    assert "Please fill this in." in text_of(wrong)
    assert 'value="１２"' in wrong.content.decode()
    assert GOOD[country]["street"] in wrong.content.decode()
    assert Order.objects.count() == 0


def test_a_card_by_post_is_ordered_followed_and_hidden_from_others(
    sim: "Card", house: "House", of_stranger: Client, of_holder: Client, caplog: pytest.LogCaptureFixture
) -> None:
    from tsuzuku.new_cards.models import Parcel
    from tsuzuku.new_cards.parcels import mark_packed, mark_shipped
    from tsuzuku.orders.models import Order

    assert "SIM card by post" in text_of(of_stranger.get("/new"))
    assert "South Korea" in text_of(of_stranger.get("/new/sim"))
    assert "Plan TRIP" in text_of(of_stranger.get("/new/sim/JP"))
    with caplog.at_level(logging.DEBUG):
        tried = of_stranger.post(
            "/new/sim/JP/TRIP", {**addressed(of_stranger.get("/new/sim/JP/TRIP"), "JP", phone=""), "apply": "1"}
        )
        assert GOOD["JP"]["street"] in tried.content.decode()
        assert "Please fill this in." not in text_of(tried)
        assert of_stranger.post("/new/sim/JP/TRIP", addressed(tried, "JP")).status_code == 303
        order = Order.objects.get()
        house.deliver(*house.provider.pay(house.payment_reference(order)))
        house.settle_down()
    assert "山田" not in caplog.text
    path = f"/o/{order.number}"
    assert heading(of_stranger.get(path)) == "Paid. Your card is being packed"
    assert of_stranger.get(f"{path}/esim").status_code == 404
    assert of_holder.get(path).status_code == 404
    parcel, now = Parcel.objects.get(), clock.now()
    mark_packed(parcel_id=parcel.pk, actor="staff:1", now=now)
    mark_shipped(parcel_id=parcel.pk, carrier="EMS", tracking_number="EE123456789JP", actor="staff:1", now=now)
    page = of_stranger.get(path)
    assert heading(page) == "Your card is on its way"
    assert rows(page)["Tracking number"] == "EE123456789JP"
    assert "in the post" in text_of(of_stranger.get("/orders"))
    assert f"/c/{sim.public_token}/" in page.content.decode()


def test_nothing_is_posted_where_the_operator_does_not_say_so(sim: "Card", of_stranger: Client) -> None:
    for path in ("/new/sim/US", "/new/sim/US/TRIP"):
        assert of_stranger.get(path).status_code == 404
