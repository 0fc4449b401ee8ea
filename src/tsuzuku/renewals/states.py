# SPDX-License-Identifier: Apache-2.0
"""The states of a renewal and the moves between them."""

from typing import Final

from tsuzuku.kernel.states import States

ORDERED: Final = "ordered"
ACTIVATING: Final = "activating"
ACTIVE: Final = "active"
REFUSED: Final = "refused"
WITHDRAWN: Final = "withdrawn"

#: States in which a renewal waits for nothing any more.
ENDED_STATES: Final = frozenset({ACTIVE, REFUSED, WITHDRAWN})

RENEWAL_STATES = States(
    subject="renewal",
    initial=ORDERED,
    moves={
        # A carrier that confirms at once makes it active in the transaction that books the money.
        ORDERED: frozenset({ACTIVATING, ACTIVE, WITHDRAWN}),
        ACTIVATING: frozenset({ACTIVE, REFUSED}),
        REFUSED: frozenset({ACTIVATING, WITHDRAWN}),
        ACTIVE: frozenset(),
        WITHDRAWN: frozenset(),
    },
)
