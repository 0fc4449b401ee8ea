# SPDX-License-Identifier: Apache-2.0
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from tests.unit.channels.web.conftest import heading, notices, rows, text_of
from tests.unit.channels.web.test_renewing import form_of, order_numbers
from tsuzuku.catalog.mixes import Mix
from tsuzuku.kernel.money import Money
from tsuzuku.orders.models import Order
from tsuzuku.renewals.models import Renewal
from tsuzuku.testing.factories import make_mix_plan, make_plan

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.testing.house import House

pytestmark = pytest.mark.django_db

GB = 1_000_000_000
ASKED = f"data={5 * GB}&days=7"
#: Spaces that do not break are spaces to who reads a page.
NAME = "Your own: 5 GB, 7 days"


@pytest.fixture(autouse=True)
def _rule() -> None:
    make_mix_plan()


def test_a_mix_is_chosen_confirmed_paid_and_found_again(house: "House", with_pin: Client, card: "Card") -> None:
    address = f"/c/{card.public_token}"
    plans = with_pin.get(f"{address}/plans")
    assert [(tile.name, tile.address, tile.least) for tile in plans.context["mixes"]] == [
        ("Your own", f"{address}/mix/OWN-MIX", Money(160, "JPY"))
    ]
    mixed = with_pin.get(f"{address}/mix/OWN-MIX?{ASKED}")
    assert (heading(mixed), mixed.context["quote"].price) == ("Your own", Money(880, "JPY"))
    asked = with_pin.get(f"{address}/renew/OWN-MIX?{ASKED}")
    assert rows(asked)["To pay"] == "¥880"
    assert NAME in text_of(asked)

    answer = with_pin.post(f"{address}/renew/OWN-MIX?{ASKED}", form_of(asked))
    (order,) = Order.objects.all()
    assert (answer.status_code, order.price) == (303, Money(880, "JPY"))
    house.deliver(*house.provider.pay(house.payment_reference(order)))
    house.settle_down()

    assert Renewal.objects.get().terms.mix == Mix(5 * GB, 7)
    shown = with_pin.get(address)
    assert NAME in text_of(shown)
    assert f'href="{address}/renew/OWN-MIX?data=5000000000&amp;days=7"' in shown.content.decode()
    assert with_pin.get(f"/o/{order.number}").context["what"] == NAME.replace("5 GB", "5\u00a0GB")
    again = with_pin.get(f"{address}/renew/OWN-MIX?{ASKED}")
    assert notices(again)[0].startswith(f"You have just renewed this card with this plan: order {order.number}.")
    other = with_pin.get(f"{address}/renew/OWN-MIX?data={6 * GB}&days=7")
    assert other.context["just_ordered"] is None


def test_to_a_script_only_the_answer_is_sent(with_pin: Client, card: "Card") -> None:
    answer = with_pin.get(f"/c/{card.public_token}/mix/OWN-MIX?data={9 * GB}&days=10", headers={"HX-Request": "true"})
    body = answer.content.decode()
    assert body.startswith('<div id="mixed"')
    assert "10\u00a0GB for the same days cost no more: ¥1,440" in body


def test_the_second_visit_remembers(with_pin: Client, card: "Card") -> None:
    address = f"/c/{card.public_token}/mix/OWN-MIX"
    assert with_pin.get(address).context["chosen"] == Mix(5 * GB, 7)
    with_pin.get(f"{address}?data={8 * GB}&days=12")
    assert with_pin.get(address).context["chosen"] == Mix(8 * GB, 12)
    make_mix_plan(bytes_step=3 * GB, bytes_max=6 * GB, days_max=10)
    assert with_pin.get(address).context["chosen"] == Mix(6 * GB, 10)


@pytest.mark.parametrize("asked", [f"data={51 * GB}&days=7", "data=1&days=7", f"data={GB}&days=91", "data=0&days=0"])
def test_what_the_rule_does_not_have_is_refused_with_a_word(with_pin: Client, card: "Card", asked: str) -> None:
    word = "This mix is not offered. Please choose data and days from the lists."
    address = f"/c/{card.public_token}"
    assert word in text_of(with_pin.get(f"{address}/mix/OWN-MIX?{asked}"))
    refused = with_pin.get(f"{address}/renew/OWN-MIX?{asked}", follow=True)
    assert (refused.redirect_chain, notices(refused)) == ([(f"{address}/mix/OWN-MIX", 302)], [word])
    forged = with_pin.post(
        f"{address}/renew/OWN-MIX?{asked}", form_of(with_pin.get(f"{address}/renew/OWN-MIX?{ASKED}"))
    )
    assert forged.headers["Location"] == f"{address}/mix/OWN-MIX"
    assert order_numbers() == []


def test_a_plan_that_is_not_to_be_mixed_leads_back_to_the_plans(with_pin: Client, card: "Card") -> None:
    make_plan("W1")
    for code in ("W1", "NONE", "\x00"):
        answer = with_pin.get(f"/c/{card.public_token}/mix/{code}")
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/c/{card.public_token}/plans")


def test_lists_stay_short_however_fine_the_steps_are(with_pin: Client, card: "Card") -> None:
    make_mix_plan(bytes_step=1_000_000, days_max=3650)
    page = with_pin.get(f"/c/{card.public_token}/mix/OWN-MIX?data=5003000000&days=8")
    for name, least, most, chosen in [
        ("data_choices", 1_000_000, 50 * GB, 5_003_000_000),
        ("days_choices", 1, 3650, 8),
    ]:
        values = [value for value, _text in page.context[name]]
        assert (values[0], values[-1], chosen in values, len(values) <= 103) == (least, most, True, True)
