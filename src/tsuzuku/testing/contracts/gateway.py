# SPDX-License-Identifier: Apache-2.0
"""What every gateway of messages must pass, and those that report deliveries besides."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import pytest

from tsuzuku.kernel import clock
from tsuzuku.kernel.outcomes import OutcomeUnknown, Rejected, Unavailable, Unsupported
from tsuzuku.kernel.signatures import SignatureForged
from tsuzuku.messaging.ports import (
    AddressDead,
    AddressKind,
    DeliveryReport,
    Gateway,
    OutgoingMessage,
    Sent,
    Verdict,
)
from tsuzuku.testing.fakes import Outcome
from tsuzuku.testing.simulators.faults import FaultKind, Faults

_FAULTS = {
    Outcome.REFUSED: FaultKind.REFUSE,
    Outcome.UNAVAILABLE: FaultKind.FAIL,
    Outcome.DONE_UNANSWERED: FaultKind.NO_ANSWER,
    Outcome.LOST: FaultKind.LOSE,
}


class GatewayOutside(Protocol):
    """The gateway behind the adapter, as the test holds it in its hands."""

    kind: AddressKind
    #: An address at which messages arrive, and one that takes none for good.
    address: str
    dead_address: str

    def next_send(self, outcome: Outcome) -> None:
        """Sets what the next sending comes to: REFUSED, UNAVAILABLE, DONE_UNANSWERED or LOST."""

    def arrived(self) -> list[str]:
        """The texts that were taken, oldest first."""


class ReportingOutside(GatewayOutside, Protocol):
    """The same for a gateway that reports."""

    def tell(self, message: OutgoingMessage, sent: Sent, verdict: Verdict) -> "Told":
        """Has it tell of a message."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """A webhook; or nothing, where reports are collected in a session."""

    url: str = ""
    headers: Mapping[str, str] | None = None
    body: bytes = b""


def a_message(
    outside: GatewayOutside, *, text: str = "残りわずかです。→ https://tsuzuku.example/r/4KX9"
) -> OutgoingMessage:
    """A message that nobody has sent before."""
    return OutgoingMessage(
        message_id=f"{uuid.uuid4()}@tsuzuku.example",
        kind=outside.kind,
        address=outside.address,
        language="ja",
        subject="" if outside.kind is AddressKind.SMS else "続く",
        text=text,
        html="",
        link="/r/4KX9" if outside.kind is AddressKind.PUSH else "",
    )


def add_fault(faults: Faults, outcome: Outcome) -> None:
    """What `next_send` is for a simulator of ours."""
    faults.add([_FAULTS[outcome].value])


def read(gateway: Gateway, told: Told) -> Sequence[DeliveryReport]:
    """What the adapter makes of what was told."""
    if told.headers is None:
        return gateway.collect_reports()
    return gateway.read_reports(url=told.url, headers=told.headers, body=told.body, now=clock.now())


class GatewayContract:
    """Subclass it as `Test...` and give two fixtures: `gateway`, the adapter, and `outside`, a GatewayOutside."""

    def test_a_message_arrives_as_it_was_written(self, gateway: Gateway, outside: GatewayOutside) -> None:
        texts = ["Your plan ends in 3 days.", "残り0.4 GB 📶", "{text} {to} & <b>€</b> \"'\\\n", "流量快用完了。" * 20]
        for text in texts:
            assert gateway.send(a_message(outside, text=text)).raw
        assert outside.arrived() == texts

    def test_a_refusal_is_final(self, gateway: Gateway, outside: GatewayOutside) -> None:
        outside.next_send(Outcome.REFUSED)
        with pytest.raises(Rejected) as refused:
            gateway.send(a_message(outside))
        assert not isinstance(refused.value, AddressDead)
        assert outside.arrived() == []

    def test_an_address_that_takes_nothing_is_told_apart(self, gateway: Gateway, outside: GatewayOutside) -> None:
        with pytest.raises(AddressDead) as refused:
            gateway.send(replace(a_message(outside), address=outside.dead_address))
        assert outside.dead_address not in str(refused.value)
        assert outside.arrived() == []

    def test_an_outage_passes(self, gateway: Gateway, outside: GatewayOutside) -> None:
        message = a_message(outside)
        outside.next_send(Outcome.UNAVAILABLE)
        with pytest.raises(Unavailable):
            gateway.send(message)
        assert outside.arrived() == []
        gateway.send(message)
        assert outside.arrived() == [message.text]

    @pytest.mark.parametrize(("outcome", "taken"), [(Outcome.DONE_UNANSWERED, 1), (Outcome.LOST, 0)])
    def test_what_was_not_answered_may_have_been_taken(
        self, gateway: Gateway, outside: GatewayOutside, outcome: Outcome, taken: int
    ) -> None:
        message = a_message(outside)
        outside.next_send(outcome)
        with pytest.raises(OutcomeUnknown):
            gateway.send(message)
        assert len(outside.arrived()) == taken
        gateway.send(message)
        assert len(outside.arrived()) == (1 if gateway.capabilities.folds_repeats else taken + 1)

    def test_what_it_cannot_do_it_does_not_try(self, gateway: Gateway) -> None:
        able = gateway.capabilities
        if not able.keeps_copies:
            with pytest.raises(Unsupported):
                gateway.kept(limit=1)
        if not able.reports_in_session:
            with pytest.raises(Unsupported):
                gateway.collect_reports()
        if not able.reports_by_webhook:
            with pytest.raises(Unsupported):
                gateway.read_reports(url="", headers={}, body=b"", now=clock.now())


class ReportingGatewayContract(GatewayContract):
    """The same for a gateway that reports; `outside` is a ReportingOutside."""

    @pytest.mark.parametrize("verdict", list(Verdict))
    def test_a_report_names_its_message(self, gateway: Gateway, outside: ReportingOutside, verdict: Verdict) -> None:
        messages = [a_message(outside) for _ in range(2)]
        sent = [gateway.send(message) for message in messages]
        (report,) = read(gateway, outside.tell(messages[1], sent[1], verdict))
        assert report.verdict is verdict
        assert (report.message_id or messages[1].message_id) == messages[1].message_id
        assert (report.reference or sent[1].reference) == sent[1].reference
        assert report.message_id or report.reference

    def test_a_report_that_comes_twice_says_the_same(self, gateway: Gateway, outside: ReportingOutside) -> None:
        message = a_message(outside)
        sent = gateway.send(message)
        first = read(gateway, outside.tell(message, sent, Verdict.DELIVERED))
        assert first == read(gateway, outside.tell(message, sent, Verdict.DELIVERED))


class WebhookGatewayContract(ReportingGatewayContract):
    """The same for a gateway whose reports are webhooks."""

    def test_a_report_that_nobody_signed_is_forged(self, gateway: Gateway, outside: ReportingOutside) -> None:
        message = a_message(outside)
        told = outside.tell(message, gateway.send(message), Verdict.BOUNCED)
        assert told.headers is not None
        garbled = {name: value[::-1] for name, value in told.headers.items()}
        for forged in (
            replace(told, headers={}),
            replace(told, headers=garbled),
            replace(told, body=told.body + b" "),
            replace(told, body=told.body.replace(b"e", b"E")),
        ):
            with pytest.raises(SignatureForged):
                read(gateway, forged)
