# SPDX-License-Identifier: Apache-2.0
"""The states of an order and the moves between them. A failed payment leaves `awaiting_payment` as it was."""

from typing import Final

from tsuzuku.kernel.states import States

AWAITING_PAYMENT: Final = "awaiting_payment"
PAID: Final = "paid"
EXPIRED: Final = "expired"
CANCELLED: Final = "cancelled"
HELD: Final = "held"

ORDER_STATES = States(
    subject="order",
    initial=AWAITING_PAYMENT,
    moves={
        AWAITING_PAYMENT: frozenset({PAID, EXPIRED, CANCELLED, HELD}),
        # Money that comes late is still the customer's order, or a question for a person.
        EXPIRED: frozenset({PAID, HELD}),
        HELD: frozenset({PAID, CANCELLED}),
        PAID: frozenset(),
        CANCELLED: frozenset(),
    },
)

#: States in which money that fits the order pays it.
PAYABLE_STATES: Final = frozenset({AWAITING_PAYMENT, EXPIRED})
