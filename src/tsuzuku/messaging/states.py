# SPDX-License-Identifier: Apache-2.0
"""The states of a message and the moves between them."""

from typing import Final

from tsuzuku.kernel.states import States

QUEUED: Final = "queued"
#: The gateway has taken it. More is not heard of mails, nor of any gateway that tells nothing.
SENT: Final = "sent"
DELIVERED: Final = "delivered"
#: It did not arrive, and nothing that follows it to this address would.
BOUNCED: Final = "bounced"
#: It did not arrive; the next one may.
FAILED: Final = "failed"

MESSAGE_STATES = States(
    subject="message",
    initial=QUEUED,
    moves={
        # A gateway's report may come before its answer to the sending was written down.
        QUEUED: frozenset({SENT, DELIVERED, BOUNCED, FAILED}),
        SENT: frozenset({DELIVERED, BOUNCED, FAILED}),
        # Some mail servers accept what they send back later, and some readers say that it is spam.
        DELIVERED: frozenset({BOUNCED}),
        BOUNCED: frozenset(),
        FAILED: frozenset(),
    },
)
#: States in which a gateway's word about the delivery still counts; the first that is final is the last.
REPORTABLE_STATES = frozenset({QUEUED, SENT})
