# SPDX-License-Identifier: Apache-2.0
"""Readings from a file of any size: JSON lines or CSV, gzipped or not."""

import gzip
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from io import BufferedReader, RawIOBase
from itertools import islice
from typing import BinaryIO

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tsuzuku.usage.actions import Taken, take_readings
from tsuzuku.usage.reading_lines import Reading, Refusal, RefusedLine, read_file

#: Lines in one transaction.
PORTION = 50_000
#: So many refused lines are named one by one; all are counted. A file of the wrong kind would refuse every line.
PROBLEMS_MAX = 10_000
#: A gzip file may unpack to so many times its size; readings are repetitive, but not as a trap is.
UNPACKED_TIMES_MAX = 200
#: In bytes; below this nobody asks how it was packed.
UNPACKED_ANYWAY = 100_000_000

_GZIP = b"\x1f\x8b"

#: What each code of a refused line means, for people.
WHAT_TO_DO: dict[Refusal, Promise] = {
    Refusal.LINE_MALFORMED: gettext_lazy(
        "a field is missing or not what it should be, or the line is cut, too long, or not UTF-8"
    ),
    Refusal.BYTES_ABSURD: gettext_lazy("the amount is negative or over 10 TB"),
    Refusal.TIME_ABSURD: gettext_lazy("the time is before 2015 or more than an hour from now"),
}


@dataclass
class UsageImport:
    """What an import did. Every line but the headings was taken, refused or blank."""

    taken: Taken = field(default_factory=Taken)
    blank: int = 0
    refused: Counter[Refusal] = field(default_factory=Counter)
    #: The first PROBLEMS_MAX refused lines.
    problems: list[RefusedLine] = field(default_factory=list)
    #: Why the rest of the file could not be read; what stands above was applied.
    stopped: str = ""


def import_usage(
    *, file: BinaryIO, actor: str, now: datetime, on_progress: Callable[[], object] = lambda: None
) -> UsageImport:
    """Draws the readings of a file, for any card.

    Each portion of lines is a transaction of its own: an import that was killed has kept what it read so far, and
    repeating it counts that as duplicates. `on_progress` is called after each portion. Lines are drawn in order of time
    within a portion; a file that is not in order of time draws late what comes late.

    Raises UsageFileRefused before anything is drawn when the file as a whole cannot be read. What cannot be read
    further on is told in `stopped`.
    """
    result = UsageImport()
    lines = read_file(_unpacked(file), now=now)
    while True:
        portion: list[Reading | RefusedLine | None] = []
        try:
            # Added one by one, so that what was read before a break is kept.
            portion.extend(islice(lines, PORTION))
        except (EOFError, zlib.error, gzip.BadGzipFile, _UnpacksTooFar) as problem:
            result.stopped = _why(problem)
        _take_portion(portion, result, actor=actor, now=now)
        on_progress()
        if result.stopped or len(portion) < PORTION:
            return result


def _take_portion(lines: list[Reading | RefusedLine | None], result: UsageImport, *, actor: str, now: datetime) -> None:
    readings = []
    for line in lines:
        match line:
            case None:
                result.blank += 1
            case Reading():
                readings.append(line)
            case RefusedLine():
                result.refused[line.code] += 1
                if len(result.problems) < PROBLEMS_MAX:
                    result.problems.append(line)
    if readings:
        result.taken += take_readings(readings=readings, actor=actor, card_groups=None, now=now)


class _UnpacksTooFar(Exception):
    """A gzip file that holds out of all proportion."""


def _why(problem: Exception) -> str:
    if isinstance(problem, _UnpacksTooFar):
        return _("it unpacks to more than %(times)d times its size, as no readings do") % {"times": UNPACKED_TIMES_MAX}
    if isinstance(problem, EOFError):
        return _("it is cut off: copy it again, and import it again")
    return _("it is damaged: copy it again, and import it again")


def _unpacked(file: BinaryIO) -> BinaryIO:
    """The file as it is, or what a gzip file holds."""
    is_gzip = file.read(len(_GZIP)) == _GZIP
    file.seek(0)
    return BufferedReader(_Unpacked(file), 1 << 16) if is_gzip else file


class _Unpacked(RawIOBase):
    """What a gzip file holds, as far as it is in proportion."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._inside = gzip.GzipFile(fileobj=file)
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # what BufferedReader passes
        read = self._inside.readinto(buffer)
        self._read += read
        if self._read > max(UNPACKED_ANYWAY, UNPACKED_TIMES_MAX * self._file.tell()):
            raise _UnpacksTooFar
        return read
