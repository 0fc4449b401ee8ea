# SPDX-License-Identifier: Apache-2.0
"""A folder instead of a mail server, an SMS gateway or a push service: for the demo, and for tests from outside.

API version: none, files of our own. Checked: 2026-11-21.
"""

from tsuzuku.messaging.adapters.mailbox.adapter import MailboxGateway

__all__ = ["MailboxGateway"]
