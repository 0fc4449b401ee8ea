# SPDX-License-Identifier: Apache-2.0
"""Where we call addresses that strangers chose: https, at hosts that the whole internet can reach, and none of ours.

The same check runs when an address is saved and each time it is connected to, since a name may resolve to something
else by then.
"""

import re
import socket
from collections.abc import Callable, Sequence
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpx

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


class Refused(StrEnum):
    """Why an address is not called."""

    MALFORMED = "malformed"
    NOT_HTTPS = "not-https"
    #: A name or password in the address would end up in logs.
    CREDENTIALS = "credentials"
    HOST_UNKNOWN = "host-unknown"
    #: It leads to where only this installation or its network can reach.
    NOT_PUBLIC = "not-public"


class AddressRefused(Exception):
    """An address that is not called, and why."""

    def __init__(self, reason: Refused) -> None:
        super().__init__(reason.value)
        self.reason = reason


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


def checked_addresses(
    host: str, port: int, *, private_networks: Sequence[Network], resolve: Resolve = resolved
) -> list[Address]:
    """The addresses behind a host, every one of them public or in the operator's networks. Raises AddressRefused."""
    try:
        addresses = resolve(host, port)
    except OSError as problem:
        raise AddressRefused(Refused.HOST_UNKNOWN) from problem
    if not addresses:
        raise AddressRefused(Refused.HOST_UNKNOWN)
    if not all(is_public(address, private_networks=private_networks) for address in addresses):
        raise AddressRefused(Refused.NOT_PUBLIC)
    return list(addresses)


def parse_https_url(text: str) -> httpx.URL:
    """An address as it will be called, without looking its host up. Raises AddressRefused."""
    try:
        url = httpx.URL(text.strip())
    except httpx.InvalidURL as problem:
        raise AddressRefused(Refused.MALFORMED) from problem
    if url.scheme != "https":
        raise AddressRefused(Refused.NOT_HTTPS)
    if url.userinfo:
        raise AddressRefused(Refused.CREDENTIALS)
    if not _HOST.fullmatch(url.raw_host) or not 0 < port_of(url) < 65536:
        raise AddressRefused(Refused.MALFORMED)
    if url.fragment or len(str(url)) > _URL_LENGTH_MAX:
        raise AddressRefused(Refused.MALFORMED)
    return url


def port_of(url: httpx.URL) -> int:
    """The port that an https address means."""
    return 443 if url.port is None else url.port
