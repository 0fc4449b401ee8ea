# SPDX-License-Identifier: Apache-2.0
"""A plan that people mix themselves, from the quote to the receipt."""

from datetime import timedelta

import pytest

from tsuzuku.catalog.errors import MixNotOffered, PlanUnknown
from tsuzuku.catalog.mixes import Mix
from tsuzuku.catalog.models import Plan, PlanTermsRow
from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.payments.queries import balances
from tsuzuku.receipts.models import Receipt
from tsuzuku.renewals.actions import order_renewal
from tsuzuku.renewals.errors import KeyReused, QuoteChanged
from tsuzuku.renewals.quotes import quote_renewal
from tsuzuku.testing.factories import make_card, make_mix_plan, make_plan
from tsuzuku.testing.house import House, Story

GB = 1_000_000_000
MIX = Mix(5 * GB, 7)


def test_what_was_chosen_is_paid_given_and_named_on_the_receipt(house: House) -> None:
    make_mix_plan()
    card, now = make_card(), clock.now()
    quote = quote_renewal(card, "OWN-MIX", channel="web", now=now, mix=MIX)
    order = house.order(card, "OWN-MIX", mix=MIX)
    house.pay(order)
    house.settle_down()

    assert (quote.price, order.price) == (Money(880, "JPY"), Money(880, "JPY"))
    renewal = house.renewal(order)
    assert (renewal.state, renewal.terms.mix) == ("active", MIX)
    (lot,) = house.allowance(card).lots
    assert (lot.plan_code, lot.total) == ("OWN-MIX", 5 * GB)
    assert lot.starts_at is not None
    assert lot.ends_at == lot.starts_at + timedelta(days=7)
    (line,) = Receipt.objects.get(order=order).content["lines"]  # type: ignore[index]  # it is written
    assert line["names"] == {"en": "Your own: 5\u00a0GB, 7 days", "zh-hans": "自选：5\u00a0GB，7 天"}
    assert line["amount_minor"] == 880
    assert "Your own: 5\u00a0GB, 7 days" in house.gateway.sent[-1].message.text


def test_a_carrier_is_told_what_was_chosen(house: House) -> None:
    make_mix_plan()
    card = make_card()
    house.pay(house.order(card, "OWN-MIX", mix=MIX))
    house.settle_down()
    (request,) = house.carrier.requests
    assert (request.terms["amounts"], request.terms["days"]) == ({"data": 5 * GB}, 7)


def test_the_same_mix_has_the_same_terms_and_another_has_others(house: House) -> None:
    make_mix_plan()
    card = make_card()
    for key, mix in enumerate((MIX, MIX, Mix(6 * GB, 7))):
        house.pay(house.order(card, "OWN-MIX", mix=mix, key=f"k{key}"))
    assert PlanTermsRow.objects.filter(is_mix=True).count() == 2


def test_a_rule_that_changes_changes_nothing_that_was_ordered(house: House) -> None:
    make_mix_plan()
    card = make_card()
    order = house.order(card, "OWN-MIX", mix=MIX)
    make_mix_plan(price_per_gb_minor=500, days_max=3)
    house.pay(order)
    house.settle_down()
    assert (house.renewal(order).state, order.price, house.allowance(card).remaining_bytes) == (
        "active",
        Money(880, "JPY"),
        5 * GB,
    )


def test_a_rule_that_changed_since_the_quote_is_shown_before_anything_is_ordered(house: House) -> None:
    make_mix_plan()
    card, now = make_card(), clock.now()
    digest = quote_renewal(card, "OWN-MIX", channel="web", now=now, mix=MIX).digest
    make_mix_plan(price_per_day_minor=41)
    with pytest.raises(QuoteChanged) as changed:
        order_renewal(
            card=card,
            plan_code="OWN-MIX",
            digest=digest,
            actor="customer:1",
            key="k1",
            payer=None,
            email="",
            language="en",
            channel="web",
            now=now,
            mix=MIX,
        )
    assert changed.value.quote.price == Money(887, "JPY")


@pytest.mark.parametrize(("per_gb", "refusal"), [(120, ""), (121, "price-risen")])
def test_late_money_buys_the_mix_if_it_costs_no_more_by_now(
    house: House, story: Story, per_gb: int, refusal: str
) -> None:
    make_mix_plan()
    order = house.order(make_card(), "OWN-MIX", mix=MIX)
    reference = house.start_payment(order)
    with story.after(hours=3):
        make_mix_plan(price_per_gb_minor=per_gb)
        house.settle_down()
        house.deliver(*house.provider.pay(reference))
        house.settle_down()
        house.end_refunds()
    renewal = house.renewal(order)
    assert (renewal.state, renewal.refusal) == ("withdrawn" if refusal else "active", refusal)
    if refusal:
        assert balances() == {"customers": 0, "provider:fake": 0}


def test_late_money_does_not_buy_a_mix_that_is_offered_no_more(house: House, story: Story) -> None:
    make_mix_plan()
    order = house.order(make_card(), "OWN-MIX", mix=MIX)
    reference = house.start_payment(order)
    with story.after(hours=3):
        make_mix_plan(days_max=6)
        house.settle_down()
        house.deliver(*house.provider.pay(reference))
        house.settle_down()
        house.end_refunds()
    assert house.renewal(order).refusal == "plan-gone"


def test_what_no_rule_offers_is_refused(house: House) -> None:
    make_mix_plan()
    make_plan("W1")
    card, now = make_card(), clock.now()
    for plan, mix in [("OWN-MIX", None), ("OWN-MIX", Mix(51 * GB, 7)), ("W1", MIX)]:
        with pytest.raises(MixNotOffered):
            quote_renewal(card, plan, channel="web", now=now, mix=mix)
    Plan.objects.update(withdrawn_at=now)
    with pytest.raises(PlanUnknown):
        quote_renewal(card, "OWN-MIX", channel="web", now=now, mix=MIX)


def test_a_key_that_stood_for_another_mix_is_refused(house: House) -> None:
    make_mix_plan()
    card = make_card()
    order = house.order(card, "OWN-MIX", mix=MIX)
    assert house.order(card, "OWN-MIX", mix=MIX) == order
    with pytest.raises(KeyReused):
        house.order(card, "OWN-MIX", mix=Mix(6 * GB, 7))
