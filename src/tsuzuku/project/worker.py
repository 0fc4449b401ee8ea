# SPDX-License-Identifier: Apache-2.0
"""One worker of the job queue."""

import asyncio
import signal

from procrastinate import App
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector

#: Jobs under way get this long to end; the rows of one that is cut off are found again by the sweep.
SHUTDOWN_SECONDS = 8


class WorkerStopped(OSError):
    """The worker lost its database and must be started again."""


def run_worker(*, concurrency: int) -> None:
    """Works off jobs until SIGTERM or SIGINT. Raises WorkerStopped when the database goes away; set Django up first."""
    # The connector for Django shares a thread's connection and cannot listen; a worker's has a pool.
    connector = DjangoConnector().get_worker_connector()
    with app.replace_connector(connector) as worker_app:
        asyncio.run(_work(worker_app, concurrency))


async def _work(worker_app: App, concurrency: int) -> None:
    async with worker_app.open_async():
        work = asyncio.create_task(
            worker_app.run_worker_async(
                concurrency=concurrency,
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
