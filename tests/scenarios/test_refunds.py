# SPDX-License-Identifier: Apache-2.0
"""Money that people give back: proposed, approved by a second person, sent, failed, given another way."""

import threading
import uuid
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.db import connection
from pytest_django import Settings

from tsuzuku.kernel import clock
from tsuzuku.kernel.errors import DomainError
from tsuzuku.kernel.money import Money
from tsuzuku.orders.errors import OrderNotHeld, OrderTakesNoOther, ShortfallTooLarge
from tsuzuku.orders.models import Order
from tsuzuku.orders.refusals import staff_refusal
from tsuzuku.orders.resolving import accept_held_order, return_held_order
from tsuzuku.payments.errors import (
    CaptureHeld,
    CaptureInBalance,
    CaptureUnknown,
    ProposalDecided,
    ProposalReused,
    ProposalUnknown,
    ReasonMissing,
    RefundNotFailed,
    RefundTooEarly,
    RefundTooLarge,
    RefundUnknown,
    SecondPersonNeeded,
)
from tsuzuku.payments.failed_refunds import close_refund, retry_refund
from tsuzuku.payments.models import Capture, ProviderNotice, Refund, RefundProposal
from tsuzuku.payments.proposing import approve_refund, decline_refund, propose_refund
from tsuzuku.payments.queries import balances, proposals_waiting, refunds_failed
from tsuzuku.project.audit import findings
from tsuzuku.receipts.document import describe
from tsuzuku.receipts.queries import receipt_of
from tsuzuku.testing.factories import make_card, make_customer, make_plan, make_promotion
from tsuzuku.testing.fakes import Outcome
from tsuzuku.testing.house import House, Story, open_house


@pytest.fixture
def sold(house: House) -> Order:
    """An order of 1,000 yen whose card holds what it paid for."""
    make_plan("GB-1-3D", price_minor=1000)
    order = house.order(make_card(), "GB-1-3D")
    house.pay(order)
    return order


def propose(
    order: Order, amount_minor: int | None = None, *, key: uuid.UUID | None = None, reason: str = "no signal"
) -> RefundProposal:
    return propose_refund(
        capture_id=Capture.objects.get(payment__purpose=order.number).pk,
        amount_minor=amount_minor,
        reason=reason,
        actor="staff:1",
        key=key or uuid.uuid4(),
        now=clock.now(),
    )


def approve(proposal: RefundProposal, *, actor: str = "staff:2") -> RefundProposal:
    return approve_refund(proposal_id=proposal.pk, actor=actor, now=clock.now())


# -- proposing -------------------------------------------------------------------------------------------------------


def test_a_part_goes_back_and_what_was_earned_is_less(house: House, sold: Order) -> None:
    proposal = house.give_back(sold, amount_minor=300)
    house.end_refunds()

    refund = Refund.objects.get()
    assert (proposal.state, proposal.decided_by, refund.state) == ("approved", "staff:1", "done")
    assert (refund.actor, refund.reason, refund.amount) == ("staff:1", "no signal", Money(300, "JPY"))
    assert balances() == {"customers": 0, "provider:fake": 700, "revenue": -700}
    assert house.facts()[-4:] == ["renewal-activated", "refund-proposed", "refund-approved", "refund-done"]
    assert house.subjects()[-1] == f"Money back · order {sold.number}"
    assert "¥300" in house.gateway.sent[-1].message.text


def test_all_that_is_left_goes_back_and_then_nothing_more(house: House, sold: Order) -> None:
    house.give_back(sold, amount_minor=300)
    house.give_back(sold)
    house.end_refunds()

    assert balances() == {"customers": 0, "provider:fake": 0, "revenue": 0}
    with pytest.raises(RefundTooLarge) as raised:
        house.give_back(sold)
    assert raised.value.particulars == {"left_minor": 0, "currency": "JPY"}


@pytest.mark.parametrize("amount", [1001, 0, -1])
def test_more_than_was_paid_or_nothing_is_refused(house: House, sold: Order, amount: int) -> None:
    with pytest.raises(RefundTooLarge):
        house.give_back(sold, amount_minor=amount)
    assert Refund.objects.count() == 0


def test_a_proposal_sent_twice_is_one(house: House, sold: Order) -> None:
    key = uuid.uuid4()
    assert propose(sold, 300, key=key) == propose(sold, 300, key=key)
    assert Refund.objects.count() == 1
    with pytest.raises(ProposalReused):
        propose(sold, 301, key=key)
    with pytest.raises(ProposalReused):
        propose(sold, 300, key=key, reason="another")


def test_what_may_still_be_given_is_not_given_back(house: House) -> None:
    make_plan("GB-1-3D")
    order = house.order(make_card(), "GB-1-3D")
    house.carrier.is_down = True
    house.pay(order)

    with pytest.raises(RefundTooEarly):
        propose(order)


def test_what_topped_up_a_balance_is_not_paid_out(house: House) -> None:
    order = house.top_up(make_customer(), 1_000)
    with pytest.raises(CaptureInBalance) as refused:
        propose(order)
    assert staff_refusal(refused.value).startswith("This money topped up a balance.")


def test_without_a_reason_or_a_capture_nothing_is_proposed(house: House, sold: Order) -> None:
    with pytest.raises(ReasonMissing):
        propose(sold, reason=" ")
    with pytest.raises(CaptureUnknown):
        propose_refund(
            capture_id=0, amount_minor=1, reason="no signal", actor="staff:1", key=uuid.uuid4(), now=clock.now()
        )


# -- a second person -------------------------------------------------------------------------------------------------


def test_above_the_limit_a_second_person_approves(house: House, sold: Order, settings: Settings) -> None:
    settings.REFUND_APPROVAL_YEN = 500
    proposal = house.give_back(sold, amount_minor=501)
    assert (proposal.state, list(proposals_waiting()), Refund.objects.count()) == ("waiting", [proposal], 0)

    with pytest.raises(SecondPersonNeeded):
        approve(proposal, actor="staff:1")
    assert approve(proposal).decided_by == "staff:2"
    assert approve(proposal, actor="staff:3").decided_by == "staff:2"
    house.settle_down()
    house.end_refunds()

    assert balances()["provider:fake"] == 499
    with pytest.raises(ProposalDecided):
        decline_refund(proposal_id=proposal.pk, note="too late", actor="staff:2", now=clock.now())


def test_many_small_ones_are_as_a_large_one(house: House, sold: Order, settings: Settings) -> None:
    settings.REFUND_APPROVAL_YEN = 500
    assert [house.give_back(sold, amount_minor=250).state for _ in range(3)] == ["approved", "approved", "waiting"]


def test_what_waits_counts_as_given(house: House, sold: Order, settings: Settings) -> None:
    settings.REFUND_APPROVAL_YEN = 500
    house.give_back(sold, amount_minor=800)
    with pytest.raises(RefundTooLarge) as raised:
        house.give_back(sold, amount_minor=201)
    assert raised.value.particulars["left_minor"] == 200


def test_what_is_declined_stays(house: House, sold: Order, settings: Settings) -> None:
    settings.REFUND_APPROVAL_YEN = 500
    proposal = house.give_back(sold)
    for _ in range(2):
        decline_refund(proposal_id=proposal.pk, note="was online all day", actor="staff:2", now=clock.now())

    proposal.refresh_from_db()
    assert (proposal.state, proposal.note, Refund.objects.count()) == ("declined", "was online all day", 0)
    with pytest.raises(ProposalDecided):
        approve(proposal)
    with pytest.raises(ReasonMissing):
        decline_refund(proposal_id=proposal.pk, note="", actor="staff:2", now=clock.now())
    with pytest.raises(ProposalUnknown):
        approve_refund(proposal_id=0, actor="staff:2", now=clock.now())
    assert house.facts()[-2:] == ["refund-proposed", "refund-declined"]


@pytest.mark.django_db(transaction=True)
def test_two_people_at_once_never_give_back_more_than_was_paid(settings: Settings) -> None:
    settings.REFUND_APPROVAL_YEN = 500
    with open_house() as house:
        make_plan("GB-1-3D", price_minor=1000)
        order = house.order(make_card(), "GB-1-3D")
        house.pay(order)
        # Proposed one after the other, the second would be refused.
        outcomes = _at_once([lambda: propose(order, 600) for _ in range(4)])
        assert sorted(outcomes) == ["RefundTooLarge", "RefundTooLarge", "RefundTooLarge", "done"]
        proposal = RefundProposal.objects.get()
        assert _at_once([lambda: approve(proposal) for _ in range(4)]) == ["done"] * 4
        house.settle_down()
        house.end_refunds()
        assert (Refund.objects.count(), balances()["provider:fake"]) == (1, 400)
        assert findings() == []


def _at_once(works: list[Callable[[], object]]) -> list[str]:
    """What each of these comes to, done on connections of their own at the same moment."""
    barrier = threading.Barrier(len(works))
    outcomes: list[str] = []

    def run(work: Callable[[], object]) -> None:
        try:
            barrier.wait()
            work()
            outcomes.append("done")
        except DomainError as refusal:
            outcomes.append(type(refusal).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


# -- failed ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def failed(house: House, sold: Order) -> Refund:
    """A refund of 300 yen that the provider would not make."""
    house.provider.script.add(Outcome.REFUSED)
    house.give_back(sold, amount_minor=300)
    refund = refunds_failed().get()
    assert (refund.state, balances()["customers"]) == ("failed", -300)
    return refund


def test_a_refund_that_failed_is_asked_for_once_more(house: House, failed: Refund) -> None:
    again = retry_refund(refund_id=failed.pk, actor="staff:2", now=clock.now())
    assert retry_refund(refund_id=failed.pk, actor="staff:2", now=clock.now()) == again
    house.settle_down()
    house.end_refunds()

    assert list(Refund.objects.order_by("pk").values_list("state", flat=True)) == ["replaced", "done"]
    assert balances() == {"customers": 0, "provider:fake": 700, "revenue": -700}


def test_a_refund_that_failed_is_given_another_way(house: House, failed: Refund) -> None:
    for _ in range(2):
        close_refund(refund_id=failed.pk, note="cash at the counter", actor="staff:2", now=clock.now())

    failed.refresh_from_db()
    assert (failed.state, failed.closed_note, failed.closed_by) == ("closed", "cash at the counter", "staff:2")
    assert balances() == {"customers": 0, "operator": -300, "provider:fake": 1000, "revenue": -700}
    assert Refund.objects.count() == 1


def test_above_the_limit_a_second_person_says_too_that_it_was_given(
    house: House, failed: Refund, settings: Settings
) -> None:
    settings.REFUND_APPROVAL_YEN = 299

    def close(note: str, actor: str) -> Refund:
        return close_refund(refund_id=failed.pk, note=note, actor=actor, now=clock.now())

    for _ in range(2):
        waiting = close("cash at the counter", "staff:1")
        assert (waiting.state, waiting.closed_by, balances()["customers"]) == ("failed", "staff:1", -300)
    closed = close("saw the slip", "staff:2")
    assert (closed.state, closed.closed_note, closed.closed_by) == ("closed", "cash at the counter", "staff:1")
    assert (closed.close_approved_by, balances()["customers"]) == ("staff:2", 0)
    assert house.facts()[-2:] == ["refund-closing-proposed", "refund-closed"]


def test_many_small_ones_are_closed_as_a_large_one(house: House, sold: Order, settings: Settings) -> None:
    settings.REFUND_APPROVAL_YEN = 500
    outcomes = []
    for number in (1, 2):
        house.provider.script.add(Outcome.REFUSED)
        house.give_back(sold, amount_minor=250 + number, actor=f"staff:{number}")
        if refunds_failed().count() == 0:  # The second proposal is above the limit with the first.
            approve(proposals_waiting().get(), actor="staff:3")
            house.settle_down()
        closed = close_refund(refund_id=refunds_failed().get().pk, note="cash", actor="staff:1", now=clock.now())
        outcomes.append(closed.state)
    assert outcomes == ["closed", "failed"]


def test_another_amount_than_was_asked_for_ends_no_refund(house: House, sold: Order) -> None:
    house.give_back(sold, amount_minor=300)
    (key,) = house.provider.refunds_under_way()
    done = house.provider.finish_refund(key)
    house.deliver(replace(done, event_id="by-hand", amount=Money(1, "JPY")))
    assert Refund.objects.get().state == "sent"
    assert ProviderNotice.objects.get(event_id="by-hand").problem == "refund-amount-differs"

    house.deliver(done)
    assert Refund.objects.get().state == "done"


def test_only_what_failed_is_mended(house: House, sold: Order) -> None:
    house.give_back(sold, amount_minor=300)
    refund = Refund.objects.get()
    with pytest.raises(RefundNotFailed):
        retry_refund(refund_id=refund.pk, actor="staff:2", now=clock.now())
    with pytest.raises(RefundNotFailed):
        close_refund(refund_id=refund.pk, note="cash", actor="staff:2", now=clock.now())
    with pytest.raises(ReasonMissing):
        close_refund(refund_id=refund.pk, note=" ", actor="staff:2", now=clock.now())
    with pytest.raises(RefundUnknown):
        retry_refund(refund_id=0, actor="staff:2", now=clock.now())


def test_what_failed_is_not_given_a_second_time_beside_it(house: House, sold: Order, failed: Refund) -> None:
    with pytest.raises(RefundTooLarge) as raised:
        house.give_back(sold, amount_minor=701)
    assert raised.value.particulars["left_minor"] == 700
    house.give_back(sold)
    retry_refund(refund_id=failed.pk, actor="staff:2", now=clock.now())
    house.settle_down()
    house.end_refunds()
    assert balances() == {"customers": 0, "provider:fake": 0, "revenue": 0}


def test_a_withdrawn_sale_whose_refund_failed_is_given_another_way(house: House) -> None:
    make_plan("GB-1-3D")
    house.carrier.script.add(Outcome.REFUSED)
    house.provider.script.add(Outcome.DONE, Outcome.REFUSED)
    house.pay(house.order(make_card(), "GB-1-3D"))
    assert [finding.code for finding in findings()] == ["renewal-and-money-differ"]

    close_refund(refund_id=Refund.objects.get().pk, note="bank transfer", actor="staff:2", now=clock.now())
    assert balances() == {"customers": 0, "operator": -300, "provider:fake": 300}


# -- held orders -----------------------------------------------------------------------------------------------------


def hold(house: House, *amounts: Money, price_minor: int = 300) -> Order:
    """An order that is held because of what came for it."""
    make_plan("GB-1-3D", price_minor=price_minor)
    order = house.order(make_card(), "GB-1-3D")
    reference = house.start_payment(order)
    for amount in amounts:
        house.deliver(*house.provider.pay(reference, amount=amount))
        house.settle_down()
    order.refresh_from_db()
    assert order.state == "held"
    return order


def accept(order: Order) -> Order:
    return accept_held_order(number=order.number, reason="asked the payer", actor="staff:1", now=clock.now())


def test_a_held_order_is_given_back_and_its_payer_told(house: House) -> None:
    order = hold(house, Money(200, "JPY"))
    with pytest.raises(CaptureHeld):
        house.give_back(order)
    for _ in range(2):
        return_held_order(number=order.number, reason="wrong amount", actor="staff:1", now=clock.now())
    house.settle_down()
    house.end_refunds()

    order.refresh_from_db()
    assert (order.state, house.renewal(order).state) == ("cancelled", "withdrawn")
    assert (Refund.objects.get().actor, balances()) == ("staff:1", {"customers": 0, "provider:fake": 0})
    assert house.subjects() == [f"We could not renew your card · order {order.number}"]
    assert "Your ¥200 is on its way back" in house.gateway.sent[0].message.text
    with pytest.raises(OrderNotHeld):
        accept(order)


def test_a_held_order_is_accepted_and_the_rest_let_off(house: House) -> None:
    order = hold(house, Money(200, "JPY"))
    assert accept(order) == accept(order)
    house.settle_down()

    assert house.renewal(order).state == "active"
    assert balances() == {"customers": 0, "goodwill": 100, "provider:fake": 200, "revenue": -300}
    receipt = receipt_of(order)
    assert receipt is not None
    document = describe(receipt, language="en", ordinal=1, returned=None)
    assert (document.lines[-1][2], document.total[1]) == ("\N{MINUS SIGN}¥100", "¥200")


def test_what_is_above_the_price_goes_back(house: House) -> None:
    order = hold(house, Money(200, "JPY"), Money(500, "JPY"))
    accept(order)
    house.settle_down()
    house.end_refunds()

    assert house.renewal(order).state == "active"
    assert list(Capture.objects.order_by("pk").values_list("outcome", flat=True)) == ["surplus", "accepted"]
    assert balances() == {"customers": 0, "provider:fake": 300, "revenue": -300}


def test_what_was_above_the_price_and_failed_is_not_given_twice_when_the_sale_is_withdrawn(
    house: House, story: Story
) -> None:
    house.carrier.script.add(Outcome.UNAVAILABLE, Outcome.REFUSED)
    order = hold(house, Money(500, "JPY"))
    house.provider.script.add(Outcome.REFUSED)
    accept(order)
    house.settle_down()
    failed = refunds_failed().get()
    assert (failed.amount_minor, house.renewal(order).state) == (200, "activating")

    with story.after(minutes=5):
        house.settle_down()
        house.end_refunds()
        assert house.renewal(order).state == "withdrawn"
        assert balances()["customers"] == -200
        close_refund(refund_id=failed.pk, note="bank transfer", actor="staff:2", now=clock.now())
    assert balances() == {"customers": 0, "operator": -200, "provider:fake": 200}


def test_nobody_is_let_off_what_is_withdrawn(house: House) -> None:
    order = hold(house, Money(200, "JPY"))
    house.carrier.script.add(Outcome.REFUSED)
    accept(order)
    house.settle_down()
    house.end_refunds()

    assert house.renewal(order).state == "withdrawn"
    assert balances() == {"customers": 0, "goodwill": 0, "provider:fake": 0}


def test_money_that_cannot_pay_is_not_accepted(house: House, settings: Settings) -> None:
    order = hold(house, Money(300, "USD"))
    with pytest.raises(OrderTakesNoOther):
        accept(order)
    settings.REFUND_APPROVAL_YEN = 99
    house.deliver(*house.provider.pay(house.payment_reference(order), amount=Money(200, "JPY")))
    house.settle_down()
    with pytest.raises(ShortfallTooLarge) as raised:
        accept(order)
    assert raised.value.particulars == {"missing_minor": 100, "currency": "JPY"}


def test_a_promotion_of_an_order_that_is_given_back_is_free_again(house: House, story: Story) -> None:
    make_plan("GB-1-3D", price_minor=300)
    promotion = make_promotion(takes_off={"amount_minor": 50})
    order = house.order(make_card(), "GB-1-3D")
    house.pay(order, amount=Money(300, "JPY"))
    return_held_order(number=order.number, reason="wrong amount", actor="staff:1", now=clock.now())
    house.settle_down()

    promotion.refresh_from_db()
    assert promotion.uses == 0


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_resolve_an_order_at_once_one_decides() -> None:
    with open_house() as house:
        order = hold(house, Money(500, "JPY"))

        def give_back() -> Order:
            return return_held_order(number=order.number, reason="wrong amount", actor="staff:2", now=clock.now())

        outcomes = _at_once([lambda: accept(order), give_back, lambda: accept(order), give_back])
        assert sorted(outcomes) == ["OrderNotHeld", "OrderNotHeld", "done", "done"]
        house.settle_down()
        house.end_refunds()
        assert balances()["provider:fake"] == {"paid": 300, "cancelled": 0}[Order.objects.get().state]
        assert findings() == []
