# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from tsuzuku.channels.partner_api import calls_batch
from tsuzuku.channels.partner_api.calls_batch import LINES_MAX, BadLine, in_lanes, parse_batch
from tsuzuku.channels.partner_api.calls_renewals import Wish
from tsuzuku.channels.partner_api.http import Problem
from tsuzuku.kernel.iccid import Iccid
from tsuzuku.sellers.queries import Caller

CARD = "8981102026990000015"


def parsed(line: object) -> tuple[str | None, str]:
    """The key and the code of a line, or the plan that it asks for."""
    (found,) = parse_batch((line if isinstance(line, str) else json.dumps(line)).encode())
    return (found.key, found.problem.code) if isinstance(found, BadLine) else (found.key, found.plan)


def test_a_line_asks_for_a_plan() -> None:
    assert parse_batch(b'{"key":"k","iccid":"%sF","plan":"P","more":1}\r\n' % CARD.encode()) == [Wish(CARD, "P", "k")]  # type: ignore[arg-type] # an ICCID


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("{", (None, "line-malformed")),
        ("[" * 100_000, (None, "line-malformed")),
        ("1" * 10_000, (None, "line-malformed")),
        ([], (None, "line-malformed")),
        ({}, (None, "line-malformed")),
        ({"key": None, "iccid": CARD, "plan": "P"}, (None, "line-malformed")),
        (f'{{"key":"a","key":"b","iccid":"{CARD}","plan":"P"}}', (None, "line-malformed")),
        ({"key": "", "iccid": CARD, "plan": "P"}, ("", "idempotency-key-malformed")),
        ({"key": "k" * 256, "iccid": CARD, "plan": "P"}, ("k" * 256, "idempotency-key-malformed")),
        ({"key": "ü", "iccid": CARD, "plan": "P"}, ("ü", "idempotency-key-malformed")),
        ({"key": "\ud800", "iccid": CARD, "plan": "P"}, (None, "idempotency-key-malformed")),
        ({"key": "k\n", "iccid": CARD, "plan": "P"}, (None, "idempotency-key-malformed")),
        ({"key": "k", "plan": "P"}, ("k", "line-malformed")),
        ({"key": "k", "iccid": CARD, "plan": 7}, ("k", "line-malformed")),
        ({"key": "k", "iccid": "12", "plan": "P"}, ("k", "iccid-malformed")),
        ({"key": "k", "iccid": CARD, "plan": ""}, ("k", "")),
    ],
)
def test_what_a_line_can_be(line: object, answer: tuple[str | None, str]) -> None:
    assert parsed(line) == answer


def test_blank_lines_do_not_count() -> None:
    assert len(parse_batch(b"{}\n\n  \n" * LINES_MAX)) == LINES_MAX
    with pytest.raises(Problem) as refused:
        parse_batch(b"{}\n" * (LINES_MAX + 1))
    assert refused.value.code == "body-too-large"


@pytest.mark.parametrize("is_ample", [True, False])
def test_lines_of_a_card_stay_in_order_and_all_do_when_funds_may_not_suffice(
    monkeypatch: pytest.MonkeyPatch, is_ample: bool
) -> None:
    monkeypatch.setattr(calls_batch, "has_ample_funds", lambda caller, wishes: is_ample)
    caller = Caller(key_id=1, partner_id=1, scopes=frozenset(), calls_per_second=1, card_groups=None)
    wanted: list[calls_batch.Line] = [Wish(Iccid(str(number % 7)), "P", str(number)) for number in range(600)]
    wanted[5] = BadLine(None, Problem("line-malformed"))

    lanes = in_lanes((caller, wanted))

    assert sorted(place for lane in lanes for place in lane) == list(range(600))
    assert all(lane == sorted(lane) for lane in lanes)
    cards = [{wanted[place].iccid for place in lane if place != 5} for lane in lanes]  # type: ignore[union-attr] # a wish
    assert len(lanes) == 1 + is_ample
    assert not is_ample or not cards[0] & cards[1]
