# SPDX-License-Identifier: Apache-2.0
"""What promotions take off a price: pure decisions, with a reason for each that takes off nothing.

Those that stack go together, in the order of their priority; every other stands alone. What takes off most is what
counts. Each reckons with what those before it have left, and at least one minor unit is left to pay.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from tsuzuku.catalog.festivals import festival_days
from tsuzuku.kernel.money import Money

#: Where nothing is ever taken off: thousands are sold in one go there, at prices that were agreed on.
DOORS_WITHOUT_PROMOTIONS = frozenset({"partner_api"})
#: An order costs something: nobody gives a plan away by adding up discounts.
LEAST_PRICE_MINOR = 1


@dataclass(frozen=True, slots=True)
class Step:
    """So much off from so high a price on."""

    from_minor: int
    amount_minor: int


@dataclass(frozen=True, kw_only=True)
class PromotionRule:
    """What a promotion takes off (steps or a percentage), and where and when it applies."""

    steps: tuple[Step, ...] = ()
    percent: int | None = None
    #: The most that a percentage takes off.
    amount_minor_max: int | None = None
    #: The least catalogue price that it is for.
    from_price_minor: int = 0
    #: None: all there are.
    plans: frozenset[str] | None = None
    channels: frozenset[str] | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    #: Around a festival, each year; "" is any day.
    festival: str = ""
    days_before: int = 0
    days_after: int = 0
    stacks: bool = False
    priority: int = 0

    @property
    def least_minor(self) -> int:
        """The least catalogue price off which it takes anything."""
        return self.steps[0].from_minor if self.steps else self.from_price_minor

    def is_for_door(self, channel: str) -> bool:
        """Whether it applies at a door."""
        return channel not in DOORS_WITHOUT_PROMOTIONS and (self.channels is None or channel in self.channels)

    def takes_off(self, *, price_minor: int, left_minor: int) -> int:
        """What it would take off what is left of a catalogue price. Percentages are rounded down."""
        if self.percent is None:
            return next((step.amount_minor for step in reversed(self.steps) if price_minor >= step.from_minor), 0)
        amount = left_minor * self.percent // 100
        return amount if self.amount_minor_max is None else min(amount, self.amount_minor_max)

    def is_festive(self, today: date) -> bool:
        """Whether it is for this day of the year."""
        if not self.festival:
            return True
        # A window around New Year may begin in the year before.
        for year in (today.year - 1, today.year, today.year + 1):
            days = festival_days(self.festival, year)
            window = days and days.widened(before=self.days_before, after=self.days_after)
            if window and window.first <= today <= window.last:
                return True
        return False

    def to_json(self) -> dict[str, Any]:
        """The rule as plain JSON, the same for the same rule."""
        return {
            **asdict(self),
            "plans": self.plans and sorted(self.plans),
            "channels": self.channels and sorted(self.channels),
            "starts_at": self.starts_at and self.starts_at.isoformat(),
            "ends_at": self.ends_at and self.ends_at.isoformat(),
            "steps": [asdict(step) for step in self.steps],
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "PromotionRule":
        """The rule as `to_json` wrote it."""
        return cls(
            **{
                **body,
                "plans": body["plans"] and frozenset(body["plans"]),
                "channels": body["channels"] and frozenset(body["channels"]),
                "starts_at": body["starts_at"] and datetime.fromisoformat(body["starts_at"]),
                "ends_at": body["ends_at"] and datetime.fromisoformat(body["ends_at"]),
                "steps": tuple(Step(**step) for step in body["steps"]),
            }
        )


class Why(StrEnum):
    """Why a promotion takes nothing off."""

    WITHDRAWN = "withdrawn"
    NEEDS_COUPON = "needs-coupon"
    OTHER_DOOR = "other-door"
    OTHER_PLAN = "other-plan"
    OTHER_CURRENCY = "other-currency"
    NOT_YET = "not-yet"
    OVER = "over"
    OUTSIDE_FESTIVAL = "outside-festival"
    BELOW_MINIMUM = "below-minimum"
    USED_BY_CUSTOMER = "used-by-customer"
    USED_UP = "used-up"
    #: Others take off as much or more, and it does not go together with them; or they have left nothing to take.
    NOT_BETTER = "not-better"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A promotion as it stands for one customer now. None left is no limit."""

    id: int
    code: str
    rule: PromotionRule
    currency: str
    is_withdrawn: bool = False
    #: Whether it asks for a coupon that was not given.
    is_closed: bool = False
    #: The coupon that was given for it, if it asks for one.
    coupon: str = ""
    uses_left: int | None = None
    customer_uses_left: int | None = None
    budget_left_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """What is bought where and when: a plan at its catalogue price."""

    plan: str
    price: Money
    channel: str
    now: datetime

    @property
    def today(self) -> date:
        """The day by the brand's clock, by which festivals are kept."""
        return self.now.astimezone(ZoneInfo(settings.TIME_ZONE)).date()


@dataclass(frozen=True, slots=True)
class Taking:
    """What one promotion takes off."""

    promotion_id: int
    code: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoning:
    """A price after promotions, what each took off, and why the others did not."""

    price: Money
    takings: tuple[Taking, ...]
    passed_over: Mapping[str, Why]


def reckon(candidates: Sequence[Candidate], basket: Basket) -> Reckoning:
    """What is to pay for a basket. The same candidates in any order give the same."""
    in_order = sorted(candidates, key=lambda candidate: (candidate.rule.priority, candidate.code))
    why = {candidate.code: _why_not(candidate, basket) for candidate in in_order}
    fitting = [candidate for candidate in in_order if why[candidate.code] is None]
    together = [candidate for candidate in fitting if candidate.rule.stacks]
    ways = [together, *([candidate] for candidate in fitting if not candidate.rule.stacks)]
    # Of ways that take off the same, the first: together before alone, then by priority.
    takings = max((tuple(_takings(way, basket)) for way in ways), key=_total)
    taking_codes = {taking.code for taking in takings}
    passed_over = {
        candidate.code: why[candidate.code] or _why_left_out(candidate, basket)
        for candidate in in_order
        if candidate.code not in taking_codes
    }
    price = Money(basket.price.amount_minor - _total(takings), basket.price.currency)
    return Reckoning(price=price, takings=takings, passed_over=passed_over)


def _total(takings: Sequence[Taking]) -> int:
    return sum(taking.amount_minor for taking in takings)


def _takings(way: Sequence[Candidate], basket: Basket) -> Iterator[Taking]:
    """What each takes off in turn. One whose budget does not bear its whole amount takes off nothing."""
    left = basket.price.amount_minor
    for each in way:
        wanted = each.rule.takes_off(price_minor=basket.price.amount_minor, left_minor=left)
        amount = min(wanted, left - LEAST_PRICE_MINOR)
        if amount > 0 and (each.budget_left_minor is None or amount <= each.budget_left_minor):
            left -= amount
            yield Taking(each.id, each.code, amount)


def _why_left_out(candidate: Candidate, basket: Basket) -> Why:
    """Why one that fits takes nothing off: its budget does not even bear what it would take off alone, or others do."""
    is_borne = any(True for _ in _takings([candidate], basket))
    return Why.NOT_BETTER if is_borne or candidate.budget_left_minor is None else Why.USED_UP


def _why_not(candidate: Candidate, basket: Basket) -> Why | None:
    """The first reason that a promotion does not apply, whatever others do; None if it does."""
    rule = candidate.rule
    reasons = (
        (Why.WITHDRAWN, candidate.is_withdrawn),
        (Why.NEEDS_COUPON, candidate.is_closed),
        (Why.OTHER_DOOR, not rule.is_for_door(basket.channel)),
        (Why.OTHER_PLAN, rule.plans is not None and basket.plan not in rule.plans),
        (Why.OTHER_CURRENCY, candidate.currency != basket.price.currency),
        (Why.NOT_YET, rule.starts_at is not None and basket.now < rule.starts_at),
        (Why.OVER, rule.ends_at is not None and basket.now >= rule.ends_at),
        (Why.OUTSIDE_FESTIVAL, not rule.is_festive(basket.today)),
        (Why.BELOW_MINIMUM, basket.price.amount_minor < rule.least_minor),
        (Why.USED_BY_CUSTOMER, candidate.customer_uses_left is not None and candidate.customer_uses_left <= 0),
        (Why.USED_UP, candidate.uses_left is not None and candidate.uses_left <= 0),
    )
    return next((why for why, holds in reasons if holds), None)
