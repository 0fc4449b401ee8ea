# SPDX-License-Identifier: Apache-2.0
"""Makes a contract that is not met explain itself, and starts the installation that outsiders call."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.contracts.served import Served, serving
from tsuzuku.testing.receiver import WebhookReceiver, receiving

pytest.register_assert_rewrite("tsuzuku.testing.contracts")


@pytest.fixture(scope="module")
def receiver() -> Iterator[WebhookReceiver]:
    """Our end of the webhooks of providers."""
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """Started once for all tests of the partner API."""
    with TemporaryDirectory(prefix="tsuzuku-contract-") as folder:
        Path(folder).chmod(0o755)
        with serving(Path(folder)) as served:
            yield served
