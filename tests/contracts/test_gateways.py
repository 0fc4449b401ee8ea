# SPDX-License-Identifier: Apache-2.0
"""The gateways of SMS against their simulators, and the fake, by the contract."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from django.test import Client
from pytest_django import Settings

from tsuzuku.kernel import clock
from tsuzuku.kernel.outcomes import Unavailable
from tsuzuku.kernel.signatures import SignatureForged
from tsuzuku.messaging.actions import send_due_messages, send_message
from tsuzuku.messaging.adapters.http_sms import HttpSmsGateway, parse_gateway
from tsuzuku.messaging.adapters.twilio import TwilioAccount, TwilioGateway
from tsuzuku.messaging.adapters.twilio.webhook import signature
from tsuzuku.messaging.models import Message
from tsuzuku.messaging.ports import AddressKind, Gateway, OutgoingMessage, Sent, Verdict
from tsuzuku.messaging.queries import bounced_addresses
from tsuzuku.messaging.registry import using_gateway
from tsuzuku.testing.contracts.gateway import Told, WebhookGatewayContract, a_message, add_fault, read
from tsuzuku.testing.fakes import FakeGateway, Outcome
from tsuzuku.testing.simulators.http_sms.sandbox import DEAD_NUMBER, HttpSmsSandbox
from tsuzuku.testing.simulators.server import listening
from tsuzuku.testing.simulators.twilio.sandbox import NO_NUMBER, TwilioSandbox

REPORT_URL = "https://sim.example/inbound/messages/sms"


class TwilioOutside:
    kind = AddressKind.SMS
    address, dead_address = "+819012345678", NO_NUMBER
    statuses = {
        Verdict.DELIVERED: ("delivered", ""),
        Verdict.BOUNCED: ("undelivered", "30005"),
        Verdict.FAILED: ("undelivered", "30003"),
        Verdict.UNKNOWN: ("queued", ""),
    }

    def __init__(self, sandbox: TwilioSandbox) -> None:
        self.sandbox = sandbox

    def next_send(self, outcome: Outcome) -> None:
        add_fault(self.sandbox.faults, outcome)

    def arrived(self) -> list[str]:
        return [fields["Body"] for fields in self.sandbox.messages.values()]

    def tell(self, message: OutgoingMessage, sent: Sent, verdict: Verdict) -> Told:
        status, error_code = self.statuses[verdict]
        url, headers, body = self.sandbox.callback(sent.reference, status, error_code=error_code)
        return Told(url=url, headers=headers, body=body)


@pytest.fixture(scope="module")
def twilio() -> Iterator[TwilioSandbox]:
    with TemporaryDirectory() as folder, listening(TwilioSandbox(Path(folder))) as sandbox:
        assert isinstance(sandbox, TwilioSandbox)
        yield sandbox


def twilio_gateway(sandbox: TwilioSandbox, *, sender: str = "Tsuzuku", auth_token: str = "") -> TwilioGateway:
    return TwilioGateway(
        TwilioAccount(
            account_sid=sandbox.account_sid,
            auth_token=auth_token or sandbox.auth_token,
            sender=sender,
            report_url=REPORT_URL,
            api_url=sandbox.url,
        )
    )


class TestTwilio(WebhookGatewayContract):
    @pytest.fixture
    def outside(self, twilio: TwilioSandbox) -> TwilioOutside:
        twilio.messages.clear()
        return TwilioOutside(twilio)

    @pytest.fixture
    def gateway(self, twilio: TwilioSandbox) -> Gateway:
        return twilio_gateway(twilio)

    @pytest.mark.parametrize(("sender", "field"), [("+815012345678", "From"), ("MG0123", "MessagingServiceSid")])
    def test_a_sender_is_a_number_a_name_or_a_service(
        self, twilio: TwilioSandbox, outside: TwilioOutside, sender: str, field: str
    ) -> None:
        twilio_gateway(twilio, sender=sender).send(a_message(outside))
        (fields,) = twilio.messages.values()
        assert {name: fields[name] for name in ("From", "MessagingServiceSid") if name in fields} == {field: sender}

    def test_a_wrong_key_says_nothing_about_the_message(self, twilio: TwilioSandbox, outside: TwilioOutside) -> None:
        with pytest.raises(Unavailable) as problem:
            twilio_gateway(twilio, auth_token="wrong").send(a_message(outside))
        assert problem.value.code == "twilio-20003"

    def test_a_report_about_another_message_is_forged(
        self, gateway: Gateway, outside: TwilioOutside, twilio: TwilioSandbox
    ) -> None:
        one, other = a_message(outside), a_message(outside)
        told = outside.tell(one, gateway.send(one), Verdict.BOUNCED)
        url = told.url.replace(one.message_id.partition("@")[0], other.message_id.partition("@")[0])
        assert url != told.url
        with pytest.raises(SignatureForged):
            read(gateway, replace(told, url=url))


@pytest.mark.django_db
def test_what_twilio_tells_reaches_the_message(twilio: TwilioSandbox, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://sim.example"
    with using_gateway(AddressKind.SMS, twilio_gateway(twilio)):
        send_message(
            dedupe_key="1", kind=AddressKind.SMS, address="+819012345678", language="ja", text="x", purpose="p",
            now=clock.now(),
        )  # fmt: skip
        send_due_messages()
        message = Message.objects.get()
        url, headers, body = twilio.callback(message.gateway_reference, "undelivered", error_code="30005")

        def tell(body: bytes) -> int:
            path, kind = url.removeprefix("https://sim.example"), headers["Content-Type"]
            return Client().post(path, data=body, content_type=kind, headers=headers, secure=True).status_code

        assert [tell(body.replace(b"30005", b"30003")), tell(body), tell(body)] == [400, 204, 204]
    message.refresh_from_db()
    assert (message.state, message.problem) == ("bounced", "twilio-30005")
    assert [row.address for row in bounced_addresses([(AddressKind.SMS, "+819012345678")])] == ["+819012345678"]


def test_twilios_own_example_of_a_signature() -> None:
    """As its documents and its packages have it."""
    body = b"CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212"
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert signature(url=url, body=body, auth_token="12345") == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


class HttpOutside:
    kind = AddressKind.SMS
    address, dead_address = "+819012345678", f"+{DEAD_NUMBER}"
    states = {
        Verdict.DELIVERED: ("DELIVERED", ""),
        Verdict.BOUNCED: ("failed", "unknown-subscriber"),
        Verdict.FAILED: ("failed", "phone-off"),
        Verdict.UNKNOWN: ("buffered", ""),
    }

    def __init__(self, sandbox: HttpSmsSandbox) -> None:
        self.sandbox = sandbox

    def next_send(self, outcome: Outcome) -> None:
        add_fault(self.sandbox.faults, outcome)

    def arrived(self) -> list[str]:
        return [content for _, content in self.sandbox.messages.values()]

    def tell(self, message: OutgoingMessage, sent: Sent, verdict: Verdict) -> Told:
        state, error = self.states[verdict]
        headers, body = self.sandbox.report(sent.reference, state, error=error)
        return Told(headers=headers, body=body)


@pytest.fixture(scope="module")
def http_sms() -> Iterator[HttpSmsSandbox]:
    with TemporaryDirectory() as folder, listening(HttpSmsSandbox(Path(folder))) as sandbox:
        assert isinstance(sandbox, HttpSmsSandbox)
        yield sandbox


class TestHttpSms(WebhookGatewayContract):
    @pytest.fixture
    def outside(self, http_sms: HttpSmsSandbox) -> HttpOutside:
        http_sms.messages.clear()
        return HttpOutside(http_sms)

    @pytest.fixture
    def gateway(self, http_sms: HttpSmsSandbox) -> Gateway:
        return HttpSmsGateway(parse_gateway(json.dumps(http_sms.description())), report_url=REPORT_URL)


class FakeOutside:
    kind = AddressKind.SMS
    address, dead_address = "+819012345678", "+819000000000"

    def __init__(self, gateway: FakeGateway) -> None:
        self.gateway = gateway
        gateway.dead.add(self.dead_address)

    def next_send(self, outcome: Outcome) -> None:
        self.gateway.script.add(outcome)

    def arrived(self) -> list[str]:
        return [kept.message.text for kept in self.gateway.sent]

    def tell(self, message: OutgoingMessage, sent: Sent, verdict: Verdict) -> Told:
        body, headers = self.gateway.report(message.message_id, verdict)
        return Told(headers=headers, body=body)


class TestFake(WebhookGatewayContract):
    @pytest.fixture
    def gateway(self) -> FakeGateway:
        return FakeGateway()

    @pytest.fixture
    def outside(self, gateway: FakeGateway) -> FakeOutside:
        return FakeOutside(gateway)
