# SPDX-License-Identifier: Apache-2.0
"""What is worth saying of a card, when the next thing will be, and when somebody wants to hear nothing. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from tsuzuku.allowances.outlook import Outlook
from tsuzuku.usage.models import AnomalyKind


class Kind(StrEnum):
    """What a reminder says, gravest first: of several that are due together only the first is told."""

    USED_UP = "used-up"
    ENDS_IN_3_HOURS = "ends-in-3-hours"
    UNUSUAL = "unusual"
    ENDS_IN_1_DAY = "ends-in-1-day"
    RUNS_LOW = "runs-low"
    ENDS_IN_3_DAYS = "ends-in-3-days"
    BALANCE_ENDS = "balance-ends"
    #: Not weighed against the others: it is news beside whatever else is to be told.
    FRIEND_RENEWED = "friend-renewed"


_GRAVITY: Final = tuple(Kind)
#: So long before the end, the longest first.
BEFORE_END: Final[Mapping[Kind, timedelta]] = {
    Kind.ENDS_IN_3_DAYS: timedelta(days=3),
    Kind.ENDS_IN_1_DAY: timedelta(days=1),
    Kind.ENDS_IN_3_HOURS: timedelta(hours=3),
}
#: A card runs low with this part of its data, or less, left.
LOW_PART: Final = 5
#: What has no end of its own is news for so long.
NEWS_LAST: Final = timedelta(days=1)
#: An end that is told lies at least so far ahead: who reads it must be able to do something.
END_AHEAD_MIN: Final = timedelta(minutes=10)

#: On whose clocks quiet hours can be told: where cards are used, and where their holders come from.
ZONES: Final = (
    "Asia/Tokyo",
    "Asia/Shanghai",
    "Asia/Hong_Kong",
    "Asia/Taipei",
    "Asia/Seoul",
    "Asia/Singapore",
    "Asia/Bangkok",
    "Asia/Ho_Chi_Minh",
    "Asia/Manila",
    "Asia/Kolkata",
    "Europe/London",
    "Europe/Berlin",
    "America/New_York",
    "America/Chicago",
    "America/Los_Angeles",
    "Australia/Sydney",
)
QUIET_FROM: Final = time(22)
QUIET_UNTIL: Final = time(8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A card as reminders see it."""

    outlook: Outlook
    #: Suspended or lost: nothing can be done with it.
    is_blocked: bool
    #: It renews itself, and nothing has gone wrong with that.
    renews_itself: bool

    @property
    def end(self) -> datetime | None:
        """When its holder must have done something; None if there is nothing to do, or it is over."""
        is_cared_for = self.is_blocked or self.renews_itself or self.outlook.waits_for_use
        return None if is_cared_for else self.outlook.online_until


def episode_of(card_id: int, outlook: Outlook) -> str:
    """The time from one renewal, or beginning of a lot that waited for it, to the next: in each, all is told once."""
    armed = "" if outlook.armed_at is None else outlook.armed_at.isoformat()
    return f"{card_id}:{outlook.version}:{armed}"


def gravest(kinds: Iterable[Kind]) -> Kind | None:
    """The one that is told of several."""
    return min(kinds, key=_GRAVITY.index, default=None)


def kinds_due(situation: Situation, *, now: datetime) -> list[Kind]:
    """What is true of a card now and worth saying: at most one of its end, and one of its data.

    What was so already when the card was last renewed is no news to who renewed it.
    """
    found = [_ending(situation, now), _running_out(situation)]
    return [kind for kind in found if kind is not None]


def _ending(situation: Situation, now: datetime) -> Kind | None:
    end, armed_at = situation.end, situation.outlook.armed_at
    if end is None or end - now < END_AHEAD_MIN:
        return None
    reached = [kind for kind, before in BEFORE_END.items() if end - before <= now]
    return reached[-1] if reached and (armed_at is None or end - BEFORE_END[reached[-1]] > armed_at) else None


def _running_out(situation: Situation) -> Kind | None:
    outlook = situation.outlook
    if not _is_use_news(situation):
        return None
    if outlook.is_used_up:
        return Kind.USED_UP
    return Kind.RUNS_LOW if _is_low(outlook.left, outlook.total) else None


def _is_use_news(situation: Situation) -> bool:
    """Whether what was used says something: since the last renewal, of a card that can be used."""
    outlook = situation.outlook
    is_since = outlook.drawn_at is not None and (outlook.armed_at is None or outlook.drawn_at >= outlook.armed_at)
    return is_since and not situation.is_blocked


def _is_low(left: int | None, total: int | None) -> bool:
    return bool(left is not None and total and left * LOW_PART <= total)


def is_still_true(kind: Kind, situation: Situation, *, now: datetime) -> bool:
    """Whether what a reminder of the card's end or data says is true at `now`, however late it is."""
    if kind in BEFORE_END:
        return _ending(situation, now) is not None
    return kind is _running_out(situation)


def over_at(kind: Kind, figures: Mapping[str, Any], *, now: datetime) -> datetime:
    """When what a reminder told at `now` says is over, so that no message should arrive any more."""
    if (kind in BEFORE_END or kind is Kind.BALANCE_ENDS) and figures.get("until"):
        return datetime.fromisoformat(figures["until"])
    return now + NEWS_LAST


def leads_to_plan(kind: str, figures: Mapping[str, Any]) -> bool:
    """Whether a plan helps with what a reminder says; else its link leads to the card."""
    is_helped = kind not in {Kind.UNUSUAL, Kind.FRIEND_RENEWED} or figures.get("anomaly") == AnomalyKind.AFTER_EXPIRY
    return is_helped and not figures.get("waits_for_tap")


def next_look(situation: Situation, *, now: datetime) -> datetime | None:
    """The next moment at which time alone makes something worth saying; None if none will."""
    # A lot that ends unused may leave little behind: whoever used nothing of it since hears that too.
    moments = [fall.at for fall in situation.outlook.falls if _is_low(fall.left, fall.total)]
    if situation.end is not None:
        moments += [situation.end - before for before in BEFORE_END.values()]
    elif situation.outlook.lapses_at is not None:
        # A lot that waits to be used is lost without a word, and then what else there is has an end.
        moments.append(situation.outlook.lapses_at)
    return min((at for at in moments if at > now), default=None)


def quiet_end(now: datetime, *, quiet_from: time, quiet_until: time, zone: ZoneInfo) -> datetime | None:
    """When the quiet hours end in which `now` lies; None if it lies in none. The same time twice is no quiet hours."""
    local = now.astimezone(zone)
    at = local.time()
    is_quiet = quiet_from <= at < quiet_until if quiet_from < quiet_until else at >= quiet_from or at < quiet_until
    if quiet_from == quiet_until or not is_quiet:
        return None
    day = local.date() if at < quiet_until else local.date() + timedelta(days=1)
    return datetime.combine(day, quiet_until, tzinfo=zone).astimezone(UTC)
