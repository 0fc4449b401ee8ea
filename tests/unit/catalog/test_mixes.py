# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest

from tsuzuku.catalog.mixes import Discount, Mix, MixRule
from tsuzuku.catalog.terms import LotKind, Stacking
from tsuzuku.kernel.money import Money

GB = 1_000_000_000
RULE = MixRule(
    bytes_step=GB,
    bytes_max=50 * GB,
    days_max=90,
    price_per_gb_minor=120,
    price_per_day_minor=40,
    discounts=(Discount(10 * GB, 10), Discount(30 * GB, 20)),
    currency="JPY",
    stacking={"stacking": "extend", "joins": ["MIX"]},
)


@pytest.mark.parametrize(
    ("mix", "is_offered"),
    [
        (Mix(GB, 1), True),
        (Mix(50 * GB, 90), True),
        (Mix(0, 1), False),
        (Mix(-GB, 1), False),
        (Mix(51 * GB, 1), False),
        (Mix(GB + 1, 1), False),
        (Mix(GB, 0), False),
        (Mix(GB, 91), False),
    ],
)
def test_only_whole_steps_within_the_limits_are_offered(mix: Mix, is_offered: bool) -> None:
    assert RULE.offers(mix) is is_offered


def test_the_most_is_made_of_whole_steps() -> None:
    assert replace(RULE, bytes_step=3 * GB).bytes_most == 48 * GB


@pytest.mark.parametrize(
    ("mix", "price"),
    [
        (Mix(GB, 1), 160),
        (Mix(5 * GB, 7), 880),
        (Mix(9 * GB, 10), 1480),
        (Mix(10 * GB, 10), 1440),
        (Mix(30 * GB, 30), 3840),
    ],
)
def test_data_and_days_cost_their_rates_less_what_much_data_takes_off(mix: Mix, price: int) -> None:
    assert RULE.price(mix) == Money(price, "JPY")


def test_fractions_are_in_the_payers_favour() -> None:
    rule = replace(RULE, bytes_step=GB // 3, price_per_gb_minor=100, price_per_day_minor=0)
    assert rule.price(Mix(GB // 3, 1)) == Money(33, "JPY")


def test_more_that_costs_no_more_is_named() -> None:
    assert RULE.more_for_less(Mix(9 * GB, 10)) == Mix(10 * GB, 10)
    assert RULE.more_for_less(Mix(8 * GB, 1)) is None
    assert RULE.more_for_less(Mix(10 * GB, 10)) is None
    assert replace(RULE, bytes_max=9 * GB).more_for_less(Mix(9 * GB, 10)) is None


def test_a_mix_stacks_as_its_rule_says() -> None:
    terms = RULE.terms("MIX", Mix(5 * GB, 7))
    assert (terms.amounts, terms.days) == ({LotKind.DATA: 5 * GB}, 7)
    assert (terms.stacking, terms.joins) == (Stacking.EXTEND, frozenset({"MIX"}))
