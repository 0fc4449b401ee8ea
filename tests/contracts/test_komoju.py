# SPDX-License-Identifier: Apache-2.0
"""The KOMOJU adapter against the simulator, by the contract."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contracts.outside import SimulatorOutside
from tests.contracts.processes import simulator_at_work
from tsuzuku.kernel.money import Money
from tsuzuku.kernel.outcomes import OutcomeUnknown, Rejected, Unavailable, Unsupported
from tsuzuku.orders.models import Order
from tsuzuku.payments.adapters.komoju import KomojuProvider, SimulatedAccount
from tsuzuku.payments.adapters.komoju.webhook import OLD_MAX
from tsuzuku.payments.models import Payment
from tsuzuku.payments.ports import EventKind, FailureReason, StoreSlip
from tsuzuku.testing.contracts.payment_money import PaymentMoneyContract, deliver, start, state
from tsuzuku.testing.contracts.payment_provider import (
    PaymentProviderContract,
    a_payment,
    a_refund,
    read,
    take,
)
from tsuzuku.testing.house import House
from tsuzuku.testing.processes import SandboxProcess
from tsuzuku.testing.receiver import WebhookReceiver

#: What leads up to money, and what tells the same as another.
PASSED_OVER = {"payment.authorized", "payment.refunded"}


class KomojuOutside(SimulatorOutside):
    """The simulator as the contract wants to hold it. Nobody declines cash."""

    something_else = "settlement.created"

    def at_the_store(self, reference: str, **fields: object) -> dict[str, Any]:
        """Chooses 7-Eleven and pays there, or only gets the slip; the session then."""
        return self.told("/control/pay", session=reference, **fields)

    def pay(self, reference: str, *, times: int = 1, amount: Money | None = None) -> None:
        taken = {"amount": amount.amount_minor, "currency": amount.currency} if amount else {}
        for _ in range(times):
            self.at_the_store(reference, **taken)

    def decline(self, reference: str, reason: FailureReason) -> None:
        self.at_the_store(reference, slip_only=True)

    def next_refund_fails(self) -> None:
        self.control(reject_refunds=1)

    def end_refunds(self) -> None:
        self.control(make_refunds=True)

    def says_something(self, body: bytes) -> bool:
        """Not what leads up to money."""
        return kind(body) not in PASSED_OVER


def kind(body: bytes) -> str:
    """What a webhook tells."""
    return str(json.loads(body)["type"])


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory, receiver: WebhookReceiver) -> Iterator[SandboxProcess]:
    """A simulator that tells the receiver."""
    with simulator_at_work("komoju", tmp_path_factory.mktemp("home"), webhook=receiver.url) as process:
        yield process


@pytest.fixture
def outside(process: SandboxProcess, receiver: WebhookReceiver) -> KomojuOutside:
    """The simulator. What a test before has left is told and forgotten."""
    outside = KomojuOutside(process, receiver)
    outside.begin_anew()
    return outside


@pytest.fixture
def provider(process: SandboxProcess) -> KomojuProvider:
    return KomojuProvider(SimulatedAccount(process.folder))


class TestKomojuProvider(PaymentProviderContract):
    """The adapter and the process."""

    told_declines = ()
    tells_failed_refunds = False
    believed_for = OLD_MAX


@pytest.mark.django_db(transaction=True)
class TestKomojusMoney(PaymentMoneyContract):
    """The adapter, the process and our ledger."""

    told_declines = ()
    tells_failed_refunds = False
    believed_for = OLD_MAX

    def test_a_slip_keeps_its_order_until_it_is_paid(
        self, house: House, outside: KomojuOutside, provider: KomojuProvider, order: Order
    ) -> None:
        reference = start(order, provider)
        outside.at_the_store(reference, slip_only=True)
        deliver(outside.receiver.take())
        house.settle_down()
        shown = Payment.objects.get().shown
        assert shown is not None
        assert [slip.store for slip in shown.slips] == ["seven_eleven"]
        order.refresh_from_db()
        assert order.expires_at > shown.expires_at
        outside.pay(reference)
        deliver(outside.webhooks())
        house.settle_down()
        assert state(order) == "paid"


class TestPaying:
    """What only KOMOJU does."""

    def test_a_slip_is_told_with_its_number_and_its_end(self, provider: KomojuProvider, outside: KomojuOutside) -> None:
        reference = provider.start_payment(a_payment(provider)).reference
        payment = outside.at_the_store(reference, slip_only=True)["payment"]
        (told,) = read(provider, outside.receiver.take())
        assert (told.kind, told.payment_reference) == (EventKind.INSTRUCTED, reference)
        assert told.instructions is not None
        number = payment["payment_details"]["receipt"]
        assert told.instructions.slips == (StoreSlip(store="seven_eleven", payment_number=number),)
        assert told.instructions.expires_at == datetime.fromisoformat(payment["payment_deadline"])
        assert told.instructions.page_url == payment["payment_details"]["instructions_url"]
        assert [event.instructions for event in provider.find_payment(reference)] == [told.instructions]

    def test_a_payer_chooses_on_the_page_and_pays_at_the_till(
        self, provider: KomojuProvider, outside: KomojuOutside
    ) -> None:
        started = provider.start_payment(a_payment(provider))
        slip = httpx.post(started.redirect_url, data={"issue": "lawson"}).headers["Location"]
        (told,) = read(provider, outside.receiver.take())
        assert told.instructions is not None
        (written,) = told.instructions.slips
        assert written.store == "lawson"
        assert written.payment_number
        assert written.confirmation_number
        assert httpx.get(started.redirect_url).headers["Location"] == slip
        assert httpx.post(slip, data={"pay": "none"}).status_code == 303
        assert [event.kind for event in read(provider, outside.webhooks())] == [EventKind.CAPTURED]

    def test_a_slip_that_nobody_paid_runs_out(self, provider: KomojuProvider, outside: KomojuOutside) -> None:
        reference = provider.start_payment(a_payment(provider)).reference
        payment = outside.at_the_store(reference, slip_only=True)["payment"]
        outside.control(expire=payment["id"])
        (told,) = read(provider, outside.webhooks())
        assert (told.kind, told.failure, told.payment_reference) == (
            EventKind.FAILED,
            FailureReason.EXPIRED,
            reference,
        )
        outside.pay(reference)
        assert [event.failure for event in provider.find_payment(reference)] == [FailureReason.EXPIRED]

    def test_a_page_that_ended_is_found_so(self, provider: KomojuProvider, outside: KomojuOutside) -> None:
        left, forgotten = (provider.start_payment(a_payment(provider)) for _ in range(2))
        httpx.post(left.redirect_url, data={"cancel": "yes"})
        outside.control(expire=forgotten.reference)
        for started in (left, forgotten):
            found = provider.find_payment(started.reference)
            assert [(event.kind, event.failure) for event in found] == [(EventKind.FAILED, FailureReason.EXPIRED)]

    def test_a_store_that_issues_no_slip_is_told(self, provider: KomojuProvider, outside: KomojuOutside) -> None:
        started = provider.start_payment(a_payment(provider))
        httpx.post(started.redirect_url, data={"refuse": "seven-eleven"})
        (told,) = read(provider, outside.webhooks())
        assert (told.kind, told.failure) == (EventKind.FAILED, FailureReason.REFUSED)
        assert told.payment_reference == started.reference
        outside.pay(started.reference)
        assert [event.kind for event in provider.find_payment(started.reference)] == [EventKind.CAPTURED]

    def test_a_page_is_open_as_long_as_the_order_but_no_more_than_a_day(
        self, provider: KomojuProvider, outside: KomojuOutside
    ) -> None:
        request = a_payment(provider)
        for lasts, seconds in ((timedelta(hours=2), 7200), (timedelta(0), 900), (timedelta(days=9), 86_400)):
            asked = replace(request, key=f"{request.key}{seconds}", expires_at=request.created_at + lasts)
            reference = provider.start_payment(asked).reference
            (session,) = [each for each in outside.audit()["objects"] if each["id"] == reference]
            opened_at = datetime.fromisoformat(session["created_at"]).timestamp()
            assert abs(session["_due_at"] - opened_at - seconds) < 2
            assert session["email"] == request.payer_email

    def test_what_it_does_not_do_is_refused(self, provider: KomojuProvider) -> None:
        request = a_payment(provider)
        with pytest.raises(Rejected):
            provider.start_payment(replace(request, method="konbini"))
        for asked in (replace(request, keep=True), replace(request, kept_reference="x")):
            with pytest.raises(Unsupported):
                provider.start_payment(asked)

    def test_a_slow_answer_is_given_up_and_the_next_try_finds_the_payment(
        self, provider: KomojuProvider, outside: KomojuOutside
    ) -> None:
        request = a_payment(provider)
        outside.control(next_calls=[{"fault": "slow-answer", "seconds": 5.5}])
        with pytest.raises(OutcomeUnknown):
            provider.start_payment(request)
        started = provider.start_payment(request)
        wanted = {"tsuzuku_payment": request.key}
        found = [each["id"] for each in outside.audit()["objects"] if each["metadata"] == wanted]
        assert found == [started.reference]

    def test_never_started_it_is_unavailable(self, tmp_path: Path) -> None:
        provider = KomojuProvider(SimulatedAccount(tmp_path / "komoju-sandbox"))
        assert (provider.capabilities.methods, provider.capabilities.redirect_origins) == ((), ())
        with pytest.raises(Unavailable):
            provider.start_payment(replace(a_payment(provider), method="seven_eleven"))

    def test_a_wrong_key_is_our_mistake_and_may_be_mended(self, process: SandboxProcess) -> None:
        class WrongKey(SimulatedAccount):
            def secret_key(self) -> str:
                return "sk_test_wrong"

        provider = KomojuProvider(WrongKey(process.folder))
        with pytest.raises(Unavailable):
            provider.start_payment(a_payment(provider))


class TestRefunds:
    """Refunds wait for a person, who may do something else."""

    def test_a_refund_stands_in_the_payment_until_somebody_makes_it(
        self, provider: KomojuProvider, outside: KomojuOutside
    ) -> None:
        taken = take(provider, outside)
        refund = a_refund(taken, 400)
        assert not provider.refund(refund).is_done
        (payment,) = [each for each in outside.audit()["objects"] if each["id"] == taken.capture.capture_reference]
        assert json.loads(payment["metadata"]["tsuzuku_refunds"]) == [{"key": refund.key, "amount": 400}]
        assert [event.kind for event in provider.find_payment(taken.reference)] == [EventKind.CAPTURED]

    def test_what_a_person_names_is_matched_before_what_only_fits(
        self, provider: KomojuProvider, outside: KomojuOutside
    ) -> None:
        taken = take(provider, outside)
        first, second = a_refund(taken, 400), a_refund(taken, 400)
        for refund in (first, second):
            provider.refund(refund)
        by_hand = {"payment": taken.capture.capture_reference, "amount": 400}
        outside.control(refund={**by_hand, "description": f"Refund {second.key}"})
        outside.control(refund=by_hand)
        keys = [event.refund_key for event in read(provider, outside.webhooks(2))]
        assert keys == [second.key, first.key]

    def test_a_refund_made_by_hand_names_no_key_of_ours_and_leaves_less(
        self, provider: KomojuProvider, outside: KomojuOutside
    ) -> None:
        taken = take(provider, outside)
        outside.control(refund={"payment": taken.capture.capture_reference, "amount": 600})
        (told,) = read(provider, outside.webhooks())
        assert (told.kind, told.refund_key, told.amount) == (EventKind.REFUNDED, None, Money(600, "JPY"))
        with pytest.raises(Rejected):
            provider.refund(a_refund(taken, 401))
        provider.refund(a_refund(taken, 400))

    def test_a_slip_that_nobody_paid_gives_nothing_back(self, provider: KomojuProvider, outside: KomojuOutside) -> None:
        reference = provider.start_payment(a_payment(provider)).reference
        payment = outside.at_the_store(reference, slip_only=True)["payment"]
        taken = take(provider, outside)
        with pytest.raises(Rejected):
            provider.refund(replace(a_refund(taken, 1), capture_reference=payment["id"]))
