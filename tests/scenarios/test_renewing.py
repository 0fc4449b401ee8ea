# SPDX-License-Identifier: Apache-2.0
"""A renewal from order to online: what it is quoted, sold and says."""

from datetime import timedelta

import pytest

from tsuzuku.catalog.actions import withdraw_plan
from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.payments.queries import balances
from tsuzuku.renewals.actions import order_renewal
from tsuzuku.renewals.errors import KeyReused, QuoteChanged
from tsuzuku.renewals.quotes import Caution, quote_renewal
from tsuzuku.testing.factories import make_card, make_plan, use_data
from tsuzuku.testing.house import House, Story

GB = 1_000_000_000


def test_a_card_is_renewed_and_its_payer_told(house: House) -> None:
    card = make_card()
    make_plan("GB-1-3D", price_minor=300)
    order = house.order(card, "GB-1-3D")

    house.pay(order)

    order.refresh_from_db()
    assert (order.state, house.renewal(order).state) == ("paid", "active")
    assert house.allowance(card).remaining_bytes == GB
    assert [each.request.iccid for each in house.carrier.history] == [card.iccid]
    assert balances() == {"customers": 0, "provider:fake": 300, "revenue": -300}
    assert house.facts() == ["payment-captured", "order-paid", "renewal-activated"]
    assert house.subjects() == [f"Your card is renewed · order {order.number}"]
    assert "You now have 1\N{NO-BREAK SPACE}GB and are online until" in house.gateway.sent[0].message.text


def test_a_carrier_that_confirms_at_once_is_not_called(house: House) -> None:
    house.carrier.confirms_at_once = True
    card = make_card()
    make_plan("GB-1-3D")
    order = house.order(card, "GB-1-3D")

    house.pay(order)

    assert house.renewal(order).state == "active"
    assert house.allowance(card).remaining_bytes == GB
    assert house.carrier.requests == []


def test_the_lot_counts_from_the_carriers_credit(house: House, story: Story) -> None:
    card = make_card()
    make_plan("GB-1-3D", days=3)
    order = house.order(card, "GB-1-3D")
    house.carrier.is_down = True
    house.deliver(*house.provider.pay(house.start_payment(order)))
    house.settle_down()
    house.carrier.is_down = False

    with story.after(minutes=10):
        house.settle_down()

        credited_at = house.carrier.history[0].activation.credited_at
        assert credited_at >= story.start + timedelta(minutes=10)
        assert house.allowance(card).online_until == credited_at + timedelta(days=3)


def test_the_same_key_gives_the_same_order(house: House) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    make_plan("GB-2-3D")

    first = house.order(card, "GB-1-3D", key="k1")

    assert house.order(card, "GB-1-3D", key="k1") == first
    with pytest.raises(KeyReused):
        house.order(card, "GB-2-3D", key="k1")


def test_a_price_that_changed_is_shown_and_asked_again(house: House) -> None:
    card = make_card()
    make_plan("GB-1-3D", price_minor=300)
    seen = quote_renewal(card, "GB-1-3D", channel="web", now=clock.now())
    make_plan("GB-1-3D", price_minor=350)

    with pytest.raises(QuoteChanged) as changed:
        order_renewal(
            card=card,
            plan_code="GB-1-3D",
            digest=seen.digest,
            actor="customer:1",
            key="k1",
            payer=None,
            email="",
            language="en",
            channel="web",
            now=clock.now(),
        )

    assert changed.value.quote.price == Money(350, "JPY")


def test_a_quote_outlives_time_but_not_another_renewal(house: House, story: Story) -> None:
    card = make_card()
    make_plan("GB-1-3D")
    seen = quote_renewal(card, "GB-1-3D", channel="web", now=clock.now())

    with story.after(hours=1):
        assert quote_renewal(card, "GB-1-3D", channel="web", now=clock.now()).digest == seen.digest
        house.pay(house.order(card, "GB-1-3D"))
        assert quote_renewal(card, "GB-1-3D", channel="web", now=clock.now()).digest != seen.digest


def test_a_sold_price_and_terms_stay_as_they_were_sold(house: House) -> None:
    card = make_card()
    make_plan("GB-1-3D", price_minor=300, data_bytes=GB)
    order = house.order(card, "GB-1-3D")
    make_plan("GB-1-3D", price_minor=900, data_bytes=9 * GB)
    withdraw_plan(code="GB-1-3D", now=clock.now())

    house.pay(order)

    assert house.allowance(card).remaining_bytes == GB
    assert balances()["revenue"] == -300


def test_a_card_with_plenty_needs_nothing_yet(house: House) -> None:
    card = make_card()
    make_plan("GB-20-30D", data_bytes=20 * GB, days=30)
    house.pay(house.order(card, "GB-20-30D"))
    assert quote_renewal(card, "GB-20-30D", channel="web", now=clock.now()).cautions == (Caution.NOT_NEEDED_YET,)


def test_a_plan_that_starts_after_what_is_used_up_is_no_help_now(house: House) -> None:
    card = make_card()
    make_plan("DAY-3", stacking="sequel", days=3)
    assert quote_renewal(card, "DAY-3", channel="web", now=clock.now()).cautions == ()
    house.pay(house.order(card, "DAY-3"))
    use_data(card, GB)

    quote = quote_renewal(card, "DAY-3", channel="web", now=clock.now())

    assert quote.preview.allowance.online_until is None
    assert quote.cautions == (Caution.STARTS_TOO_LATE,)


def test_a_plan_that_begins_later_is_announced_as_that(house: House) -> None:
    card = make_card()
    make_plan("DAY-3", stacking="sequel", days=3, day_rule="calendar")
    house.pay(house.order(card, "DAY-3", key="k1"))

    house.pay(house.order(card, "DAY-3", key="k2"))

    first, second = (kept.message.text for kept in house.gateway.sent)
    assert "You now have 1\N{NO-BREAK SPACE}GB and are online until" in first
    assert "It begins by itself on" in second
    assert "You now have" not in second
