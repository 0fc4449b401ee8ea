# SPDX-License-Identifier: Apache-2.0
"""The states of a card that was ordered new, and the moves between them."""

from typing import Final

from tsuzuku.kernel.states import States

RESERVED: Final = "reserved"
READY: Final = "ready"
RELEASED: Final = "released"
RETIRED: Final = "retired"

NEW_CARD_STATES = States(
    subject="new-card",
    initial=RESERVED,
    moves={
        # It is ready once its first plan is active. Unpaid it goes back to the shelf; paid and not activated it does
        # not, as it may be the card that its carrier does not take.
        RESERVED: frozenset({READY, RELEASED, RETIRED}),
        # It can be seen, so it is never sold again.
        READY: frozenset(),
        RELEASED: frozenset(),
        RETIRED: frozenset(),
    },
)
