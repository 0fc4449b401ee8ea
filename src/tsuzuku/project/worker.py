# SPDX-License-Identifier: Apache-2.0
"""One worker of the job queue."""

import asyncio
import logging
import signal

from procrastinate import App
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.exceptions import ConnectorException

#: Jobs under way get this long to end; the rows of one that is cut off are found again by the sweep.
SHUTDOWN_SECONDS = 8


class WorkerStopped(OSError):
    """The worker lost its database and must be started again."""


def run_worker(*, concurrency: int) -> None:
    """Works off jobs until SIGTERM or SIGINT. Raises WorkerStopped when the database goes away; set Django up first."""
    # The connector for Django shares a thread's connection and cannot listen; a worker's has a pool.
    connector = DjangoConnector().get_worker_connector()
    for handler in logging.getLogger().handlers:
        handler.addFilter(_without_traceback_of_lost_database)
    with app.replace_connector(connector) as worker_app:
        asyncio.run(_work(worker_app, concurrency))


def _without_traceback_of_lost_database(record: logging.LogRecord) -> bool:
    """A database that went away is one line, not four tracebacks; any other error keeps its own."""
    if record.exc_info and isinstance(record.exc_info[1], ConnectorException):
        record.exc_info = record.exc_text = None
        record.msg, record.args = "The database went away.", ()
    return True


async def _work(worker_app: App, concurrency: int) -> None:
    async with worker_app.open_async():
        work = asyncio.create_task(
            worker_app.run_worker_async(
                concurrency=concurrency,
                delete_jobs="successful",
                shutdown_graceful_timeout=SHUTDOWN_SECONDS,
                install_signal_handlers=False,
            )
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, work.cancel)
        try:
            await work
        except asyncio.CancelledError:
            return
    raise WorkerStopped("the worker lost its connection to the database")
