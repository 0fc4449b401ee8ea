# SPDX-License-Identifier: Apache-2.0
"""Twilio's Messages resource: SMS from a number or a messaging service, with status callbacks.

API version: 2010-04-01 (https://www.twilio.com/docs/messaging/api/message-resource, signatures by
https://www.twilio.com/docs/usage/security). Checked: 2026-11-22.
"""

from tsuzuku.messaging.adapters.twilio.adapter import TwilioGateway
from tsuzuku.messaging.adapters.twilio.config import API_URL, TwilioAccount

__all__ = ["API_URL", "TwilioAccount", "TwilioGateway"]
