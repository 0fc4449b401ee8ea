# SPDX-License-Identifier: Apache-2.0
"""What this room refuses."""

from tsuzuku.kernel.errors import DomainError
from tsuzuku.kernel.public_hosts import Refused


class PartnerExists(DomainError):
    """There is a partner of this name already; nothing was changed."""

    code = "partner-exists"


class PartnerUnknown(DomainError):
    """There is no partner of this name."""

    code = "partner-unknown"


class PartnerMalformed(DomainError):
    """A partner's name, address, card groups or amounts cannot be taken; particulars: field."""

    code = "partner-malformed"


class ScopeUnknown(DomainError):
    """No right of a key has this name, or a key was to have none; particulars: scope."""

    code = "scope-unknown"


class CallsMalformed(DomainError):
    """A key allows at least one call a second."""

    code = "calls-per-second-malformed"


class ApiKeyUnknown(DomainError):
    """There is no key of this number."""

    code = "api-key-unknown"


class WebhookEventUnknown(DomainError):
    """No webhook has this event id."""

    code = "webhook-event-unknown"


class WebhookHeld(DomainError):
    """The webhook is being sent at this moment; ask again when that has ended."""

    code = "webhook-held"


class WebhookUnset(DomainError):
    """The partner has no address for webhooks at present."""

    code = "webhook-unset"


class WebhookAddressRefused(DomainError):
    """Webhooks go to https addresses that the whole internet can reach; particulars: reason."""

    code = "webhook-address-refused"

    def __init__(self, reason: Refused) -> None:
        super().__init__(reason=reason.value)
        self.reason = reason
