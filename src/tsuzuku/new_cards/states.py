# SPDX-License-Identifier: Apache-2.0
"""The states of a card that was ordered new, of the parcel that brings it if it is posted, and their moves."""

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

#: Of parcels.
WAITING: Final = "waiting"
TO_PACK: Final = "to_pack"
PACKED: Final = "packed"
SHIPPED: Final = "shipped"
WITHDRAWN: Final = "withdrawn"

PARCEL_STATES = States(
    subject="parcel",
    initial=WAITING,
    moves={
        # It waits until the card in it is its buyer's.
        WAITING: frozenset({TO_PACK, WITHDRAWN}),
        # People may stop it as long as it is in the house.
        TO_PACK: frozenset({PACKED, WITHDRAWN}),
        PACKED: frozenset({SHIPPED, WITHDRAWN}),
        SHIPPED: frozenset(),
        WITHDRAWN: frozenset(),
    },
)
#: Parcels whose address is needed no more, or soon.
ENDED_STATES: Final = frozenset({SHIPPED, WITHDRAWN})
