# SPDX-License-Identifier: Apache-2.0
"""Where webhooks may go: https, to addresses that the whole internet can reach and that are not inside our network.

The same check runs when an address is saved and each time it is connected to, since a name may resolve to something
else by then.
"""

import re
import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpx
from django.conf import settings

from tsuzuku.sellers.errors import Refused, WebhookAddressRefused

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
#: From a host name and a port to the addresses behind it; raises OSError.
Resolve = Callable[[str, int], Sequence[Address]]

_URL_LENGTH_MAX = 2000
#: A name as it goes to a resolver, or an IP address.
_HOST = re.compile(rb"[A-Za-z0-9._:-]+")
#: RFC 6052: the IPv4 address stands in the last 32 bits.
_NAT64 = IPv6Network("64:ff9b::/96")
#: All of IPv6 that is given out for use between anybody (IANA, IPv6 global unicast).
_GLOBAL_UNICAST = IPv6Network("2000::/3")


def is_public(address: Address, *, private_networks: Sequence[Network] = ()) -> bool:
    """Whether an address is anybody's to reach, or lies in one of the operator's own networks.

    An IPv4 address inside an IPv6 one (mapped, 6to4, NAT64) is judged as itself.
    """
    if any(address.version == network.version and address in network for network in private_networks):
        return True
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        inner = _inner_ipv4(address)
        if inner is not None:
            return is_public(inner, private_networks=private_networks)
        return address in _GLOBAL_UNICAST and address.is_global
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _inner_ipv4(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour


def resolved(host: str, port: int) -> list[Address]:
    """The addresses behind a host name, in the system's order. Raises OSError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except UnicodeError as problem:  # A label that is empty or too long.
        raise OSError("not a host name") from problem
    return list(dict.fromkeys(ip_address(sockaddr[0]) for *_, sockaddr in found))


def checked_addresses(host: str, port: int, *, resolve: Resolve = resolved) -> list[Address]:
    """The addresses behind a host, every one of them public. Raises WebhookAddressRefused."""
    try:
        addresses = resolve(host, port)
    except OSError as problem:
        raise WebhookAddressRefused(Refused.HOST_UNKNOWN) from problem
    if not addresses:
        raise WebhookAddressRefused(Refused.HOST_UNKNOWN)
    private_networks: Sequence[Network] = settings.WEBHOOK_PRIVATE_NETWORKS
    if not all(is_public(address, private_networks=private_networks) for address in addresses):
        raise WebhookAddressRefused(Refused.NOT_PUBLIC)
    return list(addresses)


def parse_webhook_url(text: str) -> httpx.URL:
    """An address as it will be called, without looking its host up. Raises WebhookAddressRefused."""
    try:
        url = httpx.URL(text.strip())
    except httpx.InvalidURL as problem:
        raise WebhookAddressRefused(Refused.MALFORMED) from problem
    if url.scheme != "https":
        raise WebhookAddressRefused(Refused.NOT_HTTPS)
    if url.userinfo:
        raise WebhookAddressRefused(Refused.CREDENTIALS)
    if not _HOST.fullmatch(url.raw_host) or not 0 < port_of(url) < 65536:
        raise WebhookAddressRefused(Refused.MALFORMED)
    if url.fragment or len(str(url)) > _URL_LENGTH_MAX:
        raise WebhookAddressRefused(Refused.MALFORMED)
    return url


def port_of(url: httpx.URL) -> int:
    """The port that an https address means."""
    return 443 if url.port is None else url.port
