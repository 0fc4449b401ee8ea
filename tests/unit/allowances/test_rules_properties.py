# SPDX-License-Identifier: Apache-2.0
"""What holds for every story: properties of the stacking rules, on stories that Hypothesis tells."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tsuzuku.allowances import rules
from tsuzuku.allowances.errors import RenewalRefused
from tsuzuku.allowances.lots import Lot, LotState
from tsuzuku.allowances.simulator import Event, Scenario, read_scenario, simulate
from tsuzuku.catalog.terms import LotKind, PlanTerms

STORIES = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

#: Clocks jump in these zones in the days after.
BEGINNINGS = {
    "Asia/Tokyo": datetime(2026, 4, 1, tzinfo=UTC),
    "Europe/Paris": datetime(2026, 3, 27, tzinfo=UTC),
    "America/Santiago": datetime(2026, 4, 3, tzinfo=UTC),
    "Asia/Beirut": datetime(2026, 3, 27, tzinfo=UTC),
}
CODES = ("A", "B", "C")


@st.composite
def plans(draw: st.DrawFn, least_bytes: int = 0) -> dict[str, Any]:
    """A plan of small numbers, so that amounts and moments often coincide."""
    stacking = draw(st.sampled_from(["separate", "queue", "sequel", "extend", "extend_by", "reset", "value_only"]))
    starts = {"queue": ["now", "tap"], "sequel": ["now", "tap"], "extend_by": ["now"]}
    optional = {
        "daily_bytes": st.integers(0, 3),
        "day_rule": st.sampled_from(["rolling", "calendar"]),
        "start_within_days": st.integers(0, 4),
        "joins": st.lists(st.sampled_from(CODES), max_size=3),
        "max_stack": st.integers(1, 5),
        "grace_hours": st.none() | st.sampled_from([0, 1, 24]),
        "restore_hours": st.sampled_from([0, 12, 24, 48]),
        "priority": st.integers(-1, 1),
    }
    return {
        "data_bytes": draw(st.none() | st.integers(least_bytes, 6) | st.integers(least_bytes, 6)),
        "days": draw(st.integers(1, 3)),
        "stacking": stacking,
        "start": draw(st.sampled_from(starts.get(stacking, ["now", "first_use", "tap"]))),
        "extend_days": draw(st.integers(0, 2)),
        **draw(st.fixed_dictionaries({}, optional=optional)),
    }


VERBS = (
    st.fixed_dictionaries({"renew": st.sampled_from(CODES)})
    | st.fixed_dictionaries({"use": st.integers(0, 8)})
    | st.sampled_from([{"tap": True}, {"show": True}])
)
#: Hours between events: often none, often a whole day.
PAUSES = st.sampled_from([0, 0, 0, 1, 12, 23, 24, 24, 47, 48])


@st.composite
def scenarios(draw: st.DrawFn, least_bytes: int = 0) -> dict[str, Any]:
    """A scenario file's content."""
    zone = draw(st.sampled_from(sorted(BEGINNINGS)))
    moment = BEGINNINGS[zone]
    events = []
    for pause, verb in draw(st.lists(st.tuples(PAUSES, VERBS), min_size=1, max_size=12)):
        moment += timedelta(hours=pause)
        events.append({"at": moment.isoformat(), **verb})
    return {"timezone": zone, "plans": {code: draw(plans(least_bytes)) for code in CODES}, "events": events}


@dataclass(frozen=True)
class Step:
    """One event of a story and the stacks around it, each as it stands at the event."""

    event: Event
    zone: ZoneInfo
    stored: rules.Stack
    before: rules.Stack
    after: rules.Stack
    terms: PlanTerms | None = None
    refused: bool = False
    used: rules.Used | None = None
    renewed: rules.Renewed | None = None


def steps(scenario: dict[str, Any]) -> Iterator[Step]:
    """Runs a story through the rules."""
    read: Scenario = read_scenario(json.dumps(scenario))
    stack: rules.Stack = ()
    for event in read.events:
        step = _step(read, event, stack)
        yield step
        stack = step.after


def _step(read: Scenario, event: Event, stack: rules.Stack) -> Step:
    zone, now = read.zone, event.at
    before = rules.advance(stack, now, zone)
    if event.verb == "use":
        used = rules.use(stack, event.argument, now, zone)
        return Step(event, zone, stack, before, used.stack, used=used)
    if event.verb == "tap":
        return Step(event, zone, stack, before, rules.tap(stack, now, zone))
    if event.verb == "show":
        return Step(event, zone, stack, before, before)
    terms = read.plans[event.argument]
    try:
        renewed = rules.renew(stack, terms, LotKind.DATA, now, zone)
    except RenewalRefused:
        return Step(event, zone, stack, before, before, terms, refused=True)
    return Step(event, zone, stack, before, renewed.stack, terms, renewed=renewed)


def left(lot: Lot) -> float:
    return float("inf") if lot.remaining is None else lot.remaining


@STORIES
@given(scenarios())
def test_every_byte_used_is_drawn_throttled_or_unserved_the_last_two_never_both(scenario: dict[str, Any]) -> None:
    for step in steps(scenario):
        if step.used is None:
            continue
        drawn = dict.fromkeys((lot.sequence for lot in step.after), 0)
        for draw in step.used.draws:
            assert draw.amount > 0
            drawn[draw.sequence] += draw.amount
        assert sum(drawn.values()) + step.used.throttled + step.used.unserved == step.event.argument
        assert min(step.used.throttled, step.used.unserved) == 0
        for was, lot in zip(step.before, step.after, strict=True):
            assert lot.remaining == (None if was.remaining is None else was.remaining - drawn[lot.sequence])


@STORIES
@given(scenarios())
def test_a_use_in_two_halves_at_one_moment_is_one_use(scenario: dict[str, Any]) -> None:
    for step in steps(scenario):
        if step.used is None:
            continue
        half = step.event.argument // 2
        one = rules.use(step.stored, half, step.event.at, step.zone)
        other = rules.use(one.stack, step.event.argument - half, step.event.at, step.zone)
        assert other.stack == step.after
        assert one.throttled + one.unserved + other.throttled + other.unserved == (
            step.used.throttled + step.used.unserved
        )


@STORIES
@given(scenarios())
def test_bytes_change_only_by_use_and_renewal(scenario: dict[str, Any]) -> None:
    for step in steps(scenario):
        assert sum(map(left, step.before)) == sum(map(left, step.stored))
        if step.event.verb in {"tap", "show"} or step.refused:
            assert sum(map(left, step.after)) == sum(map(left, step.before))
        if step.terms is not None and step.renewed is not None and step.renewed.restored is not None:
            added = step.terms.amounts[LotKind.DATA]
            if added is not None:
                assert sum(map(left, step.after)) == sum(map(left, step.before)) + added


@STORIES
@given(scenarios())
def test_no_lot_is_negative_or_holds_more_than_it_was_given(scenario: dict[str, Any]) -> None:
    for step in steps(scenario):
        for lot in step.after:
            assert lot.remaining is None or lot.remaining >= 0
            assert lot.total is None or left(lot) <= lot.total
            assert lot.terms.daily_bytes is None or lot.day_used <= lot.terms.daily_bytes
            assert (lot.starts_at is None) == (lot.ends_at is None)
            assert lot.starts_at is None or lot.ends_at is None or lot.starts_at < lot.ends_at


@STORIES
@given(scenarios())
def test_a_lot_keeps_what_its_first_renewal_made_it(scenario: dict[str, Any]) -> None:
    for step in steps(scenario):
        assert [lot.sequence for lot in step.after] == list(range(1, len(step.after) + 1))
        for was, lot in zip(step.stored, step.after, strict=False):
            assert (lot.terms, lot.kind, lot.renewed_at, lot.length) == (
                was.terms,
                was.kind,
                was.renewed_at,
                was.length,
            )
            assert was.starts_at in {None, lot.starts_at}
            assert was.ends_at is None or (lot.ends_at is not None and lot.ends_at >= was.ends_at)
        for lot in step.after[len(step.stored) :]:
            assert (lot.terms, lot.renewed_at, lot.renewals) == (step.terms, step.event.at, 1)


@STORIES
@given(scenarios())
def test_a_renewal_counts_in_one_lot(scenario: dict[str, Any]) -> None:
    taken = 0
    for step in steps(scenario):
        taken += step.renewed is not None
        assert sum(lot.renewals for lot in step.after) == taken
        if step.renewed is not None:
            [changed] = [
                lot.sequence
                for lot in step.after
                if lot.renewals != next((was.renewals for was in step.before if was.sequence == lot.sequence), 0)
            ]
            assert changed == step.renewed.sequence


@STORIES
@given(scenarios(), st.integers(0, 200), st.integers(0, 200))
def test_time_passes_the_same_in_one_step_or_in_many(scenario: dict[str, Any], one: int, more: int) -> None:
    for step in steps(scenario):
        soon = step.event.at + timedelta(hours=one)
        later = soon + timedelta(hours=more)
        at_once = rules.advance(step.after, later, step.zone)
        assert rules.advance(rules.advance(step.after, soon, step.zone), later, step.zone) == at_once
        assert rules.advance(at_once, later, step.zone) == at_once
        assert rules.advance(at_once, soon, step.zone) == at_once


@STORIES
@given(scenarios(), st.lists(st.integers(0, 11), max_size=5))
def test_reading_changes_nothing(scenario: dict[str, Any], readings: list[int]) -> None:
    told: list[dict[str, Any]] = []
    for number, event in enumerate(scenario["events"]):
        told += [{"at": event["at"], "show": True}] * readings.count(number)
        told.append(event)
        if number in readings and number + 1 < len(scenario["events"]):
            between = [datetime.fromisoformat(each["at"]) for each in scenario["events"][number : number + 2]]
            told.append({"at": (between[0] + (between[1] - between[0]) / 2).isoformat(), "show": True})
    answers = zip(told, simulate(json.dumps(scenario | {"events": told})), strict=True)

    assert [answer for event, answer in answers if any(event is each for each in scenario["events"])] == simulate(
        json.dumps(scenario)
    )


@STORIES
@given(scenarios())
def test_a_refused_renewal_changes_nothing(scenario: dict[str, Any]) -> None:
    answers = simulate(json.dumps(scenario))
    taken = [event for event, answer in zip(scenario["events"], answers, strict=True) if answer["ok"]]

    assert simulate(json.dumps(scenario | {"events": taken})) == [answer for answer in answers if answer["ok"]]


@STORIES
@given(scenarios())
def test_a_preview_is_what_happens(scenario: dict[str, Any]) -> None:
    """A preview reads the stack as it stands; the renewal itself begins from what was stored earlier."""
    for step in steps(scenario):
        if step.terms is None:
            continue
        try:
            rules.check_can_renew(step.before, step.terms, step.event.at)
            preview = rules.renew(step.before, step.terms, LotKind.DATA, step.event.at, step.zone)
        except RenewalRefused:
            assert step.refused
        else:
            assert preview == step.renewed


@STORIES
@given(scenarios())
def test_online_until_is_after_now_and_what_expires_is_before_it(scenario: dict[str, Any]) -> None:
    for step in steps(scenario):
        standing = rules.standing(step.after, step.event.at, step.zone)
        running = [lot for lot in step.after if lot.state(step.event.at) is LotState.RUNNING]
        assert (standing.online_until is None) == (not running)
        if standing.online_until is not None:
            assert standing.online_until >= max(lot.ends_at for lot in running if lot.ends_at is not None)
            assert [each.at for each in standing.expires] == sorted(each.at for each in standing.expires)
            assert all(step.event.at < each.at < standing.online_until and each.amount > 0 for each in standing.expires)


@STORIES
@given(scenarios(least_bytes=1))
def test_a_renewal_that_brings_data_never_brings_offline_sooner(scenario: dict[str, Any]) -> None:
    """With nothing in it a renewal may: days added to a used-up lot move the sequel behind it."""
    for step in steps(scenario):
        was = rules.standing(step.before, step.event.at, step.zone).online_until
        if step.renewed is not None and was is not None:
            until = rules.standing(step.after, step.event.at, step.zone).online_until
            assert until is not None
            assert until >= was


@STORIES
@given(scenarios())
def test_until_then_nothing_breaks(scenario: dict[str, Any]) -> None:
    """Up to `online_until` some lot can serve; at that moment none can."""
    for step in steps(scenario):
        until = rules.standing(step.after, step.event.at, step.zone).online_until
        if until is None:
            continue
        forecast = rules.advance(step.after, until, step.zone)
        ends = [lot.ends_at for lot in forecast if lot.ends_at is not None and step.event.at < lot.ends_at < until]
        for moment in (step.event.at, *ends):
            assert rules.drain_order(rules.advance(step.after, moment, step.zone), moment)
        assert not rules.drain_order(forecast, until)
