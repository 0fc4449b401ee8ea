# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.test import RequestFactory

from tsuzuku.kernel import clock
from tsuzuku.people.limits import is_within_limit

NOON = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.mark.django_db
def test_so_many_a_minute_from_one_network() -> None:
    call_command("createcachetable", verbosity=0)

    def ask(address: str, what: str = "a") -> bool:
        request = RequestFactory().get("/", REMOTE_ADDR=address)
        return is_within_limit(request, what, a_minute_max=2)

    with clock.travel_to(NOON):
        assert [ask("2001:db8::1"), ask("2001:db8::2"), ask("2001:db8::3")] == [True, True, False]
        assert ask("2001:db8:1::1")
        assert ask("2001:db8::1", "b")
    with clock.travel_to(NOON + timedelta(minutes=1)):
        assert ask("2001:db8::1")
