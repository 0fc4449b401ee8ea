# SPDX-License-Identifier: Apache-2.0
from tsuzuku.kernel.retries import retry_after


def test_the_pace_slows_down_to_five_minutes() -> None:
    seconds = [int(retry_after(attempts).total_seconds()) for attempts in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1000)]
    assert seconds == [1, 1, 2, 5, 10, 30, 60, 120, 300, 300, 300]
