# SPDX-License-Identifier: Apache-2.0
"""Work that would hold up the event loop: questions to the database, long bodies."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tsuzuku.channels.partner_api.gathering import Overloaded, with_database

Asked = TypeVar("Asked")
Result = TypeVar("Result")


class Threads:
    """A few threads, each with one database connection; what comes first is done first. Used on one event loop."""

    def __init__(self, name: str, *, count: int, waiting_max: int) -> None:
        self._threads = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._waiting_max = waiting_max
        self._under_way = 0

    async def run(self, work: Callable[[Asked], Result], asked: Asked) -> Result:
        """What the work, which must be one that may be repeated, makes of what is asked. Raises Overloaded."""
        if self._under_way >= self._waiting_max:
            raise Overloaded
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, with_database, work, asked)
        finally:
            self._under_way -= 1
