# SPDX-License-Identifier: Apache-2.0
"""A genuine body is an event or UNKNOWN, never an error, however odd it is."""

import json
from datetime import UTC, datetime

import pytest

from tsuzuku.kernel.money import Money
from tsuzuku.payments.adapters.sandbox.webhook import parse_body
from tsuzuku.payments.ports import EventKind

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def body(**changes: object) -> bytes:
    fields = {
        "id": "evt_1",
        "type": "payment.captured",
        "created": "2026-11-20T09:00:00+09:00",
        "payment": {"id": "pay_1"},
        "capture": {"id": "cap_1"},
        "amount": {"amount_minor": 300, "currency": "JPY"},
    }
    return json.dumps({**fields, **changes}).encode()


def test_a_whole_body_is_its_event() -> None:
    event = parse_body(body(), now=NOW)
    assert (event.kind, event.payment_reference, event.amount) == (EventKind.CAPTURED, "pay_1", Money(300, "JPY"))


@pytest.mark.parametrize(
    "odd",
    [
        body(id="evt\0"),
        body(payment={"id": "\ud800"}),
        body(type="refund.done", refund={"key": "a\0b"}),
        body(amount={"amount_minor": 10**30, "currency": "JPY"}),
        body(amount={"amount_minor": -1, "currency": "JPY"}),
        body(amount={"amount_minor": 3.5, "currency": "JPY"}),
        body(created="0001-01-01T00:00:00+14:00"),
        body(created="2026-11-20T09:00:00"),
        body(payment=None),
        b"[" * 200_000,
        b"\0\xff",
        b"",
    ],
    ids=range(12),
)
def test_an_odd_body_is_unknown_and_can_be_kept(odd: bytes) -> None:
    event = parse_body(odd, now=NOW)
    assert (event.kind, event.payment_reference) == (EventKind.UNKNOWN, "")
    assert "\0" not in event.raw + event.event_id
