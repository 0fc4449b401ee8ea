# SPDX-License-Identifier: Apache-2.0
"""Spending accounts: what is kept is what the postings say, and nothing passes the limit."""

import pytest
from django.db import transaction

from tsuzuku.journal.models import Fact
from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.payments import audit
from tsuzuku.payments.errors import AccountUnknown, CreditLimitInUse, TopUpReused
from tsuzuku.payments.queries import balances
from tsuzuku.payments.spending import (
    FundsMoved,
    Spending,
    balance_of,
    balances_of,
    give_back,
    open_account,
    set_credit_limit,
    spend,
    top_up,
)

pytestmark = pytest.mark.django_db
CODE = "partner:7"


@pytest.fixture(autouse=True)
def _account() -> None:
    open_account(code=CODE, currency="JPY", credit_limit_minor=500, now=clock.now())


def top(minor: int, *, reference: str = "r1", currency: str = "JPY") -> None:
    top_up(code=CODE, amount=Money(minor, currency), reference=reference, actor="operator", now=clock.now())


def pay(*purposes: tuple[str, int], is_earned: bool = True) -> None:
    with transaction.atomic():
        spend([Spending(CODE, purpose, Money(minor, "JPY"), is_earned) for purpose, minor in purposes], now=clock.now())


def balance() -> int:
    return balance_of(CODE).balance.amount_minor


def test_a_top_up_is_booked_once() -> None:
    top(1_000)
    top(1_000)
    top(300, reference="r2")

    assert balance() == 1_300
    assert balances() == {"operator": 1_300, CODE: -1_300}
    assert list(Fact.objects.order_by("pk").values_list("kind", flat=True)) == [
        "credit-limit-changed",
        "account-topped-up",
        "account-topped-up",
    ]


def test_a_reference_stands_for_one_amount() -> None:
    top(1_000)
    with pytest.raises(TopUpReused):
        top(2_000)
    assert balance() == 1_000


def test_an_account_takes_its_own_currency_only() -> None:
    with pytest.raises(AccountUnknown):
        top(1_000, currency="CNY")
    with pytest.raises(AccountUnknown):
        balance_of("partner:8")
    assert balances_of(["partner:8"]) == {}


def test_many_purposes_are_one_debit() -> None:
    top(1_000)
    pay(("A", 300), ("B", 400))

    assert balance() == 300
    assert balances() == {"operator": 1_000, CODE: -300, "revenue": -700}


def test_the_credit_limit_is_the_end() -> None:
    pay(("A", 500))
    with pytest.raises(FundsMoved):
        pay(("B", 1))
    assert (balance(), balances()) == (-500, {CODE: 500, "revenue": -500})


def test_what_was_not_given_comes_back_once() -> None:
    pay(("A", 300), ("B", 100), is_earned=False)
    for _ in range(2):
        with transaction.atomic():
            give_back(purposes=["A", "unknown"], now=clock.now())

    assert balance() == -100
    assert balances() == {CODE: 100, "customers": -100}
    assert list(audit.findings()) == []


def test_a_limit_below_what_is_owed_is_refused() -> None:
    pay(("A", 300))
    with pytest.raises(CreditLimitInUse):
        set_credit_limit(code=CODE, credit_limit_minor=299, actor="operator", now=clock.now())
    set_credit_limit(code=CODE, credit_limit_minor=300, actor="operator", now=clock.now())
    assert balance_of(CODE).available_minor == 0


def test_a_balance_that_its_postings_do_not_make_is_found() -> None:
    from tsuzuku.payments.models import SpendingAccount

    top(1_000)
    SpendingAccount.objects.update(balance_minor=1)
    assert [finding.code for finding in audit.findings()] == ["spending-differs"]
