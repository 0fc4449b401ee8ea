# SPDX-License-Identifier: Apache-2.0
"""What Tsuzuku asks of a payment provider, whoever it is."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, Self

from tsuzuku.kernel.errors import DomainError
from tsuzuku.kernel.money import Money


class WebhookForged(DomainError):
    """The signature is missing or does not fit the body: nobody knows who sent it, nothing of it may be believed."""

    code = "webhook-forged"


class WebhookStale(DomainError):
    """Rightly signed, but for a moment too far from now: perhaps recorded and sent again."""

    code = "webhook-stale"


class SettlementMalformed(DomainError):
    """A provider's settlement file is cut off or has a line that cannot be read: `line`, `expected`."""

    code = "settlement-malformed"


class EventKind(StrEnum):
    """What a provider can tell. UNKNOWN is kept and otherwise ignored: providers add kinds without asking."""

    #: The payer has been told how to pay elsewhere, and until when: `instructions`.
    INSTRUCTED = "instructed"
    #: The payer agreed, and nothing is taken yet: asking (`find_payment`) takes it.
    APPROVED = "approved"
    CAPTURED = "captured"
    FAILED = "failed"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    #: The payer's bank takes a capture back, and what became of it: `dispute_reference`.
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"
    UNKNOWN = "unknown"


class FailureReason(StrEnum):
    """Why a payment failed, as far as a payer can do something about it."""

    #: The bank or network did not answer: the same method may work in a minute.
    NETWORK = "network"
    #: The payer's limit or balance: a smaller amount or another method.
    LIMIT = "limit"
    #: Refused for any other reason: another method.
    REFUSED = "refused"
    #: Nobody paid in time, and nobody can any more: the same method, started anew.
    EXPIRED = "expired"


@dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    """What a provider can do."""

    #: Names of methods that people know: card, alipay, konbini ...
    methods: tuple[str, ...]
    #: ISO 4217 codes.
    currencies: tuple[str, ...]
    refunds: bool
    #: Where `StartedPayment.redirect_url` may lead (scheme, host, port), for the Content-Security-Policy of our pages.
    redirect_origins: tuple[str, ...]
    #: Whether only those come back to `PaymentRequest.return_url` whom the provider believes to have paid.
    returns_only_payers: bool = False
    #: Those of `methods` for which that does not hold: whoever gives up comes back to `return_url` as well.
    returns_everybody: tuple[str, ...] = ()
    #: Those of `methods` that can be kept, and charged again while their payer is away.
    keeps: tuple[str, ...] = ()
    #: The body by which a webhook must be answered that was taken; most providers look at the status alone.
    webhook_reply: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreSlip:
    """What to say or key at a convenience store. Numbers as they are printed, empty where a store asks for none."""

    #: familymart, lawson, ministop, seicomart, seven_eleven ...
    store: str
    payment_number: str
    confirmation_number: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Instructions:
    """How a payer pays elsewhere than on a provider's page: by a QR code on ours, or by slips at a store."""

    #: After it nobody can pay so any more.
    expires_at: datetime
    #: The text that a QR code on our page holds.
    qr_text: str = ""
    slips: tuple[StoreSlip, ...] = ()
    #: The provider's own page that explains it.
    page_url: str = ""

    def to_json(self) -> dict[str, Any]:
        """As it may stand in a database."""
        return {**asdict(self), "expires_at": self.expires_at.isoformat()}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """What `to_json` wrote."""
        return cls(
            expires_at=datetime.fromisoformat(fields["expires_at"]),
            qr_text=fields["qr_text"],
            slips=tuple(StoreSlip(**slip) for slip in fields["slips"]),
            page_url=fields["page_url"],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptMethod:
    """A payer's method that may be charged again: the provider's token, and what its owner knows it by."""

    reference: str
    #: Such as "Visa ···· 4242"; no more of a number than its last four digits.
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentRequest:
    """What the payer is to pay. `key` is ours: the same key is the same payment, however often it is started."""

    key: str
    #: One of the provider's `Capabilities.methods`.
    method: str
    amount: Money
    description: str
    order_number: str
    #: Where the payer comes back to. What the provider adds to it proves nothing.
    return_url: str
    #: Where those come back to who say that they have not paid.
    cancel_url: str
    #: A language tag such as zh-hans or en.
    language: str
    #: When it was first asked for: like all of this, the same however often it is repeated.
    created_at: datetime
    #: When what it pays for is no longer kept. A provider that can takes nothing long after it; a slip for a store
    #: lives for days whatever is said here, and what it pays for is kept as long as its instructions say.
    expires_at: datetime
    #: Where the payer reads mail; empty if they have not said.
    payer_email: str = ""
    #: Whether the payer's method is to be kept for charges while they are away; only one of `Capabilities.keeps`.
    keep: bool = False
    #: Charges this method that was kept (`KeptMethod.reference`) at once: nobody is there to be sent anywhere.
    kept_reference: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class StartedPayment:
    """The provider's reference of a payment, and where to send the payer or what to tell them.

    One of both, or neither for a method that was kept: what became of that is an event.
    """

    reference: str
    redirect_url: str = ""
    instructions: Instructions | None = None
    raw: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderEvent:
    """One thing that a provider tells, by webhook or when asked.

    `event_id` is the same however often one webhook is delivered. A provider that is asked may use another id for the
    same thing: captures are told apart by `capture_reference`, refunds by `refund_key`.
    """

    event_id: str
    kind: EventKind
    #: Empty for an event that names its payment by our key, or none.
    payment_reference: str
    #: Our key of the payment, from a provider whose parts do not all know their payment's reference.
    payment_key: str | None = None
    capture_reference: str | None = None
    #: Our key of the refund.
    refund_key: str | None = None
    #: What was captured, refunded, not refunded or disputed; compare it with the order, currency included.
    amount: Money | None = None
    failure: FailureReason | None = None
    #: With INSTRUCTED.
    instructions: Instructions | None = None
    #: With CAPTURED, if the payer's method was kept.
    kept: KeptMethod | None = None
    #: The provider's, of a dispute; with its three kinds, which name the `capture_reference` too.
    dispute_reference: str | None = None
    #: The provider's word for why the payer's bank disputes, such as fraudulent.
    dispute_reason: str = ""
    #: With CAPTURED: when the money was taken, by which late money is told from late news.
    occurred_at: datetime
    raw: str

    @classmethod
    def unreadable(cls, body: bytes, *, now: datetime) -> Self:
        """What a genuine body that nobody can read is taken for: UNKNOWN, under an id made of its bytes."""
        return cls(
            event_id=f"sha256:{hashlib.sha256(body).hexdigest()}",
            kind=EventKind.UNKNOWN,
            payment_reference="",
            occurred_at=now,
            # A database keeps no zero bytes.
            raw=body.decode("utf-8", "replace").replace("\0", "\ufffd"),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundRequest:
    """What to give back of one capture. `key` is ours: the same key is the same refund."""

    key: str
    #: Our key of the payment whose capture it is.
    payment_key: str
    capture_reference: str
    amount: Money


@dataclass(frozen=True, kw_only=True, slots=True)
class StartedRefund:
    """A refund that the provider has accepted. Unless it `is_done`, an event tells its end.

    Even one that is done can fail weeks later, when the payer's bank sends the money back.
    """

    reference: str
    is_done: bool
    raw: str


class SettlementKind(StrEnum):
    """What a line of a provider's settlement file tells."""

    CAPTURE = "capture"
    REFUND = "refund"
    #: A refund that could not go back, or was sent back, and is the merchant's again.
    REFUND_RETURNED = "refund_returned"
    #: The payer's bank has taken a capture back.
    DISPUTE = "dispute"
    #: It has given it back to the merchant.
    DISPUTE_RETURNED = "dispute_returned"
    #: Fees for anything else, payouts, corrections: counted, and matched with nothing.
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class SettlementLine:
    """One move of money as a provider's settlement file tells it."""

    #: In the file, counted from 1.
    number: int
    kind: SettlementKind
    #: As events name the capture; empty where a line names none.
    capture_reference: str = ""
    #: The provider's of the refund or dispute itself, or our key of the refund where the file has only that.
    reference: str = ""
    #: Above zero whichever way the money went, which `kind` says; of OTHER what was added to the account or taken.
    amount: Money
    #: What the provider kept; below zero what it gave back of it. None where the file does not say.
    fee: Money | None = None
    booked_at: datetime

    def __post_init__(self) -> None:
        if self.kind is not SettlementKind.OTHER:
            if self.amount.amount_minor <= 0:
                raise ValueError("an amount that is not above zero")
            if not (self.capture_reference or self.reference):
                raise ValueError("a line that names nothing")
        if self.booked_at.tzinfo is None:
            raise ValueError("a time without a zone")


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """A provider's settlement file, whole."""

    lines: tuple[SettlementLine, ...]
    #: The period whose moves it tells, from the first moment up to the last, where the file says so.
    begins_at: datetime | None = None
    ends_at: datetime | None = None
    #: Whether refunds are named by what we know them by. If not, one is told by its capture and its amount.
    names_refunds: bool = True


class PaymentProvider(Protocol):
    """Takes and returns money. What a payer's browser says on the way back is never believed, only events are.

    A method calls the provider twice at most: a look, then the deed.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What it can do now; cheap enough to ask for every page."""

    def start_payment(self, request: PaymentRequest) -> StartedPayment:
        """Starts a payment; idempotent by `request.key`.

        Raises Rejected (also when the key was used for something else), Unavailable, or OutcomeUnknown: then the same
        request may be repeated, since the key makes it the same payment. Unsupported if a method is to be kept, or was
        kept, that is not one of `Capabilities.keeps`.
        """

    def find_payment(self, reference: str) -> tuple[ProviderEvent, ...]:
        """What is known now of a payment, oldest first: instructions, captures, failures, refunds and disputes.

        Empty if nothing is. Asking changes nothing, but for a provider that waits for the merchant once its payer has
        agreed (APPROVED): then it takes the money. Raises Rejected (the provider has no such payment) or Unavailable.
        """

    def find_charge(self, *, key: str, kept_reference: str, created_at: datetime) -> StartedPayment | None:
        """Looks for a charge of a kept method whose start nobody answered, by its request's key; changes nothing.

        None if there is none, or none yet: a call that is still under way may make it. Raises Rejected (the provider
        knows no such payer), Unavailable, or Unsupported where nothing is kept (`Capabilities.keeps` is empty).
        """

    def refund(self, request: RefundRequest) -> StartedRefund:
        """Gives back a part or all of a capture; idempotent by `request.key`.

        Raises Rejected (more than is left of the capture, or the key was used for something else), Unavailable,
        OutcomeUnknown (repeat the same request) or Unsupported (capabilities.refunds is false).
        """

    def read_webhook(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[ProviderEvent, ...]:
        """Verifies the raw bytes of a webhook, then reads them. Header names in any case.

        Raises WebhookForged or WebhookStale. A genuine body of an unknown kind or form is an UNKNOWN event, no error.
        """

    def read_settlement(self, body: bytes) -> Settlement | None:
        """Reads a settlement file as an operator downloads it; calls nobody. None: it is no file of this provider's.

        Raises SettlementMalformed(line=…, expected=…) for one that is, and is cut off or has a line nobody can read.
        """
