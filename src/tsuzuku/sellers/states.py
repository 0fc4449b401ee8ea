# SPDX-License-Identifier: Apache-2.0
"""The states of a webhook to a partner and the moves between them."""

from typing import Final

from tsuzuku.kernel.states import States

PENDING: Final = "pending"
DELIVERED: Final = "delivered"
DEAD: Final = "dead"

WEBHOOK_STATES = States(
    subject="webhook",
    initial=PENDING,
    moves={
        PENDING: frozenset({DELIVERED, DEAD}),
        # Sent again because somebody asked for it.
        DELIVERED: frozenset({PENDING}),
        DEAD: frozenset({PENDING}),
    },
)
