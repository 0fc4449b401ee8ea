# SPDX-License-Identifier: Apache-2.0
"""The states of a message and the moves between them."""

from typing import Final

from tsuzuku.kernel.states import States

QUEUED: Final = "queued"
SENT: Final = "sent"
FAILED: Final = "failed"

MESSAGE_STATES = States(
    subject="message",
    initial=QUEUED,
    moves={
        QUEUED: frozenset({SENT, FAILED}),
        SENT: frozenset(),
        FAILED: frozenset(),
    },
)
