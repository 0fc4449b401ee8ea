# SPDX-License-Identifier: Apache-2.0
from ipaddress import ip_network

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from tsuzuku.people.addresses import client_address, is_address_in, protocol_of


@pytest.mark.parametrize(
    ("is_behind_proxy", "forwarded", "address"),
    [
        (False, None, "192.0.2.1"),
        (False, "198.51.100.7", "192.0.2.1"),
        (True, "198.51.100.7", "198.51.100.7"),
        (True, "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        (True, "203.0.113.9,2001:db8::1", "2001:db8::1"),
        (True, None, "192.0.2.1"),
        (True, "unknown", "192.0.2.1"),
    ],
)
def test_only_what_our_own_proxy_saw_is_believed(
    settings: Settings, is_behind_proxy: bool, forwarded: str | None, address: str
) -> None:
    settings.BEHIND_PROXY = is_behind_proxy
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    assert client_address(RequestFactory().get("/", headers=headers, REMOTE_ADDR="192.0.2.1")) == address


@pytest.mark.parametrize(
    ("address", "protocol", "is_in"),
    [
        ("192.0.2.1", 4, True),
        ("::ffff:192.0.2.1", 4, True),
        ("198.51.100.1", 4, False),
        ("2001:db8::1", 6, True),
        ("fe80::1%eth0", 6, False),
        ("", None, False),
    ],
)
def test_of_which_protocol_and_network_an_address_is(address: str, protocol: int | None, is_in: bool) -> None:
    networks = [ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")]
    assert (protocol_of(address), is_address_in(address, networks), is_address_in(address, [])) == (
        protocol,
        is_in,
        False,
    )
