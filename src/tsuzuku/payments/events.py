# SPDX-License-Identifier: Apache-2.0
"""Facts of this room."""

from dataclasses import dataclass
from typing import ClassVar

from tsuzuku.journal.events import Event


@dataclass(frozen=True, kw_only=True)
class PaymentCaptured(Event):
    """A provider has taken money; what it pays has yet to be decided."""

    kind: ClassVar[str] = "payment-captured"
    capture_id: int
    purpose: str


@dataclass(frozen=True, kw_only=True)
class PaymentInstructed(Event):
    """A payer was told how to pay at a store or by a code; what it is for is kept as long."""

    kind: ClassVar[str] = "payment-instructed"
    payment_id: int
    purpose: str
    #: ISO 8601.
    until: str


@dataclass(frozen=True, kw_only=True)
class PaymentFailed(Event):
    """A payment failed; what it was for still waits for its money."""

    kind: ClassVar[str] = "payment-failed"
    payment_id: int
    purpose: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class RefundDone(Event):
    """Money went back."""

    kind: ClassVar[str] = "refund-done"
    refund_id: int
    purpose: str


@dataclass(frozen=True, kw_only=True)
class RefundFailed(Event):
    """A provider would not give money back; a person must."""

    kind: ClassVar[str] = "refund-failed"
    refund_id: int
    purpose: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class RefundProposed(Event):
    """Somebody wants to give money back; above the limit it waits for a second person."""

    kind: ClassVar[str] = "refund-proposed"
    proposal_id: int
    purpose: str


@dataclass(frozen=True, kw_only=True)
class RefundApproved(Event):
    """What somebody proposed is on its way back."""

    kind: ClassVar[str] = "refund-approved"
    proposal_id: int
    purpose: str


@dataclass(frozen=True, kw_only=True)
class RefundDeclined(Event):
    """What somebody proposed is not given back."""

    kind: ClassVar[str] = "refund-declined"
    proposal_id: int
    purpose: str


@dataclass(frozen=True, kw_only=True)
class RefundRetried(Event):
    """A refund that had failed was asked for once more, as another one."""

    kind: ClassVar[str] = "refund-retried"
    refund_id: int
    purpose: str


@dataclass(frozen=True, kw_only=True)
class RefundClosingProposed(Event):
    """Somebody says that they gave so much back another way that a second person has to say it too."""

    kind: ClassVar[str] = "refund-closing-proposed"
    refund_id: int
    purpose: str


@dataclass(frozen=True, kw_only=True)
class RefundClosed(Event):
    """The money of a refund that had failed was given back another way."""

    kind: ClassVar[str] = "refund-closed"
    refund_id: int
    purpose: str


@dataclass(frozen=True, kw_only=True)
class DisputeOpened(Event):
    """A payer's bank has taken money back; what shows that it was rightly taken is gathered."""

    kind: ClassVar[str] = "dispute-opened"
    dispute_id: int
    purpose: str


@dataclass(frozen=True, kw_only=True)
class DisputeEnded(Event):
    """A dispute was won, and the money is ours again, or lost; outcome: won, lost."""

    kind: ClassVar[str] = "dispute-ended"
    dispute_id: int
    purpose: str
    outcome: str


@dataclass(frozen=True, kw_only=True)
class DisputeReversed(Event):
    """A dispute that was lost is won on appeal; what was owed all the same is on its way back."""

    kind: ClassVar[str] = "dispute-reversed"
    dispute_id: int
    purpose: str


@dataclass(frozen=True, kw_only=True)
class AccountToppedUp(Event):
    """Somebody's spending account holds more money."""

    kind: ClassVar[str] = "account-topped-up"
    account: str
    amount_minor: int
    currency: str
    reference: str


@dataclass(frozen=True, kw_only=True)
class CreditLimitChanged(Event):
    """Somebody may go this far below zero from now on."""

    kind: ClassVar[str] = "credit-limit-changed"
    account: str
    credit_limit_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class BalanceCharged(Event):
    """Somebody pays a part or all of a purpose out of their balance; it is set aside."""

    kind: ClassVar[str] = "balance-charged"
    charge_id: int
    purpose: str
    amount_minor: int


@dataclass(frozen=True, kw_only=True)
class BalanceReturned(Event):
    """What was set aside or spent is in the balance again, with its old end."""

    kind: ClassVar[str] = "balance-returned"
    charge_id: int
    purpose: str
    amount_minor: int


@dataclass(frozen=True, kw_only=True)
class BalanceEnded(Event):
    """A part of a balance was not spent in time."""

    kind: ClassVar[str] = "balance-ended"
    part_id: int
    account: str
    amount_minor: int


@dataclass(frozen=True, kw_only=True)
class MethodKept(Event):
    """A payer's method can be charged while they are away, as they asked."""

    kind: ClassVar[str] = "method-kept"
    method_id: int


@dataclass(frozen=True, kw_only=True)
class MethodRemoved(Event):
    """Its owner does not want it kept any more."""

    kind: ClassVar[str] = "method-removed"
    method_id: int
