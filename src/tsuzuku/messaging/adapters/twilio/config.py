# SPDX-License-Identifier: Apache-2.0
"""What Twilio must be told of us."""

from dataclasses import dataclass

API_URL = "https://api.twilio.com"


@dataclass(frozen=True, kw_only=True, slots=True)
class TwilioAccount:
    """An account, and where it tells of deliveries."""

    account_sid: str
    #: Also signs the callbacks.
    auth_token: str
    #: A number in E.164, a name of up to 11 letters where countries allow it, or a messaging service (MG...).
    sender: str
    report_url: str
    api_url: str = API_URL
