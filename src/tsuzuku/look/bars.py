# SPDX-License-Identifier: Apache-2.0
"""Plots of amounts: bars below each other for what has names, columns side by side for days. Pure functions.

Across, places are per cent of whatever width the page gives; down, they are pixels. A part of each amount may be drawn
in another colour, such as what went back. The template `look/bars.html` draws both.
"""

from collections.abc import Sequence
from dataclasses import dataclass

ROW_PX, BAR_PX, TEXT_PX = 44, 14, 16
COLUMNS_PX, FOOT_PX, HEAD_PX = 140, 22, 20
#: So many days have their names below, more only some of them.
NAMED_COLUMNS_MAX = 6
_GAP = 0.2


@dataclass(frozen=True, slots=True)
class Amount:
    """Something to be drawn: its name, how much it is, what part of that is drawn differently, and both in words."""

    name: str
    value: int
    part: int
    text: str


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle: across in per cent, down in pixels."""

    x: float
    y: float
    width: float
    height: float
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class Caption:
    """A text at a place; `anchor` is start, middle or end."""

    x: float
    y: float
    text: str
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Plot:
    """What a template has to draw, and how high it is."""

    height: int
    boxes: tuple[Box, ...]
    captions: tuple[Caption, ...]


def draw_rows(amounts: Sequence[Amount]) -> Plot:
    """A bar for each, below its name and its amount in words; the largest has the whole width."""
    largest = _largest(amounts)
    boxes, captions = [], []
    for place, amount in enumerate(amounts):
        top = place * ROW_PX
        captions += [Caption(0, top + TEXT_PX, amount.name), Caption(100, top + TEXT_PX, amount.text, "end")]
        for value, is_part in ((amount.value, False), (amount.part, True)):
            if value > 0:
                boxes.append(Box(0, top + TEXT_PX + 6, _per_cent(value, largest), BAR_PX, is_part))
    return Plot(len(amounts) * ROW_PX, tuple(boxes), tuple(captions))


def draw_columns(amounts: Sequence[Amount]) -> Plot:
    """A column for each, side by side; the largest has the whole height and its amount in words above."""
    largest = _largest(amounts)
    width = 100 / max(len(amounts), 1)
    bottom = HEAD_PX + COLUMNS_PX
    boxes, captions = [], []
    for place, amount in enumerate(amounts):
        for value, is_part in ((amount.value, False), (amount.part, True)):
            height = round(COLUMNS_PX * min(value, largest) / largest, 1)
            if value > 0:
                left = round(width * (place + _GAP / 2), 3)
                boxes.append(Box(left, bottom - height, round(width * (1 - _GAP), 3), height, is_part))
        if place in _named(len(amounts)):
            captions.append(_under(amount.name, place, len(amounts), bottom + TEXT_PX))
    if amounts:
        highest = max(range(len(amounts)), key=lambda place: amounts[place].value)
        captions.append(_under(amounts[highest].text, highest, len(amounts), HEAD_PX - 6))
    return Plot(bottom + FOOT_PX, tuple(boxes), tuple(captions))


def _largest(amounts: Sequence[Amount]) -> int:
    return max([1, *(max(amount.value, amount.part) for amount in amounts)])


def _per_cent(value: int, largest: int) -> float:
    return round(100 * value / largest, 3)


def _named(count: int) -> set[int]:
    """Which of so many columns have their names: all, or the first, the last and some between."""
    if count <= NAMED_COLUMNS_MAX:
        return set(range(count))
    return {round(step * (count - 1) / (NAMED_COLUMNS_MAX - 1)) for step in range(NAMED_COLUMNS_MAX)}


def _under(text: str, place: int, count: int, y: float) -> Caption:
    """A text in the middle of a column, or at its outer side near the edges, where it would be cut off."""
    middle = round(100 * (place + 0.5) / count, 3)
    if middle < 100 / NAMED_COLUMNS_MAX / 2:
        return Caption(0, y, text, "start")
    if middle > 100 - 100 / NAMED_COLUMNS_MAX / 2:
        return Caption(100, y, text, "end")
    return Caption(middle, y, text, "middle")
