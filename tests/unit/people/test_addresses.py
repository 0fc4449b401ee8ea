# SPDX-License-Identifier: Apache-2.0
import pytest
from django.test import RequestFactory
from pytest_django import Settings

from tsuzuku.people.addresses import client_address


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
