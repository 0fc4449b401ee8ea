# SPDX-License-Identifier: Apache-2.0
"""A partner hears of a low balance once, and again only after a top-up lifted it."""

from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tsuzuku.journal.chores import chore
from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.payments.spending import Spending, spend
from tsuzuku.sellers.actions import top_up_partner
from tsuzuku.sellers.models import Partner
from tsuzuku.sellers.notices import TELL_LOW_BALANCES, has_low_balances, tell_low_balances
from tsuzuku.testing.factories import make_partner
from tsuzuku.testing.house import House, open_house

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Iterator[House]:
    with open_house() as house:
        yield house


def pay(partner: Partner, amount_minor: int, purpose: str) -> None:
    with transaction.atomic():
        spend([Spending(partner.actor, purpose, Money(amount_minor, "JPY"), is_earned=True)], now=clock.now())


def top_up(partner: Partner, amount_minor: int, reference: str) -> None:
    now = clock.now()
    top_up_partner(name=partner.name, amount_minor=amount_minor, reference=reference, actor="operator", now=now)


def test_a_low_balance_is_told_once_until_a_top_up_lifts_it(house: House) -> None:
    partner = make_partner("Kaze", low_balance_minor=5_000, credit_limit_minor=1_000)
    pay(partner, 5_000, "T-1")
    house.settle_down()
    assert house.subjects() == []

    pay(partner, 1, "T-2")
    assert has_low_balances(clock.now())
    house.settle_down()
    pay(partner, 10, "T-3")
    house.settle_down()
    assert house.subjects() == ["Your balance is low: ¥4,999"]
    message = house.gateway.sent[0].message
    assert (message.address, message.language) == ("ops@kaze.example", "en")
    assert message.text.startswith("The balance of Kaze has become low: ¥4,999.")
    assert "with the credit limit: ¥5,999" in message.text

    top_up(partner, 10, "too little")
    house.settle_down()
    assert len(house.subjects()) == 1
    top_up(partner, 1, "enough")
    house.settle_down()
    assert len(house.subjects()) == 1
    pay(partner, 1, "T-4")
    house.settle_down()
    assert house.subjects()[1:] == ["Your balance is low: ¥4,999"]


def test_partners_are_told_in_their_languages(house: House) -> None:
    make_partner("Kaze", low_balance_minor=20_000, language="zh-hans")
    house.settle_down()
    assert [kept.message.language for kept in house.gateway.sent] == ["zh-hans"]
    assert house.subjects() == ["余额不足提醒：¥10,000"]


def test_who_wants_no_notice_gets_none(house: House) -> None:
    make_partner("Kaze", low_balance_minor=None, balance=Money(0, "JPY"))
    assert not has_low_balances(clock.now())
    house.settle_down()
    assert house.subjects() == []


def test_looking_costs_the_same_for_many() -> None:
    counts = []
    for names in (["A"], ["B", "C", "D"]):
        for name in names:
            make_partner(name, low_balance_minor=20_000)
        with CaptureQueriesContext(connection) as queries:
            assert has_low_balances(clock.now())
        counts.append(len(queries))
    assert counts == [1, 1]


def test_is_a_chore() -> None:
    assert chore(TELL_LOW_BALANCES).run is tell_low_balances
