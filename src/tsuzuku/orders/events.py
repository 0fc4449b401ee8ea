# SPDX-License-Identifier: Apache-2.0
"""Facts of this room."""

from dataclasses import dataclass
from typing import ClassVar

from tsuzuku.journal.events import Event


@dataclass(frozen=True, kw_only=True)
class OrderPaid(Event):
    """The money of an order is here, wholly and once."""

    kind: ClassVar[str] = "order-paid"
    order_id: int


@dataclass(frozen=True, kw_only=True)
class OrderHeld(Event):
    """Money came that does not fit the order; a person must look. Nothing is settled until then."""

    kind: ClassVar[str] = "order-held"
    order_id: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class OrderTimedOut(Event):
    """An order was not paid in time and is cancelled: what was put aside for it is free, and late money goes back."""

    kind: ClassVar[str] = "order-timed-out"
    order_id: int


@dataclass(frozen=True, kw_only=True)
class PaymentInVain(Event):
    """Money came for what a balance had left to pay, and the balance does not hold its part any more; it goes back."""

    kind: ClassVar[str] = "payment-in-vain"
    order_id: int
    capture_id: int
    amount_minor: int


@dataclass(frozen=True, kw_only=True)
class OrderReturned(Event):
    """A person has given the money of a held order back; what it was for is not given."""

    kind: ClassVar[str] = "order-returned"
    order_id: int
    reason: str
