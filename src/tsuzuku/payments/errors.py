# SPDX-License-Identifier: Apache-2.0
"""What payments refuse."""

from tsuzuku.kernel.errors import DomainError


class PaymentNotStarted(DomainError):
    """The provider could not start the payment now; nothing was taken and the same may be tried again."""

    code = "payment-not-started"


class PaymentRefused(PaymentNotStarted):
    """The provider will not take this payment by this method; nothing was taken, and another method may do."""

    code = "payment-refused"


class ProviderUnknown(DomainError):
    """There is no provider of that name in this installation."""

    code = "provider-unknown"


class FundsInsufficient(DomainError):
    """The account's balance and credit limit together do not cover it. Nothing was taken."""

    code = "funds-insufficient"


class AccountUnknown(DomainError):
    """There is no spending account of that code."""

    code = "account-unknown"


class TopUpReused(DomainError):
    """This reference has already topped the account up, with another amount."""

    code = "top-up-reused"


class CreditLimitInUse(DomainError):
    """The account already owes more than the new limit would allow."""

    code = "credit-limit-in-use"


class CaptureUnknown(DomainError):
    """There is no captured money of that kind to give back."""

    code = "capture-unknown"


class ReasonMissing(DomainError):
    """Whoever gives money back, or does not, says why."""

    code = "reason-missing"


class RefundTooLarge(DomainError):
    """More than is left of what was paid, or nothing at all; particulars: left_minor, currency."""

    code = "refund-too-large"


class RefundTooEarly(DomainError):
    """What it pays for is still on its way. If that does not come, the money goes back by itself."""

    code = "refund-too-early"


class CaptureInBalance(DomainError):
    """It is in its payer's balance, from which nothing is paid out: it is spent there, or it ends."""

    code = "capture-in-balance"


class CaptureHeld(DomainError):
    """It does not fit its order, which a person resolves as a whole."""

    code = "capture-held"


class CaptureDisputed(DomainError):
    """The payer's bank holds the money, by a dispute that has not ended. Nothing is given back twice."""

    code = "capture-disputed"


class ProposalUnknown(DomainError):
    """There is no proposal of that number."""

    code = "proposal-unknown"


class ProposalReused(DomainError):
    """The idempotency key belongs to a proposal of something else."""

    code = "proposal-reused"


class ProposalDecided(DomainError):
    """It was decided otherwise already; particulars: state."""

    code = "proposal-decided"


class SecondPersonNeeded(DomainError):
    """An amount above the limit is approved by another person than the one who proposed it."""

    code = "second-person-needed"


class RefundUnknown(DomainError):
    """There is no refund of that number."""

    code = "refund-unknown"


class RefundNotFailed(DomainError):
    """Only a refund that has failed is asked for once more or closed; particulars: state."""

    code = "refund-not-failed"


class DisputeUnknown(DomainError):
    """There is no dispute of that reference."""

    code = "dispute-unknown"
