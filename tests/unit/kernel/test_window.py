# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime, timedelta

import pytest

from tsuzuku.kernel.window import Window

START = datetime(2026, 4, 1, tzinfo=UTC)
END = START + timedelta(days=7)
TICK = timedelta(microseconds=1)


def test_a_window_holds_its_start_and_not_its_end() -> None:
    window = Window(START, END)
    assert [window.holds(at) for at in (START - TICK, START, END - TICK, END)] == [False, True, True, False]
    assert [window.is_over(at) for at in (START, END - TICK, END)] == [False, False, True]


def test_a_window_of_no_length_holds_nothing() -> None:
    window = Window(START, START)
    assert (window.holds(START), window.is_over(START)) == (False, True)


def test_a_window_cannot_end_before_it_starts() -> None:
    with pytest.raises(ValueError, match="before it starts"):
        Window(END, START)
