# SPDX-License-Identifier: Apache-2.0
"""Push messages, by the examples of the standards and against a push service that reads as a browser does."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tsuzuku.kernel import public_calls
from tsuzuku.kernel.outcomes import Rejected, Unavailable
from tsuzuku.kernel.push_subscriptions import PushSubscription
from tsuzuku.messaging.adapters.web_push import WebPushGateway, public_text, vapid_key
from tsuzuku.messaging.adapters.web_push.encryption import encrypt_with
from tsuzuku.messaging.ports import AddressDead, AddressKind
from tsuzuku.testing.certificates import Authority
from tsuzuku.testing.contracts.gateway import GatewayContract, a_message, add_fault
from tsuzuku.testing.fakes import Outcome
from tsuzuku.testing.simulators.push_service.service import PushService
from tsuzuku.testing.simulators.server import listening

LOOPBACK = [ip_network("127.0.0.0/8")]
KEY = vapid_key("a secret of this installation")


class PushOutside:
    kind = AddressKind.PUSH

    def __init__(self, service: PushService) -> None:
        self.service = service
        self.browser = service.subscribe(public_text(KEY))
        self.address = self.browser.subscription
        gone = service.subscribe(public_text(KEY))
        service.unsubscribe(gone)
        self.dead_address = gone.subscription

    def next_send(self, outcome: Outcome) -> None:
        add_fault(self.service.faults, outcome)

    def arrived(self) -> list[str]:
        return [str(told["text"]) for told in self.service.read(self.browser)]


@pytest.fixture(scope="module")
def service() -> Iterator[PushService]:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as environment:
        authority = Authority(Path(folder))
        environment.setenv("SSL_CERT_FILE", str(authority.bundle))
        public_calls._tls.cache_clear()
        with listening(PushService(Path(folder)), tls=authority.server("127.0.0.1")) as service:
            assert isinstance(service, PushService)
            yield service
        public_calls._tls.cache_clear()


@pytest.fixture
def outside(service: PushService) -> PushOutside:
    return PushOutside(service)


@pytest.fixture
def gateway() -> WebPushGateway:
    return WebPushGateway(key=KEY, subject="mailto:hello@tsuzuku.example", private_networks=LOOPBACK)


class TestWebPush(GatewayContract):
    def test_a_browser_reads_where_a_tap_leads(self, gateway: WebPushGateway, outside: PushOutside) -> None:
        message = a_message(outside)
        gateway.send(message)
        assert outside.service.read(outside.browser) == [
            {"id": message.message_id, "title": "続く", "text": message.text, "link": "/r/4KX9", "language": "ja"}
        ]

    def test_a_subscription_made_for_another_key_is_tried_again(
        self, gateway: WebPushGateway, outside: PushOutside, service: PushService
    ) -> None:
        other = service.subscribe(public_text(vapid_key("another secret")))
        with pytest.raises(Unavailable) as problem:
            gateway.send(replace(a_message(outside), address=other.subscription))
        assert problem.value.code == "http-403"

    def test_nothing_is_sent_into_our_own_network(self, outside: PushOutside) -> None:
        guarded = WebPushGateway(key=KEY, subject="mailto:hello@tsuzuku.example", private_networks=[])
        with pytest.raises(AddressDead) as refused:
            guarded.send(a_message(outside))
        assert (refused.value.code, outside.arrived()) == ("endpoint-not-public", [])

    def test_what_no_push_service_takes_is_not_sent(self, gateway: WebPushGateway, outside: PushOutside) -> None:
        with pytest.raises(Rejected) as refused:
            gateway.send(a_message(outside, text="続" * 1400))
        assert refused.value.code == "message-too-long"
        gateway.send(a_message(outside, text="続" * 1250))
        assert len(outside.arrived()) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": "http://push.example/1"},
        {"endpoint": "https://user@push.example/1"},
        {"endpoint": None},
        {"keys": None},
        {"keys": {"p256dh": "AA", "auth": "BTBZMqHH6r4Tts7J_aSIgg"}},
        {"keys": {"auth": "AA"}},
        {"padding": "x" * 4000},
    ],
)
def test_what_is_no_subscription_is_told_apart(
    gateway: WebPushGateway, outside: PushOutside, change: dict[str, object]
) -> None:
    text = json.dumps({**json.loads(outside.address), **change})
    with pytest.raises(ValueError, match=r"."):
        PushSubscription.parse(text)
    with pytest.raises(AddressDead) as refused:
        gateway.send(replace(a_message(outside), address=text))
    assert refused.value.code == "subscription-malformed"


def test_the_example_of_rfc_8291() -> None:
    """Its appendix A, to the last byte."""
    own_key = ec.derive_private_key(
        int.from_bytes(decoded("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big"), ec.SECP256R1()
    )
    assert encrypt_with(
        b"When I grow up, I want to be a watermelon",
        p256dh=decoded("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
        auth=decoded("BTBZMqHH6r4Tts7J_aSIgg"),
        own_key=own_key,
        salt=decoded("DGv6ra1nlYgDCS1FRnbzlw"),
    ) == decoded(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_y"
        "l95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


def test_the_key_of_an_installation_stays_the_same() -> None:
    assert public_text(vapid_key("s")) == public_text(vapid_key("s")) != public_text(vapid_key("t"))


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
