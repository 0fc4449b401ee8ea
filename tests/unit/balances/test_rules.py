# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime, timedelta

import pytest

from tsuzuku.balances.errors import AmountNotOffered
from tsuzuku.balances.rules import check_amount, ends_at
from tsuzuku.look import formats


@pytest.mark.parametrize("yen", [500, 600, 1_000, 9_900, 10_000])
def test_amounts_that_are_offered(yen: int) -> None:
    check_amount(yen)


@pytest.mark.parametrize("yen", [-500, 0, 100, 400, 501, 550, 10_001, 10_100])
def test_amounts_that_are_not(yen: int) -> None:
    with pytest.raises(AmountNotOffered):
        check_amount(yen)


def test_a_part_ends_before_six_months_on_every_day_of_four_years() -> None:
    for day in range(4 * 366):
        now = datetime(2027, 1, 1, 3, tzinfo=UTC) + timedelta(days=day)
        end = ends_at(now, is_registered=False)
        assert end is not None
        began, ended = formats.local(now), formats.local(end)
        assert (ended.hour, (ended.date() - began.date()).days) == (0, 180)
        months = (ended.year - began.year) * 12 + ended.month - began.month
        assert (months, ended.day) < (6, began.day) or months < 6


def test_a_registered_issuer_need_not_end_anything() -> None:
    assert ends_at(datetime(2027, 1, 1, tzinfo=UTC), is_registered=True) is None
