# SPDX-License-Identifier: Apache-2.0
"""What is drawn in numbers is what the rules draw, and what the simulator says; on stories that Hypothesis tells."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count, groupby, islice
from random import Random
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.usage.readings import NOW, ago, give, left, reading
from tsuzuku.allowances import rules
from tsuzuku.allowances.actions import Grantee, grant_renewals
from tsuzuku.allowances.simulator import _lot_answer, in_reading_order, simulate
from tsuzuku.allowances.store import StackKey, brand_zone, load_stacks
from tsuzuku.cards.actions import hold_card
from tsuzuku.cards.models import Card
from tsuzuku.catalog.models import Plan, PlanTermsRow
from tsuzuku.catalog.terms import LotKind, PlanTerms, parse_terms
from tsuzuku.journal.models import Fact
from tsuzuku.testing.factories import make_card, make_customer, make_plan
from tsuzuku.usage import actions, draw_sql
from tsuzuku.usage.actions import Taken, take_readings
from tsuzuku.usage.models import UsageRecord
from tsuzuku.usage.partitions import make_months, months_ahead
from tsuzuku.usage.reading_lines import Reading
from tsuzuku.usage.sql import Sorted

STORIES = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
CODES = ("A", "B", "C")
ALWAYS_BY_RULES, ALWAYS_IN_NUMBERS = 10**9, 1


@st.composite
def plans(draw: st.DrawFn) -> dict[str, Any]:
    """Mostly large lots that run at once, so that many readings are plain; and every way of not being so."""
    stacking = draw(st.sampled_from(["separate", "separate", "queue", "sequel", "extend", "reset", "value_only"]))
    start = draw(st.sampled_from(["now", "now", "tap"]))
    if stacking not in {"queue", "sequel"}:
        start = draw(st.sampled_from(["now", "now", "now", "first_use", "tap"]))
    optional = {
        "daily_bytes": st.sampled_from([50, 300]),
        "priority": st.integers(-1, 1),
        "start_within_days": st.integers(1, 3),
        "joins": st.lists(st.sampled_from(CODES), max_size=3),
        "restore_hours": st.sampled_from([12, 48]),
    }
    chosen = draw(st.sets(st.sampled_from(sorted(optional)), max_size=2))
    return {
        "data_bytes": draw(st.sampled_from([None, 100, 500, 1000, 1000, 5000])),
        "days": draw(st.integers(1, 4)),
        "day_rule": draw(st.sampled_from(["rolling", "calendar"])),
        "stacking": stacking,
        "start": start,
        **{name: draw(optional[name]) for name in sorted(chosen)},
    }


VERBS = st.fixed_dictionaries({"renew": st.sampled_from(CODES)}) | st.fixed_dictionaries(
    {"use": st.sampled_from([0, 1, 10, 100, 100, 500, 1200])}
)


@st.composite
def stories(draw: st.DrawFn) -> dict[str, Any]:
    """A scenario file's content, beginning with a renewal, over a week before now."""
    moment = NOW - timedelta(days=8)
    events: list[dict[str, Any]] = [{"at": moment.isoformat(), "renew": "A"}]
    steps = draw(st.lists(st.tuples(st.sampled_from([0, 0, 1, 2, 12, 24]), VERBS), min_size=1, max_size=14))
    for pause, verb in steps:
        moment = min(moment + timedelta(hours=pause), NOW)
        events.append({"at": moment.isoformat(), **verb})
    return {"timezone": "Asia/Tokyo", "plans": {code: draw(plans()) for code in CODES}, "events": events}


@contextmanager
def _undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _terms_rows(story: dict[str, Any]) -> dict[str, PlanTermsRow]:
    rows = {}
    for code, fields in story["plans"].items():
        terms, mistakes = parse_terms(code, fields)
        assert isinstance(terms, PlanTerms), mistakes
        plan = Plan.objects.create(code=code, name={"en": code}, countries=["JP"])
        rows[code] = PlanTermsRow.objects.create(plan=plan, digest=code, terms=terms.to_json(), created_at=NOW)
    return rows


_renewals = count(1_000_000)


def _renew(card: Card, row: PlanTermsRow, at: datetime) -> None:
    grant_renewals({next(_renewals): Grantee(card_id=card.pk, terms_id=row.pk, at=at, is_credited=False)})


def _stack(card: Card) -> rules.Stack:
    return load_stacks([card.pk]).get(StackKey(card.pk, LotKind.DATA), ())


def _held(stack: rules.Stack) -> int:
    return sum(lot.remaining or 0 for lot in stack)


def _outcomes(card: Card) -> list[tuple[Any, ...]]:
    records = UsageRecord.objects.filter(card_id=card.pk).order_by("record_id")
    return list(records.values_list("record_id", "amount", "ended_at", "throttled", "unserved"))


def _take(readings: list[Reading], *, many: int) -> Taken:
    with patch.object(actions, "MANY", many):
        return take_readings(readings=readings, actor="test", card_groups=None, now=NOW)


def _at(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["at"]).astimezone(UTC)


def _told(card: Card, at: datetime) -> list[dict[str, Any]]:
    stack = rules.advance(_stack(card), at, brand_zone())
    return [_lot_answer(lot, at, brand_zone()) for lot in in_reading_order(stack)]


@pytest.mark.django_db
@STORIES
@given(stories())
def test_in_order_both_draw_what_the_simulator_draws(story: dict[str, Any]) -> None:
    answers = simulate(json.dumps(story))
    numbered = list(enumerate(story["events"]))
    said = [
        (
            f"{number:04}",
            event["use"],
            _at(event),
            *(answers[number][name] for name in ("throttled_bytes", "unserved_bytes")),
        )
        for number, event in numbered
        if "use" in event
    ]
    with _undone():
        rows = _terms_rows(story)
        for many in (ALWAYS_BY_RULES, ALWAYS_IN_NUMBERS):
            card = make_card()
            for is_use, group in groupby(numbered, key=lambda each: "use" in each[1]):
                events = list(group)
                if is_use:
                    _take(
                        [reading(card, event["use"], _at(event), f"{number:04}") for number, event in events], many=many
                    )
                else:
                    for _number, event in events:
                        _renew(card, rows[event["renew"]], _at(event))
            assert _outcomes(card) == said
            assert _told(card, _at(story["events"][-1])) == answers[-1]["lots"]


@pytest.mark.django_db
@STORIES
@given(stories(), st.randoms(use_true_random=False))
def test_in_any_order_both_draw_the_same_and_lose_nothing(story: dict[str, Any], chance: Random) -> None:
    """Renewals come first, as they do when readings are behind; readings in calls of any size and order."""
    uses = [(f"{number:04}", event) for number, event in enumerate(story["events"]) if "use" in event]
    chance.shuffle(uses)
    sizes = [chance.randint(1, 4) for _ in uses]
    with _undone():
        rows = _terms_rows(story)
        ends = []
        mei = make_customer()
        for many in (ALWAYS_BY_RULES, ALWAYS_IN_NUMBERS):
            card = make_card()
            hold_card(user=mei, card=card, now=NOW)
            for event in story["events"]:
                if "renew" in event:
                    _renew(card, rows[event["renew"]], _at(event))
            held = _held(_stack(card))
            waiting = iter(uses)
            taken = Taken()
            for size in sizes:
                readings = [reading(card, event["use"], _at(event), name) for name, event in islice(waiting, size)]
                taken += _take(readings, many=many)
            stack = _stack(card)
            assert (taken.accepted, taken.duplicates, taken.kept_aside) == (len(uses), 0, 0)
            outcomes = _outcomes(card)
            assert [name for name, *_ in outcomes] == sorted(name for name, _ in uses)
            assert sum(each[3] for each in outcomes) == taken.throttled_bytes
            assert sum(each[4] for each in outcomes) == taken.unserved_bytes
            lost = held - _held(stack)
            if all(lot.total is not None for lot in stack):
                assert lost + taken.throttled_bytes + taken.unserved_bytes == sum(event["use"] for _, event in uses)
            undated = [lot._replace(drawn_at=None) for lot in stack]
            low = [fact.body for fact in Fact.objects.filter(card_id=card.pk, kind="data-ran-low").order_by("pk")]
            ends.append((undated, rules.latest_draw(stack), outcomes, taken, low))
        assert ends[0] == ends[1]


@pytest.mark.django_db
def test_lots_that_run_low_or_empty_are_told_once_and_only_of_cards_that_somebody_holds() -> None:
    held, loose = make_card(), make_card()
    hold_card(user=make_customer(), card=held, now=NOW)
    make_months(months_ahead(NOW))
    for card in (held, loose):
        give(card, make_plan("L", data_bytes=1000, days=30), ago(days=5))
    for amount, hours in ((799, 9), (1, 8), (100, 7), (100, 6)):
        _take([reading(card, amount, ago(hours=hours), f"r{hours}") for card in (held, loose)], many=ALWAYS_IN_NUMBERS)
    told = Fact.objects.filter(kind="data-ran-low").order_by("pk").values_list("card_id", "body")
    assert list(told) == [(held.pk, {"percent": 80}), (held.pk, {"percent": 100})]


@pytest.mark.django_db
def test_what_is_plain_never_sees_the_rules() -> None:
    cards = [make_card() for _ in range(3)]
    long, short = make_plan("L", data_bytes=1000, days=30), make_plan("S", data_bytes=1000, days=10)
    queue = make_plan("Q", data_bytes=1000, stacking="queue")
    for card in cards:
        for plan in (long, short, queue):
            give(card, plan, ago(days=5))
    readings = [
        reading(card, amount, ago(hours=9 - number), f"{number}")
        for card in cards
        for number, amount in enumerate((300, 300, 399))
    ]
    make_months(months_ahead(NOW))
    with patch.object(rules, "use_at", side_effect=AssertionError):
        assert draw_sql.draw_plain(readings, None, now=NOW) == Sorted(9, [], set(), {})
    assert [left(card) for card in cards] == [[1000, 1, 1000]] * 3
    assert {lot.drawn_at for card in cards for lot in _stack(card)} == {None, ago(hours=7)}


@pytest.mark.django_db
def test_only_the_terms_of_the_lots_at_hand_are_read() -> None:
    """Each mix that anybody ordered has terms of its own (docs/decisions/0026), and a day of readings few of them."""
    card, plan = make_card(), make_plan("L", data_bytes=1000, days=30)
    give(card, plan, ago(days=5))
    terms = PlanTermsRow.objects.get(plan=plan)
    PlanTermsRow.objects.bulk_create(
        PlanTermsRow(plan=plan, digest=f"mix {number}", terms=terms.terms, created_at=NOW) for number in range(300)
    )
    make_months(months_ahead(NOW))
    before = _terms_read()
    _take([reading(card, 100, ago(hours=1))], many=ALWAYS_IN_NUMBERS)
    read = _terms_read() - before
    assert (left(card), read) == ([900], 1)


def _terms_read() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'catalog_plantermsrow'"
        )
        (count,) = cursor.fetchone()
        return int(count)


def _plain(card: Card, *readings: Reading) -> int:
    """How many of a card's readings are plain, without drawing them for good."""
    with _undone():
        found = draw_sql.draw_plain(readings, None, now=NOW)
        assert (found.drawn + len(found.rest), found.unknown) == (len(readings), set())
        return found.drawn


@pytest.mark.django_db
def test_what_is_not_plain_is_left_to_the_rules() -> None:
    def holding(*plans: tuple[str, dict[str, Any], datetime]) -> Card:
        card = make_card()
        for code, fields, at in plans:
            give(card, make_plan(code, **{"data_bytes": 1000, "days": 30, **fields}), at)
        return card

    def some(card: Card) -> list[Reading]:
        return [reading(card, 100, ago(hours=3), "a"), reading(card, 100, ago(hours=1), "b")]

    make_months(months_ahead(NOW))
    usual = holding(("A", {}, ago(days=1)))
    assert _plain(usual, *some(usual)) == 2
    cases = {
        "no lot": make_card(),
        "more than there is": holding(("B", {"data_bytes": 199}, ago(days=1))),
        "a daily allowance": holding(("C", {"daily_bytes": 500}, ago(days=1))),
        "begins between": holding(("D", {}, ago(hours=2))),
        "ends between": holding(("E", {"days": 1}, ago(hours=26))),
        "ends with the last reading": holding(("F", {"days": 1}, ago(hours=25))),
        "another before it begins between": holding(("A", {}, ago(days=1)), ("G", {"priority": 1}, ago(hours=2))),
        "another before it ends between": holding(
            ("H", {"priority": 1, "days": 1}, ago(hours=26)), ("A", {}, ago(days=1))
        ),
        "an older one waits its turn": holding(
            ("A", {}, ago(days=2)), ("I", {"stacking": "queue"}, ago(days=2)), ("J", {"priority": 1}, ago(days=1))
        ),
        "nothing but what waits": holding(("K", {"start": "first_use"}, ago(days=1))),
    }
    assert {name: _plain(card, *some(card)) for name, card in cases.items()} == dict.fromkeys(cases, 0)
    assert _plain(usual, reading(usual, 0, ago(hours=1))) == 0
    assert _plain(usual, reading(usual, 1000, ago(hours=1))) == 1
    assert _plain(usual, reading(usual, 1001, ago(hours=1))) == 0
    two = holding(("L", {"data_bytes": 150}, ago(days=2)), ("A", {}, ago(days=1)))
    assert _plain(two, *some(two)) == 2
    assert _plain(two, reading(two, 1100, ago(hours=1))) == 1
    give(two, make_plan("Q", data_bytes=1000, stacking="queue"), ago(hours=5))
    assert [_plain(two, reading(two, amount, ago(hours=1))) for amount in (149, 150, 151)] == [1, 0, 0]
    assert _plain(usual, reading(usual, 1, ago(hours=1), "v", LotKind.VOICE), reading(usual, 1, ago(hours=1), "d")) == 0
    _take([reading(usual, 1, ago(hours=2), "first")], many=ALWAYS_IN_NUMBERS)
    assert _plain(usual, *some(usual)) == 2
