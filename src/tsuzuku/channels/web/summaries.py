# SPDX-License-Identifier: Apache-2.0
"""What pages show of a card, put together from what cards, allowances and renewals know."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import get_language, gettext

from tsuzuku.allowances.lots import LotState
from tsuzuku.allowances.queries import Allowance, LotView
from tsuzuku.cards.models import Card, CardHolder
from tsuzuku.catalog.models import PlanTermsRow
from tsuzuku.catalog.terms import LotKind
from tsuzuku.channels.web import stretches
from tsuzuku.channels.web.advice import Standing, standing, waiting_bytes
from tsuzuku.channels.web.plan_texts import conditions, places
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
    """A lot as a row: what it is, what is left of what, when, and on which conditions."""

    lot: LotView
    name: str
    #: For calls: where to. For data: sharing, network and countries.
    conditions: tuple[str, ...]
    #: Whether other lots of its kind run beside it, so that the order in which they are drawn from is worth a word.
    runs_beside: bool
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


def lot_rows(lots: Sequence[LotView]) -> list[LotSummary]:
    """What a card holds or has just used up, by kind in the order of use; one query."""
    shown = sorted((lot for lot in lots if lot.state in _SHOWN_STATES), key=_in_order_of_use)
    terms = {
        row.pk: row
        for row in PlanTermsRow.objects.filter(pk__in={lot.terms_id for lot in shown}).select_related("plan")
    }
    beside = Counter(lot.kind for lot in shown if lot.place is not None)
    return [_lot_row(lot, terms.get(lot.terms_id or 0), runs_beside=beside[lot.kind] > 1) for lot in shown]


#: Data first: it is what everybody comes for.
_KINDS = {LotKind.DATA: 0, LotKind.VOICE: 1, LotKind.MESSAGE: 2}
_STATES = {LotState.RUNNING: 0, LotState.WAITING: 1, LotState.USED_UP: 2}


def _in_order_of_use(lot: LotView) -> tuple[int, int, int, float, int]:
    """Running lots as they are drawn from, then what waits as it will start, then what is used up."""
    starts = lot.expected_starts_at.timestamp() if lot.expected_starts_at else float("inf")
    return _KINDS[lot.kind], _STATES[lot.state], lot.place or 0, starts, lot.sequence


def _lot_row(lot: LotView, terms: PlanTermsRow | None, *, runs_beside: bool) -> LotSummary:
    return LotSummary(
        lot=lot,
        name=terms.plan.name_in(get_language() or "en") if terms else lot.plan_code,
        conditions=tuple(_conditions(lot, terms)) if terms else (),
        runs_beside=runs_beside and lot.place is not None,
        left=amount(lot.kind, lot.remaining),
        total=amount(lot.kind, lot.total),
        daily=formats.data_size(lot.daily_bytes) if lot.daily_bytes is not None else "",
        per_cent=None if lot.remaining is None or not lot.total else min(lot.remaining * 100 // lot.total, 100),
    )


def _conditions(lot: LotView, terms: PlanTermsRow) -> list[str]:
    if lot.kind is LotKind.VOICE:
        is_abroad = terms.voice_to == "international"
        return [gettext("Calls to Japan and abroad") if is_abroad else gettext("Calls within Japan")]
    if lot.kind is LotKind.MESSAGE:
        return []
    gives = conditions(terms.plan)
    return gives if terms.plan.countries != ["JP"] else [*gives, places(terms.plan.countries)]


def amount(kind: LotKind, value: int | None) -> str:
    """So much of a kind, in words."""
    formatters = {LotKind.DATA: formats.data_size, LotKind.VOICE: formats.voice, LotKind.MESSAGE: formats.messages}
    return formatters[kind](value)
