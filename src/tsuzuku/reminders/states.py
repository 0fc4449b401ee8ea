# SPDX-License-Identifier: Apache-2.0
"""The states of a reminder and the moves between them."""

from typing import Final

from tsuzuku.kernel.states import States

WAITING: Final = "waiting"
TOLD: Final = "told"
#: It was no longer true when it could be told, or a graver one was told in its place.
DROPPED: Final = "dropped"

REMINDER_STATES = States(
    subject="reminder",
    initial=WAITING,
    moves={
        WAITING: frozenset({TOLD, DROPPED}),
        TOLD: frozenset(),
        DROPPED: frozenset(),
    },
)
