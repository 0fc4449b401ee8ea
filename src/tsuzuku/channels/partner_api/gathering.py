# SPDX-License-Identifier: Apache-2.0
"""Calls that arrive together are worked off together.

What has come while the last batch was under way is the next batch. A lone call is a batch of one and as quick as can
be; under load a transaction, its statements and its write to the disk are shared by many. Clients call again as soon as
they are answered, and those just answered should be in the next batch with those that wait already, or two halves of
them would take turns for ever. Where a batch is dear it therefore lingers: it starts once as many wait as called of
late, or so long after the first.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db import InterfaceError, OperationalError, connection

Item = TypeVar("Item")
Result = TypeVar("Result")
log = logging.getLogger(__name__)


class Overloaded(Exception):
    """So much waits already that another call would only wait in vain."""


@dataclass(frozen=True, slots=True)
class _Failed:
    """What stands in the place of a result that there is none of."""

    problem: BaseException


class Gatherer(Generic[Item, Result]):
    """Works off items in batches on one thread with one database connection. Used on one event loop."""

    def __init__(
        self,
        name: str,
        work: Callable[[Sequence[Item]], Sequence[Result]],
        *,
        batch_max: int,
        waiting_max: int,
        linger_seconds: float = 0,
    ) -> None:
        self._work = work
        self._batch_max = batch_max
        self._waiting_max = waiting_max
        self._linger_seconds = linger_seconds
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._is_busy = False
        #: How many the next batch waits for, and until when.
        self._expected = 1
        self._timer: asyncio.TimerHandle | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    def take(self, item: Item) -> asyncio.Future[Result]:
        """The result of an item, once its batch is done. Raises Overloaded.

        An item that was taken is worked off even if nobody waits for it any more.
        """
        if len(self._waiting) >= self._waiting_max:
            raise Overloaded
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._begin_or_linger()
        return future

    def _begin_or_linger(self) -> None:
        if self._is_busy or not self._waiting:
            return
        if len(self._waiting) >= self._expected:
            self._begin()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._linger_seconds, self._begin)

    def _begin(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._is_busy = True
        batch, self._waiting = self._waiting[: self._batch_max], self._waiting[self._batch_max :]
        done = asyncio.get_running_loop().run_in_executor(self._thread, self._work_off, [item for item, _ in batch])
        done.add_done_callback(lambda done: self._answer([future for _, future in batch], done))

    def _work_off(self, items: Sequence[Item]) -> "Sequence[Result | _Failed]":
        try:
            return with_database(self._work, items)
        except (OperationalError, InterfaceError):
            raise
        except Exception as problem:
            if len(items) == 1:
                return [_Failed(problem)]
            # One of them is at fault; its neighbours shall not suffer for it.
            log.exception("a batch failed; its items are worked off one by one")
            return [outcome for item in items for outcome in self._work_off([item])]

    def _answer(
        self, futures: Sequence[asyncio.Future[Result]], done: "asyncio.Future[Sequence[Result | _Failed]]"
    ) -> None:
        self._is_busy = False
        if self._linger_seconds:
            self._expected = min(len(futures) + len(self._waiting), self._batch_max)
        self._begin_or_linger()
        problem = done.exception()
        outcomes = done.result() if problem is None else [_Failed(problem)] * len(futures)
        for future, outcome in zip(futures, outcomes, strict=True):
            if future.done():  # Who asked has gone.
                continue
            if isinstance(outcome, _Failed):
                future.set_exception(outcome.problem)
            else:
                future.set_result(outcome)


def with_database(work: Callable[[Item], Result], item: Item) -> Result:
    """Runs work on the current thread's connection; if that had been lost, once more on a new one.

    So the work must be one that may be repeated: reads, and what is kept under a key.
    """
    try:
        return work(item)
    except (OperationalError, InterfaceError):
        connection.close()
        return work(item)
    finally:
        if connection.connection is not None and connection.errors_occurred and not connection.is_usable():
            connection.close()
