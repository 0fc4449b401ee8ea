# SPDX-License-Identifier: Apache-2.0
"""The books: every posting has two sides, is written once, and cannot be wrong in the database either."""

import threading

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.payments.ledger import CUSTOMERS, REVENUE, Entry, post
from tsuzuku.payments.models import Account, Posting
from tsuzuku.payments.queries import balances


def entry(subject: str = "order-1", amount_minor: int = 300) -> Entry:
    return Entry(
        kind="earn",
        subject=subject,
        purpose=subject,
        debit=CUSTOMERS,
        credit=REVENUE,
        amount=Money(amount_minor, "JPY"),
    )


@pytest.mark.django_db
def test_posting_the_same_thing_again_changes_nothing() -> None:
    post([entry(), entry("order-2", 500)], now=clock.now())
    post([entry()], now=clock.now())
    assert balances() == {CUSTOMERS: 800, REVENUE: -800}
    assert sum(balances().values()) == 0


@pytest.mark.django_db
@pytest.mark.parametrize("broken", [{"amount_minor": 0}, {"amount_minor": -1}, {"debit": F("credit")}])
def test_the_database_refuses_what_is_no_posting(broken: dict[str, object]) -> None:
    post([entry()], now=clock.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        Posting.objects.update(**broken)


@pytest.mark.django_db(transaction=True)
def test_two_connections_post_the_same_thing_once() -> None:
    barrier = threading.Barrier(2)

    def work() -> None:
        try:
            barrier.wait()
            post([entry(f"order-{number}") for number in range(50)], now=clock.now())
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Posting.objects.count() == 50
    assert Account.objects.count() == 2
