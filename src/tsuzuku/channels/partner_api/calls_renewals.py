# SPDX-License-Identifier: Apache-2.0
"""Renewing one card, and what became of a renewal."""

import json
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from tsuzuku.allowances.queries import card_allowance
from tsuzuku.channels.partner_api import CHANNEL
from tsuzuku.channels.partner_api.callers import Call, admitted, admitted_alone, digest_of
from tsuzuku.channels.partner_api.gathering import Gatherer
from tsuzuku.channels.partner_api.http import JSON, Answer, Problem, encoded
from tsuzuku.channels.partner_api.refusals import problem_of
from tsuzuku.channels.partner_api.request import Request, check_media_type, unpacked
from tsuzuku.channels.partner_api.threads import Threads
from tsuzuku.kernel import clock
from tsuzuku.kernel.errors import DomainError
from tsuzuku.kernel.iccid import Iccid, IccidMalformed, parse_iccid
from tsuzuku.orders.numbers import parse_number
from tsuzuku.renewals import states
from tsuzuku.renewals.models import Renewal
from tsuzuku.renewals.selling import Purchase, Sold, are_funds_ample, sell_renewals
from tsuzuku.sellers.queries import Caller
from tsuzuku.sellers.renewal_json import SHOWN_STATES, moment_text, renewal_fields
from tsuzuku.sellers.scopes import Scope

#: Less than a batch of renewals takes.
_LINGER_SECONDS: Final = 0.006
_KEY: Final = re.compile(r"[\x20-\x7e]{1,255}")


class Wish(NamedTuple):
    """A renewal that is asked for."""

    iccid: Iccid
    plan: str
    key: str


class RenewalCalls:
    """`/renewals` and `/renewals/{number}`."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._gatherer: Gatherer[Call[Wish], Sold | Problem] = Gatherer(
            "settle", admitted(sell), batch_max=256, waiting_max=10_000, linger_seconds=_LINGER_SECONDS
        )

    async def renew(self, request: Request) -> Answer:
        """`POST /renewals`."""
        body = await request.body.read()
        wish: Wish | Problem
        try:
            wish = _wish(request, body)
        except Problem as problem:
            wish = problem
        sold = await self._gatherer.take(Call(digest_of(request), Scope.RENEWALS_WRITE, wish))
        if isinstance(sold, Problem):
            raise sold
        # The same bytes however often it is asked for.
        headers = ((b"idempotent-replayed", b"true"),) if sold.is_replay else ()
        return Answer(HTTPStatus.CREATED, encoded(sold_fields(sold)), JSON, headers)

    async def read(self, request: Request, number: str) -> Answer:
        """`GET /renewals/{number}`."""
        return await admitted_alone(self._threads, request, scope=Scope.RENEWALS_READ, asked=number, work=_read)


# -- renewing ----------------------------------------------------------------------------------------------------------


def sell(asked: Sequence[tuple[Caller, Wish]]) -> list[Sold | Problem]:
    """Sells what was asked for, in order, each out of its partner's account."""
    answers = sell_renewals(_purchases(asked), channel=CHANNEL, now=clock.now())
    return [problem_of(answer) if isinstance(answer, DomainError) else answer for answer in answers]


def has_ample_funds(caller: Caller, wishes: Sequence[Wish]) -> bool:
    """Whether a partner's account can pay for all of it and as much again."""
    purchases = _purchases([(caller, wish) for wish in wishes])
    return are_funds_ample(purchases, channel=CHANNEL, now=clock.now())


def _purchases(asked: Sequence[tuple[Caller, Wish]]) -> list[Purchase]:
    return [
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


def is_key(text: str) -> bool:
    """Whether it can be an idempotency key."""
    return _KEY.fullmatch(text) is not None


def parsed_object(text: str) -> Mapping[str, Any]:
    """The fields of a JSON object, each of which it names once. Raises ValueError."""
    try:
        fields = _decoder.decode(text)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(fields, dict):
        raise ValueError("not an object")
    return fields


def wish_of(fields: Mapping[str, Any], key: str, *, malformed: str) -> Wish:
    """A wish of the fields that say it. Raises Problem; `malformed` is its code for fields of a wrong type."""
    iccid, plan = fields.get("iccid"), fields.get("plan")
    if not isinstance(iccid, str) or not isinstance(plan, str):
        raise Problem(malformed, detail="iccid and plan are texts: a card's number and a plan's code.")
    try:
        return Wish(parse_iccid(iccid), plan, key)
    except IccidMalformed as error:
        raise Problem("iccid-malformed") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a field twice")
    return fields


_decoder = json.JSONDecoder(object_pairs_hook=_once)


def _wish(request: Request, body: bytes) -> Wish:
    check_media_type(request, (JSON,))
    unpacked(b"", encoding=request.headers.get(b"content-encoding", b""), bytes_max=0)
    key = _key(request)
    try:
        fields = parsed_object(body.decode("utf-8-sig"))
    except ValueError as error:
        raise Problem("body-malformed", detail="It is not a JSON object in UTF-8.") from error
    return wish_of(fields, key, malformed="body-malformed")


def _key(request: Request) -> str:
    key = request.headers.get(b"idempotency-key")
    if key is None:
        raise Problem("idempotency-key-missing")
    text = key.decode("latin-1")
    if b"idempotency-key" in request.repeated or not is_key(text):
        raise Problem("idempotency-key-malformed")
    return text


# -- what became of it -------------------------------------------------------------------------------------------------


def _read(caller: Caller, text: str) -> Answer:
    renewal = (
        Renewal.objects.filter(order__number=parse_number(text), actor=f"partner:{caller.partner_id}")
        .select_related("order", "card", "plan")
        .first()
    )
    if renewal is None:
        raise Problem("renewal-unknown")
    remaining_bytes, online_until = renewal.told_remaining_bytes, renewal.told_online_until
    if renewal.state in states.ENDED_STATES:
        # No longer what is expected, but what the card has.
        allowance = card_allowance(renewal.card_id, now=clock.now())
        remaining_bytes, online_until = allowance.remaining_bytes, allowance.online_until
    fields = renewal_fields(
        number=renewal.order.number,
        state=renewal.state,
        iccid=renewal.card.iccid,
        plan=renewal.plan.code,
        price=renewal.order.price,
        remaining_bytes=remaining_bytes,
        online_until=online_until,
    )
    return Answer(HTTPStatus.OK, encoded(fields | {"history": _history(renewal)}))


def _history(renewal: Renewal) -> list[dict[str, str]]:
    """How its state as partners know it changed, oldest first. What is active in the call that asked for it only is."""
    moves = [(move.target, move.reason, move.at) for move in renewal.moves.order_by("pk")]
    if renewal.told_state != states.ACTIVE:
        moves = [(states.ORDERED, "", renewal.created_at), *moves]
    history: list[dict[str, str]] = []
    for state, reason, at in moves:
        entry = {"state": SHOWN_STATES[state], "at": moment_text(at)} | ({"reason": reason} if reason else {})
        if not history or history[-1]["state"] != entry["state"]:
            history.append(entry)
    return history
