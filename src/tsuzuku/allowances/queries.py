# SPDX-License-Identifier: Apache-2.0
"""Reading what cards hold, and previewing what a renewal would make of it, by the very rules that will do it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from tsuzuku.allowances import rules
from tsuzuku.allowances.advice import Advice, Question, advise
from tsuzuku.allowances.advice_search import OnOffer
from tsuzuku.allowances.errors import RenewalRefused
from tsuzuku.allowances.lots import LIVING_STATES, LotState, local_day
from tsuzuku.allowances.models import Grant
from tsuzuku.allowances.rules import Expiring
from tsuzuku.allowances.store import StackKey, StoredLot, brand_zone, load_lots, load_stacks, stacks_of
from tsuzuku.catalog.terms import LotKind, PlanTerms

_END_OF_TIME = datetime(9000, 1, 1, tzinfo=UTC)


class AllowanceStatus(StrEnum):
    """What a card's lots make of it: never had one, has a living one, or all are over."""

    FRESH = "fresh"
    ACTIVE = "active"
    EXPIRED = "expired"


class LotView(NamedTuple):
    """A lot as people see it. Amounts in bytes, seconds or messages; None is unlimited."""

    #: None for a lot that only a preview shows.
    id: int | None
    kind: LotKind
    sequence: int
    plan_code: str
    #: The version of terms that it was made with; None for a lot that only a preview shows.
    terms_id: int | None
    state: LotState
    #: Its place among the running lots of its kind with something left, in the order in which they are drawn from: 1 is
    #: drawn from first. None for every other lot.
    place: int | None
    total: int | None
    remaining: int | None
    daily_bytes: int | None
    starts_at: datetime | None
    ends_at: datetime | None
    #: When a lot that waits its turn will run if nothing more is used; for a started lot the same as above.
    expected_starts_at: datetime | None
    expected_ends_at: datetime | None
    can_be_tapped: bool
    waits_for_use: bool
    lapses_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a card has at a moment; the figures beside the lots speak of data, as docs/contracts/scenario.md does."""

    status: AllowanceStatus
    remaining_bytes: int | None
    #: What may still be used at full speed today; None without a daily limit.
    daily_remaining_bytes: int | None
    online_until: datetime | None
    expires: tuple[Expiring, ...]
    lots: tuple[LotView, ...]
    #: Changes whenever a renewal changed what the card holds; time and use alone leave it.
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a card would hold right after a renewal; `sequence` names the lot of data that would hold it."""

    allowance: Allowance
    sequence: int


def card_allowance(card_id: int, *, now: datetime) -> Allowance:
    """What a card may use at `now`."""
    return card_allowances([card_id], now=now)[card_id]


def card_allowances(card_ids: Sequence[int], *, now: datetime) -> dict[int, Allowance]:
    """What each of these cards may use at `now`, read in one query."""
    lots: dict[int, list[StoredLot]] = {card_id: [] for card_id in card_ids}
    for stored in load_lots(lots):
        lots[stored.key.card_id].append(stored)
    return {card_id: _allowance(of_card, _by_kind(of_card), now) for card_id, of_card in lots.items()}


def preview_renewals(
    card_id: int, plans: Mapping[str, PlanTerms], *, now: datetime
) -> dict[str, Preview | RenewalRefused]:
    """By plan code: what the card would hold after renewing with it, or why it cannot take it. One query for all."""
    lots = load_lots([card_id])
    stacks = _by_kind(lots)
    return {code: _preview(lots, stacks, terms, now) for code, terms in plans.items()}


def advise_card(
    card_id: int,
    offers: Sequence[OnOffer],
    *,
    flight: datetime,
    bytes_per_day: int,
    renewable_until: datetime | None,
    work_max: int,
    now: datetime,
) -> Advice:
    """What to buy, and when, to keep a card online until a flight. One query. Raises what `advise` raises."""
    stack = load_stacks([card_id]).get(StackKey(card_id, LotKind.DATA), ())
    return advise(
        Question(
            stack=stack,
            now=now,
            flight=flight,
            bytes_per_day=bytes_per_day,
            offers=offers,
            zone=brand_zone(),
            renewable_until=renewable_until,
            work_max=work_max,
        )
    )


def lots_of_renewals(card_ids: Mapping[int, int]) -> dict[int, int]:
    """By renewal, of which `card_ids` names the cards: the lot of data that holds it."""
    grants = Grant.objects.filter(card_id__in=card_ids.values(), renewal_id__in=card_ids, kind=LotKind.DATA)
    return dict(grants.values_list("renewal_id", "lot_id"))


def _preview(
    lots: Sequence[StoredLot], stacks: Mapping[LotKind, rules.Stack], terms: PlanTerms, now: datetime
) -> Preview | RenewalRefused:
    try:
        renewed = rules.renew_every_kind(stacks, terms, now, brand_zone())
    except RenewalRefused as refusal:
        return refusal
    after = {**stacks, **{kind: result.stack for kind, result in renewed.items()}}
    return Preview(allowance=_allowance(lots, after, now), sequence=renewed[LotKind.DATA].sequence)


def _by_kind(lots: Sequence[StoredLot]) -> dict[LotKind, rules.Stack]:
    return {key.kind: stack for key, stack in stacks_of(lots).items()}


def _allowance(stored: Sequence[StoredLot], stacks: Mapping[LotKind, rules.Stack], now: datetime) -> Allowance:
    zone = brand_zone()
    stacks = {kind: rules.advance(stack, now, zone) for kind, stack in stacks.items()}
    data = stacks.get(LotKind.DATA, ())
    standing = rules.standing(data, now, zone)
    return Allowance(
        status=_status(stacks, now),
        remaining_bytes=standing.remaining,
        daily_remaining_bytes=_left_today(data, now),
        online_until=standing.online_until,
        expires=standing.expires,
        lots=tuple(view for kind in sorted(stacks) for view in _views(stored, kind, stacks[kind], now)),
        version=";".join(
            f"{kind}:{len(stack)}:{sum(lot.renewals for lot in stack)}" for kind, stack in sorted(stacks.items())
        ),
    )


def _status(stacks: Mapping[LotKind, rules.Stack], now: datetime) -> AllowanceStatus:
    lots = [lot for stack in stacks.values() for lot in stack]
    if any(lot.state(now) in LIVING_STATES for lot in lots):
        return AllowanceStatus.ACTIVE
    return AllowanceStatus.EXPIRED if lots else AllowanceStatus.FRESH


def _left_today(stack: rules.Stack, now: datetime) -> int | None:
    """Full speed for the rest of the local day; None if a running lot has no daily limit, or nothing runs."""
    running = rules.drain_order(stack, now)
    if not any(lot.terms.daily_bytes is not None for lot in running):
        return None
    left = [lot.left_on(local_day(now, brand_zone())) for lot in running]
    return None if None in left else sum(amount for amount in left if amount is not None)


def _views(stored: Sequence[StoredLot], kind: LotKind, stack: rules.Stack, now: datetime) -> list[LotView]:
    rows = {each.lot.sequence: each for each in stored if each.key.kind is kind}
    places = {lot.sequence: place for place, lot in enumerate(rules.drain_order(stack, now), start=1)}
    forecast = rules.advance(stack, _END_OF_TIME, brand_zone())
    return [
        LotView(
            id=rows[lot.sequence].id if lot.sequence in rows else None,
            kind=kind,
            sequence=lot.sequence,
            plan_code=lot.terms.code,
            terms_id=rows[lot.sequence].terms_id if lot.sequence in rows else None,
            state=lot.state(now),
            place=places.get(lot.sequence),
            total=lot.total,
            remaining=lot.remaining,
            daily_bytes=lot.terms.daily_bytes if kind is LotKind.DATA else None,
            starts_at=lot.starts_at,
            ends_at=lot.ends_at,
            expected_starts_at=later.starts_at,
            expected_ends_at=later.ends_at,
            can_be_tapped=lot.can_be_tapped(now),
            waits_for_use=lot.waits_alone and not lot.can_be_tapped(now) and lot.state(now) is LotState.WAITING,
            lapses_at=lot.lapses_at if lot.waits_alone and lot.starts_at is None else None,
        )
        for lot, later in zip(stack, forecast, strict=True)
    ]
