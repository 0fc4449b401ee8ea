# SPDX-License-Identifier: Apache-2.0
"""What a partner's meters read."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Final, NamedTuple

from tsuzuku.channels.partner_api.http import Answer, Problem, encoded
from tsuzuku.channels.partner_api.long_calls import LongBodies
from tsuzuku.channels.partner_api.request import Request
from tsuzuku.channels.partner_api.threads import Threads
from tsuzuku.kernel import clock
from tsuzuku.sellers.queries import Caller
from tsuzuku.sellers.scopes import Scope
from tsuzuku.usage.actions import Taken, take_readings
from tsuzuku.usage.reading_lines import Reading, RefusedLine, apart_by_card, parse_lines

LINES_MAX: Final = 50_000
BYTES_MAX: Final = 32_000_000
#: Blank lines are ignored, but not in any number.
_BREAKS_MAX: Final = 10 * LINES_MAX
#: Bodies that wait for their turn to be drawn.
_WAITING_MAX: Final = 20
#: Portions of a body that are drawn side by side.
_LANES: Final = 2
#: Fewer readings than this are drawn sooner in one portion.
_APART_FROM: Final = 2_000


class UsageBody(NamedTuple):
    """What a body holds: its readings in portions that have no card in common, and the lines that are none."""

    portions: Sequence[Sequence[Reading]]
    refused: Sequence[RefusedLine]


class UsageCall:
    """`POST /usage`."""

    def __init__(self, bodies: LongBodies) -> None:
        self._bodies = bodies
        self._threads = Threads("usage", count=_LANES, waiting_max=_LANES * _WAITING_MAX)

    async def take(self, request: Request) -> Answer:
        """Draws what is new; of each card's readings all or none. What failed may be sent again with all the rest."""
        caller, body = await self._bodies.take(request, scope=Scope.USAGE_WRITE, bytes_max=BYTES_MAX, parse=parse_usage)
        taking = [self._threads.run(_take, (caller, portion)) for portion in body.portions]
        outcomes = await asyncio.gather(*taking, return_exceptions=True)
        taken = Taken()
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
            taken += outcome
        return await asyncio.to_thread(_answer, taken, body.refused)


def parse_usage(body: bytes) -> UsageBody:
    """The lines of a body, understood. Raises Problem when they are too many."""
    too_many = Problem("body-too-large", detail=f"A body of usage has up to {LINES_MAX:,} lines.")
    if body.count(b"\n") > _BREAKS_MAX:
        raise too_many
    parsed = parse_lines(body, now=clock.now())
    if len(parsed.readings) + len(parsed.refused) > LINES_MAX:
        raise too_many
    lanes = _LANES if len(parsed.readings) >= _APART_FROM else 1
    return UsageBody(apart_by_card(parsed.readings, lanes), parsed.refused)


def _take(asked: tuple[Caller, Sequence[Reading]]) -> Taken:
    caller, readings = asked
    return take_readings(
        readings=readings, actor=f"partner:{caller.partner_id}", card_groups=caller.card_groups, now=clock.now()
    )


def _answer(taken: Taken, refused: Sequence[RefusedLine]) -> Answer:
    lines = [{"line": line.number, "code": str(line.code)} for line in refused]
    return Answer(HTTPStatus.OK, encoded(asdict(taken) | {"refused": lines}))
