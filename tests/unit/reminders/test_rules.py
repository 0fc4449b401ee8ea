# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from tsuzuku.allowances.outlook import Outlook
from tsuzuku.reminders.rules import Kind, Situation, gravest, kinds_due, next_look, quiet_end

NOW = datetime(2027, 3, 10, 1, 0, tzinfo=UTC)
JAPAN = ZoneInfo("Asia/Tokyo")
GB = 10**9


def situation(**fields: object) -> Situation:
    usual = {
        "version": "data:1:1",
        "online_until": NOW + timedelta(days=5),
        "armed_at": NOW - timedelta(days=25),
        "left": 5 * GB,
        "total": 10 * GB,
        "falls": (),
        "is_used_up": False,
        "waits_for_use": False,
        "waits_for_tap": False,
        "lapses_at": None,
        "drawn_at": NOW - timedelta(hours=1),
    }
    of_card = {name: fields.pop(name) for name in ("is_blocked", "renews_itself") if name in fields}
    return Situation(outlook=Outlook(**usual | fields), **{"is_blocked": False, "renews_itself": False} | of_card)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("left", "kind"),
    [
        (timedelta(days=3, seconds=1), None),
        (timedelta(days=3), Kind.ENDS_IN_3_DAYS),
        (timedelta(days=1, seconds=1), Kind.ENDS_IN_3_DAYS),
        (timedelta(days=1), Kind.ENDS_IN_1_DAY),
        (timedelta(hours=3), Kind.ENDS_IN_3_HOURS),
        (timedelta(minutes=5), None),
        (timedelta(), None),
    ],
)
def test_of_the_end_only_the_nearest_threshold_counts(left: timedelta, kind: Kind | None) -> None:
    assert kinds_due(situation(online_until=NOW + left), now=NOW) == ([kind] if kind else [])


def test_who_buys_a_day_is_not_told_at_once_that_it_ends_in_a_day() -> None:
    bought = situation(online_until=NOW + timedelta(days=1), armed_at=NOW)
    assert kinds_due(bought, now=NOW) == []
    assert next_look(bought, now=NOW) == NOW + timedelta(hours=21)
    assert kinds_due(bought, now=NOW + timedelta(hours=21)) == [Kind.ENDS_IN_3_HOURS]


@pytest.mark.parametrize("field", ["is_blocked", "renews_itself", "waits_for_use"])
def test_what_needs_nobody_is_not_looked_at_again(field: str) -> None:
    cared_for = situation(**{field: True}, online_until=NOW + timedelta(hours=2))
    assert (kinds_due(cared_for, now=NOW), next_look(cared_for, now=NOW)) == ([], None)


@pytest.mark.parametrize(
    ("fields", "kinds"),
    [
        ({"left": 2 * GB}, [Kind.RUNS_LOW]),
        ({"left": 2 * GB + 1}, []),
        ({"left": None, "total": None}, []),
        ({"left": 0, "total": 0, "is_used_up": True, "online_until": None}, [Kind.USED_UP]),
        ({"left": 0, "total": 0, "is_used_up": True, "online_until": None, "is_blocked": True}, []),
        # Bought with little in it, or never used since: no news.
        ({"left": 2 * GB, "drawn_at": NOW - timedelta(days=26)}, []),
        ({"left": 2 * GB, "drawn_at": None}, []),
        # All is over.
        ({"left": 0, "total": 0, "online_until": None}, []),
    ],
)
def test_data_runs_low_and_out(fields: dict[str, object], kinds: list[Kind]) -> None:
    assert kinds_due(situation(**fields), now=NOW) == kinds


def test_the_gravest_is_told_of_several() -> None:
    assert gravest([Kind.ENDS_IN_3_DAYS, Kind.USED_UP, Kind.ENDS_IN_3_HOURS]) == Kind.USED_UP
    assert gravest([]) is None


@pytest.mark.parametrize(
    ("at", "quiet", "end"),
    [
        (time(21, 59), (time(22), time(8)), None),
        (time(22), (time(22), time(8)), (1, time(8))),
        (time(3), (time(22), time(8)), (0, time(8))),
        (time(8), (time(22), time(8)), None),
        (time(13), (time(12), time(14)), (0, time(14))),
        (time(14), (time(12), time(14)), None),
        (time(3), (time(8), time(8)), None),
    ],
)
def test_quiet_hours(at: time, quiet: tuple[time, time], end: tuple[int, time] | None) -> None:
    local = datetime(2027, 3, 10, at.hour, at.minute, tzinfo=JAPAN)
    expected = end and datetime.combine(local.date() + timedelta(days=end[0]), end[1], tzinfo=JAPAN)
    found = quiet_end(local.astimezone(UTC), quiet_from=quiet[0], quiet_until=quiet[1], zone=JAPAN)
    assert found == expected


def test_quiet_hours_end_in_the_night_in_which_clocks_are_put_forward() -> None:
    new_york = ZoneInfo("America/New_York")
    night = datetime(2027, 3, 14, 1, 30, tzinfo=new_york)
    assert quiet_end(night.astimezone(UTC), quiet_from=time(22), quiet_until=time(8), zone=new_york) == datetime(
        2027, 3, 14, 12, 0, tzinfo=UTC
    )


def test_a_card_is_looked_at_again_when_what_waits_for_use_is_lost() -> None:
    lapses_at = NOW + timedelta(days=30)
    waiting = situation(waits_for_use=True, lapses_at=lapses_at)
    assert (waiting.end, next_look(waiting, now=NOW)) == (None, lapses_at)
