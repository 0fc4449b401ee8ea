# SPDX-License-Identifier: Apache-2.0
"""Any SMS gateway that takes JSON over HTTP: address, headers and fields are the operator's to name.

API version: none, a description of the gateway in JSON (docs/operating/messages.md). Checked: 2026-11-22.
"""

from tsuzuku.messaging.adapters.http_sms.adapter import HttpSmsGateway
from tsuzuku.messaging.adapters.http_sms.config import HttpGateway, parse_gateway

__all__ = ["HttpGateway", "HttpSmsGateway", "parse_gateway"]
