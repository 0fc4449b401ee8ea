# SPDX-License-Identifier: Apache-2.0
"""A payment provider that is down for an hour: orders are kept, its methods hidden, then tried and offered again."""

from datetime import timedelta

import pytest

from tsuzuku.kernel import clock
from tsuzuku.payments.errors import PaymentNotStarted
from tsuzuku.payments.models import ProviderOutage
from tsuzuku.payments.queries import offered_methods
from tsuzuku.payments.registry import using_provider
from tsuzuku.testing.factories import make_card, make_plan
from tsuzuku.testing.fakes import FakeProvider, Outcome
from tsuzuku.testing.house import House, Story


def offered() -> dict[str, str]:
    """Which method is offered by whom, now."""
    found = offered_methods("JPY", now=clock.now())
    return found.providers


def test_a_provider_is_down_for_an_hour(house: House, story: Story) -> None:
    make_plan("GB-1-3D")
    order = house.order(make_card(), "GB-1-3D")
    other = FakeProvider()
    other.methods = ("card", "paypay")
    house.provider.methods, house.provider.is_down = ("card", "fake"), True
    tried, minute = [], 0
    with using_provider("other", other):
        assert offered() == {"card": "fake", "fake": "fake", "paypay": "other"}
        # Somebody tries whenever its methods are shown; a second more each minute, since the story's clock goes on.
        while minute < 60:
            with story.after(minutes=minute, seconds=minute):
                if "fake" in offered():
                    tried.append(minute)
                    with pytest.raises(PaymentNotStarted):
                        house.start_payment(order)
                    assert offered() == {"card": "other", "paypay": "other"}
                    assert offered_methods("JPY", now=clock.now()).unreachable == ("fake",)
            minute += 1
        assert tried == [0, 1, 3, 7, 15, 25, 35, 45, 55]

        house.provider.is_down = False
        with story.after(minutes=64):
            assert "fake" not in offered()
        with story.after(minutes=67):
            assert offered() == {"card": "fake", "fake": "fake", "paypay": "other"}
            house.pay(order)
            assert house.renewal(order).state == "active"
    assert ProviderOutage.objects.count() == 0


def test_those_who_were_on_their_way_when_it_went_down_prolong_nothing(house: House, story: Story) -> None:
    make_plan("GB-1-3D")
    orders = [house.order(make_card(), "GB-1-3D", key=str(number)) for number in range(5)]
    house.provider.script.add(*[Outcome.UNAVAILABLE, Outcome.LOST, Outcome.DONE_UNANSWERED] * 2)
    for order in orders:
        with pytest.raises(PaymentNotStarted):
            house.start_payment(order)
    outage = ProviderOutage.objects.get()
    assert (outage.failures, outage.hidden_until - outage.since <= timedelta(minutes=1)) == (1, True)
    with story.after(minutes=2):
        with pytest.raises(PaymentNotStarted):
            house.start_payment(orders[0])
        outage.refresh_from_db()
        assert (outage.failures, outage.hidden_until - clock.now() <= timedelta(minutes=2)) == (2, True)


def test_where_none_can_be_reached_all_are_offered(house: House) -> None:
    make_plan("GB-1-3D")
    order = house.order(make_card(), "GB-1-3D")
    house.provider.script.add(Outcome.UNAVAILABLE)
    with pytest.raises(PaymentNotStarted):
        house.start_payment(order)
    assert offered_methods("JPY", now=clock.now()) == ({"fake": "fake"}, ())
    house.pay(order)
    assert house.renewal(order).state == "active"


def test_a_no_is_an_answer(house: House, story: Story) -> None:
    make_plan("GB-1-3D")
    order = house.order(make_card(), "GB-1-3D")
    house.provider.script.add(Outcome.UNAVAILABLE, Outcome.REFUSED)
    for minutes in (0, 2):
        with story.after(minutes=minutes), pytest.raises(PaymentNotStarted):
            house.start_payment(order)
    assert ProviderOutage.objects.count() == 0
