# SPDX-License-Identifier: Apache-2.0
"""What pages show of a card, put together from what cards, allowances and renewals know."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import get_language, gettext

from tsuzuku.allowances.lots import LotState
from tsuzuku.allowances.queries import Allowance, LotView
from tsuzuku.cards.models import Card, CardHolder
from tsuzuku.catalog.models import Plan
from tsuzuku.catalog.terms import LotKind
from tsuzuku.channels.web import stretches
from tsuzuku.channels.web.advice import Standing, standing, waiting_bytes
from tsuzuku.look import formats
from tsuzuku.look.line import Stretch

_SHOWN_STATES = frozenset({LotState.RUNNING, LotState.WAITING, LotState.USED_UP})


@dataclass(frozen=True, slots=True)
class CardSummary:
    """A card with what it has, and what it is."""

    card: Card
    name: str
    allowance: Allowance
    standing: Standing
    laid: tuple[Stretch, ...]
    #: Data that waits on the card beside what is running; None is unlimited.
    more: int | None


@dataclass(frozen=True, slots=True)
class LotSummary:
    """A lot as a row: what it is, what is left of what, when."""

    lot: LotView
    name: str
    left: str
    total: str
    #: Full-speed data a day, if that is limited.
    daily: str
    #: What is left, of a hundred; None for unlimited.
    per_cent: int | None


def summarize(card: Card, holder: CardHolder | None, allowance: Allowance, *, now: datetime) -> CardSummary:
    """One card, under the name that its holder gave it."""
    today = formats.local(now).date()
    return CardSummary(
        card=card,
        name=(holder.name if holder else "") or gettext("Card %(digits)s") % {"digits": f"…{card.iccid[-4:]}"},
        allowance=allowance,
        standing=standing(allowance, blocked=card.blocked, last_use_date=card.last_use_date, today=today, now=now),
        laid=stretches.laid(allowance),
        more=waiting_bytes(allowance),
    )


def summarize_all(
    holders: Iterable[CardHolder], allowances: Mapping[int, Allowance], *, now: datetime
) -> list[CardSummary]:
    """Every card of a person."""
    return [summarize(holder.card, holder, allowances[holder.card_id], now=now) for holder in holders]


def lot_rows(lots: Sequence[LotView], names: Mapping[str, str]) -> list[LotSummary]:
    """What a card holds or has just used up, lot by lot."""
    return [_lot_row(lot, names) for lot in lots if lot.state in _SHOWN_STATES]


def _lot_row(lot: LotView, names: Mapping[str, str]) -> LotSummary:
    return LotSummary(
        lot=lot,
        name=names.get(lot.plan_code, lot.plan_code),
        left=amount(lot.kind, lot.remaining),
        total=amount(lot.kind, lot.total),
        daily=formats.data_size(lot.daily_bytes) if lot.daily_bytes is not None else "",
        per_cent=None if lot.remaining is None or not lot.total else min(lot.remaining * 100 // lot.total, 100),
    )


def amount(kind: LotKind, value: int | None) -> str:
    """So much of a kind, in words."""
    formatters = {LotKind.DATA: formats.data_size, LotKind.VOICE: formats.voice, LotKind.MESSAGE: formats.messages}
    return formatters[kind](value)


def plan_names(codes: Iterable[str]) -> dict[str, str]:
    """The names of plans in the language of the page, one query."""
    language = get_language() or "en"
    return {plan.code: plan.name_in(language) for plan in Plan.objects.filter(code__in=set(codes))}
