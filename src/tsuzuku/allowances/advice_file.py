# SPDX-License-Identifier: Apache-2.0
"""Advice as docs/contracts/advice.md fixes it: a question in JSON, checked, and the answer as plain data."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from tsuzuku.allowances.advice import FLIGHT_WITHIN, Advice, Question, advise
from tsuzuku.allowances.advice_search import OnOffer
from tsuzuku.allowances.errors import FlightPast, FlightTooFar, PaceNegative
from tsuzuku.allowances.json_fields import (
    FieldMalformed,
    read_json,
    read_list,
    read_moment,
    read_object,
    read_plans,
    read_zone,
)
from tsuzuku.allowances.lots import Lot, first_length
from tsuzuku.catalog.terms import LotKind, PlanTerms, is_whole
from tsuzuku.kernel.errors import DomainError

_REQUIRED = ("timezone", "now", "flight", "bytes_per_day", "plans")
_OPTIONAL = ("lots", "renewable_until")
_PRICE = "price_minor"


class AdviceMalformed(DomainError):
    """The file is not a question for advice; `at` says where and `why` what to mend."""

    code: ClassVar[str] = "advice-malformed"

    def __str__(self) -> str:
        return f"{self.particulars['at']}: {self.particulars['why']}"


def advise_file(text: str | bytes) -> dict[str, Any]:
    """The answer to the question in a file. Raises AdviceMalformed with the first mistake."""
    question = read_question(text)
    try:
        return told(advise(question), question.zone)
    except FlightPast:
        raise AdviceMalformed(at="flight", why="must be later than now") from None
    except FlightTooFar:
        raise AdviceMalformed(at="flight", why=f"must be within {FLIGHT_WITHIN.days} days of now") from None
    except PaceNegative:
        raise AdviceMalformed(at="bytes_per_day", why="must not be negative") from None
    except OverflowError:
        raise AdviceMalformed(at="plans", why="lead past the year 9999") from None


def told(advice: Advice, zone: ZoneInfo) -> dict[str, Any]:
    """An answer as plain data, its times in a zone."""
    return {
        "outcome": str(advice.outcome),
        "online_until": advice.online_until.astimezone(zone).isoformat(),
        "online_until_without": advice.online_until_without.astimezone(zone).isoformat(),
        "total_minor": advice.total_minor,
        "buy": [
            {
                "plan": each.plan,
                "at": each.at.astimezone(zone).isoformat(),
                "price_minor": each.price_minor,
                "online_until": each.online_until.astimezone(zone).isoformat(),
            }
            for each in advice.purchases
        ],
        "slow_bytes": advice.slow_bytes,
        "slow_days": advice.slow_days,
        "lost_bytes": advice.lost_bytes,
        "is_proven": advice.is_proven,
        "least_minor": advice.least_minor,
    }


def read_question(text: str | bytes) -> Question:
    """Reads and checks a question. Raises AdviceMalformed with the first mistake."""
    try:
        return _question(text)
    except FieldMalformed as mistake:
        raise AdviceMalformed(at=mistake.at, why=mistake.why) from None


def _question(text: str | bytes) -> Question:
    fields = read_object(read_json(text), at="file", required=_REQUIRED, optional=_OPTIONAL)
    now = read_moment(fields["now"], at="now", field="now")
    plans = read_plans(fields["plans"], besides=[_PRICE])
    last = fields.get("renewable_until")
    return Question(
        stack=tuple(
            _lot(raw, plans, now, number) for number, raw in enumerate(read_list(fields.get("lots", []), at="lots"), 1)
        ),
        now=now,
        flight=read_moment(fields["flight"], at="flight", field="flight"),
        bytes_per_day=_whole(fields["bytes_per_day"], at="bytes_per_day"),
        offers=[
            OnOffer(terms, _whole(fields["plans"][code][_PRICE], at=f"plan {code!r}", field=_PRICE, least=0))
            for code, terms in plans.items()
            if fields["plans"][code].get(_PRICE) is not None
        ],
        zone=read_zone(fields["timezone"]),
        renewable_until=None if last is None else read_moment(last, at="renewable_until", field="renewable_until"),
    )


def _whole(value: object, *, at: str, field: str = "", least: int | None = None) -> int:
    if not is_whole(value, least=least) or not isinstance(value, int):
        must = "must be a whole number" if least is None else f"must be a whole number from {least} on"
        raise FieldMalformed(at=at, why=f"{field} {must}".strip())
    return value


def _lot(body: object, plans: Mapping[str, PlanTerms], now: datetime, number: int) -> Lot:
    at = f"lot {number}"
    required = ("plan", "remaining_bytes", "starts_at", "ends_at")
    fields = read_object(body, at=at, required=required, optional=("renewed_at",))
    terms = plans.get(fields["plan"]) if isinstance(fields["plan"], str) else None
    if terms is None:
        raise FieldMalformed(at=at, why=f"unknown plan {fields['plan']!r}")
    remaining = fields["remaining_bytes"]
    if remaining is not None:
        _whole(remaining, at=at, field="remaining_bytes", least=0)
    starts_at, ends_at = (
        None if fields[name] is None else read_moment(fields[name], at=at, field=name)
        for name in ("starts_at", "ends_at")
    )
    if (starts_at is None) is not (ends_at is None):
        raise FieldMalformed(at=at, why="starts_at and ends_at are both null or both times")
    if starts_at is not None and ends_at is not None and ends_at <= starts_at:
        raise FieldMalformed(at=at, why="ends_at must be later than starts_at")
    if starts_at is not None and starts_at > now:
        raise FieldMalformed(at=at, why="starts_at must not be later than now: a lot that waits has null")
    renewed_at = starts_at or now
    if fields.get("renewed_at") is not None:
        renewed_at = read_moment(fields["renewed_at"], at=at, field="renewed_at")
    if renewed_at > now:
        raise FieldMalformed(at=at, why="renewed_at must not be later than now")
    return Lot(
        sequence=number,
        kind=LotKind.DATA,
        terms=terms,
        renewed_at=renewed_at,
        length=first_length(terms),
        total=remaining,
        remaining=remaining,
        starts_at=starts_at,
        ends_at=ends_at,
    )
