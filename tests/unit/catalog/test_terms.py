# SPDX-License-Identifier: Apache-2.0
import json
from collections.abc import Mapping

import pytest

from tsuzuku.catalog.terms import (
    DayRule,
    LotKind,
    Mistake,
    PlanTerms,
    Stacking,
    Start,
    is_whole,
    parse_terms,
)

LEAST: Mapping[str, object] = {"data_bytes": 100, "days": 7}


def test_what_is_left_out_has_the_defaults_of_the_contract() -> None:
    assert parse_terms("W1", LEAST) == (
        PlanTerms(
            code="W1",
            amounts={LotKind.DATA: 100},
            days=7,
            daily_bytes=None,
            day_rule=DayRule.ROLLING,
            start=Start.NOW,
            start_within_days=180,
            stacking=Stacking.SEPARATE,
            joins=frozenset({"W1"}),
            extend_days=None,
            max_stack=None,
            grace_hours=None,
            restore_hours=0,
            priority=0,
        ),
        [],
    )


FULL: Mapping[str, object] = {
    "data_bytes": None,
    "daily_bytes": 3,
    "days": 30,
    "day_rule": "calendar",
    "start": "now",
    "start_within_days": 90,
    "stacking": "extend_by",
    "joins": ["A", "B", "A"],
    "extend_days": 2,
    "max_stack": 4,
    "grace_hours": 24,
    "restore_hours": 48,
    "priority": -1,
    "voice_seconds": 600,
    "messages": None,
}

FULL_TERMS = PlanTerms(
    code="F",
    amounts={LotKind.DATA: None, LotKind.VOICE: 600, LotKind.MESSAGE: None},
    days=30,
    daily_bytes=3,
    day_rule=DayRule.CALENDAR,
    start=Start.NOW,
    start_within_days=90,
    stacking=Stacking.EXTEND_BY,
    joins=frozenset({"A", "B"}),
    extend_days=2,
    max_stack=4,
    grace_hours=24,
    restore_hours=48,
    priority=-1,
)


def test_every_field_is_read() -> None:
    assert parse_terms("F", FULL) == (FULL_TERMS, [])


def test_fields_that_are_not_terms_are_left_to_the_caller() -> None:
    assert parse_terms("F", {**FULL, "price_minor": "?", "currency": 9}) == (FULL_TERMS, [])


@pytest.mark.parametrize("terms", [FULL_TERMS, parse_terms("W1", LEAST)[0]])
def test_terms_survive_being_written_and_read(terms: PlanTerms) -> None:
    assert PlanTerms.from_json(json.loads(json.dumps(terms.to_json()))) == terms


def test_the_same_terms_are_written_the_same() -> None:
    turned = parse_terms("F", {**dict(reversed(list(FULL.items()))), "joins": ["B", "A"]})[0]
    assert turned is not None
    assert json.dumps(turned.to_json()) == json.dumps(FULL_TERMS.to_json())


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("data_bytes", [0, 1, 10**15, None]),
        ("voice_seconds", [0, None]),
        ("messages", [0, None]),
        ("daily_bytes", [0, 1]),
        ("days", [1, 365]),
        ("day_rule", ["rolling", "calendar"]),
        ("start", ["now", "first_use", "tap"]),
        ("start_within_days", [0, 180]),
        ("stacking", ["separate", "queue", "sequel", "extend", "reset", "value_only"]),
        ("joins", [[], ["A"], ["A", "B"]]),
        ("extend_days", [0, 1]),
        ("max_stack", [0, 1]),
        ("grace_hours", [0, 1, None]),
        ("restore_hours", [0, 1]),
        ("priority", [-5, 0, 5]),
    ],
)
def test_values_that_the_contract_names_are_taken(field: str, values: list[object]) -> None:
    assert [parse_terms("W1", {**LEAST, field: value})[1] for value in values] == [[] for _ in values]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("data_bytes", [-1, 1.0, "1", True, [1]]),
        ("voice_seconds", [-1, 1.0, "1", False]),
        ("messages", [-1, 1.0, "1", False]),
        ("daily_bytes", [-1, 1.0, None, True]),
        ("days", [0, -1, 1.0, None, "7", True]),
        ("day_rule", ["weekly", None, 1, ["rolling"], "ROLLING"]),
        ("start", ["soon", None, 1, {}]),
        ("start_within_days", [-1, 1.5, None, "1"]),
        ("stacking", ["heap", None, 1, []]),
        ("joins", ["A", None, [1], [None], {"A": 1}]),
        ("extend_days", [-1, 1.5, None, "1"]),
        ("max_stack", [-1, 1.5, None, "1"]),
        ("grace_hours", [-1, 1.5, "1", True]),
        ("restore_hours", [-1, 1.5, None, "1"]),
        ("priority", [1.5, None, "1", True]),
    ],
)
def test_other_values_are_malformed(field: str, values: list[object]) -> None:
    expected = (None, [Mistake("W1", field, "value-malformed")])
    assert [parse_terms("W1", {**LEAST, field: value}) for value in values] == [expected for _ in values]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"stacking": "queue", "start": "first_use"}, ["start"]),
        ({"stacking": "sequel", "start": "first_use"}, ["start"]),
        ({"stacking": "extend_by", "extend_days": 1, "start": "first_use"}, ["start"]),
        ({"stacking": "extend_by", "extend_days": 1, "start": "tap"}, ["start"]),
        ({"stacking": "extend_by"}, ["extend_days"]),
        ({"stacking": "extend_by", "start": "tap"}, ["start", "extend_days"]),
        ({"stacking": "queue", "start": "tap"}, []),
        ({"stacking": "sequel", "start": "tap"}, []),
        ({"stacking": "separate", "extend_days": 1}, []),
    ],
)
def test_combinations_that_the_contract_calls_malformed(fields: Mapping[str, object], wrong: list[str]) -> None:
    mistakes = parse_terms("W1", {**LEAST, **fields})[1]
    assert mistakes == [Mistake("W1", field, "combination-malformed") for field in wrong]


def test_every_mistake_is_named() -> None:
    terms, mistakes = parse_terms("W1", {"days": 0, "start": "soon", "messages": -1})

    assert terms is None
    assert mistakes == [
        Mistake("W1", "data_bytes", "value-malformed"),
        Mistake("W1", "days", "value-malformed"),
        Mistake("W1", "start", "value-malformed"),
        Mistake("W1", "messages", "value-malformed"),
    ]


@pytest.mark.parametrize(
    ("value", "whole"),
    [(0, True), (-3, True), (10**30, True), (True, False), (1.0, False), ("1", False), (None, False)],
)
def test_whole_numbers(value: object, whole: bool) -> None:
    assert is_whole(value) is whole
