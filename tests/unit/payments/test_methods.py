# SPDX-License-Identifier: Apache-2.0
"""Which way to pay is offered first, to whom."""

import pytest

from tsuzuku.payments.methods import METHODS, Device, Shape, is_same_purse, likely_first, shape_of
from tsuzuku.payments.stores import STORES, digit_groups, store


@pytest.mark.parametrize(
    ("country", "device", "first"),
    [
        ("CN", Device.OTHER, ["wechat_pay", "alipay", "card", "paypal"]),
        ("CN", Device.APPLE, ["wechat_pay", "alipay", "card", "apple_pay"]),
        ("CN", Device.ALIPAY, ["alipay", "wechat_pay", "card", "paypal"]),
        ("HK", Device.APPLE, ["alipay", "apple_pay", "card", "wechat_pay"]),
        ("JP", Device.OTHER, ["paypay", "card", "konbini", "paypal"]),
        ("TW", Device.APPLE, ["apple_pay", "card", "paypal", "konbini"]),
        ("US", Device.APPLE, ["apple_pay", "card", "paypal", "konbini"]),
        ("US", Device.OTHER, ["card", "paypal", "konbini", "seven_eleven"]),
        ("US", Device.WECHAT, ["wechat_pay", "card", "paypal", "konbini"]),
        ("", Device.OTHER, ["card", "paypal", "konbini", "seven_eleven"]),
    ],
)
def test_the_likely_ones_come_first(country: str, device: Device, first: list[str]) -> None:
    assert likely_first(METHODS, country=country, device=device)[:4] == first


def test_nothing_is_left_out_and_what_cannot_be_comes_last() -> None:
    found = likely_first(["sandbox", "new_pay", *METHODS, "other_pay"], country="US", device=Device.OTHER)
    assert sorted(found) == sorted(["sandbox", "new_pay", *METHODS, "other_pay"])
    assert found[-5:] == ["new_pay", "other_pay", "apple_pay", "sandbox", "sandbox"]


def test_a_method_that_nobody_knows_is_a_page_with_a_purse_of_its_own() -> None:
    assert (shape_of("konbini"), shape_of("alipay"), shape_of("new_pay")) == (Shape.SLIP, Shape.CODE, Shape.PAGE)
    assert is_same_purse("card", "apple_pay")
    assert is_same_purse("new_pay", "new_pay")
    assert not is_same_purse("card", "paypal")
    assert not is_same_purse("new_pay", "other_pay")


@pytest.mark.parametrize(
    ("number", "groups"),
    [
        ("", []),
        ("12345", ["12345"]),
        ("123456", ["123", "456"]),
        ("123456789", ["123", "456", "789"]),
        ("12345678901", ["1234", "5678", "901"]),
        ("1234567890123", ["1234", "5678", "90123"]),
        ("123-456-789", ["123-456-789"]),
        ("１２３４５６", ["１２３４５６"]),
    ],
)
def test_numbers_are_grouped_and_nothing_of_them_changes(number: str, groups: list[str]) -> None:
    assert digit_groups(number) == groups
    assert "".join(groups) == number


def test_every_store_says_what_to_do_and_an_unknown_one_too() -> None:
    assert [name for name, found in STORES.items() if not (found.sign and len(found.steps) == 3)] == []
    unknown = store("daily_yamazaki")
    assert (unknown.name, unknown.sign, len(unknown.steps)) == ("Daily Yamazaki", "", 2)
