# SPDX-License-Identifier: Apache-2.0
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from pytest_django import Settings

from tsuzuku.kernel import public_calls
from tsuzuku.testing.certificates import Authority
from tsuzuku.testing.receiver import WebhookReceiver, receiving


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Authority]:
    """An authority that the sender of webhooks trusts."""
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
    public_calls._tls.cache_clear()
    yield authority
    public_calls._tls.cache_clear()


@pytest.fixture
def own_network(settings: Settings) -> None:
    """The operator lets webhooks reach this machine."""
    settings.WEBHOOK_PRIVATE_NETWORKS = [ip_network("127.0.0.0/8"), ip_network("::1/128")]


@pytest.fixture
def receiver(authority: Authority, own_network: None) -> Iterator[WebhookReceiver]:
    """A partner's https address on this machine."""
    with receiving(tls=authority.server("localhost", "127.0.0.1"), host="localhost") as receiver:
        yield receiver
