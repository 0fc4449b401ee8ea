# SPDX-License-Identifier: Apache-2.0
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from tests.unit.channels.web.conftest import text_of
from tsuzuku.kernel import clock

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.catalog.models import Plan
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db

RATES = b"currency,jpy_per_unit\nCNY,20\nHKD,18.75\nUSD,150\nTWD,5\nGBP,200\n"


@pytest.fixture
def _rates(db: None) -> None:
    from tsuzuku.catalog.rates import import_rates

    import_rates(text=RATES, now=clock.now())


@pytest.mark.usefixtures("_rates", "plan")
@pytest.mark.parametrize(
    ("asked_for", "told"),
    [
        ("en", "about US$2"),
        ("en-GB,en;q=0.9", "about £1.5"),
        ("zh-CN", "约 CN¥15"),
        ("zh-Hans-HK", "约 CN¥15"),
    ],
)
def test_prices_are_told_in_the_likely_currency(with_pin: Client, card: "Card", asked_for: str, told: str) -> None:
    page = with_pin.get(f"/c/{card.public_token}/plans", HTTP_ACCEPT_LANGUAGE=asked_for)
    assert told in text_of(page)


@pytest.mark.usefixtures("_rates")
def test_a_currency_that_was_chosen_is_told_everywhere(
    house: "House", with_pin: Client, card: "Card", plan: "Plan"
) -> None:
    addresses = [f"/c/{card.public_token}/plans", f"/c/{card.public_token}/renew/{plan.code}"]
    answer = with_pin.post("/currency", {"currency": "HKD", "next": addresses[0]})
    assert answer["Location"] == addresses[0]
    order = house.order(card, plan.code)
    for address in (*addresses, f"/o/{order.number}"):
        assert "about HK$16" in text_of(with_pin.get(address))
        assert "You pay in" in text_of(with_pin.get(address))
    for currency in ("XXX", "", "EUR"):
        with_pin.post("/currency", {"currency": currency})
    assert "about HK$16" in text_of(with_pin.get(addresses[0]))
    with_pin.post("/currency", {"currency": "JPY"})
    assert "about HK$" not in text_of(with_pin.get(addresses[0]))


@pytest.mark.usefixtures("_rates")
def test_an_old_rate_is_not_told_and_cannot_be_chosen(card: "Card", plan: "Plan") -> None:
    with clock.travel_to(clock.now() + timedelta(days=8)):
        client = Client()
        client.post("/open", {"number": card.iccid, "pin": "1234"})
        for address in (f"/c/{card.public_token}/plans", f"/c/{card.public_token}/renew/{plan.code}"):
            page = client.get(address)
            assert "about" not in text_of(page)
            assert page.context["shown_in"].choices == ()
