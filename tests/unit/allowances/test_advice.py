# SPDX-License-Identifier: Apache-2.0
"""Advice is the cheapest there is: held against trying everything out, on cards and plans that Hypothesis makes."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tsuzuku.allowances import rules
from tsuzuku.allowances.advice import Outcome, Question, advise
from tsuzuku.allowances.advice_search import LEAD, Ground, OnOffer, find_schedule
from tsuzuku.allowances.errors import FlightPast, FlightTooFar, PaceNegative, RenewalRefused
from tsuzuku.allowances.lots import day_start, local_day
from tsuzuku.allowances.pace import Pace, Point, live, point_at
from tsuzuku.catalog.terms import LotKind, Start, parse_terms

CASES = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
TOKYO = ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 4, 1, 0, 5, tzinfo=UTC)
GIGABYTE = 10**9


def on_offer(code: str, data_bytes: int | None, days: int, price_minor: int, **fields: object) -> OnOffer:
    terms, mistakes = parse_terms(code, {"data_bytes": data_bytes, "days": days, **fields})
    assert terms is not None, mistakes
    return OnOffer(terms, price_minor)


@st.composite
def offers(draw: st.DrawFn) -> list[OnOffer]:
    """Up to four plans of small numbers, of every kind."""
    codes = "ABCD"[: draw(st.integers(1, 4))]
    plans = []
    for code in codes:
        stacking = draw(st.sampled_from(["separate", "queue", "sequel", "extend", "extend_by", "reset", "value_only"]))
        starts = {"queue": ["now", "tap"], "sequel": ["now", "tap"], "extend_by": ["now"]}
        optional = {
            "daily_bytes": st.sampled_from([0, 10, 20]),
            "day_rule": st.just("calendar"),
            "joins": st.lists(st.sampled_from(codes), unique=True),
            "max_stack": st.integers(1, 3),
            "grace_hours": st.sampled_from([0, 1, 24]),
            "restore_hours": st.sampled_from([12, 48]),
            "priority": st.integers(-1, 1),
        }
        fields: dict[str, Any] = {
            "stacking": stacking,
            "start": draw(st.sampled_from(starts.get(stacking, ["now", "now", "first_use", "tap"]))),
            "extend_days": draw(st.integers(0, 3)),
            **draw(st.fixed_dictionaries({}, optional=optional)),
        }
        data_bytes = draw(st.none() | st.integers(0, 8).map(lambda tens: tens * 10))
        plans.append(on_offer(code, data_bytes, draw(st.integers(1, 4)), draw(st.integers(1, 8)) * 100, **fields))
    return plans


@st.composite
def questions(draw: st.DrawFn) -> Question:
    """A card with up to three lots, a flight within a week."""
    plans = draw(offers())
    stack: rules.Stack = ()
    for hours in sorted(draw(st.lists(st.sampled_from([0, 5, 24, 30, 50]), max_size=3)), reverse=True):
        try:
            terms = draw(st.sampled_from(plans)).terms
            stack = rules.renew(stack, terms, LotKind.DATA, NOW - timedelta(hours=hours), TOKYO).stack
        except RenewalRefused:
            continue
    return Question(
        stack=rules.advance(stack, NOW, TOKYO),
        now=NOW,
        flight=NOW + timedelta(days=draw(st.integers(1, 6)), hours=draw(st.sampled_from([0, 5]))),
        bytes_per_day=draw(st.sampled_from([0, 10, 20, 30])),
        offers=plans,
        zone=TOKYO,
    )


def ground_of(question: Question, *, renewals_max: int) -> Ground:
    return Ground(
        offers=question.offers,
        pace=Pace(question.bytes_per_day, question.now),
        flight=question.flight,
        zone=question.zone,
        renewable_until=question.renewable_until,
        renewals_max=renewals_max,
    )


@dataclass
class Everything:
    """Tries every plan at every moment at which anything changes, an hour before it, at midnight, and at once."""

    ground: Ground
    best: tuple[Any, ...] | None = None

    def tried_from(self, point: Point, bought: tuple[tuple[int, str, timedelta], ...] = ()) -> None:
        ground = self.ground
        course = live(point, ground.pace, ground.flight, ground.zone)
        price = sum(each[0] for each in bought)
        if course.offline_at is None:
            rank = (price, len(bought), tuple(each[2] for each in bought), tuple(each[1] for each in bought))
            self.best = rank if self.best is None else min(self.best, rank)
            return
        changes = {course.offline_at, *(turn.at for turn in course.turns)}
        midnight = day_start(local_day(course.offline_at, ground.zone), ground.zone)
        changes |= {lot.ends_at for lot in point.stack if lot.ends_at is not None}
        moments = {point.at, midnight, *changes, *(moment - LEAD for moment in changes)}
        for offer in ground.offers if len(bought) < ground.renewals_max else ():
            restorable_until = {moment + timedelta(hours=offer.terms.restore_hours) - LEAD for moment in changes}
            if self.best is not None and price + offer.price_minor > self.best[0]:
                continue
            for at in sorted(each for each in moments | restorable_until if point.at <= each <= course.offline_at):
                before = point_at(course, at, ground.pace, ground.zone)
                try:
                    stack = rules.renew(before.stack, offer.terms, LotKind.DATA, at, ground.zone).stack
                except RenewalRefused:
                    continue
                new = (offer.price_minor, offer.terms.code, ground.flight - at)
                self.tried_from(Point(stack, at, before.used), (*bought, new))


@CASES
@given(questions(), st.integers(1, 2))
def test_nothing_that_can_be_tried_out_is_better(question: Question, renewals_max: int) -> None:
    ground = ground_of(question, renewals_max=renewals_max)
    start = Point(question.stack, question.now, 0)
    everything = Everything(ground)
    everything.tried_from(start)

    found = find_schedule(start, ground)

    mine = (
        sum(each.offer.price_minor for each in found.bought),
        len(found.bought),
        tuple(ground.flight - each.at for each in found.bought),
        tuple(each.offer.terms.code for each in found.bought),
    )
    assert (mine if found.is_enough else None, found.is_proven) == (everything.best, True)


@CASES
@given(questions())
def test_it_is_never_dearer_than_a_single_plan_that_is_enough(question: Question) -> None:
    advice = advise(question)
    ground = ground_of(question, renewals_max=1)
    single = find_schedule(Point(question.stack, question.now, 0), ground)
    assume(single.is_enough)
    assert advice.outcome is not Outcome.NOT_ENOUGH
    assert advice.total_minor <= sum(each.offer.price_minor for each in single.bought)


@CASES
@given(questions(), st.integers(0, 3), st.integers(1, 5))
def test_a_dearer_plan_makes_nothing_cheaper(question: Question, place: int, more: int) -> None:
    place %= len(question.offers)
    dearer = list(question.offers)
    dearer[place] = replace(dearer[place], price_minor=dearer[place].price_minor + more * 50)
    before, after = advise(question), advise(replace(question, offers=dearer))
    assert before.outcome is after.outcome
    if before.outcome is Outcome.RENEW:
        assert before.total_minor <= after.total_minor <= before.total_minor + 6 * more * 50


@CASES
@given(questions())
def test_nothing_is_needed_exactly_if_the_card_stays_online_by_itself(question: Question) -> None:
    """Held against the rules themselves, used hour by hour instead of from change to change."""
    assume(question.bytes_per_day > 0)
    advice = advise(question)
    assert (advice.outcome is Outcome.NOTHING) == (advice.online_until_without == question.flight)
    stack, at = question.stack, question.now
    used, hour = 0, timedelta(hours=1)
    pace = Pace(question.bytes_per_day * 1000, question.now)
    stack = tuple(
        lot._replace(
            remaining=lot.remaining and lot.remaining * 1000,
            total=lot.total and lot.total * 1000,
            day_used=lot.day_used * 1000,
            terms=replace(lot.terms, daily_bytes=lot.terms.daily_bytes and lot.terms.daily_bytes * 1000),
        )
        for lot in stack
    )
    while at < question.flight:
        amount = pace.used_until(at + hour) - used
        done = rules.use(stack, amount, at, TOKYO)
        if done.unserved and not rules.drain_order(done.stack, at):
            tapped = rules.tap(done.stack, at, TOKYO)
            if tapped == done.stack:
                break
            done = rules.use(tapped, done.unserved, at, TOKYO)
        stack, used, at = done.stack, used + amount, at + hour
    # A whole hour's use at its beginning empties a lot up to an hour early, each of the lots once.
    assert abs(min(at, question.flight) - advice.online_until_without) <= (len(stack) + 1) * hour


def question(**fields: Any) -> Question:  # noqa: ANN401  # any field of a question
    return Question(
        **{
            "stack": (),
            "now": NOW,
            "flight": NOW + timedelta(days=10),
            "bytes_per_day": GIGABYTE,
            "offers": [on_offer("A", 5 * GIGABYTE, 5, 500)],
            "zone": TOKYO,
            **fields,
        }
    )


def bought(asked: Question) -> list[tuple[str, timedelta]]:
    return [(each.plan, each.at - NOW) for each in advise(asked).purchases]


def test_each_plan_is_bought_when_the_one_before_it_ends() -> None:
    assert bought(question()) == [("A", timedelta()), ("A", timedelta(days=5))]


def test_a_lot_that_would_be_lost_is_joined_an_hour_before_it_ends() -> None:
    held = rules.renew((), on_offer("A", 4 * GIGABYTE, 5, 0).terms, LotKind.DATA, NOW, TOKYO).stack
    refill = on_offer("B", 2 * GIGABYTE, 5, 300, stacking="extend", joins=["A", "B"])
    asked = question(stack=held, offers=[refill], bytes_per_day=GIGABYTE * 6 // 10)
    assert bought(asked) == [("B", timedelta(days=4, hours=23))]
    advice = advise(asked)
    assert (advice.lost_bytes, advice.online_until_without - NOW) == (0, timedelta(days=5))


def test_what_has_ended_is_given_back_as_late_as_it_can_be() -> None:
    """Bought when the card would be offline, it would be too late; bought at once, it would end too early."""
    late = on_offer("L", 4 * GIGABYTE, 2, 300, restore_hours=12)
    other = on_offer("O", 5 * GIGABYTE, 1, 800)
    stack = rules.renew((), late.terms, LotKind.DATA, NOW - timedelta(hours=50), TOKYO).stack
    stack = rules.renew(stack, other.terms, LotKind.DATA, NOW - timedelta(hours=2), TOKYO).stack
    asked = question(
        stack=stack, offers=[late, other], bytes_per_day=5 * GIGABYTE, flight=NOW + timedelta(days=2, hours=9)
    )
    assert bought(asked) == [("L", timedelta(hours=9))]
    assert advise(replace(asked, now=NOW + timedelta(hours=11))).total_minor == 600


def test_a_lot_that_waits_for_a_tap_is_put_off_by_filling_the_one_before_it() -> None:
    waiting = on_offer("T", None, 4, 700, start="tap")
    held = on_offer("H", 4 * GIGABYTE, 3, 400)
    boost = on_offer("V", 3 * GIGABYTE, 1, 200, stacking="value_only", joins=["H"])
    stack = rules.renew((), waiting.terms, LotKind.DATA, NOW, TOKYO).stack
    stack = rules.renew(stack, held.terms, LotKind.DATA, NOW, TOKYO).stack
    until = NOW + timedelta(hours=30)
    asked = question(stack=stack, offers=[waiting, held, boost], bytes_per_day=3 * GIGABYTE, renewable_until=until)
    assert bought(replace(asked, flight=NOW + timedelta(days=6))) == [("V", timedelta(hours=30))]


def test_a_day_bought_at_once_spares_what_lasts_longer() -> None:
    day = on_offer("D", 9 * GIGABYTE, 1, 200, stacking="reset", day_rule="calendar", joins=["D"])
    kept = on_offer("K", GIGABYTE, 6, 900, stacking="sequel", joins=["K"])
    stack = rules.renew((), kept.terms, LotKind.DATA, NOW - timedelta(hours=26), TOKYO).stack
    asked = question(stack=stack, offers=[day, kept], bytes_per_day=2 * GIGABYTE, flight=NOW + timedelta(days=2))
    midnight = datetime(2026, 4, 1, 15, tzinfo=UTC)
    assert bought(asked) == [("D", timedelta()), ("D", midnight - NOW)]


def test_what_waits_for_windows_is_no_help_while_one_is_open_until_the_flight() -> None:
    """Unless what opens that window waits for a tap itself: then it is online first, and the tap comes after it."""
    small = on_offer("S", 2 * GIGABYTE, 5, 300, stacking="sequel")
    dear = on_offer("D", 2 * GIGABYTE, 5, 900)
    opened = on_offer("O", 3 * GIGABYTE, 10, 700)
    asked = question(offers=[small, dear], flight=NOW + timedelta(days=5))
    stack = rules.renew((), opened.terms, LotKind.DATA, NOW, TOKYO).stack
    assert bought(replace(asked, stack=stack)) == [("D", timedelta(days=3))]
    tapped = replace(opened.terms, start=Start.TAP)
    held = on_offer("H", 3 * GIGABYTE, 1, 100)
    stack = rules.renew((), tapped, LotKind.DATA, NOW, TOKYO).stack
    stack = rules.renew(stack, held.terms, LotKind.DATA, NOW, TOKYO).stack
    before = bought(replace(asked, stack=stack, flight=NOW + timedelta(days=5)))
    assert [plan for plan, _ in before] == ["S"]


def test_ties_go_to_fewer_then_later_then_by_the_alphabet() -> None:
    two_or_one = [on_offer("A", 5 * GIGABYTE, 5, 500), on_offer("B", 10 * GIGABYTE, 10, 1000)]
    assert bought(question(offers=two_or_one)) == [("B", timedelta())]
    either_first = [on_offer("C", 3 * GIGABYTE, 3, 300), on_offer("B", 7 * GIGABYTE, 7, 700)]
    assert bought(question(offers=either_first)) == [("B", timedelta()), ("C", timedelta(days=7))]
    same = [on_offer("B", 10 * GIGABYTE, 10, 500), on_offer("A", 10 * GIGABYTE, 10, 500)]
    assert bought(question(offers=same)) == [("A", timedelta())]


def test_what_is_not_enough_brings_one_furthest() -> None:
    short = advise(question(flight=NOW + timedelta(days=60)))
    assert (short.outcome, short.online_until - NOW, short.is_proven) == (Outcome.NOT_ENOUGH, timedelta(days=30), True)
    assert [each.plan for each in short.purchases] == ["A"] * 6
    none = advise(question(offers=[]))
    assert (none.outcome, none.purchases, none.online_until) == (Outcome.NOT_ENOUGH, (), NOW)


def test_a_daily_allowance_is_slow_and_online() -> None:
    slow = advise(question(offers=[on_offer("U", None, 10, 900, daily_bytes=GIGABYTE // 2)]))
    assert (slow.outcome, slow.total_minor) == (Outcome.RENEW, 900)
    # Half of every day's use, on nine whole days and the first, which is cut; the last ends too early.
    assert (slow.slow_days, slow.slow_bytes // 10**8) == (10, 46)


def test_a_card_that_takes_no_renewals_later_is_filled_before() -> None:
    until = NOW + timedelta(days=2)
    queue = [on_offer("Q", 5 * GIGABYTE, 5, 500, stacking="queue")]
    assert bought(question(offers=queue, renewable_until=until)) == [("Q", timedelta()), ("Q", timedelta(days=2))]


def test_a_search_that_is_cut_short_says_so() -> None:
    days = range(3, 10)
    fields = {"stacking": "reset", "day_rule": "calendar", "joins": [f"P{each}" for each in days]}
    plans = [
        on_offer(f"P{each}", (each**2 % 7 + 3) * GIGABYTE * 9 // 10, each, 100 * each + each**2 % 7 * 50, **fields)
        for each in days
    ]
    asked = question(offers=plans, flight=NOW + timedelta(days=27, hours=5))
    short, whole = advise(replace(asked, work_max=200)), advise(asked)
    assert (short.outcome, short.is_proven, short.least_minor < short.total_minor) == (Outcome.RENEW, False, True)
    assert (whole.outcome, whole.is_proven) == (Outcome.RENEW, True)
    assert short.least_minor <= whole.total_minor <= short.total_minor


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"flight": NOW}, FlightPast),
        ({"flight": NOW + timedelta(days=60, seconds=1)}, FlightTooFar),
        ({"bytes_per_day": -1}, PaceNegative),
    ],
)
def test_what_cannot_be_answered_is_refused(fields: dict[str, object], refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        advise(question(**fields))
