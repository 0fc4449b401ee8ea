# SPDX-License-Identifier: Apache-2.0
"""What a partner's meters read."""

from dataclasses import asdict
from http import HTTPStatus
from typing import Final

from tsuzuku.channels.partner_api.http import Answer, Problem, encoded
from tsuzuku.channels.partner_api.long_calls import LongBodies
from tsuzuku.channels.partner_api.request import Request
from tsuzuku.channels.partner_api.threads import Threads
from tsuzuku.kernel import clock
from tsuzuku.sellers.queries import Caller
from tsuzuku.sellers.scopes import Scope
from tsuzuku.usage.actions import take_readings
from tsuzuku.usage.reading_lines import ParsedLines, parse_lines

LINES_MAX: Final = 50_000
BYTES_MAX: Final = 32_000_000
#: Blank lines are ignored, but not in any number.
_BREAKS_MAX: Final = 10 * LINES_MAX
#: Bodies that wait for their turn to be drawn.
_WAITING_MAX: Final = 20


class UsageCall:
    """`POST /usage`."""

    def __init__(self, bodies: LongBodies) -> None:
        self._bodies = bodies
        self._threads = Threads("usage", count=1, waiting_max=_WAITING_MAX)

    async def take(self, request: Request) -> Answer:
        """Draws what is new; a body is drawn as a whole or not at all."""
        caller, parsed = await self._bodies.take(
            request, scope=Scope.USAGE_WRITE, bytes_max=BYTES_MAX, parse=parse_usage
        )
        return await self._threads.run(_take, (caller, parsed))


def parse_usage(body: bytes) -> ParsedLines:
    """The lines of a body. Raises Problem when they are too many."""
    too_many = Problem("body-too-large", detail=f"A body of usage has up to {LINES_MAX:,} lines.")
    if body.count(b"\n") > _BREAKS_MAX:
        raise too_many
    parsed = parse_lines(body, now=clock.now())
    if len(parsed.readings) + len(parsed.refused) > LINES_MAX:
        raise too_many
    return parsed


def _take(asked: tuple[Caller, ParsedLines]) -> Answer:
    caller, parsed = asked
    taken = take_readings(
        readings=parsed.readings,
        actor=f"partner:{caller.partner_id}",
        card_groups=caller.card_groups,
        now=clock.now(),
    )
    refused = [{"line": line.number, "code": str(line.code)} for line in parsed.refused]
    return Answer(HTTPStatus.OK, encoded(asdict(taken) | {"refused": refused}))
