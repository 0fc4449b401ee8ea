# SPDX-License-Identifier: Apache-2.0
"""Whom we take for PayPal, and that a genuine body is an event or UNKNOWN, never an error, however odd it is."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tsuzuku.kernel.money import Money
from tsuzuku.payments.adapters.paypal import PayPalProvider, RealAccount
from tsuzuku.payments.adapters.paypal.amounts import format_amount, parse_amount
from tsuzuku.payments.adapters.paypal.webhook import EVENT_TYPES, parse_body, read_order, refund_id
from tsuzuku.payments.ports import EventKind, FailureReason, WebhookForged, WebhookStale

#: A message of PayPal's webhook simulator, as it came on 2024-08-02; such messages are signed for this webhook. With it
#: the certificate from the address that its header names, and DigiCert's that issued it.
SIGNED = Path(__file__).parent / "paypal_signed"
BODY = (SIGNED / "body.json").read_bytes()
HEADERS: dict[str, str] = json.loads((SIGNED / "headers.json").read_text())
SENT_AT = datetime(2024, 8, 2, 19, 35, 4, tzinfo=UTC)
ISSUER_URL = "http://cacerts.digicert.com/DigiCertSHA2ExtendedValidationServerCA.crt"
NOW = datetime(2026, 11, 20, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class OldAccount(RealAccount):
    """Trusts whom the web trusted then: its root of today is another."""

    authority: Path = field(default=SIGNED / "issuer.pem")

    def authorities(self) -> Path:
        return self.authority


class Outside:
    """Answers what is fetched, and remembers it."""

    def __init__(self) -> None:
        self.fetched: list[str] = []
        self.bodies = {HEADERS["paypal-cert-url"]: (SIGNED / "certificate.pem").read_bytes()}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.fetched.append(str(request.url))
        body = self.bodies.get(str(request.url))
        return httpx.Response(404) if body is None else httpx.Response(200, content=body)


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Outside:
    outside = Outside()
    client = httpx.Client(transport=httpx.MockTransport(outside))
    monkeypatch.setattr("tsuzuku.payments.adapters.paypal.certificates.new_client", lambda **_: client)
    return outside


def provider(**changes: Any) -> PayPalProvider:  # noqa: ANN401  # whatever an account has
    return PayPalProvider(OldAccount(**{"client_id": "c", "secret": "s", "webhooks": ("WEBHOOK_ID",)} | changes))


def test_a_message_that_paypal_signed_is_believed(outside: Outside) -> None:
    ours = provider()
    (event,) = ours.read_webhook(headers=HEADERS, body=BODY, now=SENT_AT)
    for seconds in (-299, 299):
        assert ours.read_webhook(headers=HEADERS, body=BODY, now=SENT_AT + timedelta(seconds=seconds)) == (event,)
    assert (event.event_id, event.kind) == ("WH-1GE84257G0350133W-6RW800890C634293G", EventKind.REFUNDED)
    assert (event.capture_reference, event.amount) == ("0JF852973C016714D", Money(99, "USD"))
    assert (event.payment_key, event.refund_key) == (None, None)
    assert outside.fetched == [HEADERS["paypal-cert-url"]]


@pytest.mark.parametrize("seconds", [-301, 301])
def test_long_ago_it_is_not(outside: Outside, seconds: int) -> None:
    with pytest.raises(WebhookStale):
        provider().read_webhook(headers=HEADERS, body=BODY, now=SENT_AT + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("headers", "body", "webhooks"),
    [
        (HEADERS, BODY + b" ", ("WEBHOOK_ID",)),
        (HEADERS, BODY, ("0EH40505U7160970P",)),
        (HEADERS, BODY, ()),
        (HEADERS | {"paypal-transmission-id": "51730200-5106-11ef-9a30-157053fd3e44"}, BODY, ("WEBHOOK_ID",)),
        (HEADERS | {"paypal-transmission-time": "2024-08-02T19:35:05Z"}, BODY, ("WEBHOOK_ID",)),
        (HEADERS | {"paypal-transmission-time": "2024-08-02T19:35:04"}, BODY, ("WEBHOOK_ID",)),
        (HEADERS | {"paypal-auth-algo": "none"}, BODY, ("WEBHOOK_ID",)),
    ],
    ids=range(7),
)
def test_changed_it_is_forged(
    outside: Outside, headers: dict[str, str], body: bytes, webhooks: tuple[str, ...]
) -> None:
    with pytest.raises(WebhookForged):
        provider(webhooks=webhooks).read_webhook(headers=headers, body=body, now=SENT_AT)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1",
        "https://evil.example/v1/notifications/certs/CERT-1",
        "https://evilpaypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1",
        "https://api.paypal.com:8443/v1/notifications/certs/CERT-1",
        "http://api.paypal.com/v1/notifications/certs/CERT-1",
        "https://www.paypal.com/redirect?to=https://evil.example/",
        "https://[::1/v1/notifications/certs/CERT-1",
        "file:///v1/notifications/certs/CERT-1",
        "http://127.0.0.1:8000/v1/notifications/certs/CERT-1",
        "",
    ],
)
def test_a_certificate_from_elsewhere_is_not_even_fetched(outside: Outside, url: str) -> None:
    with pytest.raises(WebhookForged):
        provider().read_webhook(headers=HEADERS | {"paypal-cert-url": url}, body=BODY, now=SENT_AT)
    assert outside.fetched == []


def test_an_authority_must_vouch_for_it_and_its_issuer_is_where_it_says(outside: Outside) -> None:
    """The web's authorities of today do not know that issuer any more."""
    issuer = x509.load_pem_x509_certificate((SIGNED / "issuer.pem").read_bytes())
    outside.bodies[ISSUER_URL] = issuer.public_bytes(Encoding.DER)
    today = PayPalProvider(RealAccount(client_id="c", secret="s", webhooks=("WEBHOOK_ID",)))
    with pytest.raises(WebhookForged):
        today.read_webhook(headers=HEADERS, body=BODY, now=SENT_AT)
    assert outside.fetched == [HEADERS["paypal-cert-url"], ISSUER_URL]


def _ended(outside: Outside) -> datetime:
    return datetime(2025, 3, 8, 0, 0, 1, tzinfo=UTC)


def _nonsense(outside: Outside) -> datetime:
    outside.bodies[HEADERS["paypal-cert-url"]] = b"<html>"
    return SENT_AT


def _nobodys(outside: Outside) -> datetime:
    outside.bodies.clear()
    return SENT_AT


def _authoritys(outside: Outside) -> datetime:
    outside.bodies[HEADERS["paypal-cert-url"]] = (SIGNED / "issuer.pem").read_bytes()
    return SENT_AT


@pytest.mark.parametrize("spoil", [_ended, _nonsense, _nobodys, _authoritys])
def test_a_certificate_that_is_not_good_is_not_believed(outside: Outside, spoil: Callable[[Outside], datetime]) -> None:
    now = spoil(outside)
    with pytest.raises(WebhookForged):
        provider().read_webhook(headers=HEADERS, body=BODY, now=now)


def test_what_somebody_makes_us_fetch_is_not_kept_for_ever(outside: Outside) -> None:
    ours = provider()
    for number in range(40):
        url = f"https://api.paypal.com/v1/notifications/certs/CERT-{number}"
        outside.bodies[url] = (SIGNED / "certificate.pem").read_bytes()
        (event,) = ours.read_webhook(headers=HEADERS | {"paypal-cert-url": url}, body=BODY, now=SENT_AT)
        assert event.kind is EventKind.REFUNDED
    assert len(ours._certificates._signers) == 8


# -- reading ---------------------------------------------------------------------------------------------------------

CAPTURE: dict[str, Any] = {
    "id": "12A34567BC123456S",
    "amount": {"currency_code": "JPY", "value": "300"},
    "custom_id": "key-1",
    "status": "COMPLETED",
    "create_time": "2026-08-23T18:29:50Z",
}
REFUND: dict[str, Any] = {
    "id": "1Y107995YT783435V",
    "amount": {"currency_code": "JPY", "value": "300"},
    "custom_id": refund_id(payment_key="key-1", refund_key="key-2"),
    "status": "COMPLETED",
    "create_time": "2026-08-23T12:13:29-07:00",
    "links": [{"href": "https://api.paypal.com/v2/payments/captures/12A34567BC123456S", "rel": "up"}],
}
ORDER = {"id": "5O190127TN364715T", "status": "COMPLETED", "purchase_units": [{"custom_id": "key-1"}]}


def body(kind: str, about: object, **changes: object) -> bytes:
    event = {"id": "WH-1", "event_type": kind, "create_time": "2026-08-23T18:30:00.123Z", "resource": about}
    return json.dumps(event | changes).encode()


def test_a_capture_names_our_key() -> None:
    event = parse_body(body("PAYMENT.CAPTURE.COMPLETED", CAPTURE), now=NOW)
    assert (event.event_id, event.kind, event.payment_key) == ("WH-1", EventKind.CAPTURED, "key-1")
    assert (event.capture_reference, event.amount) == ("12A34567BC123456S", Money(300, "JPY"))
    assert event.occurred_at == datetime(2026, 8, 23, 18, 30, 0, 123000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("5120", FailureReason.LIMIT),
        ("5710", FailureReason.LIMIT),
        ("5920", FailureReason.NETWORK),
        ("0960", FailureReason.NETWORK),
        ("9520", FailureReason.REFUSED),
        (None, FailureReason.REFUSED),
    ],
)
@pytest.mark.parametrize("word", ["DECLINED", "DENIED"])
def test_a_decline_is_said_in_words_that_help(word: str, code: str | None, reason: FailureReason) -> None:
    declined = CAPTURE | {"status": word}
    if code:
        declined["processor_response"] = {"response_code": code}
    assert parse_body(body(f"PAYMENT.CAPTURE.{word}", declined), now=NOW).failure == reason


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("COMPLETED", EventKind.REFUNDED),
        ("FAILED", EventKind.REFUND_FAILED),
        ("CANCELLED", EventKind.REFUND_FAILED),
        ("PENDING", EventKind.UNKNOWN),
    ],
)
def test_a_refund_counts_when_it_has_ended(status: str, kind: EventKind) -> None:
    event = parse_body(body("PAYMENT.CAPTURE.REFUNDED", REFUND | {"status": status}), now=NOW)
    assert event.kind is kind
    assert event.refund_key == (None if kind is EventKind.UNKNOWN else "key-2")


def test_an_order_tells_all_that_became_of_it_oldest_first() -> None:
    older = CAPTURE | {"create_time": "2026-08-23T18:00:00Z", "status": "REFUNDED"}
    unit = {"custom_id": "key-1", "payments": {"captures": [older], "refunds": [REFUND]}}
    assert [event.kind for event in read_order(ORDER | {"purchase_units": [unit]})] == [
        EventKind.CAPTURED,
        EventKind.REFUNDED,
    ]
    voided = ORDER | {"status": "VOIDED", "update_time": "2026-08-23T18:00:00Z"}
    assert [event.failure for event in read_order(voided)] == [FailureReason.EXPIRED]
    assert read_order(ORDER) == []


def test_a_reversal_moves_nothing_by_itself() -> None:
    assert "PAYMENT.CAPTURE.REVERSED" not in EVENT_TYPES
    assert parse_body(body("PAYMENT.CAPTURE.REVERSED", REFUND), now=NOW).kind is EventKind.UNKNOWN


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (Money(1180, "JPY"), "1180"),
        (Money(1180, "USD"), "11.80"),
        (Money(5, "USD"), "0.05"),
        (Money(2**62, "JPY"), str(2**62)),
        (Money(2**62, "EUR"), "46116860184273879.04"),
    ],
)
def test_amounts_are_written_and_read(amount: Money, written: str) -> None:
    assert format_amount(amount) == {"currency_code": amount.currency, "value": written}
    assert parse_amount(format_amount(amount)) == amount


@pytest.mark.parametrize(
    "odd",
    [
        *(
            body("PAYMENT.CAPTURE.COMPLETED", CAPTURE | {"amount": {"currency_code": currency, "value": value}})
            for currency, value in [
                ("JPY", "0"),
                ("JPY", "-1"),
                ("JPY", "1.5"),
                ("JPY", "NaN"),
                ("JPY", "Infinity"),
                ("JPY", "1e400"),
                ("JPY", 300),
                ("JPY", None),
                ("JPY", "9" * 32),
                ("USD", "1.005"),
                ("yen!", "300"),
                (None, "300"),
            ]
        ),
        body("PAYMENT.CAPTURE.COMPLETED", CAPTURE | {"custom_id": "a\0b"}),
        body("PAYMENT.CAPTURE.COMPLETED", CAPTURE | {"id": "\ud800"}),
        body("PAYMENT.CAPTURE.COMPLETED", CAPTURE | {"create_time": "2026-08-23T18:29:50"}),
        body("PAYMENT.CAPTURE.COMPLETED", {}),
        body("PAYMENT.CAPTURE.COMPLETED", [CAPTURE]),
        body("PAYMENT.CAPTURE.COMPLETED", CAPTURE, create_time="soon"),
        body("PAYMENT.CAPTURE.COMPLETED", CAPTURE, id="WH\0"),
        body("PAYMENT.CAPTURE.COMPLETED", CAPTURE, event_type=["PAYMENT.CAPTURE.COMPLETED"]),
        body("PAYMENT.CAPTURE.REFUNDED", REFUND | {"links": [{"rel": "up", "href": 1}]}),
        body("CUSTOMER.DISPUTE.CREATED", {"dispute_id": "PP-D-1", "disputed_transactions": []}),
        body("CHECKOUT.ORDER.APPROVED", {"id": "5O190127TN364715T"}),
        b"[" * 200_000,
        b"\0\xff",
        b"",
    ],
    ids=range(26),
)
def test_an_odd_body_is_unknown_and_can_be_kept(odd: bytes) -> None:
    event = parse_body(odd, now=NOW)
    assert (event.kind, event.payment_reference, event.payment_key) == (EventKind.UNKNOWN, "", None)
    assert "\0" not in event.raw + event.event_id
