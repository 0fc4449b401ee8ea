# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku simulate` as a person runs it: what goes in, what comes out, and what is refused as no scenario at all."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tsuzuku.allowances.simulator import simulate
from tsuzuku.project.commands.simulate import command

EXAMPLE: dict[str, Any] = {
    "timezone": "Asia/Tokyo",
    "plans": {
        "W1": {"data_bytes": 1000000000, "days": 7, "day_rule": "rolling", "start": "now", "stacking": "extend"},
    },
    "events": [
        {"at": "2026-04-01T09:00:00+09:00", "renew": "W1"},
        {"at": "2026-04-03T09:00:00+09:00", "use": 400000000},
        {"at": "2026-04-04T09:00:00+09:00", "renew": "W1"},
        {"at": "2026-04-05T09:00:00+09:00", "show": True},
    ],
}


def _example_answer(at: str, *, remaining_bytes: int, ends_at: str) -> dict[str, Any]:
    return {
        "at": at,
        "ok": True,
        "refused": None,
        "remaining_bytes": remaining_bytes,
        "throttled_bytes": 0,
        "unserved_bytes": 0,
        "online_until": ends_at,
        "expires": [],
        "lots": [
            {
                "plan": "W1",
                "state": "running",
                "remaining_bytes": remaining_bytes,
                "starts_at": "2026-04-01T09:00:00+09:00",
                "ends_at": ends_at,
            }
        ],
    }


EXAMPLE_ANSWERS = [
    _example_answer("2026-04-01T09:00:00+09:00", remaining_bytes=1000000000, ends_at="2026-04-08T09:00:00+09:00"),
    _example_answer("2026-04-03T09:00:00+09:00", remaining_bytes=600000000, ends_at="2026-04-08T09:00:00+09:00"),
    _example_answer("2026-04-04T09:00:00+09:00", remaining_bytes=1600000000, ends_at="2026-04-15T09:00:00+09:00"),
    _example_answer("2026-04-05T09:00:00+09:00", remaining_bytes=1600000000, ends_at="2026-04-15T09:00:00+09:00"),
]


def run(text: str | bytes, tmp_path: Path) -> Result:
    file = tmp_path / "scenario.json"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return CliRunner().invoke(command, [str(file)])


def test_the_example_is_answered_exactly(tmp_path: Path) -> None:
    result = run(json.dumps(EXAMPLE), tmp_path)

    assert (result.exit_code, result.stderr) == (0, "")
    answers = json.loads(result.stdout)
    assert answers == EXAMPLE_ANSWERS
    assert [list(answer) for answer in answers] == [list(answer) for answer in EXAMPLE_ANSWERS]


def test_standard_input_is_read_where_the_file_is_a_dash() -> None:
    result = CliRunner().invoke(command, ["-"], input=json.dumps(EXAMPLE))

    assert (result.exit_code, json.loads(result.stdout)) == (0, EXAMPLE_ANSWERS)


def test_a_refused_renewal_is_an_answer_not_an_error(tmp_path: Path) -> None:
    plans = {"V": {"data_bytes": 1, "days": 1, "stacking": "value_only"}}
    result = run(json.dumps(EXAMPLE | {"plans": plans, "events": [{"at": AT, "renew": "V"}]}), tmp_path)

    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout) == [
        {
            "at": AT,
            "ok": False,
            "refused": "nothing-to-join",
            "remaining_bytes": 0,
            "throttled_bytes": 0,
            "unserved_bytes": 0,
            "online_until": None,
            "expires": [],
            "lots": [],
        }
    ]


def test_a_scenario_without_events_has_no_answers(tmp_path: Path) -> None:
    result = run(json.dumps(EXAMPLE | {"events": []}), tmp_path)

    assert (result.exit_code, json.loads(result.stdout)) == (0, [])


def test_times_are_printed_in_the_scenarios_timezone_however_they_were_written() -> None:
    plans = {
        "S": {"data_bytes": 5, "days": 1},
        "L": {"data_bytes": 5, "days": 2},
        "T": {"data_bytes": None, "days": 1, "start": "tap"},
    }
    events = [
        {"at": "2026-03-28T00:30:00Z", "renew": "S"},
        {"at": "2026-03-28T09:30:00+09:00", "renew": "L"},
        {"at": "2026-03-28T01:30:00+01:00", "renew": "T"},
    ]
    answer = simulate(json.dumps({"timezone": "Europe/Paris", "plans": plans, "events": events}))[-1]

    assert answer == {
        "at": "2026-03-28T01:30:00+01:00",
        "ok": True,
        "refused": None,
        "remaining_bytes": 10,
        "throttled_bytes": 0,
        "unserved_bytes": 0,
        "online_until": "2026-03-30T02:30:00+02:00",
        "expires": [{"bytes": 5, "at": "2026-03-29T01:30:00+01:00"}],
        "lots": [
            {
                "plan": "S",
                "state": "running",
                "remaining_bytes": 5,
                "starts_at": "2026-03-28T01:30:00+01:00",
                "ends_at": "2026-03-29T01:30:00+01:00",
            },
            {
                "plan": "L",
                "state": "running",
                "remaining_bytes": 5,
                "starts_at": "2026-03-28T01:30:00+01:00",
                "ends_at": "2026-03-30T02:30:00+02:00",
            },
            {"plan": "T", "state": "waiting", "remaining_bytes": None, "starts_at": None, "ends_at": None},
        ],
    }


def test_defaults_are_those_of_the_table() -> None:
    written_out = {
        "day_rule": "rolling",
        "start": "now",
        "start_within_days": 180,
        "stacking": "separate",
        "joins": ["S"],
        "grace_hours": None,
        "restore_hours": 0,
        "priority": 0,
    }
    events = [
        {"at": "2026-04-01T09:00:00+09:00", "renew": "S"},
        {"at": "2026-04-01T09:00:00+09:00", "renew": "S"},
        {"at": "2026-04-03T09:00:00+09:00", "renew": "S"},
    ]
    short = EXAMPLE | {"plans": {"S": {"data_bytes": 5, "days": 1}}, "events": events}
    long = EXAMPLE | {"plans": {"S": {"data_bytes": 5, "days": 1} | written_out}, "events": events}

    assert simulate(json.dumps(short)) == simulate(json.dumps(long))


@pytest.mark.parametrize("field", ["start_within_days", "grace_hours", "restore_hours"])
def test_a_wait_longer_than_the_calendar_is_no_limit(field: str) -> None:
    plans = {"T": {"data_bytes": 5, "days": 1, "start": "tap", field: 90_000_000}}
    events = [{"at": AT, "renew": "T"}, {"at": AT, "tap": True}, {"at": "2027-04-01T09:00:00+09:00", "renew": "T"}]
    answers = simulate(json.dumps(EXAMPLE | {"plans": plans, "events": events}))

    assert [answer["ok"] for answer in answers] == [True, True, True]


AT = "2026-04-01T09:00:00+09:00"
PLAN = {"data_bytes": 100, "days": 7}


def _with_plan(**fields: object) -> dict[str, Any]:
    return EXAMPLE | {"plans": EXAMPLE["plans"] | {"S": PLAN | fields}}


def _with_event(event: object) -> dict[str, Any]:
    return EXAMPLE | {"events": [event]}


def _without(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}


VALUE = "plan 'S': {} is missing or malformed (value-malformed)"
COMBINATION = "plan 'S': {} is missing or malformed (combination-malformed)"
NO_MOMENT = "event 1: at must be a time with an offset, such as 2026-04-01T09:00:00+09:00"
NO_BYTES = "event 1: use takes a whole number of bytes, not negative"

MALFORMED = [
    ("not an object", [], "file: must be an object"),
    ("an unknown field", EXAMPLE | {"zone": "Asia/Tokyo"}, "file: has an unknown field 'zone'"),
    ("no timezone", _without(EXAMPLE, "timezone"), "file: lacks timezone"),
    ("no plans", _without(EXAMPLE, "plans"), "file: lacks plans"),
    ("no events", _without(EXAMPLE, "events"), "file: lacks events"),
    ("an unknown timezone", EXAMPLE | {"timezone": "Asia/Edo"}, "timezone: unknown timezone 'Asia/Edo'"),
    ("an offset for a timezone", EXAMPLE | {"timezone": "+09:00"}, "timezone: unknown timezone '+09:00'"),
    ("an empty timezone", EXAMPLE | {"timezone": ""}, "timezone: unknown timezone ''"),
    ("a folder for a timezone", EXAMPLE | {"timezone": "Asia"}, "timezone: unknown timezone 'Asia'"),
    ("a path for a timezone", EXAMPLE | {"timezone": "../Tokyo"}, "timezone: unknown timezone '../Tokyo'"),
    ("no text for a timezone", EXAMPLE | {"timezone": 9}, "timezone: unknown timezone 9"),
    ("plans in a list", EXAMPLE | {"plans": [PLAN]}, "plans: must be an object"),
    ("a plan that is no object", EXAMPLE | {"plans": {"S": 7}}, "plan 'S': must be an object"),
    ("an unknown plan field", _with_plan(price_minor=500), "plan 'S': has an unknown field 'price_minor'"),
    ("a field of plan files", _with_plan(voice_seconds=60), "plan 'S': has an unknown field 'voice_seconds'"),
    ("no data_bytes", EXAMPLE | {"plans": {"S": {"days": 7}}}, VALUE.format("data_bytes")),
    ("no days", EXAMPLE | {"plans": {"S": {"data_bytes": 100}}}, VALUE.format("days")),
    ("negative data_bytes", _with_plan(data_bytes=-1), VALUE.format("data_bytes")),
    ("data_bytes with a fraction", _with_plan(data_bytes=1.5), VALUE.format("data_bytes")),
    ("data_bytes not written as an integer", _with_plan(data_bytes=1.0), VALUE.format("data_bytes")),
    ("data_bytes as text", _with_plan(data_bytes="100"), VALUE.format("data_bytes")),
    ("data_bytes as a boolean", _with_plan(data_bytes=True), VALUE.format("data_bytes")),
    ("negative daily_bytes", _with_plan(daily_bytes=-1), VALUE.format("daily_bytes")),
    ("daily_bytes null", _with_plan(daily_bytes=None), VALUE.format("daily_bytes")),
    ("no day at all", _with_plan(days=0), VALUE.format("days")),
    ("half a day", _with_plan(days=0.5), VALUE.format("days")),
    ("an unknown day_rule", _with_plan(day_rule="weekly"), VALUE.format("day_rule")),
    ("an unknown start", _with_plan(start="later"), VALUE.format("start")),
    ("a start that is no text", _with_plan(start=["now"]), VALUE.format("start")),
    ("start_within_days as text", _with_plan(start_within_days="180"), VALUE.format("start_within_days")),
    ("an unknown stacking", _with_plan(stacking="heap"), VALUE.format("stacking")),
    ("joins that is no list", _with_plan(joins="W1"), VALUE.format("joins")),
    ("joins of something else", _with_plan(joins=[1]), VALUE.format("joins")),
    ("joins an unknown plan", _with_plan(joins=["W1", "W9"]), "plan 'S': joins an unknown plan 'W9'"),
    ("extend_days as text", _with_plan(extend_days="2"), VALUE.format("extend_days")),
    ("max_stack null", _with_plan(max_stack=None), VALUE.format("max_stack")),
    ("grace_hours as text", _with_plan(grace_hours="1"), VALUE.format("grace_hours")),
    ("restore_hours null", _with_plan(restore_hours=None), VALUE.format("restore_hours")),
    ("a priority with a fraction", _with_plan(priority=0.5), VALUE.format("priority")),
    ("queue with first_use", _with_plan(stacking="queue", start="first_use"), COMBINATION.format("start")),
    ("sequel with first_use", _with_plan(stacking="sequel", start="first_use"), COMBINATION.format("start")),
    (
        "extend_by with first_use",
        _with_plan(stacking="extend_by", extend_days=1, start="first_use"),
        COMBINATION.format("start"),
    ),
    ("extend_by with tap", _with_plan(stacking="extend_by", extend_days=1, start="tap"), COMBINATION.format("start")),
    ("extend_by without extend_days", _with_plan(stacking="extend_by"), COMBINATION.format("extend_days")),
    ("events in an object", EXAMPLE | {"events": {}}, "events: must be a list"),
    ("an event that is no object", _with_event("show"), "event 1: must be an object"),
    ("no verb", _with_event({"at": AT}), "event 1: must have exactly one verb"),
    ("two verbs", _with_event({"at": AT, "tap": True, "show": True}), "event 1: must have exactly one verb"),
    ("an unknown verb", _with_event({"at": AT, "refund": "W1"}), "event 1: unknown verb 'refund'"),
    ("an unknown plan", _with_event({"at": AT, "renew": "W9"}), "event 1: unknown plan 'W9'"),
    ("a plan that is no text", _with_event({"at": AT, "renew": ["W1"]}), "event 1: unknown plan ['W1']"),
    ("negative bytes", _with_event({"at": AT, "use": -1}), NO_BYTES),
    ("bytes with a fraction", _with_event({"at": AT, "use": 0.5}), NO_BYTES),
    ("bytes as text", _with_event({"at": AT, "use": "5"}), NO_BYTES),
    ("bytes as a boolean", _with_event({"at": AT, "use": True}), NO_BYTES),
    ("unlimited use", _with_event({"at": AT, "use": None}), NO_BYTES),
    ("tap with something else", _with_event({"at": AT, "tap": False}), "event 1: tap takes true"),
    ("show with something else", _with_event({"at": AT, "show": 1}), "event 1: show takes true"),
    ("no time", _with_event({"show": True}), NO_MOMENT),
    ("a time without an offset", _with_event({"at": "2026-04-01T09:00:00", "show": True}), NO_MOMENT),
    ("a time that does not exist", _with_event({"at": "2026-04-31T09:00:00+09:00", "show": True}), NO_MOMENT),
    ("a time before all times", _with_event({"at": "0001-01-01T00:00:00+09:00", "show": True}), NO_MOMENT),
    ("a time that is no text", _with_event({"at": 1775001600, "show": True}), NO_MOMENT),
    (
        "a time earlier than the event before",
        EXAMPLE
        | {
            "events": [
                {"at": "2026-04-01T09:00:00+09:00", "show": True},
                {"at": "2026-04-01T08:59:59+09:00", "show": True},
            ]
        },
        "event 2: is earlier than the event before",
    ),
    (
        "earlier, though its clock shows more",
        EXAMPLE
        | {
            "events": [
                {"at": "2026-04-01T09:00:00+08:00", "show": True},
                {"at": "2026-04-01T09:30:00+09:00", "show": True},
            ]
        },
        "event 2: is earlier than the event before",
    ),
    (
        "days that no calendar has",
        EXAMPLE | {"plans": {"S": {"data_bytes": 1, "days": 9_000_000}}, "events": [{"at": AT, "renew": "S"}]},
        "event 1: leads past the year 9999",
    ),
]


@pytest.mark.parametrize(("scenario", "problem"), [case[1:] for case in MALFORMED], ids=[case[0] for case in MALFORMED])
def test_a_malformed_file_is_refused_with_one_line(scenario: object, problem: str, tmp_path: Path) -> None:
    result = run(json.dumps(scenario), tmp_path)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"{tmp_path / 'scenario.json'}: {problem}\n"


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"{}{}", b"\xff\xfe\xfd", b"[" * 100_000, b'{"timezone": 1' + b"0" * 5000 + b"}"],
    ids=["empty", "cut off", "two", "not text", "too deep", "too long a number"],
)
def test_what_is_not_json_is_refused_with_one_line(text: bytes, tmp_path: Path) -> None:
    result = run(text, tmp_path)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"{tmp_path / 'scenario.json'}: file: is not JSON (")
    assert result.stderr.count("\n") == 1


def test_a_missing_file_is_refused_with_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, [str(tmp_path / "none.json")])

    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
