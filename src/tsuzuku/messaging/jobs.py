# SPDX-License-Identifier: Apache-2.0
"""What messaging does in the background."""

from tsuzuku.journal.chores import register_chore
from tsuzuku.messaging.actions import SEND_MESSAGES, send_due_messages
from tsuzuku.messaging.forgetting import FORGET_OLD_MESSAGES, forget_old_messages, has_old_messages
from tsuzuku.messaging.queries import has_messages_to_send
from tsuzuku.messaging.reports import COLLECT_REPORTS, collect_due_reports, has_reports_to_collect


def register() -> None:
    """Makes the chores known; called once, when the application starts."""
    register_chore(name=SEND_MESSAGES, run=send_due_messages, is_due=has_messages_to_send)
    register_chore(name=COLLECT_REPORTS, run=collect_due_reports, is_due=has_reports_to_collect)
    register_chore(name=FORGET_OLD_MESSAGES, run=forget_old_messages, is_due=has_old_messages)
