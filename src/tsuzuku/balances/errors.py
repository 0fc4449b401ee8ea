# SPDX-License-Identifier: Apache-2.0
"""What balances refuse."""

from tsuzuku.kernel.errors import DomainError


class AmountNotOffered(DomainError):
    """A balance is topped up by 500 to 10,000 yen, in steps of 100."""

    code = "amount-not-offered"


class TopUpKeyReused(DomainError):
    """The idempotency key belongs to another top-up of this customer."""

    code = "top-up-key-reused"
