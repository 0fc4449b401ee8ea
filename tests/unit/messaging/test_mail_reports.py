# SPDX-License-Identifier: Apache-2.0
"""What mail services tell: bodies as their documents show them."""

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from tsuzuku.kernel import clock
from tsuzuku.kernel.signatures import SignatureForged
from tsuzuku.messaging.actions import send_due_messages, send_message
from tsuzuku.messaging.adapters.smtp.reports import SERVICES, MailReports
from tsuzuku.messaging.models import BouncedAddress, Message
from tsuzuku.messaging.ports import AddressKind, DeliveryReport, Gateway, Verdict
from tsuzuku.messaging.registry import using_gateway
from tsuzuku.testing.fakes import FakeGateway

SECRET = "tsuzuku:a-long-password"
HEADERS = {"Authorization": f"Basic {b64encode(SECRET.encode()).decode()}", "Content-Type": "application/json"}
MEI = "mei@example.com"
DEAD, SPAM_FILTER = "550 5.1.1 no such user", "550 5.7.1 looks like spam"


def read(service: str, told: object) -> list[DeliveryReport]:
    return list(MailReports(service=service, secret=SECRET).read(headers=HEADERS, body=json.dumps(told).encode()))


@pytest.mark.parametrize(
    ("service", "told", "verdict"),
    [
        ("postmark", {"RecordType": "Delivery", "Recipient": MEI, "DeliveredAt": "2026-11-22T01:00:00Z"}, "delivered"),
        ("postmark", {"RecordType": "Bounce", "Type": "HardBounce", "Email": MEI, "Details": DEAD}, "bounced"),
        ("postmark", {"RecordType": "Bounce", "Type": "SoftBounce", "Email": MEI, "Details": SPAM_FILTER}, "failed"),
        ("postmark", {"RecordType": "Bounce", "Type": "BadEmailAddress", "Email": MEI}, "bounced"),
        ("postmark", {"RecordType": "SpamComplaint", "Type": "SpamComplaint", "Email": MEI}, "bounced"),
        ("postmark", {"RecordType": "Open", "Recipient": MEI}, "unknown"),
        ("brevo", {"event": "hard_bounce", "email": MEI, "ts_epoch": 1000, "reason": DEAD}, "bounced"),
        ("brevo", {"event": "soft_bounce", "email": MEI, "ts_epoch": 1000, "reason": "mailbox full"}, "failed"),
        ("mailjet", {"event": "sent", "email": MEI, "time": 1}, "delivered"),
        (
            "sparkpost",
            [{"msys": {"message_event": {"type": "delivery", "raw_rcpt_to": MEI, "timestamp": "1", "event_id": "1"}}}],
            "delivered",
        ),
    ],
)
def test_a_service_is_understood(service: str, told: object, verdict: str) -> None:
    assert [(report.address, report.verdict) for report in read(service, told)] == [(MEI, Verdict(verdict))]


@pytest.mark.parametrize("service", sorted(SERVICES))
@pytest.mark.parametrize("told", [{}, [], "x", None, [{}], [None], {"event": 1, "RecordType": {}}])
def test_what_is_none_of_a_services_words_tells_nothing(service: str, told: object) -> None:
    assert {report.verdict for report in read(service, told)} <= {Verdict.UNKNOWN}


@pytest.mark.parametrize("header", ["", "Basic", "Basic !!", f"Basic {b64encode(b'tsuzuku:other').decode()}"])
def test_whoever_does_not_know_the_password_is_not_heard(header: str) -> None:
    with pytest.raises(SignatureForged):
        MailReports(service="postmark", secret=SECRET).read(headers={"Authorization": header}, body=b"{}")


class Reporting(FakeGateway):
    """Sends like the fake and is reported by Postmark."""

    def read_reports(self, *, headers: Any, body: bytes, **_: Any) -> Any:  # noqa: ANN401  # as the port has it
        return MailReports(service="postmark", secret=SECRET).read(headers=headers, body=body)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    gateway = Reporting()
    with using_gateway(AddressKind.EMAIL, gateway):
        yield gateway


def post(told: object) -> int:
    return (
        Client()
        .post("/inbound/messages/email", data=json.dumps(told), content_type="application/json", headers=HEADERS)
        .status_code
    )


@pytest.mark.django_db
def test_a_mail_may_come_back_after_it_was_delivered(gateway: Gateway) -> None:
    for number in range(2):
        send_message(
            dedupe_key=str(number), kind=AddressKind.EMAIL, address=MEI, language="ja",
            subject="x", text="x", purpose="p", now=clock.now(),
        )  # fmt: skip
        send_due_messages()
    assert post({"RecordType": "Delivery", "Recipient": "Mei@Example.com"}) == 204
    assert post({"RecordType": "Bounce", "Type": "HardBounce", "Email": MEI, "Details": DEAD}) == 204
    assert list(Message.objects.order_by("pk").values_list("state", flat=True)) == ["sent", "bounced"]
    assert BouncedAddress.objects.get().address == MEI
    assert post({"RecordType": "Delivery", "Recipient": "stranger@example.com"}) == 404
