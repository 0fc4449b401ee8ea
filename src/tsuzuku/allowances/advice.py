# SPDX-License-Identifier: Apache-2.0
"""Advice: the cheapest renewals that keep a card online until the flight home, and when to buy each. Pure.

docs/contracts/advice.md says what is asked and answered, docs/decisions/0024 how it is searched. What a set of renewals
would do is found out by the rules that will do it (rules.py), on the way that pace.py walks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from tsuzuku.allowances import rules
from tsuzuku.allowances.advice_search import WORK_MAX, Found, Ground, OnOffer, find_schedule
from tsuzuku.allowances.advice_states import without_what_is_over
from tsuzuku.allowances.errors import FlightPast, FlightTooFar, PaceNegative
from tsuzuku.allowances.lots import Lot
from tsuzuku.allowances.pace import Pace, Point, live
from tsuzuku.catalog.terms import LotKind

RENEWALS_MAX = 6
FLIGHT_WITHIN = timedelta(days=60)


class Outcome(StrEnum):
    """Whether anything is to be bought, and whether it is enough."""

    NOTHING = "nothing"
    RENEW = "renew"
    NOT_ENOUGH = "not-enough"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What advice needs to know."""

    #: The card's lots of data.
    stack: rules.Stack
    now: datetime
    flight: datetime
    bytes_per_day: int
    #: What can be bought, each code once, all prices in one currency.
    offers: Sequence[OnOffer]
    zone: ZoneInfo
    #: Until when the card takes renewals; None is for ever.
    renewable_until: datetime | None = None
    #: How much is searched at most (advice_search.py).
    work_max: int = WORK_MAX


@dataclass(frozen=True, slots=True)
class Purchase:
    """One renewal to buy at a moment, and until when the card is online with it (at most until the flight)."""

    plan: str
    price_minor: int
    at: datetime
    online_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What to buy, when, and what it comes to."""

    outcome: Outcome
    purchases: tuple[Purchase, ...]
    total_minor: int
    #: When the card goes offline with it, and without it; at most the flight.
    online_until: datetime
    online_until_without: datetime
    #: What is used beyond daily allowances, and on how many days.
    slow_bytes: int
    slow_days: int
    #: What lots still hold when they end before the flight.
    lost_bytes: int
    #: Whether it is known that nothing is better; else nothing that is enough costs less than `least_minor`.
    is_proven: bool
    least_minor: int
    #: The lots as they will stand at the flight, or when the card goes offline.
    stack: rules.Stack


def check_flight(flight: datetime, *, now: datetime) -> None:
    """Raises FlightPast or FlightTooFar."""
    if flight <= now:
        raise FlightPast
    if flight - now > FLIGHT_WITHIN:
        raise FlightTooFar(days_max=FLIGHT_WITHIN.days)


def advise(question: Question) -> Advice:
    """The cheapest of at most six renewals that keep the card online until the flight, or those that bring it furthest.

    Ties go to fewer renewals, then to later purchases (the first that differs), then to the codes by the alphabet.
    Amounts in bytes and minor units. Raises FlightPast, FlightTooFar or PaceNegative.

    It is exact: with `n` plans and `k` renewals at most (n · m)^k schedules compete, m being the few moments at which a
    plan may be bought, and best-first search by price looks only at those that cannot yet be known to cost more than
    the answer. What it may cost is bounded: so many purchases are tried and no more (WORK_MAX of advice_search);
    an answer found thus is the best that was seen and says so in `is_proven`.
    """
    check_flight(question.flight, now=question.now)
    if question.bytes_per_day < 0:
        raise PaceNegative
    ground = Ground(
        offers=tuple(sorted(question.offers, key=lambda offer: offer.terms.code)),
        pace=Pace(question.bytes_per_day, question.now),
        flight=question.flight,
        zone=question.zone,
        renewable_until=question.renewable_until,
        renewals_max=RENEWALS_MAX,
        work_max=question.work_max,
    )
    stack = rules.advance(question.stack, question.now, question.zone)
    restore_hours = max((offer.terms.restore_hours for offer in question.offers), default=0)
    start = Point(without_what_is_over(stack, question.now, restore_hours), question.now, 0)
    return _told(find_schedule(start, ground), start, ground)


def _told(found: Found, start: Point, ground: Ground) -> Advice:
    """The answer, found out once more from purchase to purchase with everything counted."""
    courses = [live(start, ground.pace, _next(found, 0, ground), ground.zone, is_counted=True)]
    purchases = []
    for number, (offer, at) in enumerate(found.bought, start=1):
        before = courses[-1].last
        stack = rules.renew(before.stack, offer.terms, LotKind.DATA, at, ground.zone).stack
        point = Point(stack, at, before.used)
        online_until = live(point, ground.pace, ground.flight, ground.zone).offline_at or ground.flight
        purchases.append(Purchase(offer.terms.code, offer.price_minor, at, online_until))
        courses.append(live(point, ground.pace, _next(found, number, ground), ground.zone, is_counted=True))
    end = courses[-1].last
    outcome = Outcome.NOT_ENOUGH
    if found.is_enough:
        outcome = Outcome.RENEW if purchases else Outcome.NOTHING
    return Advice(
        outcome=outcome,
        purchases=tuple(purchases),
        total_minor=sum(each.price_minor for each in purchases),
        online_until=courses[-1].offline_at or ground.flight,
        online_until_without=live(start, ground.pace, ground.flight, ground.zone).offline_at or ground.flight,
        slow_bytes=sum(course.slow_bytes for course in courses),
        slow_days=len(set[date]().union(*(course.slow_days for course in courses))),
        lost_bytes=sum(_left_in(lot) for lot in end.stack if start.at < (lot.ends_at or start.at) <= end.at),
        is_proven=found.is_proven,
        least_minor=found.least_minor,
        stack=end.stack,
    )


def _left_in(lot: Lot) -> int:
    """What a lot with a limit holds at its end; the single byte that pace.py leaves there does not count."""
    return 0 if lot.remaining is None or lot.remaining == 1 else lot.remaining


def _next(found: Found, number: int, ground: Ground) -> datetime:
    """When the next purchase is after so many, or the flight."""
    return found.bought[number].at if number < len(found.bought) else ground.flight
