# SPDX-License-Identifier: Apache-2.0
"""CSV that can be opened in a spreadsheet without harm: RFC 4180, in UTF-8 with the mark by which Excel knows it."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

#: A cell that begins with one of these is a formula to a spreadsheet, the full-width forms too in East Asian ones.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def spreadsheet(headings: Sequence[str], rows: Iterable[Sequence[str | int]]) -> bytes:
    """The bytes of a file. Numbers stay numbers, below zero too; text that could be a formula is text."""
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([_cell(heading) for heading in headings])
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _cell(cell: str | int) -> str | int:
    """An apostrophe before a text makes it one, and is not shown."""
    if isinstance(cell, str) and cell.lstrip(" ").startswith(_FORMULA):
        return f"'{cell}"
    return cell
