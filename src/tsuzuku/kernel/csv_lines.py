# SPDX-License-Identifier: Apache-2.0
"""Lines of CSV files that strangers wrote (RFC 4180): whole or refused, with the number of the line that is wrong."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from io import StringIO

from babel.numbers import get_currency_precision

from tsuzuku.kernel.money import Money
from tsuzuku.kernel.storable import storable

#: What to do about a file that ends too early, in the words of an error.
DOWNLOAD_AGAIN = "the rest of the file, which is cut off: download it again"


class LineMalformed(ValueError):
    """A line that cannot be read, counted from 1, and what should stand there."""

    def __init__(self, line: int, expected: str) -> None:
        super().__init__(f"line {line}: expected {expected}")
        self.line = line
        self.expected = expected


def first_line(body: bytes, *, encoding: str = "utf-8-sig") -> str:
    """The first line without its end, by which one tells whose file it is; empty if it is in no such encoding."""
    try:
        return body.partition(b"\n")[0].decode(encoding).rstrip("\r")
    except UnicodeDecodeError:
        return ""


def read_lines(body: bytes, *, encoding: str = "utf-8-sig") -> list[tuple[int, list[str]]]:
    """All lines with their numbers and cells, without empty ones.

    Raises LineMalformed for what is in another encoding, is no CSV, or does not end with the end of a line.
    """
    number = 1 + body.count(b"\n")
    if not body.endswith(b"\n"):
        raise LineMalformed(number, DOWNLOAD_AGAIN)
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as problem:
        raise LineMalformed(1 + body[: problem.start].count(b"\n"), f"text in {encoding}") from None
    if "\0" in text:
        raise LineMalformed(1 + text[: text.index("\0")].count("\n"), "text without zero bytes")
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        return [(reader.line_num, cells) for cells in reader if cells]
    except csv.Error as problem:
        raise LineMalformed(reader.line_num, f"CSV ({problem})") from None


def by_columns(
    lines: Sequence[tuple[int, list[str]]], columns: Sequence[str]
) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Each line as a mapping from the columns. Raises LineMalformed for one that has fewer or more cells."""
    for number, cells in lines:
        if len(cells) != len(columns):
            is_last = number == lines[-1][0] and len(cells) < len(columns)
            raise LineMalformed(number, DOWNLOAD_AGAIN if is_last else f"{len(columns)} fields, not {len(cells)}")
        yield number, dict(zip(columns, (storable(cell.strip()) for cell in cells), strict=True))


def decimal_money(text: str, currency: str) -> Money:
    """An amount in major units such as 1,180.00 with or without its zeros. Raises ValueError for what is none."""
    try:
        minor = Decimal(text.replace(",", "")).scaleb(decimals_of(currency))
    except InvalidOperation:
        raise ValueError(f"no amount: {text!r}") from None
    if not minor.is_finite() or minor != int(minor) or abs(minor) >= 2**63:
        raise ValueError(f"no amount of {currency}: {text!r}")
    return Money(int(minor), currency)


def decimals_of(currency: str) -> int:
    """How many digits of a currency's amounts in minor units stand behind the point."""
    return get_currency_precision(currency)


def decimal_text(amount: Money) -> str:
    """The same the other way: 1180.00 for yen too, as exports of providers write it."""
    return f"{Decimal(amount.amount_minor).scaleb(-decimals_of(amount.currency)):.2f}"
