# SPDX-License-Identifier: Apache-2.0
"""The gateway that speaks SMPP against an SMS centre, by the contract."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tsuzuku.kernel.outcomes import OutcomeUnknown, Unavailable
from tsuzuku.messaging.adapters.smpp import SmppAccount, SmppGateway
from tsuzuku.messaging.ports import AddressKind, DeliveryReport, OutgoingMessage, Sent, Verdict
from tsuzuku.testing.contracts.gateway import ReportingGatewayContract, Told, a_message
from tsuzuku.testing.fakes import Outcome
from tsuzuku.testing.simulators.faults import FaultKind
from tsuzuku.testing.simulators.smsc.centre import DEAD_NUMBER, SmsCentre, centre

FAULTS = {
    Outcome.REFUSED: FaultKind.REFUSE,
    Outcome.UNAVAILABLE: FaultKind.FAIL,
    Outcome.DONE_UNANSWERED: FaultKind.NO_ANSWER,
    Outcome.LOST: FaultKind.LOSE,
}
STATS = {
    Verdict.DELIVERED: ("DELIVRD", "000"),
    Verdict.BOUNCED: ("UNDELIV", "001"),
    Verdict.FAILED: ("UNDELIV", "027"),
    Verdict.UNKNOWN: ("ENROUTE", "000"),
}


class SmppOutside:
    kind = AddressKind.SMS
    address, dead_address = "+819012345678", f"+{DEAD_NUMBER}"

    def __init__(self, smsc: SmsCentre) -> None:
        self.smsc = smsc

    def next_send(self, outcome: Outcome) -> None:
        self.smsc.faults.append(FAULTS[outcome])

    def arrived(self) -> list[str]:
        return self.smsc.texts()

    def tell(self, message: OutgoingMessage, sent: Sent, verdict: Verdict) -> Told:
        stat, err = STATS[verdict]
        self.smsc.tell(sent.reference, stat, err=err)
        return Told()


@pytest.fixture(scope="module")
def smsc() -> Iterator[SmsCentre]:
    with centre() as smsc:
        yield smsc


def an_account(smsc: SmsCentre, **fields: Any) -> SmppAccount:  # noqa: ANN401  # of an account
    known = SmppAccount(
        host="127.0.0.1",
        port=smsc.port,
        tls=False,
        system_id="tsuzuku",
        password="secret",
        system_type="",
        sender="Tsuzuku",
        dead_errors=frozenset({"1"}),
    )
    return replace(known, **fields)


class TestSmpp(ReportingGatewayContract):
    @pytest.fixture
    def gateway(self, smsc: SmsCentre) -> Iterator[SmppGateway]:
        gateway = SmppGateway(an_account(smsc))
        yield gateway
        gateway.close()

    @pytest.fixture
    def outside(self, smsc: SmsCentre) -> SmppOutside:
        smsc.submitted.clear()
        return SmppOutside(smsc)

    def test_a_long_text_goes_in_parts_of_which_the_last_is_reported(
        self, gateway: SmppGateway, outside: SmppOutside
    ) -> None:
        gateway.send(a_message(outside, text="続" * 134 + "€" * 10))
        parts = [each.event for each in outside.smsc.submitted]
        assert [(part.data_coding, len(part.short_message), part.registered_delivery) for part in parts] == [
            (8, 140, 0),
            (8, 140, 0),
            (8, 26, 1),
        ]
        assert [part.short_message[4:6] for part in parts] == [b"\x03\x01", b"\x03\x02", b"\x03\x03"]

    def test_a_part_that_fails_leaves_open_what_arrived(self, gateway: SmppGateway, outside: SmppOutside) -> None:
        outside.smsc.faults.extend([FaultKind.SLOW_ANSWER, FaultKind.REFUSE])
        with pytest.raises(OutcomeUnknown) as problem:
            gateway.send(a_message(outside, text="続" * 100))
        assert problem.value.detail == "after 1 of 2 parts"

    @pytest.mark.parametrize(
        ("sender", "shown"),
        [("+815012345678", ("815012345678", 1, 1)), ("Tsuzuku", ("Tsuzuku", 5, 0)), ("4242", ("4242", 0, 0))],
    )
    def test_a_sender_is_a_number_a_name_or_a_short_number(
        self, smsc: SmsCentre, outside: SmppOutside, sender: str, shown: tuple[str, int, int]
    ) -> None:
        gateway = SmppGateway(an_account(smsc, sender=sender))
        gateway.send(a_message(outside))
        gateway.close()
        (part,) = (each.event for each in smsc.submitted)
        assert (part.source_addr, part.source_addr_ton, part.source_addr_npi) == shown
        assert (part.destination_addr, part.dest_addr_ton, part.dest_addr_npi) == ("819012345678", 1, 1)

    def test_receipts_may_come_in_optional_parameters(self, gateway: SmppGateway, outside: SmppOutside) -> None:
        sent = gateway.send(a_message(outside))
        outside.smsc.tell(sent.reference, "DELIVRD", with_parameters=True)
        assert gateway.collect_reports() == [
            DeliveryReport(reference=sent.reference, verdict=Verdict.DELIVERED, reason="smpp-delivrd-0")
        ]
        assert gateway.collect_reports() == []


def test_nobody_is_there() -> None:
    with centre() as gone:
        account = an_account(gone)
    gateway = SmppGateway(account)
    with pytest.raises(Unavailable) as problem:
        gateway.send(a_message(SmppOutside(gone)))
    gateway.close()
    assert problem.value.code == "sms-centre-unreachable"


@pytest.mark.parametrize(
    ("field", "text"),
    [("system_id", "x" * 16), ("password", "x" * 9), ("system_type", "x" * 13), ("sender", "つづく")],
)
def test_what_has_no_place_in_a_bind_is_refused(smsc: SmsCentre, field: str, text: str) -> None:
    with pytest.raises(ValueError, match="characters of ASCII"):
        an_account(smsc, **{field: text})
