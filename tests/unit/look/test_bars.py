# SPDX-License-Identifier: Apache-2.0
import xml.etree.ElementTree as ET

import pytest
from django.template.loader import render_to_string
from hypothesis import given
from hypothesis import strategies as st

from tsuzuku.look.bars import COLUMNS_PX, HEAD_PX, NAMED_COLUMNS_MAX, ROW_PX, Amount, Plot, draw_columns, draw_rows

WEB = Amount("web", 1000, 100, "¥1,000")
KIOSK = Amount("kiosk", 250, 0, "¥250")

amounts = st.lists(
    st.builds(
        Amount,
        st.text(max_size=8),
        st.integers(0, 10**12),
        st.integers(0, 10**12),
        st.text(max_size=8),
    ),
    max_size=60,
)


def test_the_largest_bar_has_the_whole_width() -> None:
    plot = draw_rows([WEB, KIOSK])
    assert [(box.x, box.width, box.is_part) for box in plot.boxes] == [(0, 100, False), (0, 10, True), (0, 25, False)]
    assert [(caption.x, caption.text, caption.anchor) for caption in plot.captions] == [
        (0, "web", "start"),
        (100, "¥1,000", "end"),
        (0, "kiosk", "start"),
        (100, "¥250", "end"),
    ]
    assert plot.height == 2 * ROW_PX


def test_the_largest_column_has_the_whole_height_and_its_amount() -> None:
    plot = draw_columns([KIOSK, WEB])
    assert [(box.y, box.height, box.is_part) for box in plot.boxes] == [
        (HEAD_PX + COLUMNS_PX * 0.75, COLUMNS_PX * 0.25, False),
        (HEAD_PX, COLUMNS_PX, False),
        (HEAD_PX + COLUMNS_PX * 0.9, COLUMNS_PX * 0.1, True),
    ]
    assert [caption.text for caption in plot.captions] == ["kiosk", "web", "¥1,000"]


@pytest.mark.parametrize("draw", [draw_rows, draw_columns])
def test_nothing_to_draw_is_drawn_as_nothing(draw: object) -> None:
    assert callable(draw)
    for plot in (draw([]), draw([Amount("web", 0, 0, "¥0")])):
        assert plot.boxes == ()


@given(amounts)
def test_everything_stays_inside(given_amounts: list[Amount]) -> None:
    for plot in (draw_rows(given_amounts), draw_columns(given_amounts)):
        for box in plot.boxes:
            assert box.x >= 0
            assert box.x + box.width <= 100.01
            assert box.y >= 0
            assert box.y + box.height <= plot.height
        assert all(0 <= caption.x <= 100 and 0 < caption.y <= plot.height for caption in plot.captions)


@given(st.integers(1, 400))
def test_names_at_most_so_many_columns_and_the_first_and_last_of_them(count: int) -> None:
    plot = draw_columns([Amount(str(place), place, 0, "most") for place in range(count)])
    names = [caption.text for caption in plot.captions if caption.text != "most"]
    assert len(names) <= NAMED_COLUMNS_MAX
    assert (names[0], names[-1]) == ("0", str(count - 1))


def test_its_template_is_well_formed_and_escapes() -> None:
    def drawn(plot: Plot) -> ET.Element:
        return ET.fromstring(render_to_string("look/bars.html", {"plot": plot, "title": 'a "<b>"'}))

    svg = drawn(draw_rows([Amount("<script>", 1234567, 1, "¥1")]))
    assert svg.attrib["aria-label"] == 'a "<b>"'
    assert [text.text for text in svg.iter("text")] == ["<script>", "¥1"]
    assert {box.attrib["width"] for box in svg.iter("rect")} == {"100.0%"} | {"0.0%"}
    assert "style" not in render_to_string("look/bars.html", {"plot": draw_columns([WEB, KIOSK]), "title": "x"})
