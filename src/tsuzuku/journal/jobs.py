# SPDX-License-Identifier: Apache-2.0
"""The one job of the queue, "look at this chore", and the sweep that looks for what no wake-up announced."""

from datetime import datetime
from functools import partial

from django.db import connection, transaction
from procrastinate import exceptions
from procrastinate.contrib.django import app
from procrastinate.jobs import Status

from tsuzuku.journal.actions import chore_name, deliver_facts, is_due, listeners_due
from tsuzuku.journal.chores import Chore, chore, chores, register_chore, wake_with
from tsuzuku.journal.counts import FORGET_COUNTS, forget_counts, has_forgettable
from tsuzuku.journal.listeners import Listener, listeners
from tsuzuku.kernel import clock

#: Failed jobs are kept this long for a look back; the others are deleted when they are done.
KEEP_JOBS_HOURS = 24
#: A worker that has shown no sign of life for this long is dead. Its rows are found again by the sweep, jobs or not.
STALLED_SECONDS = 120


@app.task(name="look", queue="chores", pass_context=False)
def look(name: str) -> None:
    """Works off what is due of one chore."""
    chore(name).run()


def send_wake_up(name: str) -> None:
    """Queues a look at a chore unless one is queued already."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            # A wake-up that a crash loses is found by the sweep, so nobody waits until it is on the disk.
            cursor.execute("SET LOCAL synchronous_commit TO off")
            look.configure(queueing_lock=name).defer(name=name)
    except exceptions.AlreadyEnqueued:
        pass  # Somebody will look already; the queue's own constraint says so.


def due_chores(now: datetime) -> list[Chore]:
    """All chores that have something due, in order of registration. The listeners, who are many, ask together."""
    deliveries = {chore_name(each.name) for each in listeners()}
    due = {chore_name(name) for name in listeners_due(now=now)}
    return [each for each in chores() if (each.name in due if each.name in deliveries else each.is_due(now))]


# The queue reads a sixth field as seconds, after the five of cron.
@app.periodic(cron="* * * * * */5")
@app.task(name="sweep", queue="sweep", queueing_lock="sweep", pass_context=False)
def sweep(timestamp: int) -> None:
    """Every five seconds: wakes each chore that has something due, whoever forgot to say so."""
    for each in due_chores(clock.now()):
        send_wake_up(each.name)


@app.periodic(cron="17 * * * *")
@app.task(name="tidy jobs", queue="sweep", queueing_lock="tidy jobs", pass_context=False)
async def tidy_jobs(timestamp: int) -> None:
    """Every hour: forgets failed jobs of the day before, and those whose worker died while at them."""
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
        await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)
    await app.job_manager.delete_old_jobs(nb_hours=KEEP_JOBS_HOURS, include_failed=True, include_cancelled=True)


def _register_delivery(each: Listener) -> None:
    """Makes the delivery to one listener a chore."""
    register_chore(
        name=chore_name(each.name),
        run=partial(deliver_facts, listener_name=each.name),
        is_due=lambda now: is_due(listener_name=each.name, now=now),
    )


def start() -> None:
    """Connects wake-ups with the queue and makes deliveries chores; called once all rooms are loaded."""
    wake_with(send_wake_up)
    register_chore(name=FORGET_COUNTS, run=forget_counts, is_due=has_forgettable)
    for each in listeners():
        _register_delivery(each)
