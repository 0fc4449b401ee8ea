# SPDX-License-Identifier: Apache-2.0
"""The payment providers that come with Tsuzuku, against the contract."""

import hashlib
import json
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from secrets import token_hex
from typing import ClassVar

import pytest

from tests.contracts.outside import SimulatorOutside
from tests.contracts.processes import simulator_at_work, simulator_process
from tsuzuku.kernel import clock
from tsuzuku.kernel.money import Money
from tsuzuku.kernel.outcomes import OutcomeUnknown, Unavailable
from tsuzuku.kernel.signatures import signature_header
from tsuzuku.payments.adapters.sandbox import SandboxProvider
from tsuzuku.payments.ports import EventKind, FailureReason, WebhookForged
from tsuzuku.testing.contracts.payment_disputed_money import DisputedMoneyContract
from tsuzuku.testing.contracts.payment_disputes import DisputesContract
from tsuzuku.testing.contracts.payment_kept import KeptMethodsContract
from tsuzuku.testing.contracts.payment_money import PaymentMoneyContract
from tsuzuku.testing.contracts.payment_provider import PaymentProviderContract, Webhook, a_payment, read
from tsuzuku.testing.fakes import FakeProvider, Outcome
from tsuzuku.testing.processes import SandboxProcess
from tsuzuku.testing.receiver import WebhookReceiver


class SandboxOutside(SimulatorOutside):
    """The sandbox as the contract wants to hold it."""

    something_else = "payout.paid"
    beginning: ClassVar[Mapping[str, object]] = {"refund_seconds": 60}

    takes_twice = True

    def simulate(self, reference: str, behaviour: str, **fields: object) -> None:
        self.told(f"/v1/payments/{reference}/simulate", behaviour=behaviour, **fields)

    def pay(self, reference: str, *, times: int = 1, amount: Money | None = None) -> None:
        taken = asdict(amount) if amount else {}
        self.simulate(reference, {1: "pay", 2: "pay-twice"}[times], **taken)

    def decline(self, reference: str, reason: FailureReason) -> None:
        self.simulate(reference, f"decline-{reason}")

    def next_refund_fails(self) -> None:
        self.control(next_refunds=["fail"])

    def end_refunds(self) -> None:
        self.control(refund_seconds=0)
        while any(refund["status"] == "pending" for refund in self.audit()["refunds"]):
            time.sleep(0.02)


class FakeOutside:
    """The fake as the contract wants to hold it."""

    takes_twice = True

    def __init__(self, fake: FakeProvider) -> None:
        self.fake = fake
        self._sent: deque[Webhook] = deque()
        self._failing: set[str] = set()
        self._next_fails = False

    def next_call(self, outcome: Outcome) -> None:
        self.fake.script.add(outcome)

    def fail_next_lookup(self) -> None:
        self.fake.lookup_script.add(Outcome.UNAVAILABLE)

    def stop(self) -> None:
        self.fake.is_down = True

    def start(self) -> None:
        self.fake.is_down = False

    def pay(self, reference: str, *, times: int = 1, amount: Money | None = None) -> None:
        for event in self.fake.pay(reference, times=times, amount=amount):
            self.deliver_again(event.event_id)

    def decline(self, reference: str, reason: FailureReason) -> None:
        self.deliver_again(self.fake.decline(reference, reason).event_id)

    def decline_next_charge(self, reason: FailureReason) -> None:
        self.fake.refuse_charges(reason)

    def next_refund_fails(self) -> None:
        self._next_fails = True

    def end_refunds(self) -> None:
        for key in self.fake.refunds_under_way():
            end = self.fake.fail_refund if self._next_fails else self.fake.finish_refund
            self._next_fails = False
            self.deliver_again(end(key).event_id)

    def open_dispute(self, reference: str) -> None:
        (captured,) = [event for event in self.fake.find_payment(reference) if event.kind is EventKind.CAPTURED]
        self.deliver_again(self.fake.dispute(captured.capture_reference or "").event_id)

    def close_dispute(self, reference: str, *, is_won: bool) -> None:
        (opened,) = [event for event in self.fake.find_payment(reference) if event.kind is EventKind.DISPUTE_OPENED]
        self.deliver_again(self.fake.end_dispute(opened.dispute_reference or "", is_won=is_won).event_id)

    def webhooks(self, count: int = 1) -> list[Webhook]:
        while self.fake.untold:
            self.deliver_again(self.fake.untold.popleft().event_id)
        return [self._sent.popleft() for _ in range(count)]

    def deliver_again(self, event_id: str) -> None:
        self._sent.append(self.fake.webhook(event_id))

    def tell_something_else(self) -> None:
        self.deliver_again("something-else")

    def change_secret(self) -> None:
        self.fake.secrets[:] = [token_hex(16), self.fake.secrets[0]]


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory, receiver: WebhookReceiver) -> Iterator[SandboxProcess]:
    """A sandbox that tells the receiver."""
    with simulator_at_work("sandbox", tmp_path_factory.mktemp("home"), webhook=receiver.url) as process:
        yield process


@pytest.fixture
def sandbox(process: SandboxProcess, receiver: WebhookReceiver) -> SandboxOutside:
    """The sandbox, whose refunds wait to be ended. What a test before has left is told and forgotten."""
    outside = SandboxOutside(process, receiver)
    outside.begin_anew()
    return outside


class TestSandboxProvider(PaymentProviderContract):
    """The adapter and the process."""

    @pytest.fixture
    def provider(self, process: SandboxProcess) -> SandboxProvider:
        return SandboxProvider(process.folder)

    @pytest.fixture
    def outside(self, sandbox: SandboxOutside) -> SandboxOutside:
        return sandbox


class TestFakeProvider(PaymentProviderContract):
    """The double that other tests use."""

    @pytest.fixture
    def provider(self) -> FakeProvider:
        return FakeProvider()

    @pytest.fixture
    def outside(self, provider: FakeProvider) -> FakeOutside:
        return FakeOutside(provider)


class TestFakeKeptMethods(KeptMethodsContract):
    """What the double keeps."""

    provider, outside = TestFakeProvider.provider, TestFakeProvider.outside


@pytest.mark.django_db(transaction=True)
class TestTheSandboxsMoney(PaymentMoneyContract):
    """The adapter, the process and our ledger."""

    provider, outside = TestSandboxProvider.provider, TestSandboxProvider.outside


@pytest.mark.django_db(transaction=True)
class TestTheFakesMoney(PaymentMoneyContract):
    """The double and our ledger."""

    provider, outside = TestFakeProvider.provider, TestFakeProvider.outside


class TestTheFakesDisputes(DisputesContract):
    """The double, when a payer's bank takes money back."""

    provider, outside = TestFakeProvider.provider, TestFakeProvider.outside


@pytest.mark.django_db(transaction=True)
class TestTheFakesDisputedMoney(DisputedMoneyContract):
    """The double and our ledger, when a payer's bank takes money back."""

    provider, outside = TestFakeProvider.provider, TestFakeProvider.outside


class TestSandboxOnly:
    """What only the sandbox does."""

    def test_a_second_start_changes_the_one_that_runs(
        self, process: SandboxProcess, sandbox: SandboxOutside, receiver: WebhookReceiver
    ) -> None:
        second = simulator_process(
            "sandbox", process.folder.parent, "--merchant", "Nagi", webhook=f"{receiver.url}?moved"
        )
        with pytest.raises(RuntimeError, match="exit code 0"):
            second.start()
        provider = SandboxProvider(process.folder)
        reference = provider.start_payment(a_payment(provider)).reference
        sandbox.pay(reference)
        assert [event.payment_reference for event in read(provider, sandbox.webhooks())] == [reference]

    def test_what_a_killed_sandbox_owed_is_told_by_the_next(
        self, process: SandboxProcess, sandbox: SandboxOutside, receiver: WebhookReceiver
    ) -> None:
        provider = SandboxProvider(process.folder)
        reference = provider.start_payment(a_payment(provider)).reference
        url = process.url
        receiver.answers.append(503)
        sandbox.pay(reference)
        receiver.take()
        sandbox.stop()
        sandbox.start()
        assert process.url == url
        assert [event.payment_reference for event in read(provider, sandbox.webhooks())] == [reference]

    def test_a_slow_answer_is_given_up_and_the_next_try_finds_the_payment(
        self, process: SandboxProcess, sandbox: SandboxOutside
    ) -> None:
        provider = SandboxProvider(process.folder)
        request = a_payment(provider)
        sandbox.control(next_calls=[{"fault": "slow-answer", "seconds": 5.5}])
        with pytest.raises(OutcomeUnknown):
            provider.start_payment(request)
        started = provider.start_payment(request)
        known = [each["id"] for each in sandbox.audit()["payments"] if each["key"] == request.key]
        assert known == [started.reference]

    def test_never_started_it_is_unavailable(self, tmp_path: Path) -> None:
        provider = SandboxProvider(tmp_path / "payment-sandbox")
        assert provider.capabilities.redirect_origins == ()
        with pytest.raises(Unavailable):
            provider.start_payment(a_payment(provider))
        with pytest.raises(WebhookForged):
            provider.read_webhook(headers={"Sandbox-Signature": "t=0,v1="}, body=b"{}", now=clock.now())

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"\xff",
            b"[]",
            b'{"id": "evt_1"}',
            b'{"id": "evt_1", "type": "payment.captured", "created": "soon"}',
            b'{"id": "evt_1", "type": "payment.captured", "created": "2026-11-21T00:00:00"}',
            b'{"id": "evt_1", "type": "payment.captured", "created": "2026-11-21T00:00:00+00:00"}',
            (
                b'{"id": "evt_1", "type": "refund.done", "created": "2026-11-21T00:00:00Z", "payment": {"id": "p"}, '
                b'"capture": {"id": "c"}, "refund": {"key": "r"}, "amount": {"amount_minor": 1.5, "currency": "JPY"}}'
            ),
        ],
    )
    def test_a_genuine_body_of_unknown_form_is_kept(self, process: SandboxProcess, body: bytes) -> None:
        secrets = json.loads((process.folder / "secrets.json").read_text(encoding="utf-8"))["webhook_secrets"]
        now = clock.now()
        headers = {"Sandbox-Signature": signature_header(body, secrets=secrets, at=now)}
        (event,) = SandboxProvider(process.folder).read_webhook(headers=headers, body=body, now=now)
        assert (event.kind, event.payment_reference) == (EventKind.UNKNOWN, "")
        assert event.event_id == f"sha256:{hashlib.sha256(body).hexdigest()}"
