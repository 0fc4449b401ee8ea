# SPDX-License-Identifier: Apache-2.0
"""A genuine body is an event or UNKNOWN, never an error, however odd it is."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from tsuzuku.kernel.money import Money
from tsuzuku.payments.adapters.komoju import KomojuProvider, RealAccount
from tsuzuku.payments.adapters.komoju.refunds import Wanted, left_of, told_of
from tsuzuku.payments.adapters.komoju.webhook import OLD_MAX, parse_body, read_payment
from tsuzuku.payments.ports import EventKind, FailureReason, StoreSlip, WebhookForged, WebhookStale

NOW = datetime(2026, 11, 20, tzinfo=UTC)
PAYMENT: dict[str, Any] = {
    "id": "7czbdbavjdbl3jjkrd7c65wi5",
    "status": "authorized",
    "amount": 300,
    "currency": "JPY",
    "payment_deadline": "2026-11-23T14:59:59Z",
    "payment_details": {
        "type": "konbini",
        "store": "seven-eleven",
        "confirmation_code": None,
        "receipt": "1234567890123",
        "instructions_url": "https://komoju.com/slips/7czb",
    },
    "captured_at": None,
    "created_at": "2026-11-19T23:00:00Z",
    "metadata": {},
    "session": "55jbo1zfyjvd6ezgr3lzhdc4y",
    "refunds": [],
    "refund_requests": [],
}
CAPTURED = PAYMENT | {"status": "captured", "captured_at": "2026-11-19T23:30:00Z"}


def body(kind: str, about: object, **changes: object) -> bytes:
    event = {"id": "evt-1", "type": kind, "created_at": "2026-11-19T23:59:00Z", "data": about}
    return json.dumps(event | changes).encode()


def wanted(**amounts: int) -> dict[str, Any]:
    listed = [{"key": key, "amount": amount} for key, amount in amounts.items()]
    return CAPTURED | {"metadata": {"tsuzuku_refunds": json.dumps(listed)}}


def record(number: int, amount: int, **changes: object) -> dict[str, Any]:
    at = f"2026-11-20T0{number}:00:00Z"
    return {"id": f"r-{number}", "amount": amount, "created_at": at, "description": None} | changes


# -- believing -------------------------------------------------------------------------------------------------------


def test_a_signature_is_that_of_the_standard() -> None:
    """RFC 4231, test case 2."""
    digest = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    provider = KomojuProvider(RealAccount(key="sk", secrets=("wrong", "Jefe")))
    text = b"what do ya want for nothing?"
    (event,) = provider.read_webhook(headers={"X-Komoju-Signature": digest}, body=text, now=NOW)
    assert event.kind is EventKind.UNKNOWN
    for forged in (digest.upper(), digest[:-1], "", "ÿ"):
        with pytest.raises(WebhookForged):
            provider.read_webhook(headers={"X-Komoju-Signature": forged}, body=text, now=NOW)


def test_an_event_is_believed_for_as_long_as_it_is_sent_again() -> None:
    text = body("payment.captured", CAPTURED | {"description": "續"})
    made = HMAC(b"s3cret", SHA256())
    made.update(text)
    headers = {"X-Komoju-Signature": made.finalize().hex()}
    provider = KomojuProvider(RealAccount(key="sk", secrets=("s3cret",)))
    told_at = datetime(2026, 11, 19, 23, 59, tzinfo=UTC)
    for age in (timedelta(minutes=-5), timedelta(0), OLD_MAX):
        (event,) = provider.read_webhook(headers=headers, body=text, now=told_at + age)
        assert event.kind is EventKind.CAPTURED
    for age in (timedelta(minutes=-6), OLD_MAX + timedelta(seconds=1)):
        with pytest.raises(WebhookStale):
            provider.read_webhook(headers=headers, body=text, now=told_at + age)
    with pytest.raises(WebhookForged):
        provider.read_webhook(headers=headers, body=text + b" ", now=told_at)


# -- reading ---------------------------------------------------------------------------------------------------------


def test_a_slip_says_where_until_when_and_by_which_number() -> None:
    event = parse_body(body("payment.authorized", PAYMENT), now=NOW)
    assert (event.event_id, event.kind) == ("evt-1", EventKind.INSTRUCTED)
    assert event.payment_reference == "55jbo1zfyjvd6ezgr3lzhdc4y"
    assert event.instructions is not None
    assert event.instructions.slips == (StoreSlip(store="seven_eleven", payment_number="1234567890123"),)
    assert event.instructions.expires_at == datetime(2026, 11, 23, 14, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("details", "told"),
    [
        ({"store": "seven-eleven", "receipt": None, "confirmation_code": "99"}, ("seven_eleven", "99", "")),
        ({"store": "family-mart", "receipt": "12", "confirmation_code": "34"}, ("familymart", "12", "34")),
        ({"store": "daily-yamazaki", "receipt": "12"}, ("daily_yamazaki", "12", "")),
    ],
)
def test_each_store_asks_for_its_own_numbers(details: dict[str, Any], told: tuple[str, str, str]) -> None:
    event = parse_body(body("payment.authorized", PAYMENT | {"payment_details": details}), now=NOW)
    assert event.instructions is not None
    (slip,) = event.instructions.slips
    assert (slip.store, slip.payment_number, slip.confirmation_number) == told


def test_a_capture_is_what_was_asked_for_without_the_stores_fee() -> None:
    event = parse_body(body("payment.captured", CAPTURED | {"total": 490, "payment_method_fee": 190}), now=NOW)
    assert (event.kind, event.capture_reference, event.amount) == (EventKind.CAPTURED, PAYMENT["id"], Money(300, "JPY"))


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("expired", FailureReason.EXPIRED),
        ("cancelled", FailureReason.EXPIRED),
        ("failed", FailureReason.REFUSED),
    ],
)
def test_what_ends_without_money_says_so(kind: str, reason: FailureReason) -> None:
    ended = PAYMENT | {"status": kind}
    event = parse_body(body(f"payment.{kind}", ended), now=NOW)
    assert (event.kind, event.failure) == (EventKind.FAILED, reason)
    assert [event.failure for event in read_payment(ended)] == [reason]


def test_the_newest_refund_is_the_one_that_is_told() -> None:
    payment = wanted(a=100, b=200) | {"refunds": [record(1, 100), record(2, 200)]}
    event = parse_body(body("payment.refund.created", payment), now=NOW)
    assert (event.kind, event.refund_key, event.amount) == (EventKind.REFUNDED, "b", Money(200, "JPY"))
    assert [event.refund_key for event in read_payment(payment)] == [None, "a", "b"]


@pytest.mark.parametrize(
    ("refunds", "requests", "keys", "left"),
    [
        ([], [], [], 100),
        ([record(1, 100)], [], [("a", True)], 100),
        ([record(2, 100)], [record(1, 100, status="rejected")], [("a", False), ("b", True)], 200),
        ([], [record(1, 100, status="pending")], [], 100),
        ([record(1, 100, description="for b")], [], [("b", True)], 100),
        ([record(1, 50)], [], [(None, True)], 50),
        ([record(1, 100), record(2, 100), record(3, 100)], [], [("a", True), ("b", True), (None, True)], 0),
    ],
    ids=range(7),
)
def test_what_komoju_tells_is_matched_to_what_is_wanted(
    refunds: list[dict[str, Any]],
    requests: list[dict[str, Any]],
    keys: list[tuple[str | None, bool]],
    left: int,
) -> None:
    payment = wanted(a=100, b=100) | {"refunds": refunds, "refund_requests": requests}
    assert [(told.key, told.is_made) for told in told_of(payment)] == keys
    assert left_of(payment) == left
    assert Wanted("a", 100) != Wanted("a", 101)


@pytest.mark.parametrize(
    "odd",
    [
        body("payment.captured", CAPTURED | {"amount": 0}),
        body("payment.captured", CAPTURED | {"amount": "300"}),
        body("payment.captured", CAPTURED | {"amount": True}),
        body("payment.captured", CAPTURED | {"amount": 10**30}),
        body("payment.captured", CAPTURED | {"currency": "yen!"}),
        body("payment.captured", CAPTURED | {"session": "a\0b"}),
        body("payment.captured", CAPTURED | {"id": "\ud800"}),
        body("payment.captured", PAYMENT),
        body("payment.captured", {}),
        body("payment.captured", [CAPTURED]),
        body("payment.captured", CAPTURED, created_at="soon"),
        body("payment.captured", CAPTURED, id="evt\0"),
        body("payment.captured", CAPTURED, type=["payment.captured"]),
        body("payment.authorized", PAYMENT | {"payment_deadline": None}),
        body("payment.refund.created", CAPTURED),
        body("payment.refund.created", CAPTURED | {"metadata": {"tsuzuku_refunds": "["}}),
        b"[" * 200_000,
        b"\0\xff",
        b"",
    ],
    ids=range(19),
)
def test_an_odd_body_is_unknown_and_can_be_kept(odd: bytes) -> None:
    event = parse_body(odd, now=NOW)
    assert (event.kind, event.payment_reference, event.payment_key) == (EventKind.UNKNOWN, "", None)
    assert "\0" not in event.raw + event.event_id
