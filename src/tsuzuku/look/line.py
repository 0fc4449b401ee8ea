# SPDX-License-Identifier: Apache-2.0
"""The line: how long a card still runs, drawn as a railway. A pure function from frozen inputs to drawing primitives.

Days are stations, what is laid is a rail, what would be laid by a renewal another, what is neither is open track; lots
that overlap run on parallel rails that merge. Across, places are per cent of whatever width the page gives, so that
strokes and letters keep their size on every screen; down, they are pixels. Labels are placed so that they never meet on
the narrowest screen, and once more for wide ones.
"""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

#: The line is at least this wide, in pixels: a phone of 320 less its margins.
NARROW_PX = 276
#: From this width on wide labels take the place of narrow ones. The style sheet knows from which screen on that is so.
WIDE_PX = 600

MAIN_Y, TRACK_GAP, MAX_TRACKS = 36, 15, 3
TOP_LABEL_Y = 13
#: The room for two rows of labels under the lowest track.
LABELS_PX = 50
#: How long a switch and how wide a big station is.
JOINT_PX, STATION_PX = 14, 13
LETTER_PX, LABEL_GAP_PX = 12, 6
MIN_DAYS, MAX_DAYS = 5, 400
#: Up to so many days each day is a big station; up to so many a dot; beyond only months are marked.
STATION_DAYS, DOT_DAYS = 12, 45
WEEKDAY_DAYS = 9


class Kind(StrEnum):
    """What something drawn stands for; the style sheet gives each its colour."""

    LAID = "laid"
    PLANNED = "planned"
    OPEN = "open"
    NOW = "now"
    FLIGHT = "flight"
    QUIET = "quiet"


class Width(StrEnum):
    """Where a label is shown if not everywhere: on a screen so narrow, or one so wide."""

    NARROW = "narrow"
    WIDE = "wide"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A window of coverage; without an end it runs on."""

    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Words:
    """What labels say, in the language of the page."""

    now: str
    flight: str
    weekday: Callable[[date], str]
    month: Callable[[date], str]
    short_day: Callable[[date], str]
    #: What a renewal adds, such as "+3 days"; empty for none.
    gain: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineInput:
    """What the line is to show: `days` local calendar days from `first_day` on."""

    now: datetime
    first_day: date
    days: int
    zone: ZoneInfo
    words: Words
    laid: tuple[Stretch, ...] = ()
    planned: tuple[Stretch, ...] = ()
    flight: date | None = None


@dataclass(frozen=True, slots=True)
class Rail:
    """A piece of track from `x1` to `x2` per cent."""

    kind: Kind
    x1: float
    x2: float
    y: int


@dataclass(frozen=True, slots=True)
class Joint:
    """A switch at `x` per cent between the tracks at `y_upper` and `y_lower`: it leads in before, or out after."""

    kind: Kind
    x: float
    y_upper: int
    y_lower: int
    leads_in: bool

    @property
    def path(self) -> str:
        """The curve as an SVG path, in pixels from `x`."""
        if self.leads_in:
            return f"M-{JOINT_PX} {self.y_upper}C-4 {self.y_upper}-{JOINT_PX - 4} {self.y_lower} 0 {self.y_lower}"
        return f"M0 {self.y_lower}C{JOINT_PX - 4} {self.y_lower} 4 {self.y_upper} {JOINT_PX} {self.y_upper}"


@dataclass(frozen=True, slots=True)
class Station:
    """A day: a big one reaches over all tracks that run there, `y` is its middle on the main track."""

    kind: Kind
    x: float
    y: int
    #: How far down its last track lies.
    reach: int
    is_big: bool

    @property
    def top(self) -> float:
        """The upper edge of a big one."""
        return self.y - STATION_PX / 2

    @property
    def height(self) -> int:
        """The height of a big one."""
        return STATION_PX + self.reach


@dataclass(frozen=True, slots=True)
class Label:
    """A text with its baseline at `y`, anchored at `x` by its start, middle or end."""

    kind: Kind
    x: float
    y: int
    anchor: str
    text: str
    only: Width | None = None


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything there is to draw, in painting order."""

    height: int
    #: The main track.
    y: int
    rails: tuple[Rail, ...]
    joints: tuple[Joint, ...]
    stations: tuple[Station, ...]
    labels: tuple[Label, ...]
    now_x: float | None


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a stretch in which nothing changes, in seconds from the left edge, and its track."""

    stretch: "_Clipped"
    track: int
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class _Clipped:
    """What of a stretch lies inside the box; `number` tells equal ones apart."""

    kind: Kind
    start: float
    end: float
    number: int


def fit_days(*, now: datetime, stretches: Sequence[Stretch], flight: date | None, zone: ZoneInfo) -> tuple[date, int]:
    """The first day and how many days show these stretches and the flight, with a little open track behind."""
    first_day = now.astimezone(zone).date()
    ends = [stretch.ends_at.astimezone(zone) - timedelta(microseconds=1) for stretch in stretches if stretch.ends_at]
    last_days = [end.date() for end in ends] + ([flight] if flight else [])
    shown = max(((last_day - first_day).days + 1 for last_day in last_days), default=0)
    margin = 1 + shown // 12
    return first_day, min(max(shown + margin, MIN_DAYS), MAX_DAYS)


def covered_until(now: datetime, stretches: Sequence[Stretch]) -> datetime | None:
    """The end of unbroken coverage from `now`; `now` itself if nothing covers it, None if it runs on without an end."""
    end = now
    for stretch in sorted(stretches, key=lambda stretch: stretch.starts_at):
        if stretch.starts_at <= end:
            if stretch.ends_at is None:
                return None
            end = max(end, stretch.ends_at)
    return end


def draw_line(line: LineInput) -> Drawing:
    """Draws the line; every number is finite and inside the box, whatever the input."""
    scale = _Scale(line)
    pieces = _pieces(line, scale)
    below = _y(max((piece.track for piece in pieces), default=0))
    return Drawing(
        height=below + LABELS_PX,
        y=MAIN_Y,
        rails=_rails(pieces, scale),
        joints=_joints(pieces, scale),
        stations=_stations(line, pieces, scale),
        labels=_labels(line, pieces, scale, below=below),
        now_x=scale.moment(line.now) if scale.holds(line.now) else None,
    )


class _Scale:
    """From moments to per cent, linear in elapsed time between the midnights at both edges."""

    def __init__(self, line: LineInput) -> None:
        self._left = datetime.combine(line.first_day, time(), tzinfo=line.zone).timestamp()
        right = datetime.combine(line.first_day + timedelta(days=line.days), time(), tzinfo=line.zone).timestamp()
        self.length = right - self._left
        self._zone = line.zone

    def seconds(self, moment: datetime) -> float:
        return moment.timestamp() - self._left

    def per_cent(self, seconds: float) -> float:
        return round(min(max(seconds / self.length, 0), 1) * 100, 2)

    def moment(self, moment: datetime) -> float:
        return self.per_cent(self.seconds(moment))

    def noon(self, day: date) -> float:
        """Seconds at the middle of a day, where its station is."""
        return self.seconds(datetime.combine(day, time(12), tzinfo=self._zone))

    def day_ended_by(self, seconds: float) -> date:
        """The day that a moment ends: midnight belongs to the day before it."""
        return datetime.fromtimestamp(self._left + seconds - 0.001, self._zone).date()

    def holds(self, moment: datetime) -> bool:
        return 0 <= self.seconds(moment) <= self.length


def _y(track: int) -> int:
    return MAIN_Y + track * TRACK_GAP


# -- which stretch runs on which track ---------------------------------------------------------------------------------


def _pieces(line: LineInput, scale: _Scale) -> tuple[_Piece, ...]:
    """Lays stretches on tracks.

    The main track is never free while anything runs; what starts beside it runs on a side track and moves up when a
    track above falls free. Tracks beyond the last are drawn on the last.
    """
    stretches = _clipped(line, scale)
    moments = sorted({moment for stretch in stretches for moment in (stretch.start, stretch.end)})
    running: list[_Clipped] = []
    pieces = []
    for start, end in pairwise(moments):
        running = [stretch for stretch in running if stretch.end > start]
        running += [stretch for stretch in stretches if stretch.start == start]
        for track, stretch in enumerate(running):
            pieces.append(_Piece(stretch, min(track, MAX_TRACKS - 1), start, end))
    return tuple(pieces)


def _clipped(line: LineInput, scale: _Scale) -> list[_Clipped]:
    """What lies inside the box, by start; of those that start together first what is laid, then what ends first."""
    clipped: list[_Clipped] = []
    for kind, stretches in ((Kind.LAID, line.laid), (Kind.PLANNED, line.planned)):
        for stretch in stretches:
            start = max(scale.seconds(stretch.starts_at), 0)
            end = scale.length if stretch.ends_at is None else min(scale.seconds(stretch.ends_at), scale.length)
            if end > start:
                clipped.append(_Clipped(kind, start, end, number=len(clipped)))
    return sorted(clipped, key=lambda each: (each.start, each.kind is not Kind.LAID, each.end, each.number))


def _rails(pieces: Sequence[_Piece], scale: _Scale) -> tuple[Rail, ...]:
    """Pieces of one kind that touch on one track make one rail. The main track comes last and lies over all joints."""
    rails: list[tuple[int, Kind, float, float]] = []
    for piece in sorted(pieces, key=lambda piece: (-piece.track, piece.stretch.kind, piece.start)):
        if rails and rails[-1][:2] == (piece.track, piece.stretch.kind) and rails[-1][3] >= piece.start:
            rails[-1] = (*rails[-1][:3], max(rails[-1][3], piece.end))
        else:
            rails.append((piece.track, piece.stretch.kind, piece.start, piece.end))
    return tuple(Rail(kind, scale.per_cent(start), scale.per_cent(end), _y(track)) for track, kind, start, end in rails)


def _joints(pieces: Sequence[_Piece], scale: _Scale) -> tuple[Joint, ...]:
    """Where a stretch branches off the main track, moves up a track, or ends and merges with the main track."""
    tracks = {(piece.stretch, piece.start): piece.track for piece in pieces}
    runs_at = {piece.start for piece in pieces}
    ends_at = {piece.end for piece in pieces}
    # Too near to an edge there is no room for a switch: the rail begins or ends without one.
    room = scale.length * JOINT_PX / NARROW_PX
    joints = set()
    for piece in pieces:
        kind = piece.stretch.kind
        is_new = piece.stretch.start == piece.start
        if piece.track and is_new and piece.start in ends_at and piece.start >= room:
            joints.add(Joint(kind, scale.per_cent(piece.start), MAIN_Y, _y(piece.track), leads_in=True))
        if piece.track and piece.end in runs_at and piece.end <= scale.length - room:
            goes_to = tracks.get((piece.stretch, piece.end), 0)
            if goes_to < piece.track:
                joints.add(Joint(kind, scale.per_cent(piece.end), _y(goes_to), _y(piece.track), leads_in=False))
    return tuple(sorted(joints, key=lambda joint: (-joint.y_lower, joint.x, joint.leads_in, joint.kind, joint.y_upper)))


# -- stations ----------------------------------------------------------------------------------------------------------


def _stations(line: LineInput, pieces: Sequence[_Piece], scale: _Scale) -> tuple[Station, ...]:
    stations = []
    for day in _days(line):
        is_big = line.days <= STATION_DAYS or day == line.flight
        if is_big or line.days <= DOT_DAYS or day.day == 1:
            noon = scale.noon(day)
            here = sorted((piece.track, piece.stretch.kind) for piece in pieces if piece.start <= noon < piece.end)
            kind, reach = (here[0][1], here[-1][0] * TRACK_GAP) if here else (Kind.OPEN, 0)
            stations.append(Station(kind, scale.per_cent(noon), MAIN_Y, reach if is_big else 0, is_big))
    return tuple(stations)


def _days(line: LineInput) -> list[date]:
    return [line.first_day + timedelta(days=number) for number in range(line.days)]


# -- labels ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Wish:
    """A label that wants to stand at `x`. Who comes first is served first."""

    kind: Kind
    x: float
    text: str


def _labels(line: LineInput, pieces: Sequence[_Piece], scale: _Scale, *, below: int) -> tuple[Label, ...]:
    top = _top_wishes(line, pieces, scale)
    days = {width: _day_wishes(line, pieces, scale, width) for width in (NARROW_PX, WIDE_PX)}
    under = _under_wishes(line, scale)
    return (
        *_placed(top, top, y=TOP_LABEL_Y),
        *_placed(days[NARROW_PX], days[WIDE_PX], y=below + 28),
        *_placed(under, under, y=below + 44),
    )


def _top_wishes(line: LineInput, pieces: Sequence[_Piece], scale: _Scale) -> list[_Wish]:
    wishes = []
    planned_end = _end_of(Kind.PLANNED, pieces)
    if line.words.gain and planned_end is not None:
        laid_end = _end_of(Kind.LAID, pieces) or 0
        start = max(laid_end, min(piece.start for piece in pieces if piece.stretch.kind is Kind.PLANNED))
        middle = (start + planned_end) / 2 if start < planned_end else planned_end
        wishes.append(_Wish(Kind.PLANNED, scale.per_cent(middle), line.words.gain))
    if line.flight is not None and 0 <= scale.noon(line.flight) <= scale.length:
        wishes.append(_Wish(Kind.FLIGHT, scale.per_cent(scale.noon(line.flight)), line.words.flight))
    if scale.holds(line.now):
        wishes.append(_Wish(Kind.NOW, scale.moment(line.now), line.words.now))
    return wishes


def _end_of(kind: Kind, pieces: Sequence[_Piece]) -> float | None:
    return max((piece.end for piece in pieces if piece.stretch.kind is kind), default=None)


def _last_days(pieces: Sequence[_Piece], scale: _Scale) -> dict[date, Kind]:
    """The days on which coverage ends inside the box: of what would be laid, else of what is."""
    days = {}
    for kind in (Kind.LAID, Kind.PLANNED):
        end = _end_of(kind, pieces)
        if end is not None and end < scale.length:
            days[scale.day_ended_by(end)] = kind
    return days


def _day_wishes(line: LineInput, pieces: Sequence[_Piece], scale: _Scale, width: int) -> list[_Wish]:
    """First the days on which coverage ends, then the others: each, every so many, or the months."""
    days = _days(line)
    in_months = line.days > DOT_DAYS
    last = _last_days(pieces, scale)
    shown = [days[0], *(day for day in days if day.day == 1)] if in_months else days[:: _step(line.days, width)]
    wishes = [(kind, day) for day, kind in reversed(last.items())]
    wishes += [(Kind.QUIET, day) for day in shown if day not in last]
    return [_Wish(kind, scale.per_cent(scale.noon(day)), _day_text(line, day, kind, in_months)) for kind, day in wishes]


def _day_text(line: LineInput, day: date, kind: Kind, in_months: bool) -> str:
    if not in_months:
        return str(day.day)
    return line.words.month(day) if kind is Kind.QUIET and day.day == 1 else line.words.short_day(day)


def _step(days: int, width: int) -> int:
    """Every how many days a label fits, in a rhythm that people count in."""
    room = text_width("00") + LABEL_GAP_PX
    return next((step for step in (1, 2, 5, 7) if days * room / step <= width), 10)


def _under_wishes(line: LineInput, scale: _Scale) -> list[_Wish]:
    """Weekdays where each day has room for one, else the months."""
    days = _days(line)
    if line.days <= WEEKDAY_DAYS:
        return [_Wish(Kind.QUIET, scale.per_cent(scale.noon(day)), line.words.weekday(day)) for day in days]
    if line.days > DOT_DAYS:
        return []
    firsts = [days[0], *(day for day in days[1:] if day.day == 1)]
    return [_Wish(Kind.QUIET, scale.per_cent(scale.noon(day)), line.words.month(day)) for day in reversed(firsts)]


def _placed(narrow: Sequence[_Wish], wide: Sequence[_Wish], *, y: int) -> tuple[Label, ...]:
    """For either width the wishes that have room there; a label that stands at the same place in both is one."""
    on_narrow, on_wide = _with_room(narrow, y, NARROW_PX), _with_room(wide, y, WIDE_PX)
    return (
        *(label for label in on_narrow if label in on_wide),
        *(replace(label, only=Width.NARROW) for label in on_narrow if label not in on_wide),
        *(replace(label, only=Width.WIDE) for label in on_wide if label not in on_narrow),
    )


def _with_room(wishes: Sequence[_Wish], y: int, width: int) -> list[Label]:
    labels: list[Label] = []
    for wish in wishes:
        label = _anchored(wish, y, width)
        if all(not _meet(label, other, width) for other in labels):
            labels.append(label)
    return labels


def _anchored(wish: _Wish, y: int, width: int) -> Label:
    half = text_width(wish.text) / 2
    middle = wish.x * width / 100
    if middle < half:
        return Label(wish.kind, 0, y, "start", wish.text)
    if middle > width - half:
        return Label(wish.kind, 100, y, "end", wish.text)
    return Label(wish.kind, wish.x, y, "middle", wish.text)


def extent(label: Label, width: int) -> tuple[float, float]:
    """From where to where a label reaches on a line of so many pixels."""
    size = text_width(label.text)
    left = label.x * width / 100 - {"start": 0.0, "middle": size / 2, "end": size}[label.anchor]
    return left, left + size


def _meet(one: Label, other: Label, width: int) -> bool:
    (left, right), (other_left, other_right) = extent(one, width), extent(other, width)
    return left < other_right + LABEL_GAP_PX and other_left < right + LABEL_GAP_PX


def text_width(text: str) -> float:
    """How many pixels a label may take at most in the faces we use: an em for wide letters, two thirds for others."""
    return sum(LETTER_PX * (1.0 if unicodedata.east_asian_width(letter) in "WFA" else 0.66) for letter in text)
