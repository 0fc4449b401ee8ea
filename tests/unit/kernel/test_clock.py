# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime, timedelta

from tsuzuku.kernel import clock


def test_travelling_moves_the_clock_and_brings_it_back() -> None:
    before = clock.now()
    there = datetime(2030, 1, 1, tzinfo=UTC)
    with clock.travel_to(there):
        assert there <= clock.now() < there + timedelta(seconds=10)
        with clock.travel_to(there + timedelta(days=1)):
            assert clock.now() >= there + timedelta(days=1)
        assert clock.now() < there + timedelta(seconds=10)
    assert before <= clock.now() < before + timedelta(seconds=10)
