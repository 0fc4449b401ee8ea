# SPDX-License-Identifier: Apache-2.0
"""What payments refuse."""

from tsuzuku.kernel.errors import DomainError


class PaymentNotStarted(DomainError):
    """The provider could not start the payment now; nothing was taken and the same may be tried again."""

    code = "payment-not-started"


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
