# SPDX-License-Identifier: Apache-2.0
"""The states of a reminder and the moves between them."""

from typing import Final

from tsuzuku.kernel.states import States

WAITING: Final = "waiting"
TOLD: Final = "told"
#: It was no longer true when it could be told. If it comes true again, it waits again.
PASSED: Final = "passed"
#: A graver one was told in its place.
DROPPED: Final = "dropped"
#: It ended long ago; what it said is gone, and so is its place in the inbox.
FORGOTTEN: Final = "forgotten"

REMINDER_STATES = States(
    subject="reminder",
    initial=WAITING,
    moves={
        WAITING: frozenset({TOLD, PASSED, DROPPED}),
        TOLD: frozenset({FORGOTTEN}),
        PASSED: frozenset({WAITING, FORGOTTEN}),
        DROPPED: frozenset({FORGOTTEN}),
        FORGOTTEN: frozenset(),
    },
)
#: Nothing waits any more, and what was said is still known.
ENDED_STATES: Final = frozenset({TOLD, PASSED, DROPPED})
