# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku refund`, `tsuzuku order` and `tsuzuku dispute`, as an operator and as a script see them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from click.testing import CliRunner, Result
from pytest_django import Settings

from tsuzuku.cards.models import CardFlag
from tsuzuku.kernel.money import Money
from tsuzuku.orders.models import Order
from tsuzuku.payments.models import Capture, Refund, RefundProposal
from tsuzuku.project.cli import tsuzuku
from tsuzuku.testing.factories import make_card, make_plan
from tsuzuku.testing.fakes import Outcome
from tsuzuku.testing.house import House, open_house

pytestmark = pytest.mark.django_db(transaction=True)
UUID = "0d5b7a52-3c59-4b5f-9f0a-6d5a1a1c2e77"


def run(*words: str) -> Result:
    return CliRunner().invoke(tsuzuku, words, catch_exceptions=False)


def told(*words: str) -> list[str]:
    result = run(*words)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout.splitlines()


def refused(*words: str) -> str:
    result = run(*words)
    assert (result.exit_code, result.stdout) == (1, "")
    return result.stderr.removeprefix("Error: ").strip()


def answer(*words: str) -> Any:  # noqa: ANN401  # any JSON
    return json.loads(*told(*words, "--json"))


@pytest.fixture
def house(settings: Settings) -> Iterator[House]:
    settings.REFUND_APPROVAL_YEN = 500
    with open_house() as house:
        make_plan("GB-1-3D", price_minor=1000)
        yield house


@pytest.fixture
def sold(house: House) -> Order:
    order = house.order(make_card(), "GB-1-3D")
    house.pay(order)
    return order


def test_a_small_refund_is_on_its_way_at_once(house: House, sold: Order) -> None:
    words = ("refund", "propose", sold.number.lower(), "--reason", "no signal", "--by", "mika", "--key", UUID)
    assert told(*words, "--amount-minor", "300") == ["¥300 are on their way back."]
    assert answer(*words, "--amount-minor", "300")["refund"] == Refund.objects.get().pk
    assert Refund.objects.get().actor == "operator:mika"
    assert refused(*words, "--amount-minor", "301") == (
        "proposal-reused: This form has been sent before with something else in it. Please begin again."
    )


def test_a_large_one_waits_for_a_second_person(house: House, sold: Order) -> None:
    propose = ("refund", "propose", sold.number, "--reason", "no signal", "--by", "mika")
    (line,) = told(*propose)
    proposal = str(RefundProposal.objects.get().pk)
    assert line == (
        f"Proposal {proposal} of ¥1,000 waits for a second person: tsuzuku refund approve {proposal} --by ..."
    )
    assert told("refund", "list") == [
        f"proposal {proposal}  order {sold.number}  ¥1,000, proposed by operator:mika: no signal"
    ]
    assert refused("refund", "approve", proposal, "--by", "mika").startswith("second-person-needed: You proposed")
    assert refused(*propose) == "refund-too-large: That is more than can be given back. What is left: ¥0."
    assert told("refund", "approve", proposal, "--by", "ken") == ["¥1,000 are on their way back."]
    assert told("refund", "list") == ["Nothing waits."]


def test_what_is_declined_is_not_given_back(house: House, sold: Order) -> None:
    told("refund", "propose", sold.number, "--reason", "no signal", "--by", "mika")
    proposal = str(RefundProposal.objects.get().pk)
    decline = ("refund", "decline", proposal, "--note", "was online", "--by", "ken")
    assert told(*decline) == [f"Proposal {proposal} is declined."]
    assert refused("refund", "approve", proposal, "--by", "ken").startswith("proposal-decided: ")
    assert answer("refund", "list") == {"proposals": [], "failed": []}


def test_refunds_that_failed_are_asked_for_again_or_closed(house: House, sold: Order) -> None:
    house.provider.script.add(Outcome.REFUSED, Outcome.REFUSED)
    house.give_back(sold, amount_minor=300)
    first = Refund.objects.get()
    assert told("refund", "list") == [f"refund {first.pk}  order {sold.number}  ¥300, failed: refused-on-demand"]
    told("refund", "retry", str(first.pk), "--by", "ken")
    house.settle_down()
    second = Refund.objects.latest("pk")
    assert answer("refund", "list")["failed"][0]["id"] == second.pk
    assert told("refund", "close", str(second.pk), "--note", "cash", "--by", "ken") == [
        f"Refund {second.pk} is closed: ¥300 were given back another way."
    ]
    assert house.findings() == []


def test_orders_and_payments_that_are_not_there(house: House, sold: Order) -> None:
    by = ("--reason", "no signal", "--by", "mika")
    assert refused("refund", "propose", "nonsense", *by) == "order-unknown: There is no order of that number."
    assert refused("refund", "propose", sold.number, "--capture", "0", *by) == (
        "capture-unknown: There is no payment of that number."
    )
    assert run("refund", "propose", sold.number, "--reason", "no signal", "--by", " ").exit_code == 2


def test_held_orders_are_listed_accepted_and_given_back(house: House) -> None:
    orders = []
    for amount in (800, 1200):
        order = house.order(make_card(), "GB-1-3D")
        house.pay(order, amount=Money(amount, "JPY"))
        orders.append(order)
    assert told("order", "list") == [
        f"{orders[0].number}  costs ¥1,000, came ¥800",
        f"{orders[1].number}  costs ¥1,000, came ¥1,200",
    ]
    by = ("--reason", "asked the payer", "--by", "mika")
    assert told("order", "accept", orders[0].number, *by) == [f"Order {orders[0].number} is paid."]
    assert told("order", "give-back", orders[1].number, *by) == [
        f"Order {orders[1].number} is cancelled, and its money goes back."
    ]
    house.settle_down()
    assert answer("order", "list") == []
    assert told("order", "list") == ["None is held."]
    assert refused("order", "accept", orders[1].number, *by).startswith("order-not-held: ")
    assert house.findings() == []


def test_too_little_is_not_accepted(house: House) -> None:
    order = house.order(make_card(), "GB-1-3D")
    house.pay(order, amount=Money(499, "JPY"))
    assert refused("order", "accept", order.number, "--reason", "x", "--by", "mika") == (
        "shortfall-too-large: ¥501 of the price are missing, which is more than you may let the payer off."
    )
    assert answer("order", "list") == [
        {
            "number": order.number,
            "amount_minor": 1000,
            "currency": "JPY",
            "came": [{"amount_minor": 499, "currency": "JPY"}],
        }
    ]


def test_disputes_are_listed_and_their_evidence_written(house: House, sold: Order, tmp_path: Path) -> None:
    opened = house.provider.dispute(Capture.objects.get().reference)
    house.deliver(opened)
    house.settle_down()
    reference, file = opened.dispute_reference or "", tmp_path / "case.zip"
    (line,) = told("dispute", "list")
    assert line.startswith(f"{reference}  open, opened ")
    assert line.endswith(f"order {sold.number}, ¥1,000, fraudulent")
    wrote, _ = told("dispute", "evidence", reference, "-o", str(file))
    assert wrote.startswith(f"Wrote {file} (")
    with ZipFile(file) as archive:
        assert json.loads(archive.read("case.json"))["order"]["number"] == sold.number
    assert told("dispute", "unflag", reference, "--note", "a friend", "--by", "mika") == [
        "The card is not flagged for it any more."
    ]
    assert CardFlag.objects.get().cleared_by == "operator:mika"
    house.deliver(house.provider.end_dispute(reference, is_won=True))
    assert told("dispute", "list") == ["There are none."]
    assert answer("dispute", "list", "--all")[0]["state"] == "won"
    assert refused("dispute", "evidence", "nobody's", "-o", str(file)).startswith("dispute-unknown: ")
