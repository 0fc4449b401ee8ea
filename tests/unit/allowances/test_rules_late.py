# SPDX-License-Identifier: Apache-2.0
"""What was used at a moment that the stack has passed: lots that began later, and readings that come late."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from tsuzuku.allowances import rules
from tsuzuku.allowances.lots import Lot
from tsuzuku.catalog.terms import LotKind, PlanTerms, parse_terms

TOKYO = ZoneInfo("Asia/Tokyo")
START = datetime(2026, 4, 1, 9, tzinfo=TOKYO).astimezone(UTC)


def terms(code: str, **fields: object) -> PlanTerms:
    amounts: Mapping[str, object] = {"data_bytes": 100, "days": 7}
    read, mistakes = parse_terms(code, {**amounts, **fields})
    assert read is not None, mistakes
    return read


def after(**span: float) -> datetime:
    return START + timedelta(**span)


def renewed(*plans: tuple[PlanTerms, datetime]) -> rules.Stack:
    stack: rules.Stack = ()
    for plan, at in plans:
        stack = rules.renew(stack, plan, LotKind.DATA, at, TOKYO).stack
    return stack


def outcome(used: rules.Used) -> tuple[tuple[rules.Draw, ...], int, int]:
    return used.draws, used.throttled, used.unserved


def left(stack: rules.Stack) -> list[int | None]:
    return [lot.remaining for lot in stack]


def test_a_lot_that_began_after_the_use_serves_nothing_of_it() -> None:
    stack = renewed((terms("A"), START), (terms("B", priority=1), after(days=2)))
    used = rules.use(stack, 130, after(days=1), TOKYO)

    assert outcome(used) == ((rules.Draw(1, 100),), 0, 30)
    assert left(used.stack) == [0, 100]


def test_a_lot_renewed_after_the_use_is_not_started_by_it() -> None:
    stack = renewed((terms("F", start="first_use"), after(days=2)))

    assert outcome(rules.use(stack, 10, after(days=1), TOKYO)) == ((), 0, 10)
    assert outcome(rules.use(stack, 10, after(days=2), TOKYO)) == ((rules.Draw(1, 10),), 0, 0)


def test_a_lot_that_waits_its_turn_and_was_renewed_later_begins_no_earlier_than_that() -> None:
    stack = renewed((terms("A"), START), (terms("Q", stacking="queue"), after(days=2)))
    used = rules.use(stack, 130, after(days=1), TOKYO)

    assert outcome(used) == ((rules.Draw(1, 100),), 0, 30)
    assert rules.advance(used.stack, after(days=3), TOKYO)[1].starts_at == after(days=2)


def test_a_late_use_draws_from_what_ran_then_and_has_something_left_now() -> None:
    stack = renewed((terms("A"), START), (terms("B", days=2), START), (terms("C", priority=9), after(days=2)))
    stack = rules.use(stack, 10, after(days=4), TOKYO).stack
    assert left(stack) == [100, 100, 90]
    used = rules.use_late(stack, 150, after(days=1), TOKYO)

    assert outcome(used) == ((rules.Draw(2, 100), rules.Draw(1, 50)), 0, 0)
    assert [lot.drawn_at for lot in used.stack] == [after(days=1), after(days=1), after(days=4)]
    assert outcome(rules.use_late(used.stack, 70, after(days=1), TOKYO)) == ((rules.Draw(1, 50),), 0, 20)


def test_a_late_use_at_a_lots_first_moment_is_served_and_at_its_last_is_not() -> None:
    stack = renewed((terms("A", days=1), START), (terms("B"), after(days=1)))
    stack = rules.use(stack, 1, after(days=2), TOKYO).stack

    assert outcome(rules.use_late(stack, 5, START, TOKYO)) == ((rules.Draw(1, 5),), 0, 0)
    assert outcome(rules.use_late(stack, 5, after(days=1), TOKYO)) == ((rules.Draw(2, 5),), 0, 0)


def test_a_late_use_starts_nothing_that_waits_for_use() -> None:
    stack = renewed((terms("A", days=2), START), (terms("F", start="first_use", priority=9), START))
    stack = rules.use(stack, 60, after(days=1), TOKYO).stack
    used = rules.use_late(stack, 50, START, TOKYO)

    assert outcome(used) == ((rules.Draw(1, 40),), 0, 10)
    assert used.stack[1].starts_at is None


def test_a_lot_whose_turn_comes_by_a_late_use_begins_at_the_latest_draw() -> None:
    stack = renewed((terms("A"), START), (terms("Q", stacking="queue"), START))
    stack = rules.use(stack, 60, after(days=3), TOKYO).stack
    used = rules.use_late(stack, 50, after(days=1), TOKYO)

    assert outcome(used) == ((rules.Draw(1, 40),), 0, 10)
    assert (used.stack[1].starts_at, used.stack[1].remaining) == (after(days=3), 100)


def test_a_late_use_counts_against_the_allowance_of_its_own_day() -> None:
    daily = terms("D", data_bytes=1000, daily_bytes=100)
    stack = renewed((daily, START))
    for day in range(3):
        stack = rules.use(stack, 60, after(days=day), TOKYO).stack
    assert outcome(rules.use_late(stack, 50, after(days=1), TOKYO)) == ((rules.Draw(1, 40),), 10, 0)
    stack = rules.use_late(stack, 25, after(days=1), TOKYO).stack
    stack = rules.use_late(stack, 5, START, TOKYO).stack
    [lot] = rules.use(stack, 1, after(days=2), TOKYO).stack

    assert {day: lot.used_on(date(2026, 4, day)) for day in (1, 2, 3, 4)} == {1: 65, 2: 85, 3: 61, 4: 0}
    assert (lot.day, lot.day_used) == (date(2026, 4, 3), 61)
    assert lot.remaining == 1000 - 65 - 85 - 61
    assert lot.drawn_at == after(days=2)


def test_a_day_before_any_that_was_used_has_its_whole_allowance() -> None:
    stack = renewed((terms("D", data_bytes=1000, daily_bytes=100), START))
    stack = rules.use(stack, 100, after(days=2), TOKYO).stack
    [lot] = rules.use_late(stack, 30, after(days=1), TOKYO).stack

    assert lot.earlier_days == ((date(2026, 4, 2), 30),)
    assert (lot.day, lot.day_used) == (date(2026, 4, 3), 100)


def test_only_a_lot_with_a_daily_allowance_keeps_days() -> None:
    stack = renewed((terms("A"), START))
    for day in range(3):
        stack = rules.use(stack, 1, after(days=day), TOKYO).stack
    [lot] = stack

    assert (lot.day, lot.day_used, lot.earlier_days) == (None, 0, ())


def test_use_at_is_late_only_before_the_latest_draw() -> None:
    stack = renewed((terms("F", start="first_use"), START), (terms("G", start="first_use"), START))
    stack = rules.use_at(stack, 100, after(days=1), TOKYO).stack
    assert rules.latest_draw(stack) == after(days=1)

    assert outcome(rules.use_at(stack, 5, after(hours=23), TOKYO)) == ((), 0, 5)
    assert outcome(rules.use_at(stack, 5, after(days=1), TOKYO)) == ((rules.Draw(2, 5),), 0, 0)


def test_an_unlimited_lot_serves_late_use_and_loses_nothing() -> None:
    stack = renewed((terms("U", data_bytes=None), START))
    stack = rules.use(stack, 7, after(days=1), TOKYO).stack
    used = rules.use_late(stack, 10**15, START, TOKYO)
    lots: list[Lot] = list(used.stack)

    assert outcome(used) == ((rules.Draw(1, 10**15),), 0, 0)
    assert [lot.remaining for lot in lots] == [None]
