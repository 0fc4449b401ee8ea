# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime, timedelta

import pytest

from tsuzuku.journal.chores import chore
from tsuzuku.journal.counts import FORGET_COUNTS, Limit, count_against, forget_counts, has_forgettable, subject_digest
from tsuzuku.journal.models import Count
from tsuzuku.kernel import clock

pytestmark = pytest.mark.django_db

NOW = datetime(2027, 3, 1, 1, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SOON, LONG = Limit("tried in a min", 2, MINUTE), Limit("tried in an hour", 5, timedelta(hours=1))


def test_what_one_limit_refuses_does_not_count_against_the_next() -> None:
    refused_until = [count_against((((SOON, LONG), "mei"), ((LONG,), "bo")), NOW) for _ in range(4)]
    assert refused_until == [None, None, NOW + MINUTE, NOW + MINUTE]
    assert sorted(Count.objects.values_list("count", flat=True)) == [2, 2, 4]
    later = NOW + MINUTE
    assert [count_against((((SOON, LONG), "mei"),), later) for _ in range(2)] == [None, None]
    assert Count.objects.filter(ends_at=later + MINUTE).count() == 1


def test_who_is_counted_has_a_name_that_tells_nothing() -> None:
    assert len({subject_digest("203.0.113.7"), subject_digest("203.0.113.8"), subject_digest("")}) == 3
    assert [len(subject_digest(text)) for text in ("", "203.0.113.7", "x" * 1000)] == [32, 32, 32]


def test_what_counts_no_more_is_forgotten() -> None:
    count_against((((SOON, LONG), "mei"), ((SOON,), "bo")), NOW)
    later = NOW + MINUTE
    assert (has_forgettable(NOW), has_forgettable(later)) == (False, True)
    with clock.travel_to(later):
        assert forget_counts() == 2
    assert not has_forgettable(later)
    with clock.travel_to(NOW + timedelta(hours=1)):
        assert chore(FORGET_COUNTS).run() == 1
