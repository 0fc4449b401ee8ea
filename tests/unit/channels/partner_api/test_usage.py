# SPDX-License-Identifier: Apache-2.0
"""Bodies of usage: taken apart by card, drawn side by side, told of as one."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import pytest

from tsuzuku.channels.partner_api import calls_usage
from tsuzuku.channels.partner_api.calls_usage import UsageBody, UsageCall, parse_usage
from tsuzuku.channels.partner_api.http import Problem
from tsuzuku.kernel.luhn import luhn_digit
from tsuzuku.usage.actions import Taken

CARDS = [body + luhn_digit(body) for body in (f"8981102{number:011d}" for number in range(400))]


def body(lines: int) -> bytes:
    """Readings of the cards in turn, and a line that is none."""
    said = [
        {"record_id": f"r{number}", "iccid": CARDS[number % 400], "bytes": 1, "ended_at": "2026-01-01T00:00:00Z"}
        for number in range(lines)
    ]
    return "\n".join([*map(json.dumps, said), "{"]).encode()


def test_of_too_many_lines_or_breaks() -> None:
    assert len(parse_usage(b"{}\n\n" * 50_000).refused) == 50_000
    for too_long in (b"{}\n" * 50_001, b"\n" * 500_001):
        with pytest.raises(Problem) as refused:
            parse_usage(too_long)
        assert refused.value.code == "body-too-large"


def test_a_long_one_is_taken_apart_by_card_and_a_short_one_is_not() -> None:
    assert [len(portion) for portion in parse_usage(body(500)).portions] == [500]
    long = parse_usage(body(4000))
    assert [line.number for line in long.refused] == [4001]
    one, other = ({each.iccid for each in portion} for portion in long.portions)
    assert (one & other, one | other) == (set(), set(CARDS))
    for portion in long.portions:
        for card in {each.iccid for each in portion}:
            names = [each.record_id for each in portion if each.iccid == card]
            assert names == [f"r{number}" for number in range(CARDS.index(card), 4000, 400)]


class Bodies:
    """Hands over a body as if it had come in."""

    async def take(self, *_: object, **__: object) -> tuple[Any, UsageBody]:
        return None, parse_usage(body(4000))


def told(outcomes: Sequence[Taken | Exception]) -> dict[str, Any]:
    """The answer to a body whose portions have these outcomes."""
    with patch.object(calls_usage, "_take", side_effect=outcomes):
        answer = asyncio.run(UsageCall(Bodies()).take(None))  # type: ignore[arg-type]  # neither is looked at
    fields: dict[str, Any] = json.loads(answer.body)
    return fields


def test_what_became_of_the_portions_is_told_as_one() -> None:
    assert told([Taken(1, 2, 3, 4, 5), Taken(10, 20, 30, 40, 50)]) == {
        "accepted": 11,
        "duplicates": 22,
        "kept_aside": 33,
        "unserved_bytes": 44,
        "throttled_bytes": 55,
        "refused": [{"line": 4001, "code": "line-malformed"}],
    }


def test_a_portion_that_fails_fails_the_call_once_the_others_are_done() -> None:
    with pytest.raises(ValueError, match="broken"):
        told([ValueError("broken"), Taken(1)])
    with pytest.raises(ValueError, match="broken"):
        told([Taken(1), ValueError("broken")])
