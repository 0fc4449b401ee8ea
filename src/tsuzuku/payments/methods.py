# SPDX-License-Identifier: Apache-2.0
"""Ways to pay as people know them, whoever provides them: how each is paid, and whom it is offered first. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Shape(StrEnum):
    """How a method is paid."""

    #: On a page of the provider.
    PAGE = "page"
    #: By a code that an app scans, or that opens the app on the phone itself.
    CODE = "code"
    #: At a store, by a number.
    SLIP = "slip"


class Device(StrEnum):
    """What a payer holds, as far as it decides how they can pay."""

    OTHER = "other"
    #: With Apple Pay in it.
    APPLE = "apple"
    #: A page opened inside of an app that pays.
    WECHAT = "wechat"
    ALIPAY = "alipay"


@dataclass(frozen=True, slots=True)
class Method:
    """A way to pay."""

    shape: Shape
    #: What the money is taken from: who refused it once refuses it by every method of the same purse.
    purse: str


METHODS: Mapping[str, Method] = {
    "card": Method(Shape.PAGE, "card"),
    "apple_pay": Method(Shape.PAGE, "card"),
    "paypal": Method(Shape.PAGE, "paypal"),
    "konbini": Method(Shape.SLIP, "cash"),
    "seven_eleven": Method(Shape.SLIP, "cash"),
    "wechat_pay": Method(Shape.CODE, "wechat_pay"),
    "alipay": Method(Shape.CODE, "alipay"),
    "paypay": Method(Shape.CODE, "paypay"),
    "sandbox": Method(Shape.PAGE, "sandbox"),
}

#: What people pay with at home, by country. What a country does not name comes in the order of everywhere else.
_BY_COUNTRY: Mapping[str, tuple[str, ...]] = {
    "CN": ("wechat_pay", "alipay", "card", "apple_pay"),
    "HK": ("alipay", "apple_pay", "card", "wechat_pay"),
    "MO": ("alipay", "wechat_pay", "card", "apple_pay"),
    "JP": ("paypay", "apple_pay", "card", "konbini"),
}
_EVERYWHERE = ("apple_pay", "card", "paypal", "konbini", "seven_eleven", "alipay", "wechat_pay", "paypay")
_BY_DEVICE: Mapping[Device, tuple[str, ...]] = {Device.WECHAT: ("wechat_pay",), Device.ALIPAY: ("alipay",)}


def likely_first(methods: Iterable[str], *, country: str, device: Device) -> list[str]:
    """Methods in the order in which somebody will want them; unknown ones after those, in the order given.

    `country` is where the payer comes from (ISO 3166, empty if nobody knows): everybody stands in Japan. What the
    device lacks, and what moves no real money, comes last.
    """
    wanted = (*_BY_DEVICE.get(device, ()), *_BY_COUNTRY.get(country, ()), *_EVERYWHERE)

    def place(method: str) -> tuple[int, int]:
        is_test = method == "sandbox"
        is_lacking = method == "apple_pay" and device != Device.APPLE
        return 2 * is_test + is_lacking, wanted.index(method) if method in wanted else len(wanted)

    return sorted(methods, key=place)


def shape_of(method: str) -> Shape:
    """How a method is paid; one that nobody here knows is a page of its provider."""
    return METHODS[method].shape if method in METHODS else Shape.PAGE


def is_same_purse(method: str, other: str) -> bool:
    """Whether both take the money from the same place."""
    return method == other or (method in METHODS and other in METHODS and METHODS[method].purse == METHODS[other].purse)
