# SPDX-License-Identifier: Apache-2.0
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import pytest

from tsuzuku.catalog.file_reading import Notice
from tsuzuku.catalog.plan_file import MISTAKES, NOTICES, ParsedPlan, parse_plans
from tsuzuku.catalog.terms import LotKind, Mistake, PlanTerms, Stacking
from tsuzuku.kernel.money import Money

NAME = {"zh-Hans": "一", "zh-Hant": "一", "ja": "一", "en": "One", "ko": "일"}
LEAST: dict[str, Any] = {
    "code": "W1",
    "name": NAME,
    "data_bytes": 1_000_000_000,
    "days": 7,
    "price_minor": 600,
    "currency": "JPY",
}
MIX: dict[str, Any] = {
    "bytes_step": 10**9,
    "bytes_max": 5 * 10**10,
    "days_max": 90,
    "price_per_gb_minor": 120,
    "price_per_day_minor": 40,
}
MIXED = {"code": "MIX", "name": NAME, "currency": "JPY", "own_mix": MIX}


def _file(*plans: object) -> bytes:
    return json.dumps({"plans": plans}).encode()


def _mistakes(*plans: object) -> list[tuple[str, str, str]]:
    parsed = parse_plans(_file(*plans), known_codes=())
    assert parsed.plans == [] or not parsed.mistakes
    return [(each.plan, each.field, each.code) for each in parsed.mistakes]


def _changed(**fields: object) -> dict[str, Any]:
    return {**LEAST, **fields}


def _without(name: str) -> dict[str, Any]:
    return {key: value for key, value in LEAST.items() if key != name}


def test_the_plans_of_the_market_are_sixteen_without_a_mistake() -> None:
    parsed = parse_plans((files("tsuzuku.testing") / "data" / "plans.json").read_bytes(), known_codes=())
    assert (len(parsed.plans), parsed.mistakes, parsed.notices) == (16, [], [])
    by_code = {plan.code: plan for plan in parsed.plans}
    voice = by_code["VOICE-3-30D"]
    assert voice.terms is not None
    assert (voice.terms.amounts, voice.voice_to) == (
        {LotKind.DATA: 3_000_000_000, LotKind.VOICE: 3600, LotKind.MESSAGE: 50},
        "international",
    )
    assert by_code["ASIA-5-15D"].countries == ("JP", "KR", "TW", "HK", "TH", "SG", "MY", "VN")
    mix = by_code["OWN-MIX"]
    assert (mix.terms, mix.prices) == (None, {})
    assert mix.own_mix == {
        "bytes_step": 1_000_000_000,
        "bytes_max": 50_000_000_000,
        "days_max": 90,
        "price_per_gb_minor": 120,
        "price_per_day_minor": 40,
        "discounts": [{"from_bytes": 10_000_000_000, "percent": 10}, {"from_bytes": 30_000_000_000, "percent": 20}],
        "currency": "JPY",
        "terms": {"stacking": "separate", "day_rule": "calendar"},
    }


def test_what_is_left_out_has_its_default() -> None:
    assert parse_plans(_file(LEAST), known_codes=()).plans == [
        ParsedPlan(
            code="W1",
            name=NAME,
            terms=PlanTerms(code="W1", amounts={LotKind.DATA: 1_000_000_000}, days=7, joins=frozenset({"W1"})),
            voice_to="",
            prices={None: Money(600, "JPY")},
            own_mix=None,
            card_groups=(),
            countries=("JP",),
            network="",
            tethering=None,
            on_sale_from=None,
            on_sale_until=None,
        )
    ]


def test_everything_there_is_to_say() -> None:
    said = _changed(
        data_bytes=None,
        voice_seconds=None,
        stacking="extend",
        prices=[{"channel": "kiosk", "price_minor": 550}],
        countries=["JP", "KR"],
        network="4G / 5G",
        tethering=False,
        card_groups=["spring", "夏"],
        on_sale_from="2026-12-01T00:00:00+09:00",
        on_sale_until="2027-01-01T00:00:00.5Z",
    )
    (plan,) = parse_plans(_file(said), known_codes=()).plans
    assert plan.terms is not None
    assert (plan.terms.amounts, plan.terms.stacking) == ({LotKind.DATA: None, LotKind.VOICE: None}, Stacking.EXTEND)
    assert (plan.voice_to, plan.countries, plan.network, plan.tethering) == ("domestic", ("JP", "KR"), "4G / 5G", False)
    assert plan.prices == {None: Money(600, "JPY"), "kiosk": Money(550, "JPY")}
    assert plan.card_groups == ("spring", "夏")
    assert (plan.on_sale_from, plan.on_sale_until) == (
        datetime(2026, 11, 30, 15, 0, tzinfo=UTC),
        datetime(2027, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"colour": "red"}, "colour", "field-unknown"),
        ({"name": {**NAME, "fr": "Un"}}, "name.fr", "field-unknown"),
        ({"name": "One"}, "name", "value-malformed"),
        ({"name": {"ja": "一"}}, "name.en", "name-missing"),
        ({"name": {**NAME, "ja": ""}}, "name.ja", "value-malformed"),
        ({"name": {**NAME, "ja": 1}}, "name.ja", "value-malformed"),
        ({"name": {**NAME, "en": "=HYPERLINK(1)"}}, "name.en", "value-malformed"),
        ({"name": {**NAME, "en": " @SUM(A1)"}}, "name.en", "value-malformed"),
        ({"name": {**NAME, "ja": "\uff1dcmd"}}, "name.ja", "value-malformed"),
        ({"name": {**NAME, "en": "One\nTwo"}}, "name.en", "value-malformed"),
        ({"name": {**NAME, "en": "x" * 121}}, "name.en", "value-malformed"),
        ({"data_bytes": -1}, "data_bytes", "value-malformed"),
        ({"data_bytes": 1.0}, "data_bytes", "value-malformed"),
        ({"data_bytes": True}, "data_bytes", "value-malformed"),
        ({"data_bytes": "1 GB"}, "data_bytes", "value-malformed"),
        ({"data_bytes": 2**53}, "data_bytes", "value-malformed"),
        ({"days": 0}, "days", "value-malformed"),
        ({"days": 36_501}, "days", "value-malformed"),
        ({"start_within_days": 36_501}, "start_within_days", "value-malformed"),
        ({"grace_hours": 10**9}, "grace_hours", "value-malformed"),
        ({"priority": -(10**9)}, "priority", "value-malformed"),
        ({"stacking": "pile"}, "stacking", "value-malformed"),
        ({"stacking": "queue", "start": "first_use"}, "start", "combination-malformed"),
        ({"stacking": "extend_by"}, "extend_days", "combination-malformed"),
        ({"joins": ["NOWHERE"]}, "joins", "plan-joins-unknown"),
        ({"joins": "W1"}, "joins", "value-malformed"),
        ({"voice_seconds": -1}, "voice_seconds", "value-malformed"),
        ({"messages": "many"}, "messages", "value-malformed"),
        ({"voice_seconds": 60, "voice_to": "mars"}, "voice_to", "value-malformed"),
        ({"price_minor": 0}, "price_minor", "value-malformed"),
        ({"price_minor": "600"}, "price_minor", "value-malformed"),
        ({"price_minor": 10**13}, "price_minor", "value-malformed"),
        ({"currency": "jpy"}, "currency", "value-malformed"),
        ({"currency": "XXY"}, "currency", "value-malformed"),
        ({"currency": ["JPY"]}, "currency", "value-malformed"),
        ({"prices": {"web": 1}}, "prices", "value-malformed"),
        ({"prices": ["web"]}, "prices[0]", "value-malformed"),
        ({"prices": [{"channel": "web"}]}, "prices[0].price_minor", "value-malformed"),
        ({"prices": [{"price_minor": 1}]}, "prices[0].channel", "value-malformed"),
        ({"prices": [{"channel": "Web", "price_minor": 1}]}, "prices[0].channel", "value-malformed"),
        ({"prices": [{"channel": "web", "price_minor": 1, "off": 2}]}, "prices[0].off", "field-unknown"),
        ({"prices": [{"channel": "web", "price_minor": 1}] * 2}, "prices[1].channel", "value-malformed"),
        ({"countries": []}, "countries", "value-malformed"),
        ({"countries": ["JPN"]}, "countries", "value-malformed"),
        ({"countries": ["XX"]}, "countries", "value-malformed"),
        ({"countries": ["EU"]}, "countries", "value-malformed"),
        ({"countries": ["JP", "JP"]}, "countries", "value-malformed"),
        ({"countries": [["JP"]]}, "countries", "value-malformed"),
        ({"network": 5}, "network", "value-malformed"),
        ({"tethering": "yes"}, "tethering", "value-malformed"),
        ({"tethering": None}, "tethering", "value-malformed"),
        ({"card_groups": []}, "card_groups", "value-malformed"),
        ({"card_groups": [""]}, "card_groups", "value-malformed"),
        ({"card_groups": "spring"}, "card_groups", "value-malformed"),
        ({"on_sale_from": "2026-12-01"}, "on_sale_from", "value-malformed"),
        ({"on_sale_from": "2026-12-01T00:00:00"}, "on_sale_from", "value-malformed"),
        ({"on_sale_from": "2026-13-01T00:00:00Z"}, "on_sale_from", "value-malformed"),
        ({"on_sale_until": 1}, "on_sale_until", "value-malformed"),
        (
            {"on_sale_from": "2026-12-01T00:00:00Z", "on_sale_until": "2026-12-01T09:00:00+09:00"},
            "on_sale_until",
            "combination-malformed",
        ),
    ],
)
def test_every_mistake_is_named_by_plan_and_field(fields: Mapping[str, object], field: str, code: str) -> None:
    assert _mistakes(_changed(**fields)) == [("W1", field, code)]


@pytest.mark.parametrize("field", ["data_bytes", "days", "price_minor", "currency"])
def test_what_must_not_be_missing(field: str) -> None:
    assert _mistakes(_without(field)) == [("W1", field, "value-malformed")]


def test_a_plan_without_name_or_code() -> None:
    assert _mistakes(_without("name")) == [("W1", "name", "name-missing")]
    assert _mistakes(LEAST, _without("code")) == [("#2", "code", "value-malformed")]


@pytest.mark.parametrize("code", ["", "w1", "W 1", "W1\n", "W" * 33, "旅", 1, None, ["W1"]])
def test_a_malformed_code_is_named_by_its_place(code: object) -> None:
    assert _mistakes(LEAST, _changed(code=code)) == [("#2", "code", "value-malformed")]


def test_a_code_twice() -> None:
    assert _mistakes(LEAST, _changed(code="W2"), LEAST, LEAST) == [("W1", "code", "code-duplicate")] * 2


def test_a_field_twice_is_a_mistake_not_a_guess() -> None:
    twice = json.dumps(LEAST)[:-1] + ', "price_minor": 6}'
    parsed = parse_plans(f'{{"plans": [{twice}]}}'.encode(), known_codes=())
    assert list(parsed.mistakes) == [Mistake("W1", "price_minor", "value-malformed")]


def test_all_mistakes_are_named_at_once_and_nothing_is_taken() -> None:
    assert _mistakes(LEAST, _changed(code="W2", days=0, colour="red", joins=["NOWHERE"]), 3) == [
        ("W2", "colour", "field-unknown"),
        ("W2", "days", "value-malformed"),
        ("W2", "joins", "plan-joins-unknown"),
        ("#3", "", "value-malformed"),
    ]


def test_a_plan_may_join_plans_of_the_file_and_of_the_catalogue() -> None:
    file = _file(_changed(joins=["W2", "OLD"]), _changed(code="W2", joins=["W1"]))
    assert parse_plans(file, known_codes={"OLD"}).mistakes == []
    assert list(parse_plans(file, known_codes=()).mistakes) == [Mistake("W1", "joins", "plan-joins-unknown")]


def test_missing_languages_and_strange_doors_are_told_and_taken() -> None:
    said = _changed(name={"en": "One", "ja": "一"}, prices=[{"channel": "wep", "price_minor": 1}])
    parsed = parse_plans(_file(said), known_codes=())
    assert parsed.mistakes == []
    assert parsed.plans[0].prices["wep"] == Money(1, "JPY")
    assert list(parsed.notices) == [
        Notice("W1", "name.zh-Hans", "name-missing"),
        Notice("W1", "name.zh-Hant", "name-missing"),
        Notice("W1", "name.ko", "name-missing"),
        Notice("W1", "prices[0].channel", "door-unknown"),
    ]


def test_a_plan_called_plus_one_gigabyte_is_no_formula() -> None:
    assert _mistakes(_changed(name={**NAME, "en": "+1 GB and +1 day", "ja": "+1GB +1日"})) == []


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"data_bytes": 1}, "data_bytes", "combination-malformed"),
        ({"days": 1}, "days", "combination-malformed"),
        ({"price_minor": 1}, "price_minor", "combination-malformed"),
        ({"prices": []}, "prices", "combination-malformed"),
        ({"stacking": "extend_by"}, "extend_days", "combination-malformed"),
        ({"own_mix": []}, "own_mix", "value-malformed"),
        ({"own_mix": {**MIX, "colour": 1}}, "own_mix.colour", "field-unknown"),
        ({"own_mix": {**MIX, "bytes_step": 0}}, "own_mix.bytes_step", "value-malformed"),
        ({"own_mix": {**MIX, "days_max": None}}, "own_mix.days_max", "value-malformed"),
        ({"own_mix": {**MIX, "price_per_gb_minor": -1}}, "own_mix.price_per_gb_minor", "value-malformed"),
        ({"own_mix": {**MIX, "bytes_max": 1}}, "own_mix.bytes_max", "combination-malformed"),
        ({"own_mix": {**MIX, "price_per_gb_minor": 0, "price_per_day_minor": 0}}, "own_mix", "combination-malformed"),
        ({"own_mix": {**MIX, "price_per_day_minor": 10**11, "days_max": 36_500}}, "own_mix", "combination-malformed"),
        ({"own_mix": {**MIX, "discounts": [{"percent": 1}]}}, "own_mix.discounts", "value-malformed"),
        ({"own_mix": {**MIX, "discounts": [1]}}, "own_mix.discounts", "value-malformed"),
        (
            {"own_mix": {**MIX, "discounts": [{"from_bytes": 1, "percent": 100}]}},
            "own_mix.discounts",
            "value-malformed",
        ),
        (
            {"own_mix": {**MIX, "discounts": [{"from_bytes": 2, "percent": 5}, {"from_bytes": 1, "percent": 9}]}},
            "own_mix.discounts",
            "value-malformed",
        ),
        ({"currency": None}, "currency", "value-malformed"),
    ],
)
def test_mistakes_in_a_plan_to_be_mixed(fields: Mapping[str, object], field: str, code: str) -> None:
    assert _mistakes({**MIXED, **fields}) == [("MIX", field, code)]


def test_a_plan_to_be_mixed_keeps_how_its_mixes_stack() -> None:
    (plan,) = parse_plans(_file({**MIXED, "stacking": "extend", "joins": ["MIX"]}), known_codes=()).plans
    assert plan.own_mix == {**MIX, "currency": "JPY", "terms": {"stacking": "extend", "joins": ["MIX"]}}


@pytest.mark.parametrize(
    "body", [b"", b"[", b"\xff\xfe", b'{"plans": [NaN]}', b"[" * 100_000, b'{"plans": [1' + b"0" * 5000]
)
def test_what_is_not_json_says_where(body: bytes) -> None:
    parsed = parse_plans(body, known_codes=())
    assert (list(parsed.mistakes), list(parsed.plans)) == ([Mistake("", "", "value-malformed")], [])
    assert parsed.unreadable


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"plans": {}}', b"3"])
def test_what_is_json_but_no_list_of_plans(body: bytes) -> None:
    parsed = parse_plans(body, known_codes=())
    assert (list(parsed.mistakes), parsed.unreadable) == ([Mistake("", "plans", "value-malformed")], "")


def test_a_file_may_have_a_byte_order_mark_and_no_plans() -> None:
    assert parse_plans(b'\xef\xbb\xbf{"note": "empty", "plans": []}', known_codes=()).mistakes == []


def test_every_code_has_its_meaning() -> None:
    assert set(MISTAKES) == {
        "field-unknown",
        "value-malformed",
        "combination-malformed",
        "name-missing",
        "code-duplicate",
        "plan-joins-unknown",
    }
    assert set(NOTICES) == {"name-missing", "door-unknown", "plan-withdrawn"}
