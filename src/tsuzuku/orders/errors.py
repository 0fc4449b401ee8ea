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


class OrderNotHeld(DomainError):
    """Only an order whose money does not fit is resolved by a person; particulars: state."""

    code = "order-not-held"


class OrderTakesNoOther(DomainError):
    """None of the money that came can pay the order: it is of another currency, or its payer's bank has taken it."""

    code = "order-takes-no-other"


class ShortfallTooLarge(DomainError):
    """More of the price is missing than one person may let the payer off; particulars: missing_minor, currency."""

    code = "shortfall-too-large"


class TooManyOrders(DomainError):
    """More orders in a short time than anybody pays, by card or by address. Particulars: retry_after_seconds."""

    code = "too-many-orders"

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__(retry_after_seconds=retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds


class TooManyStarts(DomainError):
    """Payments were started too often in a short time; the order stays. Particulars: retry_after_seconds."""

    code = "too-many-starts"

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__(retry_after_seconds=retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds


class TooManySlips(DomainError):
    """Numbers for stores were mailed to one recipient too often; the order stays. Particulars: retry_after_seconds."""

    code = "too-many-slips"

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__(retry_after_seconds=retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds
