# SPDX-License-Identifier: Apache-2.0
"""The small pure parts: stretches of the line, plans in words."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import translation

from tsuzuku.catalog.terms import LotKind, PlanTerms
from tsuzuku.channels.web import stretches
from tsuzuku.channels.web.order_stage import look_again_after
from tsuzuku.channels.web.plan_texts import method_name, price_a_day, what_it_gives
from tsuzuku.channels.web.refusals import _TEXTS, refusal_text_of
from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.look.line import Stretch
from tsuzuku.renewals.quotes import quote_renewal
from tsuzuku.testing.factories import make_plan

if TYPE_CHECKING:
    from tsuzuku.cards.models import Card
    from tsuzuku.catalog.models import Plan
    from tsuzuku.testing.house import House

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "a_day"),
    [
        ({"days": 3}, Money(100, "JPY")),
        ({"days": 7}, Money(43, "JPY")),
        ({"days": 1}, None),
    ],
)
def test_the_price_of_a_day_is_rounded_up(fields: dict[str, int], a_day: Money | None) -> None:
    terms = PlanTerms(code="P", amounts={LotKind.DATA: 1}, **fields)  # type: ignore[arg-type]  # days only
    assert price_a_day(Money(300, "JPY"), terms) == a_day


@pytest.mark.parametrize(
    ("age_seconds", "again_seconds"), [(0, 2), (89, 2), (90, 5), (599, 5), (600, 30), (86_400, 30)]
)
def test_how_soon_the_page_looks_again(age_seconds: int, again_seconds: int) -> None:
    again = look_again_after(NOW, now=NOW + timedelta(seconds=age_seconds))
    assert again == timedelta(seconds=again_seconds)


def test_methods_have_names_that_people_know() -> None:
    with translation.override("zh-hans"):
        assert [method_name(method) for method in ("alipay", "konbini", "new_pay")] == [
            "支付宝",
            "便利店现金",
            "new_pay",
        ]


def test_every_refusal_of_a_plan_has_words() -> None:
    """What `quote_renewal` and `offers_for` may refuse, by code."""
    codes = {"stack-full", "card-expired", "nothing-to-join", "card-suspended", "card-lost", "card-past-last-date"}
    assert (codes | {"plan-unknown", "plan-not-for-card"}) - set(_TEXTS) == set()
    assert refusal_text_of("stack-full") == "Your card holds as many renewals of this plan as it can take."


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "gives"),
    [
        (
            "en",
            [
                "3\u00a0GB",
                "60 min of calls, also abroad",
                "50 messages",
                "30 days",
                "No hotspot",
                "5G",
                "Works in Japan, South Korea",
            ],
        ),
        (
            "zh-hans",
            ["3\u00a0GB", "通话 60 分钟（含国际）", "50 条短信", "30 天", "不可共享热点", "5G", "可在日本、韩国使用"],
        ),
    ],
)
def test_what_a_plan_gives(language: str, gives: list[str]) -> None:
    plan = make_plan(
        "VOICE",
        data_bytes=3_000_000_000,
        voice_seconds=3600,
        voice_to="international",
        messages=50,
        days=30,
        tethering=False,
        network="5G",
        countries=["JP", "KR"],
    )
    assert plan.terms_now is not None
    with translation.override(language):
        assert what_it_gives(plan, plan.terms_now.parsed()) == gives


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "planned_days"),
    [
        ({"stacking": "separate", "days": 10}, [(0, 10)]),
        ({"stacking": "sequel", "days": 3}, [(3, 6)]),
        ({"stacking": "extend", "days": 3, "joins": ["GB-1-3D"]}, [(3, 6)]),
        ({"stacking": "value_only", "days": 3, "joins": ["GB-1-3D"]}, []),
        ({"start": "tap"}, []),
    ],
)
def test_what_a_renewal_would_lay(
    house: "House", card: "Card", plan: "Plan", fields: dict[str, object], planned_days: list[tuple[int, int]]
) -> None:
    house.pay(house.order(card, plan.code))
    make_plan("OTHER", **fields)
    now = clock.now()
    quote = quote_renewal(card, "OTHER", channel="web", now=now)
    assert _in_days(stretches.laid(quote.before), now) == [(0, 3)]
    assert _in_days(stretches.planned(quote.before, quote.preview.allowance), now) == planned_days


def _in_days(found: tuple[Stretch, ...], now: datetime) -> list[tuple[int, int]]:
    return [
        (round((each.starts_at - now) / timedelta(days=1)), round((each.ends_at - now) / timedelta(days=1)))
        for each in found
        if each.ends_at is not None
    ]
