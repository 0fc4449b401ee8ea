# SPDX-License-Identifier: Apache-2.0
"""A day of sales by every method is held against every provider's file: what was planted is found, nothing else."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from tests.proofs.settled_day import DOORS, Planted, SettledDay, make_day, open_doors

NOW = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.fixture
def day(db: None) -> Iterator[SettledDay]:
    with open_doors():
        yield make_day(orders=80 * len(DOORS), day=date(2026, 11, 20), seed=1)


def test_finds_what_was_planted_and_nothing_else(day: SettledDay) -> None:
    from tsuzuku.reports.models import SettlementDifference
    from tsuzuku.reports.queries import open_differences
    from tsuzuku.reports.reconciling import take_settlement

    for name, body in day.files.items():
        take_settlement(name=f"{name}.csv", body=body, provider=None, days=None, actor="operator", now=NOW)
    found = [
        Planted(each.provider, each.kind, each.identity or each.our_reference)
        for each in SettlementDifference.objects.exclude(kind="fee-total")
    ]
    assert Counter(found) == Counter(day.planted + day.on_another_day)
    assert open_differences().count() == len(day.planted)
    fees = SettlementDifference.objects.filter(kind="fee-total")
    told = {name: sum(each.amount_minor or 0 for each in fees if each.provider == name) for name in day.files}
    assert told == day.fees
