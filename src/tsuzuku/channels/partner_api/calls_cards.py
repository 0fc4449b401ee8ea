# SPDX-License-Identifier: Apache-2.0
"""What a card has, what it could buy, and starting what waits on it."""

import re
from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Final

from tsuzuku.allowances.actions import start_lot
from tsuzuku.allowances.errors import LotCannotStart
from tsuzuku.allowances.queries import Allowance, Preview, card_allowance, card_allowances
from tsuzuku.cards.errors import CardUnknown
from tsuzuku.cards.models import Blocked, Card
from tsuzuku.cards.queries import ListedCard, card_by_iccid, cards_by_iccids
from tsuzuku.channels.partner_api import CHANNEL
from tsuzuku.channels.partner_api.callers import Call, admitted, admitted_alone, digest_of
from tsuzuku.channels.partner_api.gathering import Gatherer
from tsuzuku.channels.partner_api.http import Answer, Problem, encoded
from tsuzuku.channels.partner_api.refusals import contract_code
from tsuzuku.channels.partner_api.request import Request
from tsuzuku.channels.partner_api.threads import Threads
from tsuzuku.kernel import clock
from tsuzuku.kernel.iccid import Iccid, IccidMalformed, parse_iccid
from tsuzuku.renewals.quotes import Offer, offers_for
from tsuzuku.sellers.queries import Caller
from tsuzuku.sellers.renewal_json import moment_text, money_fields
from tsuzuku.sellers.scopes import Scope
from tsuzuku.usage.queries import measured_at

#: The language of plans' names.
_LANGUAGE: Final = "en"
_ID: Final = re.compile(r"[1-9]\d{0,17}", re.ASCII)


class CardCalls:
    """Everything under `/cards/{iccid}`."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._gatherer: Gatherer[Call[Iccid], Answer | Problem] = Gatherer(
            "cards", admitted(read_cards), batch_max=256, waiting_max=10_000
        )

    async def read(self, request: Request, iccid: str) -> Answer:
        """`GET /cards/{iccid}`."""
        asked: Iccid | Problem
        try:
            asked = parse_iccid(iccid)
        except IccidMalformed:
            asked = Problem("iccid-malformed")
        answer = await self._gatherer.take(Call(digest_of(request), Scope.CARDS_READ, asked))
        if isinstance(answer, Problem):
            raise answer
        return answer

    async def plans(self, request: Request, iccid: str) -> Answer:
        """`GET /cards/{iccid}/plans`."""
        return await admitted_alone(self._threads, request, scope=Scope.CARDS_READ, asked=iccid, work=_plans)

    async def start_lot(self, request: Request, iccid: str, lot: str) -> Answer:
        """`POST /cards/{iccid}/lots/{id}/start`."""
        return await admitted_alone(
            self._threads, request, scope=Scope.RENEWALS_WRITE, asked=(iccid, lot), work=_start_lot
        )


def read_cards(asked: Sequence[tuple[Caller, Iccid]]) -> list[Answer | Problem]:
    """What these cards have, in a number of queries that does not grow with them."""
    now = clock.now()
    cards = cards_by_iccids({iccid for _, iccid in asked})
    card_ids = [card.id for card in cards.values()]
    allowances, measured = card_allowances(card_ids, now=now), measured_at(card_ids)
    answers: list[Answer | Problem] = []
    for caller, iccid in asked:
        card = cards.get(iccid)
        if card is None or not _is_of(caller, card):
            answers.append(Problem("card-unknown"))
        else:
            answers.append(
                Answer(HTTPStatus.OK, encoded(_card_fields(card, allowances[card.id], measured.get(card.id))))
            )
    return answers


def _plans(caller: Caller, text: str) -> Answer:
    offers = offers_for(_card(caller, text), channel=CHANNEL, now=clock.now())
    return Answer(HTTPStatus.OK, encoded({"plans": [_offer_fields(offer) for offer in offers]}))


def _start_lot(caller: Caller, asked: tuple[str, str]) -> Answer:
    text, lot = asked
    card, now = _card(caller, text), clock.now()
    if not _ID.fullmatch(lot) or int(lot) not in {each.id for each in card_allowance(card.pk, now=now).lots}:
        raise Problem("lot-unknown")
    try:
        start_lot(card_id=card.pk, lot_id=int(lot), actor=f"partner:{caller.partner_id}", now=now)
    except LotCannotStart as refusal:
        raise Problem("lot-not-startable") from refusal
    (answer,) = read_cards([(caller, Iccid(card.iccid))])
    if isinstance(answer, Problem):
        raise answer
    return answer


def _card(caller: Caller, text: str) -> Card:
    """One of the caller's cards. Raises IccidMalformed or CardUnknown."""
    card = card_by_iccid(text)
    if not _is_of(caller, card):
        raise CardUnknown
    return card


def _is_of(caller: Caller, card: Card | ListedCard) -> bool:
    return caller.card_groups is None or card.group in caller.card_groups


def _card_fields(card: ListedCard, allowance: Allowance, measured: datetime | None) -> dict[str, object]:
    """A card in the contract's fields."""
    return {
        "iccid": card.iccid,
        "status": card.blocked if card.blocked != Blocked.NO else str(allowance.status),
        "kind": card.kind,
        "remaining_bytes": allowance.remaining_bytes,
        "daily_remaining_bytes": allowance.daily_remaining_bytes,
        "online_until": _time(allowance.online_until),
        "measured_at": _time(measured),
        "lots": [
            {
                "id": lot.id,
                "plan": lot.plan_code,
                "kind": str(lot.kind),
                "state": str(lot.state),
                "total_bytes": lot.total,
                "remaining_bytes": lot.remaining,
                "starts_at": _time(lot.starts_at),
                "ends_at": _time(lot.ends_at),
            }
            for lot in allowance.lots
        ],
    }


def _offer_fields(offer: Offer) -> dict[str, object]:
    return {
        "code": offer.plan.code,
        "name": offer.plan.name_in(_LANGUAGE),
        "price": money_fields(offer.price),
        "refused": None if offer.refused is None else contract_code(offer.refused),
        "preview": None if offer.preview is None else _preview_fields(offer.preview),
    }


def _preview_fields(preview: Preview) -> dict[str, object]:
    after = preview.allowance
    return {
        "remaining_bytes": after.remaining_bytes,
        "online_until": _time(after.online_until),
        "expires": [{"bytes": each.amount, "at": moment_text(each.at)} for each in after.expires],
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment_text(moment)
