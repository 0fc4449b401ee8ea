# SPDX-License-Identifier: Apache-2.0
"""Figures of sales, against a day whose sums are known and against what a few orders come to."""

import csv
import io
from collections import Counter
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from tests.proofs.settled_day import DOORS, TOKYO, make_day
from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.project.cli import tsuzuku
from tsuzuku.reports.dimensions import Dimension
from tsuzuku.reports.periods import Days, day_of

if TYPE_CHECKING:
    from tsuzuku.reports.sales import SalesFigure
    from tsuzuku.testing.house import House, Story

DAY = date(2026, 11, 20)
EVERY = frozenset(Dimension)


def sales(days: Days, *by: Dimension) -> "list[SalesFigure]":
    from tsuzuku.reports.sales import sales as sales_of

    return sales_of(days, by=by)


def around(days: int = 1) -> Days:
    today = clock.now().astimezone(UTC).date()
    return Days(today - timedelta(days), today + timedelta(days))


@pytest.mark.django_db
def test_sums_are_those_of_the_day() -> None:
    made = make_day(orders=200 * len(DOORS), day=DAY, seed=2)
    days = Days(DAY, DAY)
    found = sales(days, *EVERY)
    assert {
        (each.channel, each.method, each.plan): (each.orders, each.sold.amount_minor, each.returned.amount_minor)
        for each in found
    } == made.sales
    assert {each.day for each in found} == {DAY}
    for place, dimension in enumerate((Dimension.CHANNEL, Dimension.METHOD, Dimension.PLAN)):
        wanted: Counter[str] = Counter()
        for key, (count, _, _) in made.sales.items():
            wanted[key[place]] += count
        assert {getattr(each, dimension.value): each.orders for each in sales(days, dimension)} == dict(wanted)
    (total,) = sales(days)
    assert (total.day, total.channel, total.method, total.plan) == (None, None, None, None)
    assert total.orders == 200 * len(DOORS)
    assert total.net == Money(sum(sold - back for _, sold, back in made.sales.values()), "JPY")
    assert sales(Days(DAY - timedelta(1), DAY - timedelta(1))) == []


@pytest.mark.django_db
def test_what_goes_back_counts_on_its_own_day(house: "House", story: "Story") -> None:
    from tsuzuku.testing.factories import make_card, make_plan
    from tsuzuku.testing.fakes import Outcome

    make_plan()
    house.pay(house.order(make_card(), "GB-1-3D"))
    house.carrier.script.add(Outcome.REFUSED)
    house.pay(house.order(make_card(), "GB-1-3D"))
    # One payment too many is no sale, and its way back no refund of one.
    house.pay(house.order(make_card(), "GB-1-3D"), times=2)
    with story.after(days=2):
        house.deliver(*(house.provider.finish_refund(key) for key in house.provider.refunds_under_way()))
        later = clock.now()
    first, second = sales(around(3), Dimension.DAY, Dimension.METHOD)
    assert (first.method, first.orders, first.sold, first.refunds) == ("fake:fake", 3, Money(900, "JPY"), 0)
    assert (second.method, second.orders, second.sold) == ("fake:fake", 0, Money(0, "JPY"))
    assert (second.refunds, second.returned, second.net) == (1, Money(300, "JPY"), Money(-300, "JPY"))
    assert (first.day, second.day) == (day_of(story.start, TOKYO), day_of(later, TOKYO))


@pytest.mark.django_db
def test_what_partners_pay_out_of_accounts_is_a_method_of_its_own(house: "House") -> None:
    from tsuzuku.kernel.iccid import Iccid
    from tsuzuku.renewals.selling import Purchase, sell_renewals
    from tsuzuku.testing.factories import make_card, make_partner, make_plan
    from tsuzuku.testing.fakes import Outcome

    make_plan()
    partner = make_partner()
    for number, outcome in enumerate((Outcome.DONE, Outcome.REFUSED)):
        house.carrier.script.add(outcome)
        purchase = Purchase(
            Iccid(make_card().iccid), "GB-1-3D", str(number), f"partner:{partner.pk}", f"partner:{partner.pk}", None
        )
        sell_renewals([purchase], channel="partner_api", now=clock.now())
        house.settle_down()
    (figure,) = sales(around(), Dimension.METHOD, Dimension.CHANNEL)
    assert (figure.channel, figure.method) == ("partner_api", "account")
    assert (figure.orders, figure.sold, figure.refunds, figure.returned) == (2, Money(600, "JPY"), 1, Money(300, "JPY"))


@pytest.mark.django_db
def test_what_a_balance_pays_is_sold_when_it_is_spent(house: "House") -> None:
    from tsuzuku.testing.factories import make_card, make_customer, make_plan

    make_plan("GB-1-3D", price_minor=1_000)
    mei = make_customer()
    house.top_up(mei, 600)
    parted = house.order(make_card(), "GB-1-3D", key="k1", actor=f"customer:{mei.pk}", payer=mei)
    house.use_balance(parted, mei, shown=600)
    house.pay(parted)
    house.top_up(mei, 600, key="t2")
    whole = house.order(make_card(), "GB-1-3D", key="k2", actor=f"customer:{mei.pk}", payer=mei)
    reference = house.start_payment(whole)
    house.use_balance(whole, mei, shown=600)
    house.deliver(*house.provider.pay(reference))
    house.settle_down()

    assert house.balance(mei) == 600
    figures = {figure.method: figure for figure in sales(around(), Dimension.METHOD)}
    assert {method: figure.sold.amount_minor for method, figure in figures.items()} == {
        "balance": 600,
        "fake:fake": 1_400,
    }
    assert [figure.refunds for figure in figures.values()] == [0, 0]


@pytest.mark.django_db(transaction=True)
def test_the_command_writes_a_spreadsheet(house: "House", tmp_path: Path) -> None:
    from tsuzuku.testing.factories import make_card, make_plan

    make_plan()
    house.pay(house.order(make_card(), "GB-1-3D"))
    today, file = day_of(clock.now(), TOKYO).isoformat(), tmp_path / "sales.csv"
    result = run("--from", today, "--to", today, "--by", "plan,channel", "-o", str(file))
    assert (result.exit_code, result.stdout) == (0, f"Wrote {file} ({file.stat().st_size} bytes).\n")
    body = file.read_bytes()
    assert body.startswith(b"\xef\xbb\xbf")
    assert list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""))) == [
        ["channel", "plan", "currency", "decimals", "orders", "sold_minor", "refunds", "returned_minor", "net_minor"],
        ["web", "GB-1-3D", "JPY", "0", "1", "300", "0", "0", "300"],
    ]
    assert run("--from", today, "--to", today, "--by", "plan,channel").stdout_bytes == body
    empty = run("--from", "2020-01-01", "--to", "2020-01-01", "--by", "day")
    assert empty.stdout_bytes.decode("utf-8-sig").count("\r\n") == 1


@pytest.mark.parametrize("words", [["--by", "colour"], ["--by", ""], ["--from", "2026-11-02"], ["--to", "today"]])
def test_the_command_is_called_with_days_and_names(db: None, words: list[str]) -> None:
    assert run("--from", "2026-11-01", "--to", "2026-11-01", *words).exit_code == 2


def run(*words: str) -> Result:
    return CliRunner().invoke(tsuzuku, ["report", "sales", *words], catch_exceptions=False)
