# SPDX-License-Identifier: Apache-2.0
"""Where a request comes from: for limits on guessing, and by which network."""

import ipaddress
from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The client's IP address: the one that our own proxy saw where there is one, else the other end of the connection.

    Only the last entry of X-Forwarded-For is our proxy's; what stands before it may be invented.
    """
    if settings.BEHIND_PROXY:
        forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if _is_address(forwarded):
            return forwarded
    address: str = request.META.get("REMOTE_ADDR", "")
    return address


def network_of(address: str) -> str:
    """Whom an address counts as: a household or a phone has a whole /64 in IPv6, and one address in IPv4."""
    parsed = _parsed(address)
    if parsed is None:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else str(parsed)


def is_own_address(address: str) -> bool:
    """Whether an address lies in one of the operator's own networks."""
    return is_address_in(address, settings.OWN_NETWORKS)


def is_address_in(address: str, networks: Collection[IPv4Network | IPv6Network]) -> bool:
    """Whether an address lies in one of some networks."""
    parsed = _parsed(address) if networks else None
    return parsed is not None and any(parsed in network for network in networks)


def protocol_of(address: str) -> int | None:
    """The version of the internet protocol that an address is of, 4 or 6; None if it is no address."""
    parsed = _parsed(address)
    return parsed.version if parsed is not None else None


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    """An address without its zone; one of IPv4 that is told as one of IPv6 is one of IPv4."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
