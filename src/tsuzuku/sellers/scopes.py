# SPDX-License-Identifier: Apache-2.0
"""What a key may be used for (docs/contracts/partner-api.md)."""

from enum import StrEnum


class Scope(StrEnum):
    """A right that a key has or has not."""

    CARDS_READ = "cards:read"
    RENEWALS_READ = "renewals:read"
    RENEWALS_WRITE = "renewals:write"
    USAGE_WRITE = "usage:write"
    ACCOUNT_READ = "account:read"
