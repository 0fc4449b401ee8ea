# SPDX-License-Identifier: Apache-2.0
"""What payments refuse."""

from tsuzuku.kernel.errors import DomainError


class PaymentNotStarted(DomainError):
    """The provider could not start the payment now; nothing was taken and the same may be tried again."""

    code = "payment-not-started"


class ProviderUnknown(DomainError):
    """There is no provider of that name in this installation."""

    code = "provider-unknown"
