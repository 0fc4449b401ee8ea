# SPDX-License-Identifier: Apache-2.0
"""The states of a redemption (one use of a promotion by one order) and the moves between them."""

from typing import Final

from tsuzuku.kernel.states import States

RESERVED: Final = "reserved"
USED: Final = "used"
FREED: Final = "freed"

#: States that count against limits and budgets.
HOLDING_STATES: Final = frozenset({RESERVED, USED})

REDEMPTION_STATES = States(
    subject="redemption",
    initial=RESERVED,
    moves={
        RESERVED: frozenset({USED, FREED}),
        # Money came late and there was one left; or what was paid for could not be given.
        FREED: frozenset({USED}),
        USED: frozenset({FREED}),
    },
)
