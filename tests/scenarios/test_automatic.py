# SPDX-License-Identifier: Apache-2.0
"""Cards that renew themselves, over days: announced, charged, failed, stopped."""

import re
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections

from tsuzuku.cards.actions import block_card, hold_card
from tsuzuku.cards.models import Blocked, Card
from tsuzuku.journal.models import Fact
from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.orders.links import order_link
from tsuzuku.orders.models import Order
from tsuzuku.payments.models import Capture, KeptMethodRow, Payment
from tsuzuku.payments.ports import FailureReason
from tsuzuku.payments.queries import balances
from tsuzuku.people.models import User
from tsuzuku.project.audit import findings
from tsuzuku.renewals import automatic_turns
from tsuzuku.renewals.automatic import (
    automatic_of,
    quote_automatic,
    remove_kept_method,
    row_to_stop,
    switch_off,
    switch_on,
)
from tsuzuku.renewals.automatic_turns import take_turns
from tsuzuku.renewals.errors import AutomaticByAnother, QuoteChanged, SourceUnknown, StopLinkForged
from tsuzuku.renewals.models import AutomaticRenewal
from tsuzuku.testing.factories import make_card, make_customer, make_plan
from tsuzuku.testing.fakes import Outcome
from tsuzuku.testing.house import House, open_house

#: 10:00 in Japan.
MORNING = datetime(2027, 3, 1, 1, 0, tzinfo=UTC)
PLAN = "GB-1-3D"
DAY = timedelta(days=1)

SWITCHED_ON = "automatic-renewal-switched-on"
ANNOUNCED = "automatic-renewal-announced"
FAILED = "automatic-renewal-failed"
SWITCHED_OFF = "automatic-renewal-switched-off"
CHARGED = ["payment-captured", "order-paid", "renewal-activated"]


class Told:
    """Mei's card, which ends after three days, and everything that happened since she switched something on."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.mei = make_customer()
        make_plan(PLAN, price_minor=1_000)
        self.card: Card = make_card()
        hold_card(user=self.mei, card=self.card, name="", now=clock.now())
        with clock.travel_to(MORNING):
            house.pay(house.order(self.card, PLAN, payer=self.mei))
            until = house.allowance(self.card).online_until
        assert until is not None
        self.until = until
        self.facts_before = 0
        self.mails_before = 0

    def keep(self) -> KeptMethodRow:
        with clock.travel_to(MORNING):
            return self.house.keep_method(self.mei)

    def switch_on(self, kept: KeptMethodRow | None, *, at: datetime = MORNING) -> AutomaticRenewal:
        self.facts_before, self.mails_before = Fact.objects.count(), len(self.house.gateway.sent)
        with clock.travel_to(at):
            return switched_on(self.card, self.mei, kept)

    def work(self, at: datetime) -> None:
        with clock.travel_to(at):
            self.house.settle_down()
            self.house.hear_charges()
            # A turn is looked at again a minute after its charge.
        with clock.travel_to(at + timedelta(minutes=6)):
            self.house.settle_down()

    @property
    def facts(self) -> list[str]:
        return self.house.facts()[self.facts_before :]

    @property
    def mails(self) -> list[str]:
        return [subject.partition(" · order")[0] for subject in self.house.subjects()[self.mails_before :]]

    @property
    def row(self) -> AutomaticRenewal:
        return AutomaticRenewal.objects.get()

    def lots(self) -> int:
        with clock.travel_to(self.until - timedelta(hours=1)):
            return len(self.house.allowance(self.card).lots)


def switched_on(card: Card, user: User, kept: KeptMethodRow | None) -> AutomaticRenewal:
    price = quote_automatic(card, PLAN, user=user, now=clock.now()).price
    return switch_on(
        card=card,
        user=user,
        plan_code=PLAN,
        method_id=kept.pk if kept else None,
        shown_minor=price.amount_minor,
        language="en",
        now=clock.now(),
    )


@pytest.fixture
def told(house: House) -> Told:
    return Told(house)


def announced_at(told: Told) -> datetime:
    return told.until - timedelta(hours=37)


def due_at(told: Told) -> datetime:
    return told.until - timedelta(hours=12)


def test_a_card_renews_itself_from_a_kept_method_again_and_again(told: Told) -> None:
    told.switch_on(told.keep())
    told.work(announced_at(told) - timedelta(minutes=10))
    assert (told.facts, told.mails) == ([SWITCHED_ON], [])

    told.work(announced_at(told))
    assert told.mails == ["Your card will be renewed for ¥1,000 on Wed 3 Mar, 22:00"]
    told.work(due_at(told) - timedelta(minutes=10))
    assert told.facts == [SWITCHED_ON, ANNOUNCED]

    told.work(due_at(told))
    assert told.facts == [SWITCHED_ON, ANNOUNCED, *CHARGED]
    order = Order.objects.latest("pk")
    assert (order.channel, order.amount_minor, order.state) == ("automatic", 1_000, "paid")
    request = list(told.house.provider.payments.values())[-1].request
    assert (request.return_url, request.cancel_url) == (order_link(order),) * 2
    assert told.mails[1:] == ["Your card is renewed"]
    assert told.lots() == 2

    with clock.travel_to(due_at(told) + timedelta(hours=1)):
        until = told.house.allowance(told.card).online_until
    assert until is not None
    assert until > told.until
    told.work(until - timedelta(hours=37))
    told.work(until - timedelta(hours=12))
    assert told.facts == [SWITCHED_ON, *([ANNOUNCED, *CHARGED] * 2)]
    assert balances()["revenue"] == -3_000


def test_a_card_renews_itself_from_the_balance(told: Told) -> None:
    with clock.travel_to(MORNING):
        told.house.top_up(told.mei, 1_500)
    told.switch_on(None)
    told.work(announced_at(told))
    told.work(due_at(told))

    assert told.facts == [SWITCHED_ON, ANNOUNCED, "balance-charged", "order-paid", "renewal-activated"]
    with clock.travel_to(due_at(told)):
        assert told.house.balance(told.mei) == 500


def test_a_balance_that_is_short_is_said_a_day_ahead_and_charged_in_no_part(told: Told) -> None:
    with clock.travel_to(MORNING):
        told.house.top_up(told.mei, 900)
    told.switch_on(None)
    told.work(announced_at(told))
    assert "Your balance holds ¥900 now" in told.house.gateway.sent[-1].message.text
    told.work(due_at(told))

    assert told.facts == [SWITCHED_ON, ANNOUNCED, "renewal-withdrawn", FAILED]
    assert told.mails[1:] == ["We could not renew your card by itself"]
    assert "Your balance does not cover the price." in told.house.gateway.sent[-1].message.text
    with clock.travel_to(due_at(told)):
        assert told.house.balance(told.mei) == 900
    assert told.lots() == 1


def test_three_failed_days_and_it_is_switched_off(told: Told) -> None:
    told.switch_on(told.keep())
    told.house.provider.refuse_charges(FailureReason.LIMIT, FailureReason.REFUSED, FailureReason.NETWORK)
    told.work(announced_at(told))
    for day in range(5):
        told.work(due_at(told) + day * DAY)
        told.work(due_at(told) + day * DAY + timedelta(hours=12))

    once = ["payment-failed", "renewal-withdrawn", FAILED]
    assert told.facts == [SWITCHED_ON, ANNOUNCED, *once, *once, *once, SWITCHED_OFF]
    assert told.mails[1:] == [
        "We could not renew your card by itself",
        "We could not renew your card by itself",
        "Your card is not renewed by itself any more",
    ]
    assert [payment.failure for payment in Payment.objects.exclude(failure="").order_by("pk")] == [
        "limit",
        "refused",
        "network",
    ]
    assert (told.row.is_on, told.row.next_attempt_at, told.lots()) == (False, None, 1)
    assert set(Order.objects.filter(channel="automatic").values_list("state", flat=True)) == {"cancelled"}


def test_a_second_try_the_next_day_that_is_paid_begins_anew(told: Told) -> None:
    told.switch_on(told.keep())
    told.house.provider.refuse_charges(FailureReason.LIMIT)
    for at in (announced_at(told), due_at(told), due_at(told) + DAY + timedelta(minutes=10)):
        told.work(at)
    assert told.facts == [
        SWITCHED_ON,
        ANNOUNCED,
        "payment-failed",
        "renewal-withdrawn",
        FAILED,
        *CHARGED,
    ]
    assert (told.row.failures, told.row.announced_for) == (0, None)


def test_the_link_in_the_mail_stops_it_and_nothing_that_is_switched_on_later(told: Told) -> None:
    kept = told.keep()
    told.switch_on(kept)
    told.work(announced_at(told))
    found = re.search(r"/automatic/stop/(\S+)", told.house.gateway.sent[-1].message.text)
    assert found is not None
    with clock.travel_to(announced_at(told)):
        row = row_to_stop(found[1])
        for _ in range(2):
            switch_off(automatic_id=row.pk, reason="", actor="customer:1", now=clock.now())
    told.work(due_at(told))
    assert told.facts == [SWITCHED_ON, ANNOUNCED, SWITCHED_OFF]

    with clock.travel_to(due_at(told)):
        switched_on(told.card, told.mei, kept)
        for token in (found[1], found[1][:-1], "", "x"):
            with pytest.raises(StopLinkForged):
                row_to_stop(token)


def test_a_higher_price_is_announced_before_it_is_charged(told: Told) -> None:
    told.switch_on(told.keep())
    told.work(announced_at(told))
    with clock.travel_to(announced_at(told) + timedelta(hours=1)):
        make_plan(PLAN, price_minor=1_200)
    told.work(due_at(told))
    assert told.facts == [SWITCHED_ON, ANNOUNCED, ANNOUNCED]
    assert told.mails[1] == "Your card will be renewed for ¥1,200 on Thu 4 Mar, 22:00"
    assert "It was ¥1,000 before." in told.house.gateway.sent[-1].message.text

    told.work(due_at(told) + DAY + timedelta(minutes=10))
    assert told.facts[3:] == CHARGED
    assert Order.objects.latest("pk").amount_minor == 1_200


def test_a_lower_price_is_charged_at_once(told: Told) -> None:
    told.switch_on(told.keep())
    told.work(announced_at(told))
    with clock.travel_to(announced_at(told) + timedelta(hours=1)):
        make_plan(PLAN, price_minor=800)
    told.work(due_at(told))
    assert told.facts == [SWITCHED_ON, ANNOUNCED, *CHARGED]
    assert Order.objects.latest("pk").amount_minor == 800


def test_who_renews_by_hand_after_the_mail_is_not_charged_again(told: Told) -> None:
    told.switch_on(told.keep())
    told.work(announced_at(told))
    with clock.travel_to(due_at(told) - timedelta(hours=1)):
        told.house.pay(told.house.order(told.card, PLAN, key="by-hand", payer=told.mei))
    told.work(due_at(told))
    assert told.facts == [SWITCHED_ON, ANNOUNCED, *CHARGED]
    assert told.row.announced_for is None


def test_a_card_that_was_blocked_stops_it_and_says_so(told: Told) -> None:
    told.switch_on(told.keep())
    told.work(announced_at(told))
    block_card(card=told.card, blocked=Blocked.LOST)
    told.work(due_at(told))
    assert told.facts[-1] == SWITCHED_OFF
    assert told.mails[-1] == "Your card is not renewed by itself any more"
    assert "The card was reported lost." in told.house.gateway.sent[-1].message.text
    block_card(card=told.card, blocked=Blocked.NO)


def test_who_has_the_bank_take_a_charge_back_is_not_charged_again(told: Told) -> None:
    told.switch_on(told.keep())
    told.work(announced_at(told))
    told.work(due_at(told))
    dispute = told.house.provider.dispute(Capture.objects.latest("pk").reference)
    for _ in range(2):
        told.house.deliver(dispute)
        told.work(due_at(told) + timedelta(hours=1))

    assert told.facts == [SWITCHED_ON, ANNOUNCED, *CHARGED, "dispute-opened", SWITCHED_OFF]
    assert told.mails[-1] == "Your card is not renewed by itself any more"
    assert "Your bank has taken back what was charged before." in told.house.gateway.sent[-1].message.text


def test_a_renewal_that_its_carrier_refuses_counts_as_failed_and_the_money_goes_back(told: Told) -> None:
    told.switch_on(told.keep())
    told.work(announced_at(told))
    told.house.carrier.script.add(Outcome.REFUSED)
    told.work(due_at(told))
    for key in told.house.provider.refunds_under_way():
        told.house.deliver(told.house.provider.finish_refund(key))
    assert told.facts == [
        SWITCHED_ON,
        ANNOUNCED,
        "payment-captured",
        "order-paid",
        "renewal-withdrawn",
        FAILED,
        "refund-done",
    ]
    assert told.row.failures == 1


@pytest.mark.parametrize("outcome", [Outcome.LOST, Outcome.DONE_UNANSWERED, Outcome.UNAVAILABLE])
def test_a_charge_whose_answer_is_lost_is_made_once(told: Told, outcome: Outcome) -> None:
    told.switch_on(told.keep())
    told.work(announced_at(told))
    told.house.provider.script.add(outcome)
    told.work(due_at(told))
    told.work(due_at(told) + timedelta(minutes=12))

    assert told.facts == [SWITCHED_ON, ANNOUNCED, *CHARGED]
    assert len([each for each in told.house.provider.payments.values() if each.request.kept_reference]) == 1
    assert balances()["revenue"] == -2_000


def test_a_provider_that_is_down_for_hours_fails_the_day_and_late_money_goes_back(told: Told) -> None:
    told.switch_on(told.keep())
    told.work(announced_at(told))
    told.house.provider.script.add(Outcome.DONE_UNANSWERED)
    with clock.travel_to(due_at(told)):
        told.house.settle_down()
    told.house.provider.is_down = True
    for minutes in range(10, 120, 10):
        with clock.travel_to(due_at(told) + timedelta(minutes=minutes)):
            told.house.settle_down()
    assert told.facts == [SWITCHED_ON, ANNOUNCED, "renewal-withdrawn", FAILED]
    told.house.provider.is_down = False
    # No webhook comes either: what the unanswered call has taken is found by asking for its key.
    told.house.provider.untold.clear()
    with clock.travel_to(due_at(told) + timedelta(hours=4)):
        told.house.settle_down()
        told.house.end_refunds()
    assert told.facts[4:] == ["payment-captured", "refund-done"]
    assert (told.lots(), Payment.objects.latest("pk").state) == (1, "captured")


def test_a_charge_that_never_arrived_is_given_up_by_an_answer_only(told: Told) -> None:
    told.switch_on(told.keep())
    told.work(announced_at(told))
    told.house.provider.script.add(Outcome.LOST)
    with clock.travel_to(due_at(told)):
        told.house.settle_down()
        switch_off(automatic_id=told.row.pk, reason="", actor="customer:1", now=clock.now())
    told.house.provider.is_down = True
    with clock.travel_to(due_at(told) + timedelta(hours=4)):
        told.house.settle_down()
    assert Payment.objects.latest("pk").state == "created"

    told.house.provider.is_down = False
    with clock.travel_to(due_at(told) + timedelta(hours=25)):
        told.house.settle_down()
    payment = Payment.objects.latest("pk")
    assert (payment.state, payment.failure, payment.next_attempt_at) == ("failed", "network", None)
    assert told.facts == [SWITCHED_ON, ANNOUNCED, "renewal-withdrawn", SWITCHED_OFF, "payment-failed"]


def test_a_charge_whose_worker_was_killed_is_settled_though_nobody_takes_its_turn(told: Told) -> None:
    told.switch_on(told.keep())
    told.work(announced_at(told))
    told.house.provider.script.add(Outcome.DONE_UNANSWERED)
    with clock.travel_to(due_at(told)):
        take_turns()
    told.house.provider.untold.clear()
    AutomaticRenewal.objects.update(next_attempt_at=told.until + DAY)
    with clock.travel_to(due_at(told) + timedelta(minutes=2)):
        told.house.settle_down()
    assert told.facts == [SWITCHED_ON, ANNOUNCED, *CHARGED]


def test_a_killed_worker_leaves_a_turn_that_is_taken_up_where_it_was(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    told.switch_on(told.keep())
    told.work(announced_at(told))

    def killed(*_: object, **__: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch, clock.travel_to(due_at(told)):
        patch.setattr(automatic_turns, "start_payment", killed)
        take_turns()
        assert Order.objects.filter(channel="automatic").count() == 1
        assert told.row.order is not None
    told.work(due_at(told) + timedelta(minutes=2))
    assert told.facts == [SWITCHED_ON, ANNOUNCED, *CHARGED]
    assert Order.objects.filter(channel="automatic").count() == 1


def test_a_method_that_is_removed_stops_what_it_paid_for(told: Told) -> None:
    kept = told.keep()
    told.switch_on(kept)
    told.work(announced_at(told))
    with clock.travel_to(announced_at(told)):
        remove_kept_method(owner=told.mei, method_id=kept.pk, now=clock.now())
        with pytest.raises(SourceUnknown):
            switched_on(told.card, told.mei, kept)
    told.work(due_at(told))
    assert told.facts == [SWITCHED_ON, ANNOUNCED, SWITCHED_OFF, "method-removed"]


def test_switching_on_asks_for_the_price_that_was_shown_and_for_a_method_of_ones_own(told: Told) -> None:
    kept = told.keep()
    alex = make_customer("alex@example.com")
    with clock.travel_to(MORNING):
        with pytest.raises(SourceUnknown):
            switched_on(told.card, alex, kept)
        with pytest.raises(QuoteChanged):
            switch_on(
                card=told.card,
                user=told.mei,
                plan_code=PLAN,
                method_id=kept.pk,
                shown_minor=999,
                language="en",
                now=clock.now(),
            )
        first = switched_on(told.card, told.mei, kept)
        with pytest.raises(AutomaticByAnother):
            switched_on(told.card, alex, None)
        assert switched_on(told.card, told.mei, kept).generation == first.generation == 1
        assert switched_on(told.card, told.mei, None).generation == 2
        on = automatic_of(told.card)
        assert on is not None
        assert (on.kept, on.price) == (None, Money(1_000, "JPY"))


def test_stopping_while_it_is_charged_cancels_the_order_and_late_money_goes_back(told: Told) -> None:
    told.switch_on(told.keep())
    told.work(announced_at(told))
    with clock.travel_to(due_at(told)):
        told.house.settle_down()
        assert told.row.order is not None
        switch_off(automatic_id=told.row.pk, reason="", actor="customer:1", now=clock.now())
        told.house.hear_charges()
        for key in told.house.provider.refunds_under_way():
            told.house.deliver(told.house.provider.finish_refund(key))
    assert told.facts == [
        SWITCHED_ON,
        ANNOUNCED,
        "renewal-withdrawn",
        SWITCHED_OFF,
        "payment-captured",
        "refund-done",
    ]
    assert told.lots() == 1


def test_one_that_nothing_will_look_at_is_found(told: Told) -> None:
    told.switch_on(None)
    AutomaticRenewal.objects.update(next_attempt_at=None)
    assert [finding.code for finding in findings()] == ["automatic-forgotten"]
    AutomaticRenewal.objects.update(next_attempt_at=MORNING)


@pytest.mark.django_db(transaction=True)
def test_two_workers_charge_once() -> None:
    with open_house() as house:
        told = Told(house)
        told.switch_on(told.keep())
        told.work(announced_at(told))
        start = threading.Barrier(4)

        def work() -> None:
            start.wait()
            try:
                with clock.travel_to(due_at(told)):
                    take_turns()
            finally:
                connections.close_all()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        told.work(due_at(told) + timedelta(minutes=2))
        assert told.facts == [SWITCHED_ON, ANNOUNCED, *CHARGED]
        assert Order.objects.filter(channel="automatic").count() == 1
        assert findings() == []
