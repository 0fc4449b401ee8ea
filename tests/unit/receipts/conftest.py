# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from pytest_django import Settings

if TYPE_CHECKING:  # models can be imported only once the settings are there
    from tsuzuku.receipts.models import Receipt
    from tsuzuku.testing.house import House, Story

PLAN_NAMES = {
    "en": "3 GB for 30 days",
    "zh-Hans": "3 GB 流量包 · 30 天",
    "zh-Hant": "3 GB 流量包 · 30 天（繁體）",
    "ja": "30日間 3ギガプラン",
    "ko": "30일 3GB 요금제",
}


@pytest.fixture(autouse=True)
def brand(settings: Settings) -> Settings:
    """A brand with a tax number."""
    settings.PUBLIC_URL = "https://sim.example"
    settings.BRAND_NAME = "株式会社つづく通信"
    settings.BRAND_ADDRESS = "東京都千代田区丸の内1-1-1"
    settings.BRAND_TAX_NUMBER = "T1234567890123"
    return settings


@pytest.fixture
def house(db: None) -> "Iterator[House]":
    from tsuzuku.project.audit import findings
    from tsuzuku.testing.house import open_house

    with open_house() as house:
        yield house
        assert findings() == []


@pytest.fixture
def make_receipt(house: "House") -> "Callable[[], Receipt]":
    """Sells a plan and has its receipt written."""
    from tsuzuku.catalog.models import Plan
    from tsuzuku.receipts.models import Receipt
    from tsuzuku.testing.factories import make_card, make_plan

    def make() -> "Receipt":
        if not Plan.objects.filter(code="GB-3-30D").exists():
            make_plan("GB-3-30D", price_minor=1180, name=PLAN_NAMES)
        order = house.order(make_card(), "GB-3-30D")
        house.pay(order)
        return Receipt.objects.select_related("order").get(order=order)

    return make


@pytest.fixture
def story() -> "Story":
    from tsuzuku.testing.house import Story

    return Story()
