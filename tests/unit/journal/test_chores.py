# SPDX-License-Identifier: Apache-2.0
"""Wake-ups are sent after the commit, and only then."""

from collections.abc import Iterator

import pytest
from django.db import OperationalError, transaction

from tsuzuku.journal import jobs
from tsuzuku.journal.chores import wake, wake_with


@pytest.fixture
def _real_wake_ups() -> Iterator[None]:
    yield
    wake_with(jobs.send_wake_up)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_real_wake_ups")
def test_a_wake_up_waits_for_the_commit() -> None:
    sent: list[str] = []
    wake_with(sent.append)

    with transaction.atomic():
        wake("activate renewals")
        before = list(sent)

    assert (before, sent) == ([], ["activate renewals"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_real_wake_ups")
def test_a_wake_up_that_cannot_be_sent_does_not_fail_what_was_committed(caplog: pytest.LogCaptureFixture) -> None:
    def is_down(name: str) -> None:
        raise OperationalError("the server closed the connection")

    wake_with(is_down)

    with transaction.atomic():
        wake("activate renewals")

    assert len(caplog.records) == 1
