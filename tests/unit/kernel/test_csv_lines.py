# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsuzuku.kernel.csv_lines import (
    DOWNLOAD_AGAIN,
    LineMalformed,
    by_columns,
    decimal_money,
    decimal_text,
    first_line,
    read_lines,
)
from tsuzuku.kernel.money import Money


def test_numbers_lines_as_an_editor_does() -> None:
    assert read_lines(b'\xef\xbb\xbfa,b\r\n\r\n"x\ny",2\r\n3,4\n') == [
        (1, ["a", "b"]),
        (4, ["x\ny", "2"]),
        (5, ["3", "4"]),
    ]
    assert read_lines("日付,額\n".encode("gbk"), encoding="gbk") == [(1, ["日付", "額"])]


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b"", 1),
        (b"a,b", 1),
        (b"a,b\n1,2", 2),
        (b'a,b\n"1,2\n', 2),
        (b"a,b\n1,\xff\n", 2),
        (b"a,b\n1,\0\n", 2),
        (b'a,b\n"1"x,2\n', 2),
    ],
)
def test_refuses_what_is_not_whole(body: bytes, line: int) -> None:
    with pytest.raises(LineMalformed) as caught:
        read_lines(body)
    assert caught.value.line == line


def test_a_line_has_as_many_cells_as_there_are_columns() -> None:
    assert list(by_columns([(2, ["1", " 2 "])], ["a", "b"])) == [(2, {"a": "1", "b": "2"})]
    with pytest.raises(LineMalformed, match="2 fields, not 1"):
        list(by_columns([(2, ["1"]), (3, ["1", "2"])], ["a", "b"]))
    with pytest.raises(LineMalformed) as caught:
        list(by_columns([(2, ["1", "2"]), (3, ["1"])], ["a", "b"]))
    assert (caught.value.line, caught.value.expected) == (3, DOWNLOAD_AGAIN)


def test_the_first_line_tells_whose_file_it_is() -> None:
    assert first_line(b"\xef\xbb\xbfa,b\r\n1,2") == "a,b"
    assert first_line(b"\xff\xfe") == ""


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("1180", "JPY", 1180),
        ("1,180.00", "JPY", 1180),
        ("-0.5", "USD", -50),
        ("12.345", "KWD", 12345),
        ("+3", "CNY", 300),
    ],
)
def test_reads_amounts_in_major_units(text: str, currency: str, minor: int) -> None:
    assert decimal_money(text, currency) == Money(minor, currency)


@pytest.mark.parametrize("text", ["", "x", "1.5", "NaN", "Infinity", "1e30", "1;2", "0x10"])
def test_refuses_what_is_no_amount_of_yen(text: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        decimal_money(text, "JPY")


@given(st.integers(-(10**14), 10**14), st.sampled_from(["JPY", "USD", "CNY"]))
def test_what_is_written_is_read(minor: int, currency: str) -> None:
    assert decimal_money(decimal_text(Money(minor, currency)), currency) == Money(minor, currency)
