# SPDX-License-Identifier: Apache-2.0
"""What this room refuses."""

from tsuzuku.kernel.errors import DomainError


class UsageFileRefused(DomainError):
    """A file of readings that cannot be read (any further); `reason` says why and what to do."""

    code = "usage-file-refused"

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason=reason)
        self.reason = reason
