# SPDX-License-Identifier: Apache-2.0
"""Webhooks go to the public internet over https and nowhere else."""

from ipaddress import ip_address, ip_network

import pytest
from pytest_django import Settings

from tsuzuku.kernel.public_hosts import Address, Refused, is_public, resolved
from tsuzuku.sellers.addresses import checked_addresses, parse_webhook_url
from tsuzuku.sellers.errors import WebhookAddressRefused

PUBLIC = "93.184.216.34"


@pytest.mark.parametrize(
    "text", [PUBLIC, "8.8.8.8", "2606:4700::1111", "64:ff9b::5db8:d822", "2002:5db8:d822::1", "::ffff:93.184.216.34"]
)
def test_a_public_address_may_be_reached(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "127.8.8.8",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:10.1.2.3",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a01:203",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:a01:203::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
        "4000::1",
    ],
)
def test_an_address_that_is_not_public_may_not(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize(
    ("text", "network", "may"),
    [
        ("10.1.2.3", "10.1.0.0/16", True),
        ("10.2.2.3", "10.1.0.0/16", False),
        ("::ffff:10.1.2.3", "10.1.0.0/16", True),
        ("fd00::1", "fd00::/8", True),
        ("fd00::1", "10.0.0.0/8", False),
        ("127.0.0.1", "::/0", False),
    ],
)
def test_the_operator_may_open_networks_of_his_own(text: str, network: str, may: bool) -> None:
    assert is_public(ip_address(text), private_networks=[ip_network(network)]) is may


def test_every_address_behind_a_name_must_be_public(settings: Settings) -> None:
    settings.WEBHOOK_PRIVATE_NETWORKS = []

    def both(host: str, port: int) -> list[Address]:
        return [ip_address(PUBLIC), ip_address("10.0.0.1")]

    with pytest.raises(WebhookAddressRefused) as refused:
        checked_addresses("partner.example", 443, resolve=both)
    assert refused.value.reason is Refused.NOT_PUBLIC
    settings.WEBHOOK_PRIVATE_NETWORKS = [ip_network("10.0.0.0/8")]
    assert checked_addresses("partner.example", 443, resolve=both) == [ip_address(PUBLIC), ip_address("10.0.0.1")]


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.1", "0x7f.1", "2130706433", "017700000001", "::1", "0"]
)
def test_every_spelling_of_this_machine_is_refused(host: str) -> None:
    with pytest.raises(WebhookAddressRefused) as refused:
        checked_addresses(host, 443)
    assert refused.value.reason is Refused.NOT_PUBLIC


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 70 + ".example"])
def test_a_name_that_nobody_has_is_refused(host: str) -> None:
    with pytest.raises(WebhookAddressRefused) as refused:
        checked_addresses(host, 443)
    assert refused.value.reason is Refused.HOST_UNKNOWN


def test_a_name_without_addresses_is_refused() -> None:
    with pytest.raises(WebhookAddressRefused) as refused:
        checked_addresses("partner.example", 443, resolve=lambda host, port: [])
    assert refused.value.reason is Refused.HOST_UNKNOWN


def test_an_address_stands_once_in_what_a_name_means() -> None:
    assert resolved(PUBLIC, 443) == [ip_address(PUBLIC)]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("https://partner.example/hook", "https://partner.example/hook"),
        (" https://partner.example:8443/hook?a=b ", "https://partner.example:8443/hook?a=b"),
        ("HTTPS://Partner.Example", "https://partner.example"),
        ("https://例え.jp/hook", "https://xn--r8jz45g.jp/hook"),
        ("https://[2606:4700::1111]/hook", "https://[2606:4700::1111]/hook"),
    ],
)
def test_an_https_address_is_kept(text: str, kept: str) -> None:
    assert str(parse_webhook_url(text)) == kept


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("http://partner.example/hook", Refused.NOT_HTTPS),
        ("ftp://partner.example/hook", Refused.NOT_HTTPS),
        ("partner.example/hook", Refused.NOT_HTTPS),
        ("", Refused.NOT_HTTPS),
        ("https://user:word@partner.example/", Refused.CREDENTIALS),
        ("https://user@partner.example/", Refused.CREDENTIALS),
        ("https:///hook", Refused.MALFORMED),
        ("https://", Refused.MALFORMED),
        ("https://partner.example:0/", Refused.MALFORMED),
        ("https://partner.example:99999/", Refused.MALFORMED),
        ("https://partner example/", Refused.MALFORMED),
        ("https://partner.example/\r\nHost: x", Refused.MALFORMED),
        ("https://partner.example/#part", Refused.MALFORMED),
        ("https://partner.example/" + "x" * 2000, Refused.MALFORMED),
        ("https://" + "é" * 300 + ".example/", Refused.MALFORMED),
    ],
)
def test_any_other_address_is_refused(text: str, reason: Refused) -> None:
    with pytest.raises(WebhookAddressRefused) as refused:
        parse_webhook_url(text)
    assert refused.value.reason is reason
