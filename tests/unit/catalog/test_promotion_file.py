# SPDX-License-Identifier: Apache-2.0
"""Reading promotion files: what each field becomes, and every mistake by its name."""

import json
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import pytest

from tsuzuku.catalog.file_reading import Notice
from tsuzuku.catalog.promotion_file import (
    COUPONS_MAX,
    MISTAKES,
    NOTICES,
    ParsedPromotion,
    ParsedPromotions,
    parse_coupon,
    parse_promotions,
)
from tsuzuku.catalog.promotions import PromotionRule, Step

NAME = {"zh-Hans": "一", "zh-Hant": "一", "ja": "一", "en": "One", "ko": "일"}
LEAST: dict[str, Any] = {"code": "SALE", "name": NAME, "takes_off": {"amount_minor": 50}, "currency": "JPY"}


def _parse(*promotions: object, coupons_taken: dict[str, str] | None = None) -> ParsedPromotions:
    text = json.dumps({"promotions": promotions}).encode()
    parsed = parse_promotions(text, plan_codes={"GB-1-3D", "DAY-3"}, coupons_taken=coupons_taken or {})
    assert parsed.promotions == [] or not parsed.mistakes
    return parsed


def _mistakes(*promotions: object) -> list[tuple[str, str, str]]:
    return [(each.plan, each.field, each.code) for each in _parse(*promotions).mistakes]


def _one(**fields: object) -> ParsedPromotion:
    parsed = _parse({**LEAST, **fields})
    assert parsed.mistakes == []
    return parsed.promotions[0]


def test_the_least_that_a_promotion_says() -> None:
    assert _one() == ParsedPromotion(
        code="SALE",
        name=NAME,
        rule=PromotionRule(steps=(Step(0, 50),)),
        coupons=None,
        uses_max=None,
        uses_max_per_customer=None,
        uses_max_per_coupon=None,
        budget_minor=None,
        currency="JPY",
    )


def test_everything_that_a_promotion_can_say() -> None:
    found = _one(
        takes_off={"percent": 10, "amount_minor_max": 500},
        from_price_minor=1000,
        plans=["GB-1-3D"],
        channels=["web", "kiosk"],
        valid_from="2026-12-01T00:00:00Z",
        valid_until="2027-01-01T00:00:00Z",
        festival={"name": "mid-autumn", "days_before": 2, "days_after": 1},
        stacks=True,
        priority=-3,
        coupons=["summer 27-a", "SUMMER27B"],
        uses_max=100,
        uses_max_per_customer=1,
        uses_max_per_coupon=2,
        budget_minor=90_000,
    )
    assert found.rule == PromotionRule(
        percent=10,
        amount_minor_max=500,
        from_price_minor=1000,
        plans=frozenset({"GB-1-3D"}),
        channels=frozenset({"web", "kiosk"}),
        starts_at=datetime(2026, 12, 1, tzinfo=UTC),
        ends_at=datetime(2027, 1, 1, tzinfo=UTC),
        festival="mid-autumn",
        days_before=2,
        days_after=1,
        stacks=True,
        priority=-3,
    )
    assert found.coupons == frozenset({"SUMMER27A", "SUMMER27B"})
    limits = (found.uses_max, found.uses_max_per_customer, found.uses_max_per_coupon, found.budget_minor)
    assert limits == (100, 1, 2, 90_000)


def test_an_amount_from_a_price_on_is_a_step() -> None:
    assert _one(from_price_minor=3000).rule.steps == (Step(3000, 50),)
    steps = [{"from_minor": 3000, "amount_minor": 300}, {"from_minor": 6000, "amount_minor": 800}]
    assert _one(takes_off={"steps": steps}).rule.steps == (Step(3000, 300), Step(6000, 800))


@pytest.mark.parametrize(
    ("fields", "name", "code"),
    [
        ({"colour": "red"}, "colour", "field-unknown"),
        ({"code": "sale"}, "code", "value-malformed"),
        ({"currency": "YEN"}, "currency", "value-malformed"),
        ({"name": {"de": "Eins", **NAME}}, "name.de", "field-unknown"),
        ({"takes_off": 50}, "takes_off", "value-malformed"),
        ({"takes_off": {}}, "takes_off", "combination-malformed"),
        ({"takes_off": {"amount_minor": 50, "percent": 10}}, "takes_off", "combination-malformed"),
        ({"takes_off": {"amount_minor": 50, "amount_minor_max": 10}}, "takes_off", "combination-malformed"),
        ({"takes_off": {"amount_minor": 0}}, "takes_off.amount_minor", "value-malformed"),
        ({"takes_off": {"amount_minor": True}}, "takes_off.amount_minor", "value-malformed"),
        ({"takes_off": {"amount_minor": 5.5}}, "takes_off.amount_minor", "value-malformed"),
        ({"takes_off": {"percent": 101}}, "takes_off.percent", "value-malformed"),
        ({"takes_off": {"percent": 0}}, "takes_off.percent", "value-malformed"),
        ({"takes_off": {"steps": []}}, "takes_off.steps", "value-malformed"),
        ({"takes_off": {"steps": [{"from_minor": 1}]}}, "takes_off.steps", "value-malformed"),
        ({"takes_off": {"steps": [[1, 2]]}}, "takes_off.steps", "value-malformed"),
        ({"takes_off": {"amount_minor": 5, "of": 1}}, "takes_off.of", "field-unknown"),
        ({"from_price_minor": "3000"}, "from_price_minor", "value-malformed"),
        ({"plans": []}, "plans", "value-malformed"),
        ({"plans": "GB-1-3D"}, "plans", "value-malformed"),
        ({"plans": ["GB-1-3D", "NOWHERE"]}, "plans", "plan-unknown"),
        ({"channels": ["Web"]}, "channels", "value-malformed"),
        ({"channels": ["web", "partner_api"]}, "channels", "door-without-promotions"),
        ({"valid_from": "2026-12-01"}, "valid_from", "value-malformed"),
        (
            {"valid_from": "2026-12-01T00:00:00Z", "valid_until": "2026-12-01T00:00:00Z"},
            "valid_until",
            "combination-malformed",
        ),
        ({"festival": "spring-festival"}, "festival", "value-malformed"),
        ({"festival": {}}, "festival.name", "value-malformed"),
        ({"festival": {"name": "christmas"}}, "festival.name", "value-malformed"),
        ({"festival": {"name": ["golden-week"]}}, "festival.name", "value-malformed"),
        ({"festival": {"name": "golden-week", "days_before": 61}}, "festival.days_before", "value-malformed"),
        ({"festival": {"name": "golden-week", "days": 1}}, "festival.days", "field-unknown"),
        ({"stacks": 1}, "stacks", "value-malformed"),
        ({"priority": 1.5}, "priority", "value-malformed"),
        ({"uses_max": 0}, "uses_max", "value-malformed"),
        ({"uses_max_per_customer": -1}, "uses_max_per_customer", "value-malformed"),
        ({"uses_max_per_coupon": 1}, "uses_max_per_coupon", "combination-malformed"),
        ({"budget_minor": 10**13}, "budget_minor", "value-malformed"),
        ({"coupons": []}, "coupons", "value-malformed"),
        ({"coupons": "WELCOME10"}, "coupons", "value-malformed"),
        ({"coupons": ["WELCOME10", "abc"]}, "coupons[1]", "value-malformed"),
        ({"coupons": ["WELCOME10", "welcome-10"]}, "coupons[1]", "value-malformed"),
        ({"coupons": ["WELCOME10", 10]}, "coupons[1]", "value-malformed"),
        ({"coupons": ["优惠码优惠码"]}, "coupons[0]", "value-malformed"),
        ({"coupons": [f"CODE{n:06d}" for n in range(COUPONS_MAX + 1)]}, "coupons", "value-malformed"),
    ],
)
def test_each_mistake_is_named(fields: dict[str, object], name: str, code: str) -> None:
    place = "#1" if name == "code" else "SALE"
    assert _mistakes({**LEAST, **fields}) == [(place, name, code)]


def test_steps_go_up() -> None:
    for steps in ([(3000, 300), (3000, 400)], [(3000, 300), (2000, 400)], [(3000, 300), (6000, 300)]):
        body = [{"from_minor": least, "amount_minor": amount} for least, amount in steps]
        assert _mistakes({**LEAST, "takes_off": {"steps": body}}) == [("SALE", "takes_off.steps", "value-malformed")]


def test_steps_have_their_own_least_prices() -> None:
    fields = {"takes_off": {"steps": [{"from_minor": 1, "amount_minor": 1}]}, "from_price_minor": 3000}
    assert _mistakes({**LEAST, **fields}) == [("SALE", "takes_off", "combination-malformed")]


def test_what_is_missing() -> None:
    assert _mistakes({}) == [
        ("#1", "code", "value-malformed"),
        ("#1", "currency", "value-malformed"),
        ("#1", "name", "name-missing"),
        ("#1", "takes_off", "value-malformed"),
    ]
    assert _mistakes(7, []) == [("#1", "", "value-malformed"), ("#2", "", "value-malformed")]


def test_codes_and_coupons_are_given_once() -> None:
    assert _mistakes(LEAST, LEAST) == [("SALE", "code", "promotion-duplicate")]
    two = [{**LEAST, "code": code, "coupons": ["WELCOME10"]} for code in ("A", "B")]
    assert _mistakes(*two) == [("B", "coupons.WELCOME10", "coupon-duplicate")]


def test_a_coupon_of_a_promotion_outside_the_file_is_taken() -> None:
    with_coupon = {**LEAST, "coupons": ["WELCOME10"]}
    (mistake,) = _parse(with_coupon, coupons_taken={"WELCOME10": "OTHER"}).mistakes
    assert (mistake.field, mistake.code) == ("coupons.WELCOME10", "coupon-duplicate")
    assert _parse(with_coupon, coupons_taken={"WELCOME10": "SALE"}).mistakes == []
    # The other one is in the file and names it no more.
    assert _parse(with_coupon, {**LEAST, "code": "OTHER"}, coupons_taken={"WELCOME10": "OTHER"}).mistakes == []


def test_what_is_worth_a_look() -> None:
    parsed = _parse({**LEAST, "name": {"en": "One"}, "channels": ["shop"], "coupons": ["ABCD"]})
    assert parsed.notices == [
        *(Notice("SALE", f"name.{language}", "name-missing") for language in ("zh-Hans", "zh-Hant", "ja", "ko")),
        Notice("SALE", "channels", "door-unknown"),
        Notice("SALE", "coupons[0]", "coupon-easy-to-guess"),
    ]


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 100_000, b'{"promotions": [NaN]}'])
def test_what_is_not_json(text: bytes) -> None:
    parsed = parse_promotions(text, plan_codes=(), coupons_taken={})
    assert ([mistake.code for mistake in parsed.mistakes], bool(parsed.unreadable)) == (["value-malformed"], True)


@pytest.mark.parametrize("text", [b"[]", b"7", b'{"promotions": {}}', b"{}"])
def test_what_is_no_list_of_promotions(text: bytes) -> None:
    parsed = parse_promotions(text, plan_codes=(), coupons_taken={})
    assert [(mistake.field, mistake.code) for mistake in parsed.mistakes] == [("promotions", "value-malformed")]


@pytest.mark.parametrize(
    ("text", "coupon"),
    [
        ("welcome-10", "WELCOME10"),
        (" WEL COME\u300010 ", "WELCOME10"),
        ("ＷＥＬＣＯＭＥ１０", "WELCOME10"),
        ("abc", None),
        ("", None),
        ("ß" * 10, "SS" * 10),
        ("\ud800ABCD", None),
        ("A" * 33, None),
        ("A" * 5000, None),
    ],
)
def test_a_coupon_in_any_spelling(text: str, coupon: str | None) -> None:
    assert parse_coupon(text) == coupon


def test_the_example_has_no_mistake_and_nothing_to_look_at() -> None:
    text = (files("tsuzuku.testing") / "data" / "promotions.json").read_bytes()
    parsed = parse_promotions(text, plan_codes=(), coupons_taken={})
    assert (len(parsed.promotions), parsed.mistakes, parsed.notices) == (3, [], [])


def test_every_mistake_and_notice_has_words() -> None:
    assert all(str(text) for text in [*MISTAKES.values(), *NOTICES.values()])
