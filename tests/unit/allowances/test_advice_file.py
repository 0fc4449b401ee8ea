# SPDX-License-Identifier: Apache-2.0
"""`tsuzuku advise` as a person runs it, by the words of docs/contracts/advice.md."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tsuzuku.project.commands.advise import command

_BLOCKS = re.findall(
    r"```json\n(.*?)```",
    (Path(__file__).parents[3] / "docs/contracts/advice.md").read_text(encoding="utf-8"),
    re.DOTALL,
)
EXAMPLE: dict[str, Any] = json.loads(_BLOCKS[0])
LOT = EXAMPLE["lots"][0]


def run(text: str | bytes) -> Result:
    return CliRunner().invoke(command, ["-"], input=text)


def test_the_example_is_answered_exactly() -> None:
    result = run(_BLOCKS[0])

    assert (result.exit_code, result.stderr) == (0, "")
    answer = json.loads(result.stdout)
    assert answer == json.loads(_BLOCKS[1])
    assert list(answer) == list(json.loads(_BLOCKS[1]))


def test_a_plan_without_a_price_is_not_for_sale() -> None:
    plans = EXAMPLE["plans"] | {"D3": EXAMPLE["plans"]["D3"] | {"price_minor": None}}
    answer = json.loads(run(json.dumps(EXAMPLE | {"plans": plans})).stdout)
    assert [each["plan"] for each in answer["buy"]] == ["W1", "W1"]


def test_a_card_without_lots_or_plans_is_offline_now() -> None:
    asked = {name: value for name, value in EXAMPLE.items() if name != "lots"} | {"plans": {}}
    answer = json.loads(run(json.dumps(asked)).stdout)
    assert (answer["outcome"], answer["online_until"], answer["buy"]) == ("not-enough", EXAMPLE["now"], [])


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"flight": "2026-04-01T09:00:00+09:00"}, "flight: must be later than now"),
        ({"flight": "2026-05-31T09:00:01+09:00"}, "flight: must be within 60 days of now"),
        ({"flight": "2026-04-12"}, "flight: flight must be a time with an offset, such as 2026-04-01T09:00:00+09:00"),
        ({"now": 5}, "now: now must be a time with an offset, such as 2026-04-01T09:00:00+09:00"),
        ({"timezone": "Asia/Edo"}, "timezone: unknown timezone 'Asia/Edo'"),
        ({"bytes_per_day": -1}, "bytes_per_day: must not be negative"),
        ({"bytes_per_day": 1.5}, "bytes_per_day: must be a whole number"),
        ({"bytes_per_day": True}, "bytes_per_day: must be a whole number"),
        ({"speed": 1}, "file: has an unknown field 'speed'"),
        ({"plans": []}, "plans: must be an object"),
        ({"plans": {"W1": {"days": 1}}}, "plan 'W1': data_bytes is missing or malformed (value-malformed)"),
        ({"plans": {"W1": {"data_bytes": 1, "days": 1, "cost": 1}}}, "plan 'W1': has an unknown field 'cost'"),
        (
            {"plans": {"W1": {"data_bytes": 1, "days": 1, "price_minor": -1}}},
            "plan 'W1': price_minor must be a whole number from 0 on",
        ),
        (
            {"plans": {"W1": {"data_bytes": 1, "days": 1, "joins": ["X"]}}},
            "plan 'W1': joins an unknown plan 'X'",
        ),
        ({"lots": {}}, "lots: must be a list"),
        ({"lots": [LOT | {"plan": "W2"}]}, "lot 1: unknown plan 'W2'"),
        ({"lots": [LOT, LOT | {"remaining_bytes": -1}]}, "lot 2: remaining_bytes must be a whole number from 0 on"),
        ({"lots": [LOT | {"ends_at": None}]}, "lot 1: starts_at and ends_at are both null or both times"),
        ({"lots": [LOT | {"ends_at": LOT["starts_at"]}]}, "lot 1: ends_at must be later than starts_at"),
        (
            {"lots": [LOT | {"starts_at": "2026-04-02T09:00:00+09:00"}]},
            "lot 1: starts_at must not be later than now: a lot that waits has null",
        ),
        ({"lots": [{"plan": "W1"}]}, "lot 1: lacks remaining_bytes"),
        (
            {"renewable_until": "soon"},
            "renewable_until: renewable_until must be a time with an offset, such as 2026-04-01T09:00:00+09:00",
        ),
    ],
)
def test_a_malformed_question_is_refused_with_its_place(changed: dict[str, object], line: str) -> None:
    result = run(json.dumps(EXAMPLE | changed))
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"-: {line}\n")


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"timezone": "Asia/Tokyo",}', b"\xff", "[" * 100_000])
def test_what_is_no_json_object_is_refused(text: str | bytes) -> None:
    result = run(text)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("-: file: ")
    assert result.stderr.count("\n") == 1


def test_the_place_of_a_slip_in_json_is_told() -> None:
    assert run('{"timezone": "Asia/Tokyo",\n "now" 5}').stderr == (
        "-: file: is not JSON (Expecting ':' delimiter: line 2 column 8 (char 34))\n"
    )
