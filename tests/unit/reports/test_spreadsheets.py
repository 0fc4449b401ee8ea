# SPDX-License-Identifier: Apache-2.0
import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsuzuku.reports.spreadsheets import spreadsheet


def read(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def test_is_what_a_spreadsheet_expects() -> None:
    body = spreadsheet(["plan", "orders"], [["3 天 “GB”, 1", 2], ['say "hi"\nthere', -5]])
    assert body == (
        b'\xef\xbb\xbfplan,orders\r\n"3 \xe5\xa4\xa9 \xe2\x80\x9cGB\xe2\x80\x9d, 1",2\r\n"say ""hi""\nthere",-5\r\n'
    )


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=1", "\n=1", '=HYPERLINK("http://x")', "＝1+1", "＠x", " =1", "－1"],
)
def test_a_formula_is_made_a_text(cell: str) -> None:
    assert read(spreadsheet(["h"], [[cell]])) == [["h"], [f"'{cell}"]]


def test_a_heading_is_defused_too() -> None:
    assert read(spreadsheet(["=cmd|'/c calc'!A0"], [])) == [["'=cmd|'/c calc'!A0"]]


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"))


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_whatever_is_written_comes_back_and_begins_no_formula(cells: list[str]) -> None:
    (_, found) = read(spreadsheet(["x"] * len(cells), [cells]))
    assert [cell.removeprefix("'") for cell in found] == [cell.removeprefix("'") for cell in cells]
    assert not any(cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in found)
