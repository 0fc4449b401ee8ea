# SPDX-License-Identifier: Apache-2.0
import pytest

from tsuzuku.kernel.money import Money
from tsuzuku.receipts.tax import TaxedSum, included_tax, sums_by_rate


def yen(amount: int) -> Money:
    return Money(amount, "JPY")


@pytest.mark.parametrize(("price", "tax"), [(270, 24), (300, 27), (990, 90), (1, 0), (11, 1), (110, 10)])
def test_the_tax_in_a_price_is_rounded_down(price: int, tax: int) -> None:
    assert included_tax(yen(price)) == yen(tax)


def test_the_tax_is_rounded_once_for_each_rate() -> None:
    """Three lines of 105 have 9 in each, but 28 together."""
    assert sums_by_rate([(10, yen(105))] * 3) == [TaxedSum(10, yen(315), yen(28))]


def test_each_rate_has_its_own_sum() -> None:
    lines = [(8, yen(108)), (10, yen(1480)), (10, yen(-300))]
    assert sums_by_rate(lines) == [TaxedSum(10, yen(1180), yen(107)), TaxedSum(8, yen(108), yen(8))]
