# SPDX-License-Identifier: Apache-2.0
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from tsuzuku.people.jobs import forget_sessions

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _cache_table(db: None) -> None:
    call_command("createcachetable", verbosity=0)
    cache.clear()  # Tests that commit leave theirs behind.


def _cached() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM cache")
        (count,) = cursor.fetchone()
    return int(count)


def test_what_is_over_is_forgotten_and_the_rest_stays() -> None:
    now = timezone.now()
    for key, ends_at in (("over", now - timedelta(seconds=1)), ("live", now + timedelta(hours=1))):
        Session.objects.create(session_key=key, session_data="", expire_date=ends_at)
    cache.set("over", 1, timeout=-10)
    cache.set("live", 1, timeout=3600)
    assert _cached() == 2
    forget_sessions.func(timestamp=0)
    assert (Session.objects.get().session_key, _cached(), cache.get("live")) == ("live", 1, 1)


def test_the_cache_forgets_no_limit_because_there_are_many() -> None:
    """Django's own bound is 300 rows, beyond which it throws away a third, whatever they count."""
    cache.set_many({f"login-{number}": number for number in range(400)}, timeout=3600)
    assert len(cache.get_many([f"login-{number}" for number in range(400)])) == 400
