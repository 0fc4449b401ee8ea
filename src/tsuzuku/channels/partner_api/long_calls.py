# SPDX-License-Identifier: Apache-2.0
"""Calls whose bodies have many lines.

Who calls is asked before such a body is read, and it is read and understood whole before anything of it is applied.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Final, TypeVar

from tsuzuku.channels.partner_api.callers import admitted_alone
from tsuzuku.channels.partner_api.http import NDJSON
from tsuzuku.channels.partner_api.request import Request, check_media_type, unpacked
from tsuzuku.channels.partner_api.threads import Threads
from tsuzuku.sellers.queries import Caller

Parsed = TypeVar("Parsed")

#: What programs call a body that they have not looked into.
OCTETS: Final = "application/octet-stream"
#: JSON lines have no registered type; these are in use.
MEDIA_TYPES: Final = (
    NDJSON,
    "application/ndjson",
    "application/jsonl",
    "application/x-jsonlines",
    "application/jsonlines",
    OCTETS,
)
#: Bodies that one process holds at a time.
_BODIES_MAX: Final = 8
#: And of one partner: whoever sends slowly keeps back nobody else.
_BODIES_OF_PARTNER_MAX: Final = 4


class LongBodies:
    """Takes in bodies of many lines."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._parsing = Threads("bodies", count=1, waiting_max=_BODIES_MAX)
        self._places = asyncio.Semaphore(_BODIES_MAX)
        self._places_of_partner: defaultdict[int, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(_BODIES_OF_PARTNER_MAX)
        )

    async def take(
        self, request: Request, *, scope: str, bytes_max: int, parse: Callable[[bytes], Parsed]
    ) -> tuple[Caller, Parsed]:
        """Who calls, and what its body says. Raises Problem, also what `parse` raises, and ClientGone."""
        caller = await admitted_alone(self._threads, request, scope=scope, asked=None, work=lambda caller, _: caller)
        check_media_type(request, MEDIA_TYPES)
        encoding = request.headers.get(b"content-encoding", b"")
        unpacked(b"", encoding=encoding, bytes_max=0)
        async with self._places_of_partner[caller.partner_id], self._places:
            body = await request.body.read(bytes_max)
            parsed = await self._parsing.run(
                lambda packed: parse(unpacked(packed, encoding=encoding, bytes_max=bytes_max)), body
            )
        return caller, parsed
