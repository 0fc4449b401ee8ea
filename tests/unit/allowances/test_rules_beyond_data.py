# SPDX-License-Identifier: Apache-2.0
"""What the rules do beyond scenario files: other kinds of lots, renewals a carrier has credited, a tap on one lot."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tsuzuku.allowances import rules
from tsuzuku.allowances.errors import CardExpired, NothingToJoin, StackFull
from tsuzuku.allowances.lots import LotState
from tsuzuku.catalog.terms import LotKind, PlanTerms, parse_terms

TOKYO = ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 4, 1, 9, tzinfo=TOKYO).astimezone(UTC)


def terms(code: str, **fields: object) -> PlanTerms:
    amounts: Mapping[str, object] = {"data_bytes": 100, "days": 7}
    read, mistakes = parse_terms(code, {**amounts, **fields})
    assert read is not None, mistakes
    return read


def test_a_lot_of_another_kind_holds_that_kinds_amount() -> None:
    plan = terms("P", voice_seconds=600, messages=None)
    remaining = {kind: rules.renew((), plan, kind, NOW, TOKYO).stack[0].remaining for kind in LotKind}

    assert remaining == {LotKind.DATA: 100, LotKind.VOICE: 600, LotKind.MESSAGE: None}


def test_daily_bytes_are_of_data_alone() -> None:
    plan = terms("P", voice_seconds=600, daily_bytes=50)
    stack = rules.renew((), plan, LotKind.VOICE, NOW, TOKYO).stack
    stack = rules.renew(stack, terms("Q", voice_seconds=30, priority=1), LotKind.VOICE, NOW, TOKYO).stack
    used = rules.use(stack, 700, NOW, TOKYO)

    assert used.draws == (rules.Draw(2, 30), rules.Draw(1, 600))
    assert (used.throttled, used.unserved) == (0, 70)


def test_what_a_carrier_has_credited_is_not_refused_any_more() -> None:
    plan = terms("V", stacking="value_only")
    with pytest.raises(NothingToJoin):
        rules.renew((), plan, LotKind.DATA, NOW, TOKYO)
    renewed = rules.renew((), plan, LotKind.DATA, NOW, TOKYO, is_credited=True)

    [lot] = renewed.stack
    assert (lot.remaining, lot.starts_at, lot.ends_at) == (100, NOW, NOW + timedelta(days=7))

    full = terms("F", max_stack=1)
    with pytest.raises(StackFull):
        rules.renew(renewed.stack, full, LotKind.DATA, NOW, TOKYO)
    assert len(rules.renew(renewed.stack, full, LotKind.DATA, NOW, TOKYO, is_credited=True).stack) == 2


def test_a_tap_on_one_lot_starts_that_one_or_nothing() -> None:
    tapped, now = terms("T", start="tap"), terms("N")
    stack: rules.Stack = ()
    for plan in (tapped, tapped, now):
        stack = rules.renew(stack, plan, LotKind.DATA, NOW, TOKYO).stack

    assert [lot.state(NOW) for lot in rules.tap(stack, NOW, TOKYO, 2)] == [
        LotState.WAITING,
        LotState.RUNNING,
        LotState.RUNNING,
    ]
    assert rules.tap(stack, NOW, TOKYO, 3) == stack
    assert rules.tap(stack, NOW, TOKYO, 9) == stack


def test_a_renewal_says_what_it_gave_back_and_where_it_is() -> None:
    plan = terms("R", days=1, restore_hours=24)
    first = rules.renew((), plan, LotKind.DATA, NOW, TOKYO)
    second = rules.renew(first.stack, plan, LotKind.DATA, NOW + timedelta(days=1), TOKYO)

    assert (first.sequence, first.restored) == (1, 0)
    assert (second.sequence, second.restored) == (2, 100)
    assert [lot.remaining for lot in second.stack] == [0, 200]


def test_minutes_that_ended_long_ago_do_not_make_a_card_expired() -> None:
    voice = terms("P", voice_seconds=600, messages=50, grace_hours=0)
    minutes = rules.renew((), voice, LotKind.VOICE, NOW - timedelta(days=90), TOKYO).stack
    data = rules.renew((), voice, LotKind.DATA, NOW, TOKYO).stack

    renewed = rules.renew_every_kind({LotKind.VOICE: minutes, LotKind.DATA: data}, voice, NOW, TOKYO)

    assert {kind: result.sequence for kind, result in renewed.items()} == {
        LotKind.DATA: 2,
        LotKind.VOICE: 2,
        LotKind.MESSAGE: 1,
    }


def test_data_that_ended_decides_for_every_kind() -> None:
    voice = terms("P", voice_seconds=600, messages=50, grace_hours=0)
    data = rules.renew((), voice, LotKind.DATA, NOW - timedelta(days=90), TOKYO).stack
    with pytest.raises(CardExpired):
        rules.renew_every_kind({LotKind.DATA: data}, voice, NOW, TOKYO)


@pytest.mark.parametrize("stacking", ["sequel", "queue"])
def test_a_card_holds_hundreds_of_lots_that_follow_each_other(stacking: str) -> None:
    plan = terms("P", stacking=stacking)
    stack: rules.Stack = ()
    for count in range(1, 501):
        stack = rules.renew(stack, plan, LotKind.DATA, NOW, TOKYO).stack
        # Looked at after each renewal, as it is answered: with cubes of lots this would take a minute.
        assert rules.standing(stack, NOW, TOKYO).online_until == NOW + count * timedelta(days=7)
