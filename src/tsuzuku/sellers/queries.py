# SPDX-License-Identifier: Apache-2.0
"""Reads of partners, keys and webhooks that have more than one caller."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tsuzuku.journal import statements
from tsuzuku.sellers import states
from tsuzuku.sellers.errors import PartnerUnknown
from tsuzuku.sellers.models import ApiKey, Partner, WebhookDelivery


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls the API with a key, and what that key allows."""

    partner_id: int
    key_id: int
    scopes: frozenset[str]
    #: The groups whose cards are the partner's; None: all cards are.
    card_groups: frozenset[str] | None
    calls_per_second: int


def key_digest(key: str) -> bytes:
    """What is kept of a key, and what a key is looked up by. Any text has one."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).digest()


#: The living keys of these digests, with whose they are.
_CALLERS = """
    SELECT key.digest, key.partner_id, key.id, key.scopes, key.calls_per_second, partner.all_cards, partner.card_groups
      FROM sellers_apikey AS key JOIN sellers_partner AS partner ON partner.id = key.partner_id
     WHERE key.digest = ANY(%(digests)s::bytea[]) AND key.revoked_at IS NULL
"""


def callers(digests: Collection[bytes]) -> dict[bytes, Caller]:
    """Who calls with keys of these digests, in one statement; unknown and revoked keys are absent."""
    return {
        bytes(digest): Caller(
            partner_id=partner_id,
            key_id=key_id,
            scopes=frozenset(scopes),
            card_groups=None if all_cards else frozenset(card_groups),
            calls_per_second=calls_per_second,
        )
        for digest, partner_id, key_id, scopes, calls_per_second, all_cards, card_groups in statements.rows(
            _CALLERS, {"digests": list(digests)}
        )
    }


def partner_named(name: str) -> Partner:
    """The partner of a name. Raises PartnerUnknown."""
    partner = Partner.objects.filter(name=name.strip()).first()
    if partner is None:
        raise PartnerUnknown
    return partner


def partners() -> Sequence[Partner]:
    """Every partner, by name."""
    return list(Partner.objects.order_by("name"))


def keys_of(partner: Partner) -> Sequence[ApiKey]:
    """A partner's keys, oldest first, revoked ones too."""
    return list(partner.keys.order_by("pk"))


def webhooks_of(partner: Partner, *, only_dead: bool, limit: int) -> Sequence[WebhookDelivery]:
    """What a partner was told or is to be told, newest first."""
    webhooks = WebhookDelivery.objects.filter(partner=partner).select_related("renewal__order")
    if only_dead:
        webhooks = webhooks.filter(state=states.DEAD)
    return list(webhooks.order_by("-pk")[:limit])


def has_sellers() -> bool:
    """Whether somebody sells renewals through the API now: a partner with a key that lives."""
    return ApiKey.objects.filter(revoked_at__isnull=True).exists()
