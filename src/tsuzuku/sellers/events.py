# SPDX-License-Identifier: Apache-2.0
"""Facts of this room. None of them holds a key or a secret."""

from dataclasses import dataclass
from typing import ClassVar

from tsuzuku.journal.events import Event


@dataclass(frozen=True, kw_only=True)
class PartnerCreated(Event):
    """Somebody may be given keys to the API."""

    kind: ClassVar[str] = "partner-created"
    partner_id: int


@dataclass(frozen=True, kw_only=True)
class ApiKeyCreated(Event):
    """A partner has another key."""

    kind: ClassVar[str] = "api-key-created"
    partner_id: int
    key_id: int
    scopes: list[str]


@dataclass(frozen=True, kw_only=True)
class ApiKeyRevoked(Event):
    """A key of a partner opens nothing any more."""

    kind: ClassVar[str] = "api-key-revoked"
    partner_id: int
    key_id: int


@dataclass(frozen=True, kw_only=True)
class WebhookSet(Event):
    """A partner's webhooks go to another address or are signed with another secret from now on."""

    kind: ClassVar[str] = "webhook-set"
    partner_id: int


@dataclass(frozen=True, kw_only=True)
class WebhookRemoved(Event):
    """A partner is told nothing by webhooks any more."""

    kind: ClassVar[str] = "webhook-removed"
    partner_id: int
