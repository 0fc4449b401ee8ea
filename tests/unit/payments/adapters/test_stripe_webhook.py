# SPDX-License-Identifier: Apache-2.0
"""A genuine body is an event or UNKNOWN, never an error, however odd it is."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tsuzuku.kernel.money import Money
from tsuzuku.payments.adapters.stripe.webhook import EVENT_TYPES, parse_body
from tsuzuku.payments.ports import EventKind, FailureReason, Instructions, KeptMethod, StoreSlip
from tsuzuku.testing.simulators.stripe.books import ENABLED_EVENTS

NOW = datetime(2026, 11, 20, tzinfo=UTC)
INTENT = {
    "id": "pi_1",
    "object": "payment_intent",
    "amount_received": 300,
    "created": 1763596800,
    "currency": "jpy",
    "last_payment_error": None,
    "latest_charge": "ch_1",
    "metadata": {"tsuzuku_payment": "key-1"},
    "status": "succeeded",
}
REFUND = {
    "id": "re_1",
    "object": "refund",
    "amount": 300,
    "created": 1763596800,
    "currency": "jpy",
    "metadata": {"tsuzuku_payment": "key-1", "tsuzuku_refund": "key-2"},
    "payment_intent": "pi_1",
    "status": "succeeded",
}
CHARGE = {
    "id": "ch_1",
    "object": "charge",
    "amount_captured": 300,
    "captured": True,
    "created": 1763596800,
    "currency": "jpy",
    "customer": "cus_1",
    "metadata": {"tsuzuku_payment": "key-1", "tsuzuku_keep": "yes"},
    "payment_intent": "pi_1",
    "payment_method": "pm_1",
    "payment_method_details": {"type": "card", "card": {"brand": "amex", "last4": "0005"}},
}
DISPUTE = {
    "id": "du_1",
    "object": "dispute",
    "amount": 300,
    "charge": "ch_1",
    "created": 1763596800,
    "currency": "jpy",
    "payment_intent": "pi_1",
    "reason": "product_not_received",
    "status": "needs_response",
}


def body(kind: str, about: dict[str, Any], **changes: object) -> bytes:
    event = {"id": "evt_1", "type": kind, "created": 1763596800, "data": {"object": about}}
    return json.dumps(event | changes).encode()


def test_a_payment_names_its_capture_and_our_key() -> None:
    event = parse_body(body("payment_intent.succeeded", INTENT), now=NOW)
    assert (event.event_id, event.kind, event.payment_key) == ("evt_1", EventKind.CAPTURED, "key-1")
    assert (event.capture_reference, event.amount) == ("pi_1", Money(300, "JPY"))
    assert event.occurred_at == datetime(2025, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ({"code": "card_declined", "decline_code": "insufficient_funds"}, FailureReason.LIMIT),
        ({"code": "card_declined", "decline_code": "card_velocity_exceeded"}, FailureReason.LIMIT),
        ({"code": "card_declined", "decline_code": "issuer_not_available"}, FailureReason.NETWORK),
        ({"code": "processing_error", "decline_code": "processing_error"}, FailureReason.NETWORK),
        ({"code": "processing_error"}, FailureReason.NETWORK),
        ({"code": "card_declined", "decline_code": "stolen_card"}, FailureReason.REFUSED),
        ({"code": "payment_intent_authentication_failure"}, FailureReason.REFUSED),
        ({"code": "payment_intent_payment_attempt_expired"}, FailureReason.EXPIRED),
        ({"code": "authentication_required", "decline_code": "authentication_required"}, FailureReason.REFUSED),
        ({}, FailureReason.REFUSED),
    ],
)
def test_a_decline_is_said_in_words_that_help(error: dict[str, str], reason: FailureReason) -> None:
    declined = INTENT | {"status": "requires_payment_method", "last_payment_error": error}
    assert parse_body(body("payment_intent.payment_failed", declined), now=NOW).failure == reason


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("succeeded", EventKind.REFUNDED),
        ("failed", EventKind.REFUND_FAILED),
        ("canceled", EventKind.REFUND_FAILED),
        ("pending", EventKind.UNKNOWN),
        ("requires_action", EventKind.UNKNOWN),
    ],
)
def test_a_refund_counts_when_it_has_ended(status: str, kind: EventKind) -> None:
    event = parse_body(body("refund.updated", REFUND | {"status": status}), now=NOW)
    assert event.kind is kind
    assert event.refund_key == (None if kind is EventKind.UNKNOWN else "key-2")


def test_a_card_that_is_kept_is_told_by_its_charge_and_by_nothing_else() -> None:
    event = parse_body(body("charge.succeeded", CHARGE), now=NOW)
    assert (event.kind, event.capture_reference, event.amount) == (EventKind.CAPTURED, "pi_1", Money(300, "JPY"))
    assert event.payment_key == "key-1"
    assert event.kept == KeptMethod(reference="cus_1/pm_1", label="American Express ···· 0005")
    of_intent = INTENT | {"metadata": CHARGE["metadata"]}
    assert parse_body(body("payment_intent.succeeded", of_intent), now=NOW).kind is EventKind.UNKNOWN
    for other in ({"metadata": INTENT["metadata"]}, {"captured": False}):
        assert parse_body(body("charge.succeeded", CHARGE | other), now=NOW).kind is EventKind.UNKNOWN


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("needs_response", EventKind.DISPUTE_OPENED),
        ("under_review", EventKind.DISPUTE_OPENED),
        ("won", EventKind.DISPUTE_WON),
        ("lost", EventKind.DISPUTE_LOST),
        ("warning_needs_response", EventKind.UNKNOWN),
        ("warning_closed", EventKind.UNKNOWN),
        ("prevented", EventKind.UNKNOWN),
        ("appeal_under_review", EventKind.UNKNOWN),
    ],
)
def test_a_dispute_counts_once_money_moves(status: str, kind: EventKind) -> None:
    for told in ("created", "funds_withdrawn", "funds_reinstated", "closed"):
        event = parse_body(body(f"charge.dispute.{told}", DISPUTE | {"status": status}), now=NOW)
        assert event.kind is kind
        if kind is not EventKind.UNKNOWN:
            assert (event.dispute_reference, event.dispute_reason) == ("du_1", "product_not_received")
            assert (event.capture_reference, event.amount) == ("pi_1", Money(300, "JPY"))


@pytest.mark.parametrize(
    "action",
    [
        None,
        {"type": "use_stripe_sdk", "use_stripe_sdk": {}},
        {"type": "redirect_to_url", "redirect_to_url": {"url": "https://bank.example"}},
    ],
)
def test_what_happens_on_a_page_needs_no_instructions(action: dict[str, object] | None) -> None:
    waiting = INTENT | {"status": "requires_action", "next_action": action}
    assert parse_body(body("payment_intent.requires_action", waiting), now=NOW).kind is EventKind.UNKNOWN


def test_a_slip_of_fewer_stores_and_numbers_is_read() -> None:
    details = {"expires_at": 1763823599, "hosted_voucher_url": None, "stores": {"lawson": {"payment_code": "123"}}}
    action = {"type": "konbini_display_details", "konbini_display_details": details}
    waiting = INTENT | {"status": "requires_action", "next_action": action}
    event = parse_body(body("payment_intent.requires_action", waiting), now=NOW)
    assert event.instructions == Instructions(
        expires_at=datetime(2025, 11, 22, 14, 59, 59, tzinfo=UTC),
        slips=(StoreSlip(store="lawson", payment_number="123"),),
    )


def test_the_kinds_that_operators_are_told_to_switch_on_are_all_read() -> None:
    assert sorted(ENABLED_EVENTS.difference(EVENT_TYPES)) == []


@pytest.mark.parametrize(
    "odd",
    [
        body("payment_intent.succeeded", INTENT | {"amount_received": 0}),
        body("payment_intent.succeeded", INTENT | {"amount_received": 10**30}),
        body("payment_intent.succeeded", INTENT | {"amount_received": 3.5}),
        body("payment_intent.succeeded", INTENT | {"currency": None}),
        body("payment_intent.succeeded", INTENT | {"currency": "yen!"}),
        body("payment_intent.succeeded", INTENT | {"metadata": ["tsuzuku_payment"]}),
        body("payment_intent.succeeded", INTENT | {"metadata": {"tsuzuku_payment": "a\0b"}}),
        body("payment_intent.succeeded", INTENT | {"id": "\ud800"}),
        body("payment_intent.succeeded", {}),
        body("payment_intent.succeeded", INTENT, created=10**30),
        body("payment_intent.succeeded", INTENT, created="soon"),
        body("payment_intent.succeeded", INTENT, id="evt\0"),
        body("payment_intent.succeeded", INTENT, type=["payment_intent.succeeded"]),
        body("refund.updated", REFUND | {"payment_intent": "pi\0"}),
        body("charge.succeeded", CHARGE | {"customer": "cus\0"}),
        body("charge.succeeded", CHARGE | {"payment_method_details": {"type": "konbini"}}),
        body("charge.dispute.created", DISPUTE | {"status": ["lost"]}),
        body("charge.dispute.created", DISPUTE | {"amount": -1}),
        body("payment_intent.requires_action", INTENT | {"status": "requires_action", "next_action": "?"}),
        body("payment_intent.canceled", INTENT | {"status": "canceled"}),
        b"[" * 200_000,
        b"\0\xff",
        b"",
    ],
    ids=range(23),
)
def test_an_odd_body_is_unknown_and_can_be_kept(odd: bytes) -> None:
    event = parse_body(odd, now=NOW)
    assert (event.kind, event.payment_reference, event.payment_key) == (EventKind.UNKNOWN, "", None)
    assert "\0" not in event.raw + event.event_id
