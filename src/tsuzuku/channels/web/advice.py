# SPDX-License-Identifier: Apache-2.0
"""The three questions of the card page: am I online, until when, what should I do. Pure; the template has the words."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from tsuzuku.allowances.lots import LotState
from tsuzuku.allowances.queries import Allowance, AllowanceStatus, LotView
from tsuzuku.catalog.terms import LotKind

#: What ends within this, or is below this, runs out soon.
SOON = timedelta(hours=48)
SOON_BYTES = 500_000_000


class Condition(StrEnum):
    """What a card is to its holder at this moment."""

    SUSPENDED = "suspended"
    LOST = "lost"
    PAST_LAST_DATE = "past-last-date"
    ONLINE = "online"
    SLOW = "slow"
    SOON = "soon"
    READY = "ready"
    STARTS_BY_USE = "starts-by-use"
    NEW = "new"
    OFFLINE = "offline"


#: How each looks: good, soon, act, or quiet.
TONES = {
    Condition.SUSPENDED: "act",
    Condition.LOST: "act",
    Condition.PAST_LAST_DATE: "act",
    Condition.ONLINE: "good",
    Condition.SLOW: "soon",
    Condition.SOON: "soon",
    Condition.READY: "good",
    Condition.STARTS_BY_USE: "good",
    Condition.NEW: "act",
    Condition.OFFLINE: "act",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A card's condition, and the lot that a tap would start if there is one."""

    condition: Condition
    to_tap: LotView | None
    #: Whether there is any use in offering plans.
    can_be_renewed: bool

    @property
    def tone(self) -> str:
        """How it looks."""
        return TONES[self.condition]


def standing(allowance: Allowance, *, blocked: str, last_use_date: date | None, today: date, now: datetime) -> Standing:
    """What a card is at `now`; `today` is its day in the brand's zone."""
    to_tap = next((lot for lot in allowance.lots if lot.can_be_tapped), None)
    is_past = last_use_date is not None and today > last_use_date
    if blocked:
        condition = Condition(blocked)
    elif allowance.online_until is not None:
        condition = _online(allowance, allowance.online_until, now)
    elif is_past:
        condition = Condition.PAST_LAST_DATE
    else:
        condition = _offline(allowance, to_tap)
    return Standing(condition=condition, to_tap=to_tap, can_be_renewed=not blocked and not is_past)


def _online(allowance: Allowance, until: datetime, now: datetime) -> Condition:
    if allowance.daily_remaining_bytes == 0:
        return Condition.SLOW
    left = held_bytes(allowance)
    if until - now < SOON or (left is not None and left < SOON_BYTES):
        return Condition.SOON
    return Condition.ONLINE


def _offline(allowance: Allowance, to_tap: LotView | None) -> Condition:
    if to_tap is not None:
        return Condition.READY
    if any(lot.waits_for_use and lot.kind is LotKind.DATA for lot in allowance.lots):
        return Condition.STARTS_BY_USE
    return Condition.NEW if allowance.status is AllowanceStatus.FRESH else Condition.OFFLINE


def held_bytes(allowance: Allowance) -> int | None:
    """All data that a card holds, in running lots and in those that wait; None if one of them is unlimited."""
    return _data_in(allowance, {LotState.RUNNING, LotState.WAITING})


def waiting_bytes(allowance: Allowance) -> int | None:
    """The data in lots that wait; None if one of them is unlimited."""
    return _data_in(allowance, {LotState.WAITING})


def _data_in(allowance: Allowance, states: set[LotState]) -> int | None:
    amounts = [lot.remaining for lot in allowance.lots if lot.kind is LotKind.DATA and lot.state in states]
    limited = [amount for amount in amounts if amount is not None]
    return sum(limited) if len(limited) == len(amounts) else None
