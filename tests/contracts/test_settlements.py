# SPDX-License-Identifier: Apache-2.0
"""The settlement files of the providers that come with Tsuzuku, as their simulators write them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode

import pytest

from tests.contracts.processes import simulator_process
from tests.contracts.test_alipay import AlipayOutside
from tests.contracts.test_komoju import KomojuOutside
from tests.contracts.test_payment_providers import FakeOutside, SandboxOutside
from tests.contracts.test_paypal import PayPalOutside
from tests.contracts.test_stripe import StripeOutside
from tests.contracts.test_wechat_pay import NOTIFY_URL, WeChatOutside
from tsuzuku.payments.adapters.alipay import AlipayProvider
from tsuzuku.payments.adapters.alipay import SimulatedAccount as AlipayAccount
from tsuzuku.payments.adapters.komoju import KomojuProvider
from tsuzuku.payments.adapters.komoju import SimulatedAccount as KomojuAccount
from tsuzuku.payments.adapters.paypal import PayPalProvider
from tsuzuku.payments.adapters.paypal import SimulatedAccount as PayPalAccount
from tsuzuku.payments.adapters.sandbox import SandboxProvider
from tsuzuku.payments.adapters.stripe import SimulatedAccount, StripeProvider
from tsuzuku.payments.adapters.wechat_pay import SimulatedAccount as WeChatPayAccount
from tsuzuku.payments.adapters.wechat_pay import WeChatPayProvider
from tsuzuku.payments.ports import PaymentProvider
from tsuzuku.testing.contracts.payment_settlement import DisputeSettlementContract, PaymentSettlementContract
from tsuzuku.testing.fakes import FakeProvider
from tsuzuku.testing.processes import SandboxProcess
from tsuzuku.testing.receiver import WebhookReceiver, receiving
from tsuzuku.testing.simulators.merchant_secrets import control_headers


def settlement(process: SandboxProcess, begins_at: datetime, ends_at: datetime) -> bytes:
    """What the simulator of a process booked in a period."""
    query = urlencode({"from": begins_at.isoformat(), "to": ends_at.isoformat()})
    return process.download(f"/settlement?{query}", **control_headers(process.folder))


class Settling:
    """What is added to a provider's outside for this contract."""

    process: SandboxProcess

    def settlement(self, begins_at: datetime, ends_at: datetime) -> bytes:
        return settlement(self.process, begins_at, ends_at)


class SettlingSandbox(Settling, SandboxOutside): ...


class SettlingStripe(Settling, StripeOutside): ...


class SettlingWeChat(Settling, WeChatOutside): ...


class SettlingAlipay(Settling, AlipayOutside): ...


class SettlingPayPal(Settling, PayPalOutside): ...


class SettlingKomoju(Settling, KomojuOutside): ...


class SettlingFake(FakeOutside):
    def settlement(self, begins_at: datetime, ends_at: datetime) -> bytes:
        return self.fake.settlement(begins_at, ends_at)


@pytest.fixture(scope="module")
def receiver() -> Iterator[WebhookReceiver]:
    """Our end of the webhooks; Alipay wants that word, the others are content with any."""
    with receiving() as receiver:
        receiver.reply = b"success"
        yield receiver


@contextmanager
def running(name: str, home: Path, receiver: WebhookReceiver) -> Iterator[SandboxProcess]:
    """A simulator that tells the receiver."""
    process = simulator_process(name, home, webhook=receiver.url)
    process.start()
    try:
        yield process
    finally:
        process.kill()


def at_rest(outside: Any, receiver: WebhookReceiver) -> Any:  # noqa: ANN401  # of any provider
    """A provider of whom nothing is on its way. What a test before has left is told and forgotten."""
    outside.end_refunds()
    while outside.audit()["owed_deliveries"]:
        time.sleep(0.02)
    receiver.forget()
    return outside


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory, receiver: WebhookReceiver) -> Iterator[SandboxProcess]:
    with running("sandbox", tmp_path_factory.mktemp("home"), receiver) as process:
        yield process


@pytest.fixture(scope="module")
def stripe(tmp_path_factory: pytest.TempPathFactory, receiver: WebhookReceiver) -> Iterator[SandboxProcess]:
    with running("stripe", tmp_path_factory.mktemp("home"), receiver) as process:
        yield process


@pytest.fixture(scope="module")
def wechat_pay(tmp_path_factory: pytest.TempPathFactory, receiver: WebhookReceiver) -> Iterator[SandboxProcess]:
    with running("wechat_pay", tmp_path_factory.mktemp("home"), receiver) as process:
        yield process


@pytest.fixture(scope="module")
def alipay(tmp_path_factory: pytest.TempPathFactory, receiver: WebhookReceiver) -> Iterator[SandboxProcess]:
    with running("alipay", tmp_path_factory.mktemp("home"), receiver) as process:
        yield process


@pytest.fixture(scope="module")
def paypal(tmp_path_factory: pytest.TempPathFactory, receiver: WebhookReceiver) -> Iterator[SandboxProcess]:
    with running("paypal", tmp_path_factory.mktemp("home"), receiver) as process:
        yield process


@pytest.fixture(scope="module")
def komoju(tmp_path_factory: pytest.TempPathFactory, receiver: WebhookReceiver) -> Iterator[SandboxProcess]:
    with running("komoju", tmp_path_factory.mktemp("home"), receiver) as process:
        yield process


class TestTheSandboxsSettlements(PaymentSettlementContract):
    @pytest.fixture
    def provider(self, sandbox: SandboxProcess) -> PaymentProvider:
        return SandboxProvider(sandbox.folder)

    @pytest.fixture
    def outside(self, sandbox: SandboxProcess, receiver: WebhookReceiver) -> SettlingSandbox:
        outside: SettlingSandbox = at_rest(SettlingSandbox(sandbox, receiver), receiver)
        return outside

    def test_is_told_to_its_merchant_alone(self, sandbox: SandboxProcess) -> None:
        with pytest.raises(HTTPError, match="401"):
            sandbox.download("/settlement")

    @pytest.mark.parametrize("query", ["from=today", "to=2026-11-21", "from=2026-11-21T00:00:00"])
    def test_is_asked_for_by_moments(self, sandbox: SandboxProcess, query: str) -> None:
        with pytest.raises(HTTPError, match="422"):
            sandbox.download(f"/settlement?{query}", **control_headers(sandbox.folder))


class TestStripesSettlements(PaymentSettlementContract, DisputeSettlementContract):
    @pytest.fixture
    def provider(self, stripe: SandboxProcess) -> PaymentProvider:
        return StripeProvider(SimulatedAccount(stripe.folder))

    @pytest.fixture
    def outside(self, stripe: SandboxProcess, receiver: WebhookReceiver) -> SettlingStripe:
        outside: SettlingStripe = at_rest(SettlingStripe(stripe, receiver), receiver)
        return outside


class TestWeChatPaysSettlements(PaymentSettlementContract):
    @pytest.fixture
    def provider(self, wechat_pay: SandboxProcess) -> PaymentProvider:
        return WeChatPayProvider(WeChatPayAccount(wechat_pay.folder, notify_url=NOTIFY_URL))

    @pytest.fixture
    def outside(self, wechat_pay: SandboxProcess, receiver: WebhookReceiver) -> SettlingWeChat:
        outside: SettlingWeChat = at_rest(SettlingWeChat(wechat_pay, receiver), receiver)
        return outside


class TestAlipaysSettlements(PaymentSettlementContract):
    @pytest.fixture
    def provider(self, alipay: SandboxProcess) -> PaymentProvider:
        return AlipayProvider(AlipayAccount(alipay.folder, notify_url=NOTIFY_URL))

    @pytest.fixture
    def outside(self, alipay: SandboxProcess, receiver: WebhookReceiver) -> SettlingAlipay:
        outside: SettlingAlipay = at_rest(SettlingAlipay(alipay, receiver), receiver)
        return outside


class TestPayPalsSettlements(PaymentSettlementContract, DisputeSettlementContract):
    @pytest.fixture
    def provider(self, paypal: SandboxProcess) -> PaymentProvider:
        return PayPalProvider(PayPalAccount(paypal.folder))

    @pytest.fixture
    def outside(self, paypal: SandboxProcess, receiver: WebhookReceiver) -> SettlingPayPal:
        outside: SettlingPayPal = at_rest(SettlingPayPal(paypal, receiver), receiver)
        return outside


class TestKomojusSettlements(PaymentSettlementContract):
    @pytest.fixture
    def provider(self, komoju: SandboxProcess) -> PaymentProvider:
        return KomojuProvider(KomojuAccount(komoju.folder))

    @pytest.fixture
    def outside(self, komoju: SandboxProcess, receiver: WebhookReceiver) -> SettlingKomoju:
        outside: SettlingKomoju = at_rest(SettlingKomoju(komoju, receiver), receiver)
        return outside


class TestTheFakesSettlements(PaymentSettlementContract, DisputeSettlementContract):
    @pytest.fixture
    def provider(self) -> FakeProvider:
        return FakeProvider()

    @pytest.fixture
    def outside(self, provider: FakeProvider) -> SettlingFake:
        return SettlingFake(provider)
