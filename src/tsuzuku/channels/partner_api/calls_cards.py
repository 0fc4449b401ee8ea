# SPDX-License-Identifier: Apache-2.0
"""What a card has, what it could buy, and starting what waits on it."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote

from tsuzuku.allowances.queries import Allowance, card_allowances
from tsuzuku.cards.models import Blocked
from tsuzuku.cards.queries import ListedCard, cards_by_iccids
from tsuzuku.channels.partner_api.callers import Call, admitted, digest_of
from tsuzuku.channels.partner_api.gathering import Gatherer
from tsuzuku.channels.partner_api.http import Answer, Problem, Request, encoded
from tsuzuku.kernel import clock
from tsuzuku.kernel.iccid import Iccid, IccidMalformed, parse_iccid
from tsuzuku.sellers.queries import Caller
from tsuzuku.sellers.renewal_json import moment_text

READ: Final = "cards:read"


def read_cards(asked: Sequence[tuple[Caller, Iccid]]) -> list[Answer | Problem]:
    """What these cards have, in a number of queries that does not grow with them."""
    now = clock.now()
    cards = cards_by_iccids({iccid for _, iccid in asked})
    allowances = card_allowances([card.id for card in cards.values()], now=now)
    answers: list[Answer | Problem] = []
    for caller, iccid in asked:
        card = cards.get(iccid)
        if card is None or not (caller.card_groups is None or card.group in caller.card_groups):
            answers.append(Problem("card-unknown"))
        else:
            answers.append(Answer(HTTPStatus.OK, encoded(card_fields(card, allowances[card.id]))))
    return answers


class CardCall:
    """`GET /cards/{iccid}`."""

    def __init__(self) -> None:
        self._gatherer: Gatherer[Call[Iccid], Answer | Problem] = Gatherer(
            "cards", admitted(read_cards), batch_max=256, waiting_max=10_000
        )

    async def answer(self, request: Request, iccid: str) -> Answer:
        asked: Iccid | Problem
        try:
            asked = parse_iccid(unquote(iccid))
        except IccidMalformed:
            asked = Problem("iccid-malformed")
        answer = await self._gatherer.take(Call(digest_of(request), READ, asked))
        return answer.answer() if isinstance(answer, Problem) else answer


def card_fields(card: ListedCard, allowance: Allowance) -> dict[str, object]:
    """A card in the contract's fields."""
    return {
        "iccid": card.iccid,
        "status": card.blocked if card.blocked != Blocked.NO else str(allowance.status),
        "kind": card.kind,
        "remaining_bytes": allowance.remaining_bytes,
        "daily_remaining_bytes": allowance.daily_remaining_bytes,
        "online_until": moment_text(allowance.online_until) if allowance.online_until else None,
        "measured_at": None,
        "lots": [
            {
                "id": lot.id,
                "plan": lot.plan_code,
                "kind": str(lot.kind),
                "state": str(lot.state),
                "total_bytes": lot.total,
                "remaining_bytes": lot.remaining,
                "starts_at": moment_text(lot.starts_at) if lot.starts_at else None,
                "ends_at": moment_text(lot.ends_at) if lot.ends_at else None,
            }
            for lot in allowance.lots
        ],
    }
