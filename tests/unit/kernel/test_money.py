# SPDX-License-Identifier: Apache-2.0
import pytest

from tsuzuku.kernel.money import Money


def test_adding_and_taking_away() -> None:
    assert Money(300, "JPY") + Money(50, "JPY") == Money(350, "JPY")
    assert Money(300, "JPY") - Money(350, "JPY") == Money(-50, "JPY")


def test_two_currencies_never_meet() -> None:
    with pytest.raises(ValueError, match="CNY cannot be added to JPY"):
        Money(300, "JPY") + Money(1, "CNY")
    with pytest.raises(ValueError, match="CNY cannot be added to JPY"):
        Money(300, "JPY") - Money(1, "CNY")


@pytest.mark.parametrize("amount", [1.0, True, "1", None])
def test_an_amount_is_an_integer(amount: object) -> None:
    with pytest.raises(TypeError):
        Money(amount, "JPY")  # type: ignore[arg-type]  # the mistake that is tested


@pytest.mark.parametrize("currency", ["", "jpy", "JP", "JPYY", "円円円"])
def test_a_currency_is_three_capital_letters(currency: str) -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        Money(1, currency)
