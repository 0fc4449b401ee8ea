# SPDX-License-Identifier: Apache-2.0
"""Wake-ups, the sweep, and what killed workers leave behind."""

from collections.abc import Iterator

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from tsuzuku.journal import chores
from tsuzuku.journal.chores import register_chore
from tsuzuku.journal.jobs import look, send_wake_up, sweep, tidy_jobs

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_jobs_left_over(db: None) -> None:
    """Tests that commit leave jobs behind."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


@pytest.fixture
def ran() -> Iterator[list[str]]:
    """What a chore that is always due has done."""
    ran: list[str] = []

    def run() -> int:
        ran.append("ran")
        return 1

    register_chore(name="always due", run=run, is_due=lambda now: True)
    yield ran
    del chores._chores["always due"]


def waiting() -> list[tuple[str, str | None]]:
    return list(ProcrastinateJob.objects.filter(status="todo").values_list("task_name", "queueing_lock"))


def test_a_chore_is_queued_once_however_often_it_is_woken() -> None:
    for _ in range(3):
        send_wake_up("always due")
    assert waiting() == [("look", "always due")]


def test_the_sweep_wakes_what_nobody_announced(ran: list[str]) -> None:
    sweep.func(timestamp=0)
    assert ("look", "always due") in waiting()
    look.func(name="always due")
    assert ran == ["ran"]


def test_jobs_of_dead_workers_are_forgotten() -> None:
    send_wake_up("always due")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id"
        )
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT max(id) FROM procrastinate_workers)"
        )
    async_to_sync(tidy_jobs.func)(timestamp=0)
    assert ProcrastinateJob.objects.count() == 0
