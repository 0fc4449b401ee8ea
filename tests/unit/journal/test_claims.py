# SPDX-License-Identifier: Apache-2.0
"""Two workers never hold the same row."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from tsuzuku.journal.claims import claim, still_held
from tsuzuku.journal.models import Delivery
from tsuzuku.kernel import clock

LEASE = timedelta(seconds=60)


def make_rows(count: int) -> None:
    now = clock.now()
    Delivery.objects.bulk_create(
        Delivery(listener=f"listener {number}", fact_ids=[number], next_attempt_at=now) for number in range(count)
    )


@pytest.mark.django_db
def test_a_held_row_is_due_again_when_its_lease_ends() -> None:
    make_rows(1)
    now = clock.now()

    (row,) = claim(Delivery.objects.all(), now=now, lease=LEASE, limit=10)

    assert row.attempts == 1
    assert claim(Delivery.objects.all(), now=now, lease=LEASE, limit=10) == []
    (again,) = claim(Delivery.objects.all(), now=now + LEASE, lease=LEASE, limit=10)
    assert again.attempts == 2
    assert not still_held(row).exists()
    assert still_held(again).exists()


@pytest.mark.django_db(transaction=True)
def test_many_workers_share_the_rows() -> None:
    make_rows(60)
    claimed: list[list[int]] = []

    def work() -> None:
        try:
            while rows := claim(Delivery.objects.all(), now=clock.now(), lease=LEASE, limit=7):
                claimed.append([row.pk for row in rows])
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    taken = [pk for rows in claimed for pk in rows]
    assert sorted(taken) == sorted(Delivery.objects.values_list("pk", flat=True))
