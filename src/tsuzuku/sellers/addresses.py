# SPDX-License-Identifier: Apache-2.0
"""Where webhooks may go: to public hosts, and into the networks that the operator names.

The same check runs when an address is saved and each time it is connected to, since a name may resolve to something
else by then.
"""

import httpx
from django.conf import settings

from tsuzuku.kernel import public_hosts
from tsuzuku.kernel.public_hosts import Address, AddressRefused, Resolve, resolved
from tsuzuku.sellers.errors import WebhookAddressRefused


def checked_addresses(host: str, port: int, *, resolve: Resolve = resolved) -> list[Address]:
    """The addresses behind a host, every one of them public. Raises WebhookAddressRefused."""
    networks = settings.WEBHOOK_PRIVATE_NETWORKS
    try:
        return public_hosts.checked_addresses(host, port, private_networks=networks, resolve=resolve)
    except AddressRefused as refused:
        raise WebhookAddressRefused(refused.reason) from refused


def parse_webhook_url(text: str) -> httpx.URL:
    """An address as it will be called, without looking its host up. Raises WebhookAddressRefused."""
    try:
        return public_hosts.parse_https_url(text)
    except AddressRefused as refused:
        raise WebhookAddressRefused(refused.reason) from refused
