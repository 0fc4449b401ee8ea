# SPDX-License-Identifier: Apache-2.0
"""From the bytes of a stock file to its lines of cells, in bounded memory, whatever encoding a back office chose."""

import codecs
import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from typing import BinaryIO

#: A line longer than this is not stock; it is passed over, never held.
LINE_LENGTH_MAX = 10_000
#: A cell with line breaks, in quotes, may go over this many lines more.
LINES_IN_A_RECORD_MAX = 20
_CHUNK = 1 << 20
#: Beside white space: zero-width space, byte order mark, and the end-of-file mark of DOS.
_NOTHING = "\u200b\ufeff\x1a"


@dataclass(frozen=True)
class Encoding:
    """How bytes become text: the codec, and the name that people know it by."""

    name: str
    codec: str


UTF_8 = Encoding("UTF-8", "utf-8")
UTF_8_MARKED = Encoding("UTF-8 with BOM", "utf-8-sig")
UTF_16 = Encoding("UTF-16", "utf-16")
UTF_16_LE = Encoding("UTF-16", "utf-16-le")
UTF_16_BE = Encoding("UTF-16", "utf-16-be")
#: Microsoft's superset, which is what Japanese programs mean by Shift_JIS.
SHIFT_JIS = Encoding("Shift_JIS", "cp932")


@dataclass(frozen=True, slots=True)
class PhysicalLine:
    """A line as a person counts it, from 1, without its end; `text` is None if it is longer than LINE_LENGTH_MAX."""

    number: int
    text: str | None


@dataclass(frozen=True, slots=True)
class Record:
    """The cells of a line, or of several if a quoted cell has line ends: then `line` is the first. None: too long."""

    line: int
    cells: list[str] | None


def possible_encodings(file: BinaryIO) -> tuple[Encoding, ...]:
    """What the file can be, the likeliest first. Reads it once, and leaves it at its start.

    A file that is wholly valid UTF-8 is UTF-8: Shift_JIS with Japanese in it never is by chance.
    """
    file.seek(0)
    head = file.read(4096)
    if head.startswith(codecs.BOM_UTF8):
        found: tuple[Encoding, ...] = (UTF_8_MARKED,)
    elif head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        found = (UTF_16,)
    elif head[1::2].count(0) * 4 > len(head):
        found = (UTF_16_LE,)
    elif head[0::2].count(0) * 4 > len(head):
        found = (UTF_16_BE,)
    elif _is_utf_8(file):
        found = (UTF_8,)
    else:
        found = (SHIFT_JIS, UTF_8)
    file.seek(0)
    return found


def _is_utf_8(file: BinaryIO) -> bool:
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while chunk := file.read(_CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def physical_lines(file: BinaryIO, encoding: Encoding) -> Iterator[PhysicalLine]:
    """The lines of the file from its start. Bytes that the encoding does not know become U+FFFD."""
    file.seek(0)
    text = TextIOWrapper(file, encoding=encoding.codec, errors="replace", newline=None)
    number = 0
    try:
        while line := text.readline(LINE_LENGTH_MAX + 1):
            number += 1
            if len(line) > LINE_LENGTH_MAX and not line.endswith("\n"):
                while (rest := text.readline(_CHUNK)) and not rest.endswith("\n"):
                    pass
                yield PhysicalLine(number, None)
            else:
                yield PhysicalLine(number, line.rstrip("\n"))
    finally:
        text.detach()


def records(lines: Iterator[PhysicalLine], *, delimiter: str, width: int) -> Iterator[Record]:
    """The cells of each line. A stray quote spoils its own line and no other."""
    put_back: deque[PhysicalLine] = deque()
    while (line := put_back.popleft() if put_back else next(lines, None)) is not None:
        if line.text is None:
            yield Record(line.number, None)
        elif '"' not in line.text:
            yield Record(line.number, line.text.split(delimiter))
        else:
            yield Record(line.number, _quoted_cells(line.text, lines, put_back, delimiter=delimiter, width=width))


def _quoted_cells(
    text: str, lines: Iterator[PhysicalLine], put_back: deque[PhysicalLine], *, delimiter: str, width: int
) -> list[str]:
    """The cells of a line with quotes, joined with lines that follow if only so it has the right number of cells."""
    joined = text
    taken: list[PhysicalLine] = []
    while joined.count('"') % 2 and len(taken) < LINES_IN_A_RECORD_MAX:
        following = put_back.popleft() if put_back else next(lines, None)
        if following is None:
            break
        taken.append(following)
        if following.text is None:
            break
        joined = f"{joined}\n{following.text}"
    if taken:
        try:
            cells = next(csv.reader([joined], delimiter=delimiter, strict=True))
        except csv.Error:
            cells = []
        if len(cells) == width:
            return cells
        put_back.extendleft(reversed(taken))
    return split_cells(text, delimiter)


def split_cells(text: str, delimiter: str) -> list[str]:
    """The cells of one line, quotes undone."""
    return next(csv.reader([text], delimiter=delimiter), [])


def is_blank(text: str) -> bool:
    """Whether there is nothing to read in a text."""
    return not text.strip().strip(_NOTHING).strip()
