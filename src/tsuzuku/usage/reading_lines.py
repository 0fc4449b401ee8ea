# SPDX-License-Identifier: Apache-2.0
"""Readings as carriers and partners send them, a line each: JSON, or CSV in files. No database.

Every line is a reading, blank, or refused with a code of docs/contracts/partner-api.md. Lines count from 1, blank ones
too. Nearly all lines of a large body are written in one way, by one program: those are read by one regular expression,
all others with care. Both say the same of every line that both can read.
"""

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from itertools import chain, repeat
from typing import Any, BinaryIO, NamedTuple

from django.utils.translation import gettext as _

from tsuzuku.catalog.terms import LotKind
from tsuzuku.kernel.iccid import IccidMalformed, parse_iccid
from tsuzuku.usage.errors import UsageFileRefused

RECORD_ID_LENGTH_MAX = 255
#: 10 TB: more than any card uses between two readings.
AMOUNT_MAX = 10 * 10**12
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
#: How far a reader's clock may be ahead of ours.
AHEAD_MAX = timedelta(hours=1)
#: In characters. A longer line is not a reading; of a file it is passed over, never held.
LINE_LENGTH_MAX = 10_000


class Reading(NamedTuple):
    """What a card used between its reading before and `ended_at` (UTC). `record_id` is the sender's name for it."""

    iccid: str
    record_id: str
    kind: LotKind
    #: Bytes, seconds or messages.
    amount: int
    ended_at: datetime


class Refusal(StrEnum):
    """Why a line is refused; the first that is found."""

    LINE_MALFORMED = "line-malformed"
    BYTES_ABSURD = "bytes-absurd"
    TIME_ABSURD = "time-absurd"


class RefusedLine(NamedTuple):
    """A line that is no reading."""

    number: int
    code: Refusal


@dataclass(frozen=True, slots=True)
class ParsedLines:
    """What a body holds, in its order."""

    readings: list[Reading]
    refused: list[RefusedLine]


class _Refused(Exception):
    """Ends the reading of a line."""

    def __init__(self, code: Refusal) -> None:
        super().__init__(code)
        self.code = code


def parse_lines(body: bytes, *, now: datetime) -> ParsedLines:
    """The readings of data in a body of JSON lines, and the lines that are none."""
    if (usual := _usual_readings(body, latest=now + AHEAD_MAX)) is not None:
        return ParsedLines(usual, [])
    read = _json_reader({"bytes": LotKind.DATA}, latest=now + AHEAD_MAX)
    parsed = ParsedLines([], [])
    for number, line in enumerate(_texts(body), start=1):
        try:
            if line is None:
                raise _Refused(Refusal.LINE_MALFORMED)
            if line and (reading := read(line)) is not None:
                parsed.readings.append(reading)
        except _Refused as refused:
            parsed.refused.append(RefusedLine(number, refused.code))
    return parsed


def apart_by_card(readings: Sequence[Reading], count: int) -> list[list[Reading]]:
    """The readings in so many portions, all of one card's in the same one and in their order."""
    portions: list[list[Reading]] = [[] for _ in range(count)]
    for reading in readings:
        portions[hash(reading.iccid) % count].append(reading)
    return portions


def _texts(body: bytes) -> Sequence[str | None]:
    """The lines as texts; None for one that is not UTF-8."""
    try:
        return body.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError:
        return [_text(line) for line in body.split(b"\n")]


def _text(line: bytes) -> str | None:
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


# -- lines of JSON -----------------------------------------------------------------------------------------------------

#: The line as the contract prints it: plain ASCII, 19 digits, a time in UTC.
_USUAL = (
    r'\{ ?"record_id": ?"([ !#-\[\]-~]{1,255})", ?"iccid": ?"(\d{19})", ?"bytes": ?(0|[1-9]\d{0,12}),'
    r' ?"ended_at": ?"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|\+00:00))" ?\}\r?'
)
_USUAL_LINE = re.compile(_USUAL, re.ASCII)
_USUAL_LINES = re.compile(f"^{_USUAL}$", re.ASCII | re.MULTILINE)
_USUAL_ICCID = re.compile(r"\d{19}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
#: A number of more digits is absurd whatever it is; Python would take long to read it.
_DIGITS_MAX = 20

_Read = Callable[[str], Reading | None]


def _json_reader(amounts: Mapping[str, LotKind], *, latest: datetime) -> _Read:
    """Reads a line of JSON; None if it is blank. `amounts` names the fields that may hold the amount."""
    usual_line, from_iso, data = _USUAL_LINE.fullmatch, datetime.fromisoformat, LotKind.DATA

    def read(line: str) -> Reading | None:
        found = usual_line(line)
        if found is not None:
            record_id, iccid, amount_text, time_text = found.groups()
            if _passes_luhn(iccid):
                try:
                    ended_at = from_iso(time_text)
                except ValueError:
                    raise _Refused(Refusal.LINE_MALFORMED) from None
                amount = int(amount_text)
                if amount <= AMOUNT_MAX and EARLIEST <= ended_at <= latest:
                    return Reading(iccid, record_id, data, amount, ended_at)
        return None if line.isspace() or not line else _reading(_json_fields(line), amounts, latest)

    return read


def _usual_readings(body: bytes, *, latest: datetime) -> list[Reading] | None:
    """The readings of a body whose every line is written in the usual way and right; None of any other body.

    Column by column, without a step of Python for each of tens of thousands of lines.
    """
    try:
        text = body.decode("ascii")
        found = _USUAL_LINES.findall(text)
        if not found or len(found) != text.count("\n") + (not text.endswith("\n")):
            return None
        record_ids, iccids, amount_texts, time_texts = zip(*found, strict=True)
        amounts, times = list(map(int, amount_texts)), list(map(datetime.fromisoformat, time_texts))
    except ValueError:
        return None
    if max(amounts) > AMOUNT_MAX or not EARLIEST <= min(times) <= max(times) <= latest or not _all_pass_luhn(iccids):
        return None
    return list(map(_new_reading, zip(iccids, record_ids, repeat(LotKind.DATA), amounts, times)))


#: `Reading._make` without its check of the length.
_new_reading: Callable[[tuple[Any, ...]], Reading] = partial(tuple.__new__, Reading)

#: By the ASCII code of a digit: its value.
_SINGLE = bytes(code - 48 if 48 <= code <= 57 else 0 for code in range(256))
_TENS = bytes(range(0, 256, 10))


def _all_pass_luhn(iccids: Sequence[str]) -> bool:
    """Whether all of these texts of 19 digits pass. A byte of one long number adds up the digits of each."""
    digits = "".join(iccids).encode()
    columns = (digits[place::19].translate(_DOUBLED if place % 2 else _SINGLE) for place in range(19))
    sums = sum(map(int.from_bytes, columns)).to_bytes(len(iccids))
    return not sums.translate(None, _TENS)


#: By the ASCII code of a digit: the sum of the digits of its double.
_DOUBLED = bytes((code - 48) * 2 - 9 * (code > 52) if 48 <= code <= 57 else 0 for code in range(256))


def _passes_luhn(iccid: str) -> bool:
    """Whether the last of 19 digits checks the others, as `kernel.luhn` says it, for tens of thousands in a body."""
    digits = iccid.encode()
    # Ten ASCII digits bring in ten times 48, which leaves the last digit of the sum alone.
    return (sum(digits[0::2]) + sum(digits[1::2].translate(_DOUBLED))) % 10 == 0


def _json_fields(line: str) -> Mapping[str, Any]:
    try:
        fields = _decoder.decode(line) if len(line) <= LINE_LENGTH_MAX else None
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise _Refused(Refusal.LINE_MALFORMED)
    return fields


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a field twice")
    return fields


def _whole(text: str) -> int:
    return int(text[: _DIGITS_MAX + 1])


def _no_number(text: str) -> None:
    raise ValueError(text)


_decoder = json.JSONDecoder(object_pairs_hook=_once, parse_int=_whole, parse_constant=_no_number)


# -- fields ------------------------------------------------------------------------------------------------------------


def _reading(fields: Mapping[str, Any], amounts: Mapping[str, LotKind], latest: datetime) -> Reading:
    """A reading of its fields: malformed ones are told before absurd ones."""
    named = [name for name in amounts if fields.get(name) is not None]
    record_id, iccid = fields.get("record_id"), fields.get("iccid")
    if len(named) != 1 or not isinstance(iccid, str):
        raise _Refused(Refusal.LINE_MALFORMED)
    if not (isinstance(record_id, str) and 0 < len(record_id) <= RECORD_ID_LENGTH_MAX and record_id.isprintable()):
        raise _Refused(Refusal.LINE_MALFORMED)
    amount = fields[named[0]]
    if type(amount) is not int:  # a boolean is an int too
        raise _Refused(Refusal.LINE_MALFORMED)
    number = iccid
    if not (_USUAL_ICCID.fullmatch(iccid) and _passes_luhn(iccid)):
        try:
            number = parse_iccid(iccid)
        except IccidMalformed:
            raise _Refused(Refusal.LINE_MALFORMED) from None
    ended_at = _moment(fields.get("ended_at"))
    if not 0 <= amount <= AMOUNT_MAX:
        raise _Refused(Refusal.BYTES_ABSURD)
    if not EARLIEST <= ended_at <= latest:
        raise _Refused(Refusal.TIME_ABSURD)
    return Reading(number, record_id, amounts[named[0]], amount, ended_at.astimezone(UTC))


def _moment(text: object) -> datetime:
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise _Refused(Refusal.LINE_MALFORMED)
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        raise _Refused(Refusal.LINE_MALFORMED) from None


# -- files -------------------------------------------------------------------------------------------------------------

#: The fields of a file that may hold the amount; a line has one of them.
FILE_AMOUNTS: Mapping[str, LotKind] = {
    "bytes": LotKind.DATA,
    "seconds": LotKind.VOICE,
    "messages": LotKind.MESSAGE,
}
_COLUMNS = ("record_id", "iccid", "ended_at")
_NUMBER = re.compile(r"-?\d+", re.ASCII)


def read_file(file: BinaryIO, *, now: datetime) -> Iterator[Reading | RefusedLine | None]:
    """The lines of a file, one by one: JSON if the first begins with a brace, else CSV with headings. None is blank.

    Raises UsageFileRefused when the first line is neither.
    """
    lines = _file_lines(file)
    latest = now + AHEAD_MAX
    while (first := next(lines, None)) is not None and first[1] is not None and not first[1].strip():
        yield None
    if first is None:
        return
    line = first[1]
    if line is not None and line.lstrip().startswith("{"):
        lines = chain([first], lines)
        read = _json_reader(FILE_AMOUNTS, latest=latest)
    else:
        read = _csv_reader(line or "", latest=latest)
    for number, line in lines:
        try:
            if line is None:
                raise _Refused(Refusal.LINE_MALFORMED)
            yield read(line)
        except _Refused as refused:
            yield RefusedLine(number, refused.code)


def _file_lines(file: BinaryIO) -> Iterator[tuple[int, str | None]]:
    """The lines with their numbers; None for one that is too long or not UTF-8."""
    number = 0
    while line := file.readline(LINE_LENGTH_MAX + 1):
        number += 1
        if len(line) > LINE_LENGTH_MAX and not line.endswith(b"\n"):
            while (rest := file.readline(LINE_LENGTH_MAX)) and not rest.endswith(b"\n"):
                pass
            yield number, None
        else:
            yield number, _text(line.removesuffix(b"\n"))


def _csv_reader(headings: str, *, latest: datetime) -> _Read:
    """Reads a line under these headings, a CSV of commas; None if it is blank."""
    columns = [heading.strip().lower() for heading in _cells(headings)]
    missing = [name for name in _COLUMNS if name not in columns]
    if missing or not any(name in columns for name in FILE_AMOUNTS):
        looked_for = ", ".join(missing or FILE_AMOUNTS)
        raise UsageFileRefused(
            reason=_(
                "this is neither JSON lines nor CSV with the headings record_id, iccid, bytes, ended_at; "
                "not found: %(names)s"
            )
            % {"names": looked_for}
        )

    def read(line: str) -> Reading | None:
        if not line.strip():
            return None
        cells = [cell.strip() for cell in _cells(line)]
        if len(cells) != len(columns):
            raise _Refused(Refusal.LINE_MALFORMED)
        fields: dict[str, Any] = dict(zip(columns, cells, strict=True))
        for name in FILE_AMOUNTS:
            text = fields.get(name)
            if text is not None:
                fields[name] = _whole(text) if _NUMBER.fullmatch(text) else text or None
        return _reading(fields, FILE_AMOUNTS, latest)

    return read


def _cells(line: str) -> list[str]:
    if '"' not in line:
        return line.rstrip("\r").split(",")
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error:
        return []
