# SPDX-License-Identifier: Apache-2.0
"""Renewing many cards in one call."""

import asyncio
import logging
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from django.db import InterfaceError, OperationalError

from tsuzuku.channels.partner_api.calls_renewals import (
    Wish,
    has_ample_funds,
    is_key,
    parsed_object,
    sell,
    sold_fields,
    wish_of,
)
from tsuzuku.channels.partner_api.gathering import Overloaded
from tsuzuku.channels.partner_api.http import NDJSON, Answer, Problem, encoded
from tsuzuku.channels.partner_api.long_calls import LongBodies
from tsuzuku.channels.partner_api.request import Request, lines
from tsuzuku.channels.partner_api.threads import Threads
from tsuzuku.renewals.selling import Sold
from tsuzuku.sellers.queries import Caller
from tsuzuku.sellers.scopes import Scope

LINES_MAX: Final = 10_000
BYTES_MAX: Final = 16_000_000
#: Lines sold in one transaction: enough to share its cost, few enough that other batches get their turn in between.
_PORTION: Final = 500
#: Parts of a batch that are sold at the same time: while one waits for the database another thinks.
_LANES: Final = 2
#: Batches and lanes that one process has under way.
_WAITING_MAX: Final = 100
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that asks for nothing, with its key if that could be read."""

    key: str | None
    problem: Problem


Line = Wish | BadLine


class BatchCall:
    """`POST /renewals/batch`."""

    def __init__(self, bodies: LongBodies) -> None:
        self._bodies = bodies
        # Threads of their own: single renewals do not wait behind many.
        self._threads = Threads("batch", count=_LANES, waiting_max=_WAITING_MAX)

    async def renew(self, request: Request) -> Answer:
        """Every line is answered, in order. What was applied stays so, whatever happens to later lines."""
        caller, wanted = await self._bodies.take(
            request, scope=Scope.RENEWALS_WRITE, bytes_max=BYTES_MAX, parse=parse_batch
        )
        answers = [b""] * len(wanted)
        lanes = await self._threads.run(in_lanes, (caller, wanted)) if wanted else []
        await asyncio.gather(*(self._renew_lane(caller, wanted, lane, answers) for lane in lanes))
        return Answer(HTTPStatus.OK, b"".join(answers), NDJSON)

    async def _renew_lane(
        self, caller: Caller, wanted: Sequence[Line], lane: Sequence[int], answers: list[bytes]
    ) -> None:
        """Sells what the lines at these places ask for, in order, and puts the answers at the same places."""
        left = lane
        while left:
            portion, left = left[:_PORTION], left[_PORTION:]
            try:
                told = await self._threads.run(_renew_portion, (caller, [wanted[place] for place in portion]))
            except Exception as problem:
                if isinstance(problem, OperationalError | InterfaceError | Overloaded):
                    log.warning("the rest of a batch answered try-again: %r", problem)
                    code = "try-again"
                else:
                    log.exception("a batch failed half-way")
                    code = "internal"
                portion, left = [*portion, *left], []
                told = [_unreached(wanted[place], code) for place in portion]
            for place, line in zip(portion, told, strict=True):
                answers[place] = line


def parse_batch(body: bytes) -> list[Line]:
    """The lines of a batch. Raises Problem when they are too many."""
    parsed: list[Line] = []
    for text in lines(body):
        if len(parsed) == LINES_MAX:
            raise Problem("body-too-large", detail=f"A batch has up to {LINES_MAX:,} lines.")
        parsed.append(_line(text))
    return parsed


def _line(text: str | None) -> Line:
    try:
        fields = parsed_object(text) if text is not None else {}
    except ValueError:
        fields = {}
    key = fields.get("key")
    if not isinstance(key, str):
        return BadLine(None, Problem("line-malformed", detail='It is not a JSON object {"key","iccid","plan"}.'))
    if not is_key(key):
        # Half a character cannot be sent back.
        return BadLine(key if key.isprintable() else None, Problem("idempotency-key-malformed"))
    try:
        return wish_of(fields, key, malformed="line-malformed")
    except Problem as problem:
        return BadLine(key, problem)


def in_lanes(asked: tuple[Caller, Sequence[Line]]) -> list[list[int]]:
    """The places of lines in lanes, all of a card in one.

    Lines apply in order as far as funds allow, so several lanes are for accounts that can pay for all of them.
    """
    caller, wanted = asked
    wishes = [line for line in wanted if isinstance(line, Wish)]
    if len(wanted) <= _PORTION or not has_ample_funds(caller, wishes):
        return [list(range(len(wanted)))]
    lanes: list[list[int]] = [[] for _ in range(_LANES)]
    for place, line in enumerate(wanted):
        lanes[zlib.crc32(line.iccid.encode()) % _LANES if isinstance(line, Wish) else 0].append(place)
    return lanes


def _renew_portion(asked: tuple[Caller, Sequence[Line]]) -> list[bytes]:
    """Sells what these lines ask for; returns the answer to each."""
    caller, wanted = asked
    sold = iter(sell([(caller, line) for line in wanted if isinstance(line, Wish)]))
    return [
        _problem_line(line.key, line.problem) if isinstance(line, BadLine) else _sold_line(line.key, next(sold))
        for line in wanted
    ]


def _sold_line(key: str, sold: Sold | Problem) -> bytes:
    if isinstance(sold, Problem):
        return _problem_line(key, sold)
    return encoded({"key": key, "replayed": sold.is_replay} | sold_fields(sold)) + b"\n"


def _problem_line(key: str | None, problem: Problem) -> bytes:
    return encoded({"key": key, "replayed": False} | problem.fields()) + b"\n"


def _unreached(line: Line, code: str) -> bytes:
    """The answer to a line that was not reached; one that asks for nothing is told so."""
    return _problem_line(line.key, line.problem if isinstance(line, BadLine) else Problem(code))
