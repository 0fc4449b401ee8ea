# SPDX-License-Identifier: Apache-2.0
"""What orders refuse."""

from tsuzuku.kernel.errors import DomainError


class OrderUnknown(DomainError):
    """There is no order of that number."""

    code = "order-unknown"


class OrderNotPayable(DomainError):
    """The order is paid, cancelled, held or past its time; particulars: state."""

    code = "order-not-payable"


class BalanceChanged(DomainError):
    """The payer's balance covers less than they were shown; nothing was taken of it."""

    code = "balance-changed"
