# SPDX-License-Identifier: Apache-2.0
"""A mail server, spoken to by Django's SMTP backend with the EMAIL_* settings.

API version: RFC 5321 (https://www.rfc-editor.org/rfc/rfc5321). Checked: 2026-11-21.
"""

from tsuzuku.messaging.adapters.smtp.adapter import ReadsReports, SmtpGateway

__all__ = ["ReadsReports", "SmtpGateway"]
