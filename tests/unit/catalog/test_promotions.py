# SPDX-License-Identifier: Apache-2.0
"""What promotions take off, as rules and as properties of all rules."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsuzuku.catalog.festivals import Days, festival_days
from tsuzuku.catalog.promotions import Basket, Candidate, PromotionRule, Reckoning, Step, Why, reckon
from tsuzuku.kernel.money import Money

NOW = datetime(2027, 2, 5, 0, 0, tzinfo=UTC)
BASKET = Basket(plan="GB-20-30D", price=Money(3000, "JPY"), channel="web", now=NOW)
OFF_300 = PromotionRule(steps=(Step(0, 300),))


def candidate(rule: PromotionRule = OFF_300, code: str = "SALE", **fields: object) -> Candidate:
    return Candidate(**{"id": sum(code.encode()), "code": code, "rule": rule, "currency": "JPY", **fields})  # type: ignore[arg-type]  # any field


def takes(*candidates: Candidate, basket: Basket = BASKET) -> list[tuple[str, int]]:
    return [(taking.code, taking.amount_minor) for taking in reckon(candidates, basket).takings]


@pytest.mark.parametrize(
    ("price", "takes_off"),
    [(2999, []), (3000, [("SALE", 300)]), (5999, [("SALE", 300)]), (6000, [("SALE", 800)]), (90_000, [("SALE", 800)])],
)
def test_spend_and_save_by_steps(price: int, takes_off: list[tuple[str, int]]) -> None:
    rule = PromotionRule(steps=(Step(3000, 300), Step(6000, 800)))
    assert takes(candidate(rule), basket=replace(BASKET, price=Money(price, "JPY"))) == takes_off


@pytest.mark.parametrize(
    ("rule", "amount"),
    [
        (PromotionRule(percent=10), 300),
        (PromotionRule(percent=33), 990),
        (PromotionRule(percent=10, amount_minor_max=200), 200),
        (PromotionRule(percent=100), 2999),
        (PromotionRule(steps=(Step(0, 10_000),)), 2999),
    ],
)
def test_at_least_one_minor_unit_is_left(rule: PromotionRule, amount: int) -> None:
    assert takes(candidate(rule)) == [("SALE", amount)]


def test_a_percentage_is_rounded_down_and_of_nothing_it_takes_nothing() -> None:
    tiny = replace(BASKET, price=Money(9, "JPY"))
    assert reckon([candidate(PromotionRule(percent=10))], tiny) == Reckoning(
        price=Money(9, "JPY"), takings=(), passed_over={"SALE": Why.NOT_BETTER}
    )
    assert takes(candidate(PromotionRule(percent=10)), basket=replace(BASKET, price=Money(19, "JPY"))) == [("SALE", 1)]


def test_those_that_stack_go_together_by_priority_and_each_reckons_with_what_is_left() -> None:
    percent = candidate(PromotionRule(percent=10, stacks=True), "TEN")
    first = candidate(replace(OFF_300, stacks=True, priority=-1), "ZERO")
    assert takes(percent, first) == [("ZERO", 300), ("TEN", 270)]
    last = candidate(replace(OFF_300, stacks=True, priority=1), "ZERO")
    assert takes(percent, last) == [("TEN", 300), ("ZERO", 300)]


def test_the_best_of_those_that_stand_alone_counts() -> None:
    alone, more = candidate(code="ALONE"), candidate(PromotionRule(percent=20), "MORE")
    together = [candidate(replace(OFF_300, stacks=True), code) for code in ("A", "B")]
    assert takes(alone, more) == [("MORE", 600)]
    assert takes(alone, *together) == [("A", 300), ("B", 300)]
    # As much either way: together, so that a coupon that stands alone stays unused.
    found = reckon([more, *together], BASKET)
    assert [taking.code for taking in found.takings] == ["A", "B"]
    assert (found.passed_over, found.price) == ({"MORE": Why.NOT_BETTER}, Money(2400, "JPY"))


@pytest.mark.parametrize(
    ("fields", "rule", "why"),
    [
        ({"is_withdrawn": True}, {}, Why.WITHDRAWN),
        ({"is_closed": True}, {}, Why.NEEDS_COUPON),
        ({}, {"channels": frozenset({"kiosk"})}, Why.OTHER_DOOR),
        ({}, {"plans": frozenset({"DAY-3"})}, Why.OTHER_PLAN),
        ({"currency": "CNY"}, {}, Why.OTHER_CURRENCY),
        ({}, {"starts_at": NOW + timedelta(seconds=1)}, Why.NOT_YET),
        ({}, {"ends_at": NOW}, Why.OVER),
        ({}, {"festival": "mid-autumn"}, Why.OUTSIDE_FESTIVAL),
        ({}, {"steps": (Step(3001, 300),)}, Why.BELOW_MINIMUM),
        ({}, {"steps": (), "percent": 10, "from_price_minor": 3001}, Why.BELOW_MINIMUM),
        ({"customer_uses_left": 0}, {}, Why.USED_BY_CUSTOMER),
        ({"uses_left": 0}, {}, Why.USED_UP),
        ({"uses_left": -1}, {}, Why.USED_UP),
        ({"budget_left_minor": 299}, {}, Why.USED_UP),
        ({"budget_left_minor": 300}, {}, None),
        ({"uses_left": 1, "customer_uses_left": 1}, {"starts_at": NOW, "plans": frozenset({"GB-20-30D"})}, None),
        ({}, {"channels": frozenset({"web", "kiosk"}), "ends_at": NOW + timedelta(seconds=1)}, None),
    ],
)
def test_why_a_promotion_takes_nothing_off(fields: dict[str, object], rule: dict[str, object], why: Why | None) -> None:
    one = candidate(replace(OFF_300, **rule), **fields)  # type: ignore[arg-type]  # any field
    assert reckon([one], BASKET).passed_over.get("SALE") == why


def test_partners_buy_at_catalogue_prices() -> None:
    everywhere = candidate()
    assert takes(everywhere, basket=replace(BASKET, channel="kiosk")) == [("SALE", 300)]
    assert takes(everywhere, basket=replace(BASKET, channel="partner_api")) == []


#: As the calendars of Hong Kong Observatory and of the Cabinet Office of Japan have them.
@pytest.mark.parametrize(
    ("name", "year", "first", "last"),
    [
        ("spring-festival", 2026, date(2026, 2, 16), date(2026, 2, 23)),
        ("spring-festival", 2027, date(2027, 2, 5), date(2027, 2, 12)),
        ("spring-festival", 2033, date(2033, 1, 30), date(2033, 2, 6)),
        ("mid-autumn", 2026, date(2026, 9, 25), date(2026, 9, 25)),
        ("mid-autumn", 2027, date(2027, 9, 15), date(2027, 9, 15)),
        ("mid-autumn", 2031, date(2031, 10, 1), date(2031, 10, 1)),
        ("golden-week", 2026, date(2026, 4, 29), date(2026, 5, 6)),
        ("golden-week", 2027, date(2027, 4, 29), date(2027, 5, 5)),
        ("national-day", 2027, date(2027, 10, 1), date(2027, 10, 7)),
    ],
)
def test_festivals_are_on_their_days(name: str, year: int, first: date, last: date) -> None:
    assert festival_days(name, year) == Days(first, last)


def test_a_year_beyond_the_tables_has_no_lunar_festival() -> None:
    assert festival_days("spring-festival", 2101) is None


@pytest.mark.parametrize(
    ("at", "is_festive"),
    [
        # The lunar New Year's Eve of 2027 is 5 February; two weeks before is 22 January, in Japan.
        ("2027-01-21T23:59+09:00", False),
        ("2027-01-21T15:00+00:00", True),
        ("2027-02-12T23:59+09:00", True),
        ("2027-02-14T23:59+09:00", True),
        ("2027-02-15T00:00+09:00", False),
    ],
)
def test_a_festival_begins_and_ends_at_midnight_of_the_brand(at: str, is_festive: bool) -> None:
    rule = replace(OFF_300, festival="spring-festival", days_before=14, days_after=2)
    basket = replace(BASKET, now=datetime.fromisoformat(at))
    assert takes(candidate(rule), basket=basket) == ([("SALE", 300)] if is_festive else [])


def test_a_window_may_begin_in_the_year_before() -> None:
    rule = PromotionRule(festival="spring-festival", days_before=60)
    assert rule.is_festive(date(2032, 12, 31))
    assert not rule.is_festive(date(2032, 11, 30))


amounts = st.integers(1, 5000)
rules = st.one_of(
    st.builds(PromotionRule, steps=st.builds(lambda least, off: (Step(least, off),), st.integers(0, 5000), amounts)),
    st.builds(PromotionRule, percent=st.integers(1, 100), amount_minor_max=st.none() | amounts),
)


@st.composite
def some_candidates(draw: st.DrawFn) -> list[Candidate]:
    return [
        candidate(
            replace(draw(rules), stacks=draw(st.booleans()), priority=draw(st.integers(-2, 2))),
            code=f"P{place}",
            id=place,
            uses_left=draw(st.none() | st.integers(0, 2)),
            budget_left_minor=draw(st.none() | st.integers(0, 6000)),
        )
        for place in range(draw(st.integers(0, 5)))
    ]


@given(candidates=some_candidates(), price=st.integers(1, 6000))
def test_what_always_holds(candidates: list[Candidate], price: int) -> None:
    basket = replace(BASKET, price=Money(price, "JPY"))
    found = reckon(candidates, basket)
    by_code = {each.code: each for each in candidates}
    # Something is left to pay, and the lines add up.
    assert found.price.amount_minor >= 1
    assert found.price.amount_minor + sum(taking.amount_minor for taking in found.takings) == price
    # Each takes off something, once, and never more than its budget or its cap bears.
    assert all(taking.amount_minor > 0 for taking in found.takings)
    assert len({taking.code for taking in found.takings}) == len(found.takings)
    for taking in found.takings:
        budget, most = by_code[taking.code].budget_left_minor, by_code[taking.code].rule.amount_minor_max
        assert budget is None or taking.amount_minor <= budget
        assert most is None or taking.amount_minor <= most
        assert by_code[taking.code].uses_left != 0
    # Every promotion takes something off or says why not.
    assert {taking.code for taking in found.takings} | set(found.passed_over) == set(by_code)
    assert {taking.code for taking in found.takings} & set(found.passed_over) == set()
    # What does not stack is alone.
    if len(found.takings) > 1:
        assert all(by_code[taking.code].rule.stacks for taking in found.takings)
    assert reckon(candidates[::-1], basket) == found


@given(candidates=some_candidates(), price=st.integers(1, 6000))
def test_no_other_choice_takes_off_more(candidates: list[Candidate], price: int) -> None:
    basket = replace(BASKET, price=Money(price, "JPY"))
    best = reckon(candidates, basket).price.amount_minor
    for number in range(len(candidates) + 1):
        for some in combinations(candidates, number):
            assert reckon(some, basket).price.amount_minor >= best


@given(rule=rules, starts=st.none() | st.datetimes(timezones=st.just(UTC)), plans=st.none() | st.just(frozenset("AB")))
def test_a_rule_survives_being_kept(rule: PromotionRule, starts: datetime | None, plans: frozenset[str] | None) -> None:
    whole = replace(rule, starts_at=starts, plans=plans, festival="golden-week", days_before=3)
    assert PromotionRule.from_json(whole.to_json()) == whole
