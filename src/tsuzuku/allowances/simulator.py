# SPDX-License-Identifier: Apache-2.0
"""Scenario files (docs/contracts/scenario.md): read, run through the rules, answered event by event.

Touches no database.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from tsuzuku.allowances import rules
from tsuzuku.allowances.errors import RenewalRefused
from tsuzuku.allowances.json_fields import (
    FieldMalformed,
    read_json,
    read_list,
    read_moment,
    read_object,
    read_plans,
    read_zone,
)
from tsuzuku.allowances.lots import Lot, LotState
from tsuzuku.catalog.terms import LotKind, PlanTerms, is_whole
from tsuzuku.kernel.errors import DomainError

#: States whose times are printed as null: the lot never started.
_TIMELESS_STATES = frozenset({LotState.WAITING, LotState.LAPSED})


class ScenarioMalformed(DomainError):
    """The file is not a scenario; `at` says where and `why` what to mend."""

    code: ClassVar[str] = "scenario-malformed"

    def __str__(self) -> str:
        return f"{self.particulars['at']}: {self.particulars['why']}"


@dataclass(frozen=True)
class Event:
    """One line of the story: a moment and a verb with its argument."""

    at: datetime
    verb: str
    argument: Any


@dataclass(frozen=True)
class Scenario:
    """A story of one card: the zone of its local days, the plans it may renew, and what happens."""

    zone: ZoneInfo
    plans: Mapping[str, PlanTerms]
    events: Sequence[Event]


def simulate(text: str | bytes) -> list[dict[str, Any]]:
    """The answers to a scenario, one per event. Raises ScenarioMalformed."""
    scenario = read_scenario(text)
    stack: rules.Stack = ()
    answers = []
    for number, event in enumerate(scenario.events, start=1):
        try:
            stack, answer = _answer(stack, event, scenario)
        except OverflowError:
            raise ScenarioMalformed(at=f"event {number}", why="leads past the year 9999") from None
        answers.append(answer)
    return answers


def _answer(stack: rules.Stack, event: Event, scenario: Scenario) -> tuple[rules.Stack, dict[str, Any]]:
    zone, now = scenario.zone, event.at
    refused, throttled, unserved = None, 0, 0
    stack = rules.advance(stack, now, zone)
    if event.verb == "renew":
        try:
            stack = rules.renew(stack, scenario.plans[event.argument], LotKind.DATA, now, zone).stack
        except RenewalRefused as refusal:
            refused = refusal.code
    elif event.verb == "use":
        used = rules.use(stack, event.argument, now, zone)
        stack, throttled, unserved = used.stack, used.throttled, used.unserved
    elif event.verb == "tap":
        stack = rules.tap(stack, now, zone)
    standing = rules.standing(stack, now, zone)
    return stack, {
        "at": _printed(now, zone),
        "ok": refused is None,
        "refused": refused,
        "remaining_bytes": standing.remaining,
        "throttled_bytes": throttled,
        "unserved_bytes": unserved,
        "online_until": _printed(standing.online_until, zone),
        "expires": [{"bytes": each.amount, "at": _printed(each.at, zone)} for each in standing.expires],
        "lots": [_lot_answer(lot, now, zone) for lot in in_reading_order(stack)],
    }


def in_reading_order(stack: rules.Stack) -> list[Lot]:
    """Lots as people read them: started ones by their start, then those that never started; ties by renewal."""
    last = datetime.max.replace(tzinfo=UTC)
    return sorted(stack, key=lambda lot: (lot.starts_at is None, lot.starts_at or last, lot.sequence))


def _lot_answer(lot: Lot, now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    state = lot.state(now)
    started = state not in _TIMELESS_STATES
    return {
        "plan": lot.terms.code,
        "state": str(state),
        "remaining_bytes": lot.remaining,
        "starts_at": _printed(lot.starts_at, zone) if started else None,
        "ends_at": _printed(lot.ends_at, zone) if started else None,
    }


def _printed(moment: datetime | None, zone: ZoneInfo) -> str | None:
    return None if moment is None else moment.astimezone(zone).isoformat()


# -- reading a file ----------------------------------------------------------------------------------------------------


def read_scenario(text: str | bytes) -> Scenario:
    """Reads and checks a scenario. Raises ScenarioMalformed with the first mistake."""
    try:
        return _scenario(text)
    except FieldMalformed as mistake:
        raise ScenarioMalformed(at=mistake.at, why=mistake.why) from None


def _scenario(text: str | bytes) -> Scenario:
    fields = read_object(read_json(text), at="file", required=("timezone", "plans", "events"))
    plans = read_plans(fields["plans"])
    events: list[Event] = []
    for number, raw in enumerate(read_list(fields["events"], at="events"), start=1):
        event = _event(raw, plans, at=f"event {number}")
        if events and event.at < events[-1].at:
            raise FieldMalformed(at=f"event {number}", why="is earlier than the event before")
        events.append(event)
    return Scenario(read_zone(fields["timezone"]), plans, events)


_VERBS: Mapping[str, Callable[[object, Mapping[str, PlanTerms]], str | None]] = {
    "renew": lambda value, plans: None if isinstance(value, str) and value in plans else f"unknown plan {value!r}",
    "use": lambda value, plans: None if is_whole(value, least=0) else "use takes a whole number of bytes, not negative",
    "tap": lambda value, plans: None if value is True else "tap takes true",
    "show": lambda value, plans: None if value is True else "show takes true",
}


def _event(body: object, plans: Mapping[str, PlanTerms], *, at: str) -> Event:
    if not isinstance(body, dict):
        raise FieldMalformed(at=at, why="must be an object")
    verbs = [name for name in body if name != "at"]
    if len(verbs) != 1:
        raise FieldMalformed(at=at, why="must have exactly one verb")
    verb = verbs[0]
    if verb not in _VERBS:
        raise FieldMalformed(at=at, why=f"unknown verb {verb!r}")
    if why := _VERBS[verb](body[verb], plans):
        raise FieldMalformed(at=at, why=why)
    return Event(read_moment(body.get("at"), at=at, field="at"), verb, body[verb])
