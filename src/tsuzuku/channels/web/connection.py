# SPDX-License-Identifier: Apache-2.0
"""What a check of the connection comes to: one finding, and one next step. Pure; `connection_texts` has the words."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from tsuzuku.allowances.queries import Allowance
from tsuzuku.channels.web.advice import Condition
from tsuzuku.look import formats

#: From so many kbit/s on: a film on a phone's screen runs, and maps and pictures come before one loses patience.
VIDEO_KBITS, MAPS_KBITS = 1_500, 300
#: What is measured up to here may well be the 128 kbit/s to which most networks in Japan throttle.
THROTTLED_KBITS = 160
#: Of an answer that takes so long most people think that it does not come.
SLOW_ANSWER_MS = 2_000


class Way(StrEnum):
    """By which way a phone has reached us, as far as can be told."""

    CARD = "card"
    #: A mobile network, or that is what its holder says; whether the card's, nobody knows.
    MOBILE = "mobile"
    WIFI = "wifi"
    #: A mobile network that is not the card's, or one behind a VPN.
    OTHER_MOBILE = "other-mobile"
    #: Not the card's network.
    ELSEWHERE = "elsewhere"
    UNKNOWN = "unknown"


#: With these a check says something about the card.
_ALONG_THE_CARD = frozenset({Way.CARD, Way.MOBILE})


class Speed(StrEnum):
    """What a speed is good for."""

    VIDEO = "video"
    MAPS = "maps"
    MESSAGES = "messages"
    THROTTLED = "throttled"


_SLOW = frozenset({Speed.MESSAGES, Speed.THROTTLED})


class Finding(StrEnum):
    """How it stands, in one word."""

    SUSPENDED = "suspended"
    LOST = "lost"
    PAST_LAST_DATE = "past-last-date"
    ON_ITS_WAY = "on-its-way"
    NO_PLAN = "no-plan"
    TO_START = "to-start"
    WIFI = "wifi"
    OTHER_MOBILE = "other-mobile"
    ELSEWHERE = "elsewhere"
    UNKNOWN_WAY = "unknown-way"
    UNSTEADY = "unsteady"
    PARTLY = "partly"
    DAY_USED_UP = "day-used-up"
    SLOWER_THAN_PLAN = "slower-than-plan"
    SLOW = "slow"
    ONLINE = "online"
    WELL = "well"


class Step(StrEnum):
    """What to do about it."""

    ASK_SELLER = "ask-seller"
    NEW_CARD = "new-card"
    WATCH_ORDER = "watch-order"
    CHOOSE_PLAN = "choose-plan"
    START_PLAN = "start-plan"
    WIFI_OFF = "wifi-off"
    CHOOSE_CARD = "choose-card"
    FLIGHT_MODE = "flight-mode"
    CHANGE_PROTOCOL = "change-protocol"
    WAIT = "wait"
    LOOK_AT_CARD = "look-at-card"
    MEASURE = "measure"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardState:
    """What is known of the card, as last read."""

    condition: Condition
    can_be_renewed: bool
    #: A renewal is paid, and its carrier has not credited it yet.
    is_on_its_way: bool
    #: When today's used-up allowance comes back; None if it does not, or is not used up.
    full_speed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the browser has measured; None for what it has not."""

    kbits: int | None = None
    #: Milliseconds from a question to its answer.
    round_trip: int | None = None
    #: How many questions got no answer.
    lost: int = 0
    #: Whether an address of one protocol alone was reached.
    reaches_ipv4: bool | None = None
    reaches_ipv6: bool | None = None

    @property
    def speed(self) -> Speed | None:
        """What the speed is good for."""
        return None if self.kbits is None else speed_class(self.kbits)

    @property
    def is_unsteady(self) -> bool:
        """Whether answers come late, or not at all."""
        return self.lost > 0 or (self.round_trip is not None and self.round_trip >= SLOW_ANSWER_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One finding and one next step."""

    finding: Finding
    step: Step


def way_of(*, is_carriers: bool | None, link: str, says_wifi_off: bool) -> Way:
    """By which way a request has come.

    `is_carriers` says whether its address is of the brand's carriers, None if those are not known; `link` is what the
    browser calls its connection, if it says so.
    """
    if is_carriers:
        return Way.CARD
    if link in {"wifi", "ethernet"}:
        return Way.WIFI
    is_mobile = link == "cellular" or says_wifi_off
    if is_carriers is None:
        return Way.MOBILE if is_mobile else Way.UNKNOWN
    return Way.OTHER_MOBILE if is_mobile else Way.ELSEWHERE


def speed_class(kbits: int) -> Speed:
    """What so many kbit/s are good for."""
    if kbits >= VIDEO_KBITS:
        return Speed.VIDEO
    if kbits >= MAPS_KBITS:
        return Speed.MAPS
    return Speed.MESSAGES if kbits > THROTTLED_KBITS else Speed.THROTTLED


def full_speed_at(allowance: Allowance, *, now: datetime) -> datetime | None:
    """When a used-up allowance of the day comes back: at midnight, if the plan still runs then."""
    if allowance.daily_remaining_bytes != 0 or allowance.online_until is None:
        return None
    local = formats.local(now)
    midnight = datetime.combine(local.date() + timedelta(days=1), time(), tzinfo=local.tzinfo)
    return midnight if allowance.online_until > midnight else None


def verdict(way: Way, card: CardState | None, measured: Measured) -> Verdict:
    """What is the case and what to do next: first what lies with the card, then with the way, then with the line."""
    return next(_verdicts(way, card, measured))


_OF_CONDITION = {
    Condition.SUSPENDED: Verdict(finding=Finding.SUSPENDED, step=Step.ASK_SELLER),
    Condition.LOST: Verdict(finding=Finding.LOST, step=Step.ASK_SELLER),
    Condition.PAST_LAST_DATE: Verdict(finding=Finding.PAST_LAST_DATE, step=Step.NEW_CARD),
    Condition.READY: Verdict(finding=Finding.TO_START, step=Step.START_PLAN),
    Condition.NEW: Verdict(finding=Finding.NO_PLAN, step=Step.CHOOSE_PLAN),
    Condition.OFFLINE: Verdict(finding=Finding.NO_PLAN, step=Step.CHOOSE_PLAN),
}
#: Nothing that is on its way helps against these.
_BLOCKED = frozenset({Condition.SUSPENDED, Condition.LOST})
_OF_WAY = {
    Way.WIFI: Verdict(finding=Finding.WIFI, step=Step.WIFI_OFF),
    Way.OTHER_MOBILE: Verdict(finding=Finding.OTHER_MOBILE, step=Step.CHOOSE_CARD),
    Way.ELSEWHERE: Verdict(finding=Finding.ELSEWHERE, step=Step.WIFI_OFF),
    Way.UNKNOWN: Verdict(finding=Finding.UNKNOWN_WAY, step=Step.WIFI_OFF),
}


def _verdicts(way: Way, card: CardState | None, measured: Measured) -> Iterator[Verdict]:
    """Everything that is the case, gravest first."""
    if card is not None and card.condition in _OF_CONDITION:
        if card.is_on_its_way and card.condition not in _BLOCKED:
            yield Verdict(finding=Finding.ON_ITS_WAY, step=Step.WATCH_ORDER)
        yield _OF_CONDITION[card.condition]
    if way not in _ALONG_THE_CARD:
        yield _OF_WAY[way]
    # It is what makes a line slow and its answers late; but whoever measures full speed has it.
    if card is not None and card.condition is Condition.SLOW and measured.speed is not Speed.VIDEO:
        yield Verdict(finding=Finding.DAY_USED_UP, step=_when_day_is_used_up(card))
    if measured.is_unsteady:
        yield Verdict(finding=Finding.UNSTEADY, step=Step.FLIGHT_MODE)
    if measured.reaches_ipv4 is False and measured.reaches_ipv6 is not False:
        yield Verdict(finding=Finding.PARTLY, step=Step.CHANGE_PROTOCOL)
    if measured.speed in _SLOW:
        if card is None:
            yield Verdict(finding=Finding.SLOW, step=Step.LOOK_AT_CARD)
        yield Verdict(finding=Finding.SLOWER_THAN_PLAN, step=Step.FLIGHT_MODE)
    if measured.speed is None:
        yield Verdict(finding=Finding.ONLINE, step=Step.MEASURE)
    yield Verdict(finding=Finding.WELL, step=Step.NOTHING)


def _when_day_is_used_up(card: CardState) -> Step:
    if card.full_speed_at is not None:
        return Step.WAIT
    return Step.CHOOSE_PLAN if card.can_be_renewed else Step.NEW_CARD
