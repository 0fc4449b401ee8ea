# SPDX-License-Identifier: Apache-2.0
"""The flight home: remembered for a card in this browser, and what to buy until then."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language

from tsuzuku.allowances.advice import Advice, Outcome, check_flight
from tsuzuku.allowances.advice_search import LEAD, OnOffer
from tsuzuku.allowances.errors import FlightPast, FlightTooFar
from tsuzuku.allowances.queries import advise_card
from tsuzuku.cards.models import Card
from tsuzuku.kernel.money import Money
from tsuzuku.look.formats import local
from tsuzuku.look.line import Stretch
from tsuzuku.renewals.quotes import Offer
from tsuzuku.usage.queries import MeasuredPace, measured_pace

#: By card; in the session, so that it is forgotten with it, and a card that a PIN has opened has one too.
_SESSION_KEY = "flights"
_REMEMBERED_MAX = 20
#: What a traveller uses a day of whom nothing is known: maps, messages, photos, some video.
ASSUMED_BYTES_PER_DAY = 1_000_000_000
#: A page is not kept waiting longer than this much searching, some tenths of a second, takes.
_WORK_MAX = 5_000


@dataclass(frozen=True, slots=True)
class Step:
    """A plan to buy: now, or at a moment."""

    code: str
    name: str
    price: Money
    at: datetime
    is_now: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightAdvice:
    """What to buy until a flight, as pages tell it."""

    flight: datetime
    advice: Advice
    steps: tuple[Step, ...]
    total: Money | None
    least: Money | None
    bytes_per_day: int
    #: None where the pace is assumed.
    pace: MeasuredPace | None
    laid: tuple[Stretch, ...]
    planned: tuple[Stretch, ...]

    @property
    def day(self) -> date:
        """The day of the flight; a flight at midnight is on the day that it ends."""
        return local(self.flight - timedelta(microseconds=1)).date()

    @property
    def needs_nothing(self) -> bool:
        """Whether the card is online until then as it is."""
        return self.advice.outcome is Outcome.NOTHING

    @property
    def is_enough(self) -> bool:
        """Whether the card is online until then with all of it."""
        return self.advice.outcome is not Outcome.NOT_ENOUGH


def flight_moment(day: date, at: time | None) -> datetime:
    """The moment of a flight in the brand's time; without a time, the midnight that ends its day."""
    zone = ZoneInfo(settings.TIME_ZONE)
    if at is None:
        return datetime.combine(day + timedelta(days=1), time(), tzinfo=zone)
    return datetime.combine(day, at, tzinfo=zone)


def remember_flight(request: HttpRequest, card: Card, flight: datetime) -> None:
    """Keeps the flight for a card in this browser."""
    flights = {key: value for key, value in _flights(request).items() if key != str(card.pk)}
    newest = list(flights.items())[1 - _REMEMBERED_MAX :]
    request.session[_SESSION_KEY] = {**dict(newest), str(card.pk): flight.isoformat()}


def forget_flight(request: HttpRequest, card: Card) -> None:
    """Forgets the flight of a card."""
    request.session[_SESSION_KEY] = {key: at for key, at in _flights(request).items() if key != str(card.pk)}


def remembered_flight(request: HttpRequest, card: Card, *, now: datetime) -> datetime | None:
    """The flight of a card, if it was told in this browser and is still ahead."""
    text = _flights(request).get(str(card.pk))
    flight = datetime.fromisoformat(text) if text else None
    try:
        if flight is not None:
            check_flight(flight, now=now)
    except (FlightPast, FlightTooFar):
        return None
    return flight


def _flights(request: HttpRequest) -> dict[str, str]:
    flights: dict[str, str] = request.session.get(_SESSION_KEY, {})
    return flights


def advice_until(flight: datetime, card: Card, offers: list[Offer], *, now: datetime) -> FlightAdvice:
    """What to buy for a card until a flight, of what is on offer, at today's prices."""
    currency = offers[0].price.currency if offers else "JPY"
    on_offer = {offer.plan.code: offer for offer in offers if offer.price.currency == currency}
    pace = measured_pace(card.pk, today=local(now).date())
    bytes_per_day = pace.bytes_per_day if pace else ASSUMED_BYTES_PER_DAY
    advice = advise_card(
        card.pk,
        [OnOffer(offer.terms, offer.price.amount_minor) for offer in on_offer.values()],
        flight=flight,
        bytes_per_day=bytes_per_day,
        renewable_until=_last_moment(card),
        work_max=_WORK_MAX,
        now=now,
    )
    language = get_language() or "en"
    return FlightAdvice(
        flight=flight,
        advice=advice,
        steps=tuple(
            Step(
                code=each.plan,
                name=on_offer[each.plan].plan.name_in(language),
                price=on_offer[each.plan].price,
                at=each.at,
                is_now=each.at <= now + LEAD,
            )
            for each in advice.purchases
        ),
        total=Money(advice.total_minor, currency) if advice.purchases else None,
        least=None if advice.is_proven else Money(advice.least_minor, currency),
        bytes_per_day=bytes_per_day,
        pace=pace,
        laid=_stretches([now, advice.online_until_without]),
        planned=_stretches([advice.online_until_without, *(each.online_until for each in advice.purchases)]),
    )


def _last_moment(card: Card) -> datetime | None:
    """The end of the last day on which the card can be renewed."""
    if card.last_use_date is None:
        return None
    return flight_moment(card.last_use_date, None) - timedelta(minutes=1)


def _stretches(moments: list[datetime]) -> tuple[Stretch, ...]:
    """From each moment to the next, where it is later."""
    stretches: list[Stretch] = []
    for end in moments[1:]:
        start = stretches[-1].ends_at if stretches else moments[0]
        if start is not None and end > start:
            stretches.append(Stretch(start, end))
    return tuple(stretches)
