# SPDX-License-Identifier: Apache-2.0
"""What must become of the money of every payment provider: its adapter, its webhooks and our ledger together."""

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import ClassVar
from unittest.mock import patch

import pytest
from django.db import connection
from django.test import Client

from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.kernel.outcomes import OutcomeUnknown
from tsuzuku.orders.models import Order
from tsuzuku.payments.actions import start_payment
from tsuzuku.payments.errors import PaymentNotStarted, RefundTooLarge
from tsuzuku.payments.failed_refunds import close_refund, retry_refund
from tsuzuku.payments.models import Capture, Payment, ProviderNotice, Refund
from tsuzuku.payments.ports import FailureReason, PaymentProvider, RefundRequest
from tsuzuku.payments.queries import balances, latest_payment
from tsuzuku.payments.registry import using_provider
from tsuzuku.testing.contracts.payment_provider import (
    DECLINES,
    ProviderOutside,
    Webhook,
    a_payment,
    a_refund,
    take,
)
from tsuzuku.testing.factories import make_card, make_plan
from tsuzuku.testing.fakes import Outcome
from tsuzuku.testing.house import House, open_house

NAME = "under-test"
_AT_ONCE = 10
_CLIENTS_OWN = frozenset({"accept-encoding", "connection", "content-length", "content-type", "host"})


def deliver(webhooks: Sequence[Webhook]) -> list[int]:
    """Posts webhooks as the provider does; the status codes of the answers."""
    client = Client(enforce_csrf_checks=True)
    return [
        client.post(
            f"/inbound/payments/{NAME}", data=body, content_type="application/json", headers=_by_the_sender(headers)
        ).status_code
        for headers, body in webhooks
    ]


def at_once(work: Callable[[], list[int]]) -> list[int]:
    """Does the same in ten threads, as many connections, and returns all that came of it."""
    barrier = threading.Barrier(_AT_ONCE)
    found: list[int] = []

    def run() -> None:
        try:
            barrier.wait()
            found.extend(work())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(_AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def _by_the_sender(headers: dict[str, str]) -> dict[str, str]:
    """Without what a client sets by itself."""
    return {name: value for name, value in headers.items() if name.lower() not in _CLIENTS_OWN}


class PaymentMoneyContract:
    """Subclass it as `Test...` with the fixtures of `PaymentProviderContract`, and mark it with `django_db`.

    The mark must be `django_db(transaction=True)`: some of it happens on ten connections at once.
    """

    #: As in `PaymentProviderContract`.
    told_declines: ClassVar[tuple[FailureReason, ...]] = DECLINES
    signs_in_headers: ClassVar[bool] = True
    lists_refunds: ClassVar[bool] = True

    @pytest.fixture
    def house(self, provider: PaymentProvider) -> Iterator[House]:
        """A house whose payers pay by the provider."""
        with open_house() as house, using_provider(NAME, provider):
            make_plan("GB-1-3D", price_minor=300)
            yield house

    @pytest.fixture
    def order(self, house: House) -> Order:
        """An order of 300 yen."""
        return house.order(make_card(), "GB-1-3D")

    # -- believing ---------------------------------------------------------------------------------------------------

    def test_one_webhook_ten_times_at_once_is_one_capture(
        self, house: House, provider: PaymentProvider, outside: ProviderOutside, order: Order
    ) -> None:
        outside.pay(start(order, provider))
        webhooks = outside.webhooks()
        assert at_once(lambda: deliver(webhooks)) == [HTTPStatus.OK] * _AT_ONCE
        house.settle_down()
        assert (state(order), Capture.objects.count(), ProviderNotice.objects.count()) == ("paid", 1, 1)
        assert balances() == {"customers": 0, f"provider:{NAME}": 300, "revenue": -300}

    def test_forged_and_stale_webhooks_leave_no_trace(
        self, house: House, provider: PaymentProvider, outside: ProviderOutside, order: Order
    ) -> None:
        outside.pay(start(order, provider))
        ((headers, body),) = outside.webhooks()
        forged = [(headers, body + b" "), (headers, body.swapcase())]
        if self.signs_in_headers:
            forged += [(dict.fromkeys(headers, "t=1,v1=00"), body), ({}, body)]
        assert at_once(lambda: deliver(forged)) == [HTTPStatus.BAD_REQUEST] * len(forged) * _AT_ONCE
        later = clock.now() + timedelta(hours=1)
        with patch("tsuzuku.channels.inbound.views.clock.now", return_value=later):
            assert at_once(lambda: deliver([(headers, body)])) == [HTTPStatus.BAD_REQUEST] * _AT_ONCE
        house.settle_down()
        assert (state(order), Capture.objects.count(), ProviderNotice.objects.count()) == ("awaiting_payment", 0, 0)
        assert balances() == {}

    def test_a_payment_that_is_not_ours_moves_nothing(
        self, house: House, provider: PaymentProvider, outside: ProviderOutside
    ) -> None:
        outside.pay(provider.start_payment(a_payment(provider)).reference)
        assert deliver(outside.webhooks()) == [HTTPStatus.OK]
        house.settle_down()
        assert [notice.problem for notice in ProviderNotice.objects.all()] == ["payment-unknown"]
        assert balances() == {}

    # -- taking ------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("amount", [Money(299, "JPY"), Money(300, "USD")])
    def test_another_amount_or_currency_is_held(
        self, house: House, provider: PaymentProvider, outside: ProviderOutside, order: Order, amount: Money
    ) -> None:
        outside.pay(start(order, provider), amount=amount)
        deliver(outside.webhooks())
        house.settle_down()
        assert (state(order), Capture.objects.get().outcome) == ("held", "held")
        assert "revenue" not in balances()

    def test_a_lost_webhook_is_asked_for(
        self, house: House, provider: PaymentProvider, outside: ProviderOutside, order: Order
    ) -> None:
        outside.pay(start(order, provider))
        lost = outside.webhooks()
        Payment.objects.update(next_attempt_at=clock.now())
        house.settle_down()
        assert state(order) == "paid"
        deliver(lost)
        house.settle_down()
        assert balances() == {"customers": 0, f"provider:{NAME}": 300, "revenue": -300}

    def test_a_payer_who_was_declined_and_then_paid_is_found_without_a_webhook(
        self, house: House, provider: PaymentProvider, outside: ProviderOutside, order: Order
    ) -> None:
        reference = start(order, provider)
        outside.decline(reference, FailureReason.REFUSED)
        if FailureReason.REFUSED in self.told_declines:
            deliver(outside.webhooks())
        outside.pay(reference)
        outside.webhooks()
        Payment.objects.update(next_attempt_at=clock.now())
        house.settle_down()
        assert state(order) == "paid"

    def test_money_that_comes_after_the_order_expired_still_pays_it(
        self, house: House, provider: PaymentProvider, outside: ProviderOutside, order: Order
    ) -> None:
        reference = start(order, provider)
        Order.objects.update(expires_at=clock.now())
        house.settle_down()
        assert state(order) == "expired"
        outside.pay(reference)
        deliver(outside.webhooks())
        house.settle_down()
        assert state(order) == "paid"

    def test_a_slow_answer_and_another_try_start_one_payment(
        self, house: House, provider: PaymentProvider, outside: ProviderOutside, order: Order
    ) -> None:
        outside.next_call(Outcome.DONE_UNANSWERED)
        with pytest.raises(PaymentNotStarted) as raised:
            start(order, provider)
        assert isinstance(raised.value.__cause__, OutcomeUnknown)
        assert start(order, provider) == start(order, provider)
        assert Payment.objects.count() == 1

    def test_of_two_payments_for_one_order_the_second_goes_back(
        self, house: House, provider: PaymentProvider, outside: ProviderOutside, order: Order
    ) -> None:
        first = start(order, provider)
        outside.decline(first, FailureReason.LIMIT)
        if FailureReason.LIMIT in self.told_declines:
            deliver(outside.webhooks())
            second = start(order, provider)
            assert second != first
            outside.pay(second)
            deliver(outside.webhooks())
        else:
            house.pay(order)  # By another provider.
        house.settle_down()
        outside.pay(first)
        deliver(outside.webhooks())
        house.settle_down()
        assert [capture.outcome for capture in Capture.objects.order_by("pk")] == ["accepted", "surplus"]
        outside.end_refunds()
        deliver(outside.webhooks())
        assert Refund.objects.get().state == "done"
        kept = Capture.objects.get(outcome="accepted").provider
        assert {name: sum_ for name, sum_ in balances().items() if sum_} == {f"provider:{kept}": 300, "revenue": -300}

    # -- giving back -------------------------------------------------------------------------------------------------

    def test_a_refund_that_is_told_before_its_payment_moves_nothing(
        self, house: House, provider: PaymentProvider, outside: ProviderOutside, order: Order
    ) -> None:
        reference = start(order, provider)
        outside.pay(reference)
        paid = outside.webhooks()
        taken = take(provider, outside, amount_minor=300)
        provider.refund(a_refund(taken, 300))
        outside.end_refunds()
        deliver(outside.webhooks())
        assert balances() == {}
        deliver(paid)
        house.settle_down()
        assert (state(order), balances()[f"provider:{NAME}"]) == ("paid", 300)

    def test_a_refund_that_fails_is_left_to_a_person(
        self, house: House, provider: PaymentProvider, outside: ProviderOutside, order: Order
    ) -> None:
        reference = start(order, provider)
        Order.objects.update(state="cancelled")
        outside.next_refund_fails()
        outside.pay(reference)
        deliver(outside.webhooks())
        house.settle_down()
        if self.lists_refunds:
            outside.end_refunds()
            deliver(outside.webhooks())
        assert Refund.objects.get().state == "failed"
        assert house.facts()[-1] == "refund-failed"
        assert balances() == {"customers": -300, f"provider:{NAME}": 300}

    @pytest.fixture
    def sold(self, house: House, provider: PaymentProvider, outside: ProviderOutside, order: Order) -> Order:
        """An order whose money is there, and whose card holds what it paid for."""
        outside.pay(start(order, provider))
        deliver(outside.webhooks())
        house.settle_down()
        assert house.renewal(order).state == "active"
        return order

    def test_parts_that_people_give_back_are_followed_to_the_end(
        self, house: House, outside: ProviderOutside, sold: Order
    ) -> None:
        for amount in (100, 50):
            house.give_back(sold, amount_minor=amount)
        with pytest.raises(RefundTooLarge):
            house.give_back(sold, amount_minor=151)
        if self.lists_refunds:
            assert balances() == {"customers": -150, f"provider:{NAME}": 300, "revenue": -150}
        outside.end_refunds()
        deliver(outside.webhooks(2))
        assert [refund.state for refund in Refund.objects.all()] == ["done", "done"]
        assert balances() == {"customers": 0, f"provider:{NAME}": 150, "revenue": -150}
        house.give_back(sold)
        outside.end_refunds()
        assert at_once(partial(deliver, outside.webhooks())) == [HTTPStatus.OK] * _AT_ONCE
        assert balances() == {"customers": 0, f"provider:{NAME}": 0, "revenue": 0}
        assert house.findings() == []

    def test_a_refund_that_failed_is_asked_for_once_more(
        self, house: House, outside: ProviderOutside, sold: Order
    ) -> None:
        outside.next_refund_fails()
        house.give_back(sold, amount_minor=100)
        if self.lists_refunds:
            outside.end_refunds()
            deliver(outside.webhooks())
        failed = Refund.objects.get()
        assert (failed.state, balances()["customers"]) == ("failed", -100)
        again = retry_refund(refund_id=failed.pk, actor="staff:2", now=clock.now())
        house.settle_down()
        outside.end_refunds()
        deliver(outside.webhooks())
        again.refresh_from_db()
        assert again.state == "done"
        assert balances() == {"customers": 0, f"provider:{NAME}": 200, "revenue": -200}
        assert house.findings() == []

    def test_more_than_the_provider_has_left_fails_and_is_closed_by_a_person(
        self, house: House, provider: PaymentProvider, outside: ProviderOutside, sold: Order
    ) -> None:
        capture = Capture.objects.select_related("payment").get()
        by_hand = RefundRequest(
            key="by-hand",
            payment_key=str(capture.payment.key),
            capture_reference=capture.reference,
            amount=Money(250, "JPY"),
        )
        provider.refund(by_hand)
        house.give_back(sold, amount_minor=100)
        refund = Refund.objects.get()
        assert (refund.state, house.facts()[-1]) == ("failed", "refund-failed")
        close_refund(refund_id=refund.pk, note="was made by hand", actor="staff:2", now=clock.now())
        assert balances() == {"customers": 0, "operator": -100, f"provider:{NAME}": 300, "revenue": -200}
        assert house.findings() == []


def start(order: Order, provider: PaymentProvider) -> str:
    """Starts a payment of an order, or finds the open one; the provider's reference."""
    start_payment(
        purpose=order.number,
        amount=order.price,
        provider=NAME,
        method=provider.capabilities.methods[0],
        description="a plan",
        order_number=order.number,
        return_url=f"https://shop.example/o/{order.number}?back=1",
        cancel_url=f"https://shop.example/o/{order.number}",
        language="en",
        expires_at=order.expires_at,
        now=clock.now(),
    )
    payment = latest_payment(order.number)
    assert payment is not None
    assert payment.reference is not None
    return payment.reference


def state(order: Order) -> str:
    """Where the order is now."""
    order.refresh_from_db()
    return order.state
