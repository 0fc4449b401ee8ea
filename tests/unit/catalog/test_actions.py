# SPDX-License-Identifier: Apache-2.0
"""Taking plan files into the catalogue, and withdrawing plans."""

import json
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from tsuzuku.catalog.actions import PlansImport, import_plans, offer_plan_again, withdraw_plan
from tsuzuku.catalog.errors import PlanFileRefused, PlanUnknown
from tsuzuku.catalog.file_reading import Notice
from tsuzuku.catalog.models import Plan, PlanTermsRow, Price
from tsuzuku.catalog.plan_file import parse_plans
from tsuzuku.catalog.queries import plan_codes
from tsuzuku.kernel.money import Money

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
MARKET = (files("tsuzuku.testing") / "data" / "plans.json").read_bytes()
NAME = {"zh-Hans": "一", "zh-Hant": "一", "ja": "一", "en": "One", "ko": "일"}
ONE: dict[str, Any] = {
    "code": "W1",
    "name": NAME,
    "data_bytes": 1_000_000_000,
    "days": 7,
    "price_minor": 600,
    "currency": "JPY",
}


def _import(*plans: dict[str, Any], now: datetime = NOW) -> PlansImport:
    parsed = parse_plans(json.dumps({"plans": plans}).encode(), known_codes=plan_codes())
    return import_plans(parsed=parsed, now=now)


def _prices() -> list[tuple[str | None, int, datetime, datetime | None]]:
    return list(Price.objects.order_by("pk").values_list("channel", "amount_minor", "valid_from", "valid_until"))


@pytest.mark.django_db
def test_the_plans_of_the_market_twice() -> None:
    parsed = parse_plans(MARKET, known_codes=())
    assert import_plans(parsed=parsed, now=NOW) == PlansImport(new=16, new_prices=15)
    rows = [list(model.objects.order_by("pk").values()) for model in (Plan, PlanTermsRow, Price)]
    assert import_plans(parsed=parsed, now=LATER) == PlansImport(unchanged=16)
    assert [list(model.objects.order_by("pk").values()) for model in (Plan, PlanTermsRow, Price)] == rows
    assert [len(each) for each in rows] == [16, 15, 15]
    by_code = {plan.code: plan for plan in parsed.plans}
    for plan in Plan.objects.select_related("terms_now"):
        assert (plan.terms_now.parsed() if plan.terms_now else None) == by_code[plan.code].terms
        assert (plan.own_mix, plan.name) == (by_code[plan.code].own_mix, by_code[plan.code].name)


@pytest.mark.django_db
def test_a_price_that_differs_begins_a_new_row_and_closes_the_one_before() -> None:
    _import(ONE)
    (sold,) = Price.objects.all()
    assert _import({**ONE, "price_minor": 700}, now=LATER) == PlansImport(changed=1, new_prices=1)
    assert _prices() == [(None, 600, NOW, LATER), (None, 700, LATER, None)]
    assert Price.objects.get(pk=sold.pk).money == Money(600, "JPY")
    again = LATER + timedelta(days=1)
    assert _import(ONE, now=again) == PlansImport(changed=1, new_prices=1)
    assert _prices() == [(None, 600, NOW, LATER), (None, 700, LATER, again), (None, 600, again, None)]


@pytest.mark.django_db
def test_a_door_gets_and_loses_a_price_of_its_own() -> None:
    _import(ONE)
    at_kiosk = {**ONE, "prices": [{"channel": "kiosk", "price_minor": 550}]}
    assert _import(at_kiosk, now=LATER) == PlansImport(changed=1, new_prices=1)
    assert _import(at_kiosk, now=LATER) == PlansImport(unchanged=1)
    gone = LATER + timedelta(days=1)
    assert _import(ONE, now=gone) == PlansImport(changed=1)
    assert _prices() == [(None, 600, NOW, None), ("kiosk", 550, LATER, gone)]


@pytest.mark.django_db
def test_a_price_in_another_currency_is_another_price() -> None:
    _import(ONE)
    assert _import({**ONE, "currency": "CNY"}, now=LATER) == PlansImport(changed=1, new_prices=1)
    assert [price.currency for price in Price.objects.filter(valid_until=None)] == ["CNY"]


@pytest.mark.django_db
def test_terms_that_differ_are_a_new_version_and_the_old_ones_stay() -> None:
    _import(ONE)
    sold = PlanTermsRow.objects.get()
    kept = PlanTermsRow.objects.values().get()
    assert _import({**ONE, "days": 8}, now=LATER) == PlansImport(changed=1)
    plan = Plan.objects.select_related("terms_now").get()
    assert plan.terms_now is not None
    assert (plan.terms_now.parsed().days, PlanTermsRow.objects.values().get(pk=sold.pk)) == (8, kept)
    # Back to what it was: the version that there was, not a third.
    assert _import(ONE, now=LATER) == PlansImport(changed=1)
    assert (Plan.objects.get().terms_now_id, PlanTermsRow.objects.count()) == (sold.pk, 2)


@pytest.mark.django_db
def test_where_voice_may_call_is_part_of_what_is_sold() -> None:
    _import({**ONE, "voice_seconds": 60})
    _import({**ONE, "voice_seconds": 60, "voice_to": "international"}, now=LATER)
    assert list(PlanTermsRow.objects.order_by("pk").values_list("voice_to", flat=True)) == ["domestic", "international"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ({"name": {**NAME, "en": "Uno"}}, "name", {**NAME, "en": "Uno"}),
        ({"countries": ["JP", "KR"]}, "countries", ["JP", "KR"]),
        ({"card_groups": ["spring"]}, "card_groups", ["spring"]),
        ({"network": "5G"}, "network", "5G"),
        ({"tethering": False}, "tethering", False),
        ({"on_sale_from": "2026-12-01T00:00:00Z"}, "on_sale_from", datetime(2026, 12, 1, tzinfo=UTC)),
        ({"on_sale_until": "2026-12-01T09:00:00+09:00"}, "on_sale_until", datetime(2026, 12, 1, tzinfo=UTC)),
    ],
)
def test_words_that_differ_are_changed_in_place(fields: dict[str, Any], name: str, value: object) -> None:
    _import(ONE)
    assert _import({**ONE, **fields}, now=LATER) == PlansImport(changed=1)
    assert getattr(Plan.objects.get(), name) == value
    assert (PlanTermsRow.objects.count(), _prices()) == (1, [(None, 600, NOW, None)])
    assert _import({**ONE, **fields}, now=LATER) == PlansImport(unchanged=1)


@pytest.mark.django_db
def test_plans_that_the_file_does_not_name_stay() -> None:
    _import(ONE, {**ONE, "code": "W2"})
    assert _import({**ONE, "code": "W3"}, now=LATER) == PlansImport(new=1, new_prices=1)
    assert plan_codes() == {"W1", "W2", "W3"}


@pytest.mark.django_db
def test_a_plan_may_become_one_to_be_mixed_and_back() -> None:
    mix = {
        "bytes_step": 10**9,
        "bytes_max": 10**10,
        "days_max": 90,
        "price_per_gb_minor": 120,
        "price_per_day_minor": 40,
    }
    _import(ONE)
    assert _import({"code": "W1", "name": NAME, "currency": "JPY", "own_mix": mix}, now=LATER) == PlansImport(changed=1)
    plan = Plan.objects.get()
    assert (plan.terms_now, plan.own_mix) == (None, {**mix, "currency": "JPY", "terms": {}})
    assert _prices() == [(None, 600, NOW, LATER)]
    assert _import(ONE, now=LATER) == PlansImport(changed=1, new_prices=1)
    assert (Plan.objects.get().own_mix, PlanTermsRow.objects.count()) == (None, 1)


@pytest.mark.django_db
def test_a_file_with_a_mistake_changes_nothing() -> None:
    _import(ONE)
    with pytest.raises(PlanFileRefused) as refused:
        _import({**ONE, "price_minor": 700}, {**ONE, "code": "W2", "days": 0})
    assert str(refused.value) == "plan-file-refused (mistakes=1)"
    assert (set(plan_codes()), _prices()) == ({"W1"}, [(None, 600, NOW, None)])


@pytest.mark.django_db
def test_withdrawing_a_plan_and_offering_it_again() -> None:
    _import(ONE)
    withdraw_plan(code="W1", now=NOW)
    withdraw_plan(code="W1", now=LATER)
    assert Plan.objects.get().withdrawn_at == NOW
    assert _import(ONE, now=LATER) == PlansImport(unchanged=1, notices=[Notice("W1", "code", "plan-withdrawn")])
    assert Plan.objects.get().withdrawn_at == NOW
    offer_plan_again(code="W1")
    assert Plan.objects.get().withdrawn_at is None
    with pytest.raises(PlanUnknown):
        withdraw_plan(code="W9", now=NOW)
    with pytest.raises(PlanUnknown):
        offer_plan_again(code="W9")


@pytest.mark.django_db
def test_the_database_keeps_one_open_price_per_plan_and_door() -> None:
    _import({**ONE, "prices": [{"channel": "kiosk", "price_minor": 550}]})
    plan = Plan.objects.get()
    for door in (None, "kiosk"):
        with pytest.raises(IntegrityError), transaction.atomic():
            Price.objects.create(plan=plan, channel=door, amount_minor=1, currency="JPY", valid_from=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        Price.objects.create(plan=plan, channel="web", amount_minor=0, currency="JPY", valid_from=NOW)


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_take_turns() -> None:
    results: list[PlansImport] = []
    start = threading.Barrier(2)
    parsed = parse_plans(MARKET, known_codes=())

    def run() -> None:
        with closing(connection):
            start.wait()
            results.append(import_plans(parsed=parsed, now=NOW))

    threads = [threading.Thread(target=run) for _time in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results, key=lambda result: result.new) == [
        PlansImport(unchanged=16),
        PlansImport(new=16, new_prices=15),
    ]
