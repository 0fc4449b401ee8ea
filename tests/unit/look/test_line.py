# SPDX-License-Identifier: Apache-2.0
import math
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsuzuku.look.line import (
    JOINT_PX,
    LABEL_GAP_PX,
    MAIN_Y,
    MAX_DAYS,
    MAX_TRACKS,
    MIN_DAYS,
    NARROW_PX,
    TRACK_GAP,
    WIDE_PX,
    Drawing,
    Kind,
    Label,
    LineInput,
    Rail,
    Stretch,
    Width,
    Words,
    covered_until,
    draw_line,
    extent,
    fit_days,
)

ZONE = ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=ZONE)
LAID, PLANNED = Kind.LAID, Kind.PLANNED
SIDE_Y = MAIN_Y + TRACK_GAP

WORDS = Words(
    now="Now",
    flight="✈ Home",
    weekday=lambda day: day.strftime("%a"),
    month=lambda day: day.strftime("%b"),
    short_day=lambda day: f"{day.day} {day:%b}",
    gain="+3 days",
)
CHINESE = Words(
    now="现在",
    flight="✈ 回国",
    weekday=lambda day: "一二三四五六日"[day.weekday()],
    month=lambda day: f"{day.month}月",
    short_day=lambda day: f"{day.month}月{day.day}日",
    gain="+180 天",
)


def day(number: float) -> datetime:
    """So many days after the midnight that began NOW's day."""
    return datetime(2026, 11, 24, tzinfo=ZONE) + timedelta(days=number)


def stretch(start: float, end: float | None) -> Stretch:
    return Stretch(day(start), None if end is None else day(end))


def draw(
    laid: list[Stretch], planned: list[Stretch] | None = None, *, flight: date | None = None, days: int = 10
) -> Drawing:
    return draw_line(
        LineInput(
            now=NOW,
            first_day=date(2026, 11, 24),
            days=days,
            zone=ZONE,
            words=WORDS,
            laid=tuple(laid),
            planned=tuple(planned or ()),
            flight=flight,
        )
    )


def shown(drawing: Drawing, width: Width = Width.NARROW) -> list[Label]:
    return [label for label in drawing.labels if label.only in (None, width)]


def test_what_is_laid_is_a_rail_over_its_days() -> None:
    drawing = draw([stretch(0, 4)])
    assert drawing.rails == (Rail(LAID, 0, 40, MAIN_Y),)
    assert [station.kind for station in drawing.stations] == [LAID] * 4 + [Kind.OPEN] * 6
    assert drawing.now_x == 3.75
    assert drawing.joints == ()


def test_a_renewal_that_follows_is_laid_behind() -> None:
    drawing = draw([stretch(0, 4)], [stretch(4, 7)])
    assert drawing.rails == (Rail(LAID, 0, 40, MAIN_Y), Rail(PLANNED, 40, 70, MAIN_Y))
    assert [label.text for label in shown(drawing) if label.kind is PLANNED] == ["+3 days", "30"]
    assert [label.text for label in shown(drawing) if label.kind is LAID] == ["27"]


def test_a_lot_beside_another_branches_off_runs_parallel_and_moves_up() -> None:
    drawing = draw([stretch(0, 4)], [stretch(2, 8)])
    assert drawing.rails == (
        Rail(PLANNED, 20, 40, SIDE_Y),
        Rail(LAID, 0, 40, MAIN_Y),
        Rail(PLANNED, 40, 80, MAIN_Y),
    )
    assert [(joint.x, joint.leads_in) for joint in drawing.joints] == [(20, True), (40, False)]
    reaches = [station.reach for station in drawing.stations]
    assert reaches == [0, 0, TRACK_GAP, TRACK_GAP, 0, 0, 0, 0, 0, 0]


def test_a_lot_that_ends_beside_another_merges_with_it() -> None:
    drawing = draw([stretch(0, 8), stretch(2, 4)])
    assert drawing.rails == (Rail(LAID, 20, 40, SIDE_Y), Rail(LAID, 0, 80, MAIN_Y))
    assert [(joint.x, joint.leads_in) for joint in drawing.joints] == [(20, True), (40, False)]


def test_lots_that_start_together_need_no_switch_at_their_start() -> None:
    drawing = draw([stretch(0, 4), stretch(0, 8)])
    assert [(joint.x, joint.leads_in) for joint in drawing.joints] == [(40, False)]


def test_lots_beyond_the_last_track_share_it() -> None:
    drawing = draw([stretch(0, 10 - number) for number in range(6)])
    assert drawing.height == draw([stretch(0, 10)]).height + (MAX_TRACKS - 1) * TRACK_GAP


def test_nothing_at_all_is_open_track() -> None:
    drawing = draw([], days=MIN_DAYS)
    assert drawing.rails == ()
    assert {station.kind for station in drawing.stations} == {Kind.OPEN}
    assert [label.text for label in shown(drawing)][:2] == ["Now", "24"]


def test_what_has_no_end_runs_out_of_the_box() -> None:
    drawing = draw([stretch(-3, None)])
    assert drawing.rails == (Rail(LAID, 0, 100, MAIN_Y),)
    assert [label.text for label in drawing.labels if label.kind is LAID] == []


def test_the_flight_home_is_named_even_where_the_present_is_near() -> None:
    drawing = draw([stretch(0, 4)], flight=date(2026, 11, 24))
    assert [label.text for label in shown(drawing) if label.y < MAIN_Y] == ["✈ Home"]


@pytest.mark.parametrize(
    ("laid", "flight", "days"),
    [
        ([], None, MIN_DAYS),
        ([(0, 1)], None, MIN_DAYS),
        ([(0, 7)], None, 8),
        ([(0, 4)], date(2026, 12, 3), 11),
        ([(0, 30)], None, 33),
        ([(0, 180)], None, 196),
        ([(0, 4000)], None, MAX_DAYS),
        ([(-9, -2)], date(2026, 11, 1), MIN_DAYS),
        ([(0, None)], None, MIN_DAYS),
    ],
)
def test_the_window_fits_what_there_is_to_show(
    laid: list[tuple[float, float | None]], flight: date | None, days: int
) -> None:
    stretches = [stretch(*each) for each in laid]
    assert fit_days(now=NOW, stretches=stretches, flight=flight, zone=ZONE) == (date(2026, 11, 24), days)


@pytest.mark.parametrize(
    ("days", "narrow", "wide"),
    [
        (5, ["24", "25", "26", "27", "28"], ["24", "25", "26", "27", "28"]),
        (33, ["24", "29", "4", "9", "14", "19", "24"], ["24", "26", "28", "30", "2", "4", "6"]),
        (196, ["24 Nov", "Feb", "Mar", "Apr", "May", "Jun"], ["24 Nov", "Jan", "Feb", "Mar", "Apr", "May", "Jun"]),
    ],
)
def test_labels_thin_out(days: int, narrow: list[str], wide: list[str]) -> None:
    drawing = draw([], days=days)
    for width, texts in ((Width.NARROW, narrow), (Width.WIDE, wide)):
        labels = sorted((label for label in shown(drawing, width) if label.y == MAIN_Y + 28), key=lambda each: each.x)
        assert [label.text for label in labels][: len(texts)] == texts


@pytest.mark.parametrize(
    ("stretches", "until"),
    [
        ([], NOW),
        ([(0, 2)], day(2)),
        ([(0, 2), (2, 5)], day(5)),
        ([(0, 2), (3, 5)], day(2)),
        ([(1, 5), (0, 3)], day(5)),
        ([(2, 5)], NOW),
        ([(0, 2), (1, None)], None),
    ],
)
def test_unbroken_coverage(stretches: list[tuple[float, float | None]], until: datetime | None) -> None:
    assert covered_until(NOW, [stretch(*each) for each in stretches]) == until


moments = st.datetimes(datetime(2025, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001  # timezones=


@st.composite
def stretches(draw_from: st.DrawFn) -> Stretch:
    start = draw_from(moments)
    length = draw_from(st.none() | st.timedeltas(timedelta(seconds=1), timedelta(days=400)))
    return Stretch(start, None if length is None else start + length)


lines = st.builds(
    LineInput,
    now=moments,
    first_day=st.dates(date(2025, 6, 1), date(2028, 6, 1)),
    days=st.integers(1, MAX_DAYS),
    zone=st.sampled_from([ZONE, ZoneInfo("Europe/Paris"), ZoneInfo("America/St_Johns")]),
    words=st.sampled_from([WORDS, CHINESE]),
    laid=st.lists(stretches(), max_size=6).map(tuple),
    planned=st.lists(stretches(), max_size=2).map(tuple),
    flight=st.none() | st.dates(date(2025, 1, 1), date(2028, 12, 31)),
)


@given(lines)
def test_everything_is_finite_and_inside_the_box(line: LineInput) -> None:
    drawing = draw_line(line)
    across = [each for rail in drawing.rails for each in (rail.x1, rail.x2)]
    across += [each.x for group in (drawing.joints, drawing.stations, drawing.labels) for each in group]
    across += [] if drawing.now_x is None else [drawing.now_x]
    assert all(math.isfinite(each) and 0 <= each <= 100 for each in across)
    assert all(rail.x1 <= rail.x2 for rail in drawing.rails)
    down = [rail.y for rail in drawing.rails] + [station.y + station.reach for station in drawing.stations]
    down += [joint.y_lower for joint in drawing.joints] + [label.y for label in drawing.labels]
    assert all(0 < each < drawing.height for each in down)
    for joint in drawing.joints:
        at = joint.x * NARROW_PX / 100
        assert at >= JOINT_PX - 0.1 if joint.leads_in else at <= NARROW_PX - JOINT_PX + 0.1


@given(lines)
def test_labels_never_meet(line: LineInput) -> None:
    drawing = draw_line(line)
    for width, pixels in ((Width.NARROW, NARROW_PX), (Width.WIDE, WIDE_PX)):
        for y in {label.y for label in drawing.labels}:
            extents = sorted(extent(label, pixels) for label in shown(drawing, width) if label.y == y)
            assert all(left >= -0.01 and right <= pixels + 0.01 for left, right in extents)
            gaps = [after[0] - before[1] for before, after in pairwise(extents)]
            assert all(gap >= LABEL_GAP_PX - 0.01 for gap in gaps)


@given(lines)
def test_the_main_track_is_covered_exactly_where_something_runs(line: LineInput) -> None:
    drawing = draw_line(line)
    left = datetime.combine(line.first_day, datetime.min.time(), tzinfo=line.zone).timestamp()
    right = datetime.combine(line.first_day + timedelta(days=line.days), datetime.min.time(), tzinfo=line.zone)
    length = right.timestamp() - left
    for number in range(40):
        moment = left + length * (number + 0.5) / 40
        x = (moment - left) / length * 100
        runs = any(
            each.starts_at.timestamp() < moment and (each.ends_at is None or moment < each.ends_at.timestamp())
            for each in (*line.laid, *line.planned)
        )
        drawn = any(rail.y == MAIN_Y and rail.x1 - 0.01 <= x <= rail.x2 + 0.01 for rail in drawing.rails)
        edges = [edge for rail in drawing.rails for edge in (rail.x1, rail.x2)]
        if all(abs(edge - x) > 0.02 for edge in edges):
            assert drawn == runs
