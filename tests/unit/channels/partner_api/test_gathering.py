# SPDX-License-Identifier: Apache-2.0
import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence

import pytest
from django.db import OperationalError

from tsuzuku.channels.partner_api.gathering import Gatherer, Overloaded
from tsuzuku.channels.partner_api.threads import Threads


class Work:
    """Doubles numbers; remembers its batches; waits while `gate` is closed."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.lost_connections = 0

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.gate.wait(5)
        self.batches.append(list(numbers))
        if self.lost_connections:
            self.lost_connections -= 1
            raise OperationalError("the connection is lost")
        if 13 in numbers:
            raise ValueError(13)
        return [2 * number for number in numbers]


def gather(
    work: Work, *, batch_max: int = 100, waiting_max: int = 100, linger_seconds: float = 0
) -> Gatherer[int, int]:
    return Gatherer("test", work, batch_max=batch_max, waiting_max=waiting_max, linger_seconds=linger_seconds)


async def outcome(future: Awaitable[int]) -> int | str:
    try:
        return await future
    except (OperationalError, ValueError) as problem:
        return type(problem).__name__


def run(talk: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await talk()

    asyncio.run(main())


def test_what_comes_while_a_batch_is_under_way_is_the_next_batch() -> None:
    work = Work()

    async def talk() -> None:
        gatherer = gather(work)
        work.gate.clear()
        first = gatherer.take(1)
        others = [gatherer.take(number) for number in (2, 3, 4)]
        work.gate.set()
        assert await asyncio.gather(first, *others) == [2, 4, 6, 8]

    run(talk)
    assert work.batches == [[1], [2, 3, 4]]


def test_callers_who_call_again_stay_together_and_a_lone_one_is_answered_too() -> None:
    work = Work()

    async def talk() -> None:
        gatherer = gather(work, linger_seconds=1)

        async def call_again_and_again() -> None:
            for number in range(10):
                assert await gatherer.take(number) == 2 * number

        await asyncio.gather(*(call_again_and_again() for _ in range(3)))
        assert await gatherer.take(100) == 200

    run(talk)
    assert work.batches[0] == [0]
    assert max(len(batch) for batch in work.batches) == 3
    assert len(work.batches) < 20


def test_a_batch_has_an_upper_limit() -> None:
    work = Work()

    async def talk() -> None:
        gatherer = gather(work, batch_max=2)
        work.gate.clear()
        futures = [gatherer.take(number) for number in range(6)]
        work.gate.set()
        assert await asyncio.gather(*futures) == [0, 2, 4, 6, 8, 10]

    run(talk)
    assert work.batches == [[0], [1, 2], [3, 4], [5]]


def test_an_item_that_fails_fails_alone() -> None:
    work = Work()

    async def talk() -> None:
        gatherer = gather(work)
        work.gate.clear()
        futures = [gatherer.take(number) for number in (1, 2, 13, 3)]
        work.gate.set()
        assert [await outcome(future) for future in futures] == [2, 4, "ValueError", 6]
        assert await gatherer.take(5) == 10

    run(talk)
    assert work.batches == [[1], [2, 13, 3], [2], [13], [3], [5]]


def test_a_connection_that_was_lost_once_is_nobodys_concern() -> None:
    work = Work()
    work.lost_connections = 1

    async def talk() -> None:
        assert await gather(work).take(1) == 2

    run(talk)
    assert work.batches == [[1], [1]]


def test_while_the_database_is_away_the_whole_batch_is_told() -> None:
    work = Work()

    async def talk() -> None:
        gatherer = gather(work)
        work.gate.clear()
        futures = [gatherer.take(number) for number in (1, 2, 3)]
        work.lost_connections = 4
        work.gate.set()
        assert [await outcome(future) for future in futures] == ["OperationalError"] * 3
        assert await gatherer.take(4) == 8

    run(talk)
    assert work.batches == [[1], [1], [2, 3], [2, 3], [4]]


def test_who_has_gone_is_worked_off_and_delays_nobody() -> None:
    work = Work()

    async def talk() -> None:
        gatherer = gather(work)
        work.gate.clear()
        first, gone, last = (gatherer.take(number) for number in (1, 2, 3))
        gone.cancel()
        work.gate.set()
        assert (await first, await last) == (2, 6)

    run(talk)
    assert work.batches == [[1], [2, 3]]


def test_more_than_can_wait_is_refused() -> None:
    work = Work()

    async def talk() -> None:
        gatherer = gather(work, waiting_max=2)
        work.gate.clear()
        futures = [gatherer.take(number) for number in (1, 2, 3)]
        with pytest.raises(Overloaded):
            gatherer.take(4)
        work.gate.set()
        assert await asyncio.gather(*futures) == [2, 4, 6]

    run(talk)


def test_threads_refuse_more_than_can_wait_and_go_on() -> None:
    work = Work()

    async def talk() -> None:
        threads = Threads("test", count=1, waiting_max=2)
        work.gate.clear()
        under_way = [asyncio.ensure_future(threads.run(work, [number])) for number in (1, 2)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await threads.run(work, [3])
        work.gate.set()
        assert await asyncio.gather(*under_way) == [[2], [4]]
        assert await threads.run(work, [4]) == [8]

    run(talk)
