# SPDX-License-Identifier: Apache-2.0
"""Renewing: one card, many cards, and what became of it."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from tsuzuku.channels.partner_api.callers import Call, admitted, digest_of
from tsuzuku.channels.partner_api.gathering import Gatherer
from tsuzuku.channels.partner_api.http import JSON, Answer, Problem, Request, encoded
from tsuzuku.channels.partner_api.refusals import problem_of
from tsuzuku.kernel import clock
from tsuzuku.kernel.errors import DomainError
from tsuzuku.kernel.iccid import Iccid, IccidMalformed, parse_iccid
from tsuzuku.renewals.selling import Purchase, Sold, sell_renewals
from tsuzuku.sellers.queries import Caller
from tsuzuku.sellers.renewal_json import renewal_fields

CHANNEL: Final = "partner"
WRITE: Final = "renewals:write"
_KEY: Final = re.compile(rb"[\x20-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Wish:
    """A renewal that is asked for."""

    iccid: Iccid
    plan: str
    key: str


def sell(asked: Sequence[tuple[Caller, Wish]]) -> list[Sold | Problem]:
    """Sells what was asked for, in order, each out of its partner's account."""
    purchases = [
        Purchase(
            iccid=wish.iccid,
            plan_code=wish.plan,
            key=wish.key,
            actor=f"partner:{caller.partner_id}",
            account=f"partner:{caller.partner_id}",
            card_groups=caller.card_groups,
        )
        for caller, wish in asked
    ]
    answers = sell_renewals(purchases, channel=CHANNEL, now=clock.now())
    return [problem_of(answer) if isinstance(answer, DomainError) else answer for answer in answers]


class RenewCall:
    """`POST /renewals`."""

    def __init__(self) -> None:
        self._gatherer: Gatherer[Call[Wish], Sold | Problem] = Gatherer(
            "settle", admitted(sell), batch_max=256, waiting_max=10_000
        )

    async def answer(self, request: Request) -> Answer:
        wish: Wish | Problem
        try:
            wish = _wish(request)
        except Problem as problem:
            wish = problem
        sold = await self._gatherer.take(Call(digest_of(request), WRITE, wish))
        return sold.answer() if isinstance(sold, Problem) else sold_answer(sold)


def sold_answer(sold: Sold) -> Answer:
    """The answer to a renewal: the same bytes however often it is asked for."""
    headers = ((b"idempotent-replayed", b"true"),) if sold.is_replay else ()
    return Answer(HTTPStatus.CREATED, encoded(sold_fields(sold)), JSON, headers)


def sold_fields(sold: Sold) -> dict[str, object]:
    """A renewal as it was answered when it was sold."""
    return renewal_fields(
        number=sold.number,
        state=sold.state,
        iccid=sold.iccid,
        plan=sold.plan_code,
        price=sold.price,
        remaining_bytes=sold.remaining_bytes,
        online_until=sold.online_until,
    )


def _wish(request: Request) -> Wish:
    if request.headers.get(b"content-type", b"").split(b";")[0].strip().lower() != b"application/json":
        raise Problem("media-type-unsupported", detail="Send application/json.")
    key = request.headers.get(b"idempotency-key")
    if key is None:
        raise Problem("idempotency-key-missing")
    if _KEY.fullmatch(key) is None:
        raise Problem("idempotency-key-malformed")
    try:
        fields = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise Problem("body-malformed", detail="It is not JSON in UTF-8.") from error
    if not isinstance(fields, dict):
        raise Problem("body-malformed", detail="It is not a JSON object.")
    return Wish(_iccid(fields.get("iccid")), _plan(fields.get("plan")), key.decode())


def _iccid(value: object) -> Iccid:
    if not isinstance(value, str):
        raise Problem("body-malformed", detail="iccid is a text.")
    try:
        return parse_iccid(value)
    except IccidMalformed as error:
        raise Problem("iccid-malformed") from error


def _plan(value: object) -> str:
    if not isinstance(value, str):
        raise Problem("body-malformed", detail="plan is a text: a plan's code.")
    return value
