# SPDX-License-Identifier: Apache-2.0
"""Renewing many cards in one call."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from django.db import InterfaceError, OperationalError

from tsuzuku.channels.partner_api.calls_renewals import Wish, is_key, parsed_object, sell, sold_fields, wish_of
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
#: Batches that one process has under way.
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
        # A thread of its own: single renewals do not wait behind many.
        self._threads = Threads("batch", count=1, waiting_max=_WAITING_MAX)

    async def renew(self, request: Request) -> Answer:
        """Every line is answered, in order. What was applied stays so, whatever happens to later lines."""
        caller, wanted = await self._bodies.take(
            request, scope=Scope.RENEWALS_WRITE, bytes_max=BYTES_MAX, parse=parse_batch
        )
        answered: list[bytes] = []
        for begin in range(0, len(wanted), _PORTION):
            try:
                answered.append(await self._threads.run(_renew_portion, (caller, wanted[begin : begin + _PORTION])))
            except (OperationalError, InterfaceError, Overloaded) as problem:
                log.warning("the rest of a batch answered try-again: %r", problem)
                answered.append(_rest(wanted[begin:], "try-again"))
                break
            except Exception:
                log.exception("a batch failed half-way")
                answered.append(_rest(wanted[begin:], "internal"))
                break
        return Answer(HTTPStatus.OK, b"".join(answered), NDJSON)


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


def _renew_portion(asked: tuple[Caller, Sequence[Line]]) -> bytes:
    """Sells what these lines ask for and answers them."""
    caller, wanted = asked
    sold = iter(sell([(caller, line) for line in wanted if isinstance(line, Wish)]))
    return b"".join(
        _problem_line(line.key, line.problem) if isinstance(line, BadLine) else _sold_line(line.key, next(sold))
        for line in wanted
    )


def _sold_line(key: str, sold: Sold | Problem) -> bytes:
    if isinstance(sold, Problem):
        return _problem_line(key, sold)
    return encoded({"key": key, "replayed": sold.is_replay} | sold_fields(sold)) + b"\n"


def _problem_line(key: str | None, problem: Problem) -> bytes:
    return encoded({"key": key, "replayed": False} | problem.fields()) + b"\n"


def _rest(wanted: Sequence[Line], code: str) -> bytes:
    """The answers to lines that were not reached; those that ask for nothing are told so."""
    return b"".join(
        _problem_line(line.key, line.problem if isinstance(line, BadLine) else Problem(code)) for line in wanted
    )
