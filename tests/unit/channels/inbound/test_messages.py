# SPDX-License-Identifier: Apache-2.0
"""The webhook of message gateways: verified, taken once, and believed only when it is genuine and fresh."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client

from tsuzuku.channels.inbound.views import BODY_BYTES_MAX
from tsuzuku.kernel import clock
from tsuzuku.kernel.signatures import TOLERANCE
from tsuzuku.messaging.actions import send_due_messages, send_message
from tsuzuku.messaging.models import Message
from tsuzuku.messaging.ports import AddressKind, Verdict
from tsuzuku.messaging.registry import using_gateway
from tsuzuku.testing.fakes import FakeGateway

pytestmark = pytest.mark.django_db
ADDRESS = "/inbound/messages/sms"


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    gateway = FakeGateway()
    with using_gateway(AddressKind.SMS, gateway):
        yield gateway


@pytest.fixture
def message_id(gateway: FakeGateway) -> str:
    send_message(
        dedupe_key="1", kind=AddressKind.SMS, address="+819012345678", language="ja", text="x", purpose="p",
        now=clock.now(),
    )  # fmt: skip
    send_due_messages()
    return gateway.sent[0].message.message_id


def post(body: bytes, headers: dict[str, str]) -> int:
    return Client().post(ADDRESS, data=body, content_type="application/json", headers=headers).status_code


def state() -> str:
    return Message.objects.get().state


def test_a_report_is_taken_and_a_repeat_changes_nothing(gateway: FakeGateway, message_id: str) -> None:
    told = gateway.report(message_id, Verdict.DELIVERED)
    assert (post(*told), post(*told), state()) == (204, 204, "delivered")


def test_what_is_forged_or_was_recorded_moves_nothing(gateway: FakeGateway, message_id: str) -> None:
    body, headers = gateway.report(message_id, Verdict.BOUNCED)
    assert post(body, {}) == 400
    assert post(body.replace(b"bounced", b"failed"), headers) == 400
    with clock.travel_to(clock.now() + TOLERANCE + timedelta(seconds=2)):
        assert post(body, headers) == 400
    assert state() == "sent"


def test_what_is_about_nothing_of_ours_is_asked_for_again(gateway: FakeGateway, message_id: str) -> None:
    assert post(*gateway.report("b6a3c1c6-6f3a-4f0e-8a49-0d1e6f7a8b9c@x", Verdict.DELIVERED)) == 404


def test_only_a_gateway_that_reports_has_an_address(gateway: FakeGateway) -> None:
    assert post(b"x" * (BODY_BYTES_MAX + 1), {}) == 413
    assert [
        Client().post(f"/inbound/messages/{kind}", data=b"{}", content_type="application/json").status_code
        for kind in ("push", "email", "pigeon")
    ] == [404, 404, 404]
    assert Client().get(ADDRESS).status_code == 405
