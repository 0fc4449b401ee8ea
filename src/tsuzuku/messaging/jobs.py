# SPDX-License-Identifier: Apache-2.0
"""What messaging does in the background."""

from tsuzuku.journal.chores import register_chore
from tsuzuku.messaging.actions import SEND_MESSAGES, send_due_messages
from tsuzuku.messaging.queries import has_messages_to_send


def register() -> None:
    """Makes the chore known; called once, when the application starts."""
    register_chore(name=SEND_MESSAGES, run=send_due_messages, is_due=has_messages_to_send)
