# SPDX-License-Identifier: Apache-2.0
from collections.abc import Iterator
from io import BytesIO

import pytest

from tsuzuku.cards.stock_lines import (
    LINE_LENGTH_MAX,
    SHIFT_JIS,
    UTF_8,
    UTF_8_MARKED,
    UTF_16,
    UTF_16_BE,
    UTF_16_LE,
    Encoding,
    PhysicalLine,
    is_blank,
    physical_lines,
    possible_encodings,
    records,
)

TEXT = "ICCID,種別\r\n8981100237411045554,SIM\r\n令和9年,𠮷\r\n"


@pytest.mark.parametrize(
    ("bytes_", "encodings"),
    [
        (TEXT.encode("utf-8"), (UTF_8,)),
        (TEXT.encode("utf-8-sig"), (UTF_8_MARKED,)),
        (TEXT.encode("utf-16"), (UTF_16,)),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), (UTF_16,)),
        (TEXT.encode("utf-16-le"), (UTF_16_LE,)),
        (TEXT.encode("utf-16-be"), (UTF_16_BE,)),
        (TEXT.replace("𠮷", "吉").encode("cp932"), (SHIFT_JIS, UTF_8)),
        (b"ICCID,PIN\r\n", (UTF_8,)),
        (b"", (UTF_8,)),
    ],
)
def test_the_encoding_is_told_from_the_bytes(bytes_: bytes, encodings: tuple[Encoding, ...]) -> None:
    assert possible_encodings(BytesIO(bytes_)) == encodings


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_lines_are_the_same_in_every_encoding(codec: str) -> None:
    file = BytesIO(TEXT.encode(codec))
    (encoding,) = possible_encodings(file)
    assert list(physical_lines(file, encoding)) == [
        PhysicalLine(1, "ICCID,種別"),
        PhysicalLine(2, "8981100237411045554,SIM"),
        PhysicalLine(3, "令和9年,𠮷"),
    ]


def test_japanese_far_down_the_file_decides_too() -> None:
    file = BytesIO(b"ICCID,PIN\n" * 300_000 + "令和".encode("cp932"))
    assert possible_encodings(file) == (SHIFT_JIS, UTF_8)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_counts_one_line(end: str) -> None:
    file = BytesIO(end.join(["a", "", "b"]).encode())
    assert list(physical_lines(file, UTF_8)) == [PhysicalLine(1, "a"), PhysicalLine(2, ""), PhysicalLine(3, "b")]


def test_bytes_that_are_no_text_spoil_their_place_only() -> None:
    lines = list(physical_lines(BytesIO(b"a,\x81\r\nb,\x81 ,c\r\n"), SHIFT_JIS))
    assert lines == [PhysicalLine(1, "a,\ufffd"), PhysicalLine(2, "b,\ufffd ,c")]


def test_a_line_without_end_is_passed_over_not_held() -> None:
    file = BytesIO(b"a\n" + b"x" * (LINE_LENGTH_MAX + 1) + b"\n" + b"y" * LINE_LENGTH_MAX + b"\n" + b"z" * 3_000_000)
    lines = list(physical_lines(file, UTF_8))
    assert [(line.number, None if line.text is None else line.text[0]) for line in lines] == [
        (1, "a"),
        (2, None),
        (3, "y"),
        (4, None),
    ]


def _cells(text: str, *, width: int = 3) -> list[tuple[int, list[str] | None]]:
    lines: Iterator[PhysicalLine] = physical_lines(BytesIO(text.encode()), UTF_8)
    return [(record.line, record.cells) for record in records(lines, delimiter=",", width=width)]


def test_quotes_are_undone() -> None:
    assert _cells('1,"a,b","say ""hi"""\n2,b,c') == [(1, ["1", "a,b", 'say "hi"']), (2, ["2", "b", "c"])]


def test_a_quoted_cell_may_go_over_lines() -> None:
    assert _cells('1,"a\nb\n",c\n2,b,c') == [(1, ["1", "a\nb\n", "c"]), (4, ["2", "b", "c"])]


def test_a_stray_quote_spoils_its_own_line_only() -> None:
    assert _cells('1,"a,b\n2,b,c\n3,d,e') == [(1, ["1", "a,b"]), (2, ["2", "b", "c"]), (3, ["3", "d", "e"])]


def test_two_stray_quotes_do_not_make_one_line_of_two() -> None:
    assert _cells('1,"a,b\n2,"b,c') == [(1, ["1", "a,b"]), (2, ["2", "b,c"])]


def test_a_sign_for_inches_is_no_quote() -> None:
    assert _cells('1,5" screen,c\n2,b,c') == [(1, ["1", '5" screen', "c"]), (2, ["2", "b", "c"])]


def test_a_stray_quote_before_a_line_that_is_too_long() -> None:
    assert _cells(f'1,"a,b\n{"x" * (LINE_LENGTH_MAX + 1)}\n3,d,e') == [
        (1, ["1", "a,b"]),
        (2, None),
        (3, ["3", "d", "e"]),
    ]


@pytest.mark.parametrize(
    ("text", "blank"), [("", True), (" \u3000\t", True), ("\ufeff", True), ("\x1a", True), ("0", False)]
)
def test_blank(text: str, blank: bool) -> None:
    assert is_blank(text) == blank
