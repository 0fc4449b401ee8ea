# SPDX-License-Identifier: Apache-2.0
"""Reading a carrier's stock file as it is: one pass, one line at a time, no database.

Every line is a card, blank, or refused with a stable code. A cell is never evaluated: a spreadsheet's formula is text.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from itertools import islice
from typing import BinaryIO

import phonenumbers
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tsuzuku.cards.errors import StockFileRefused
from tsuzuku.cards.models import CardKind
from tsuzuku.cards.number_set import NumberSet
from tsuzuku.cards.stock_dates import parse_last_date
from tsuzuku.cards.stock_headings import REQUIRED, SPELLINGS, Column, column_of
from tsuzuku.cards.stock_lines import (
    Encoding,
    Record,
    is_blank,
    physical_lines,
    possible_encodings,
    records,
    split_cells,
)
from tsuzuku.kernel.iccid import Iccid, IccidMalformed, parse_iccid
from tsuzuku.kernel.texts import begins_like_formula, is_one_line

#: Headings may stand below a title and a date.
HEADING_WITHIN_LINES = 20
DELIMITERS = (",", "\t", ";", "|")
GROUP_LENGTH_MAX = 64


class Problem(StrEnum):
    """Why a line is refused. The first in the order of the columns is told."""

    LINE_TOO_LONG = "line-too-long"
    COLUMNS_MALFORMED = "columns-malformed"
    TEXT_MALFORMED = "text-malformed"
    ICCID_MALFORMED = "iccid-malformed"
    ICCID_CHECK_DIGIT = "iccid-check-digit"
    IMSI_MALFORMED = "imsi-malformed"
    PHONE_MALFORMED = "phone-malformed"
    KIND_UNKNOWN = "kind-unknown"
    FORMULA_IN_TEXT = "formula-in-text"
    ACTIVATION_CODE_MALFORMED = "activation-code-malformed"
    PIN_MALFORMED = "pin-malformed"
    DATE_MALFORMED = "date-malformed"
    GROUP_MALFORMED = "group-malformed"
    ICCID_DUPLICATE = "iccid-duplicate"


#: What to do about each, for the person who imports.
WHAT_TO_DO: Mapping[Problem, Promise] = {
    Problem.LINE_TOO_LONG: gettext_lazy("the line is far too long for a card; a line end may be missing"),
    Problem.COLUMNS_MALFORMED: gettext_lazy(
        "it has not as many columns as the headings; look for a stray comma or quote"
    ),
    Problem.TEXT_MALFORMED: gettext_lazy("it has characters that cannot be read; export the file again as UTF-8"),
    Problem.ICCID_MALFORMED: gettext_lazy(
        "the card number is not 19 digits; a spreadsheet may have rounded it: export that column as text"
    ),
    Problem.ICCID_CHECK_DIGIT: gettext_lazy(
        "the card number's check digit does not fit: it was mistyped, or a spreadsheet rounded it; ask the carrier"
    ),
    Problem.IMSI_MALFORMED: gettext_lazy("the IMSI is not 14 or 15 digits; export that column as text"),
    Problem.PHONE_MALFORMED: gettext_lazy("the phone number cannot exist; correct it or leave it empty"),
    Problem.KIND_UNKNOWN: gettext_lazy("write SIM or eSIM as the kind"),
    Problem.FORMULA_IN_TEXT: gettext_lazy("a text begins like a spreadsheet's formula; take the sign (= + - @) away"),
    Problem.ACTIVATION_CODE_MALFORMED: gettext_lazy("the activation code is not of the form LPA:1$server$code"),
    Problem.PIN_MALFORMED: gettext_lazy(
        "the PIN is not 4 to 8 digits; a spreadsheet may have taken its zeros: export that column as text"
    ),
    Problem.DATE_MALFORMED: gettext_lazy("the date cannot be read; write it as 2027-09-30"),
    Problem.GROUP_MALFORMED: gettext_lazy("the group is too long or has characters that cannot be printed"),
    Problem.ICCID_DUPLICATE: gettext_lazy("the card stands on an earlier line already; that line counts"),
}


@dataclass(frozen=True, slots=True)
class StockCard:
    """A card as a file tells it. None: the file does not say, so what is known stays."""

    iccid: Iccid
    kind: CardKind
    imsi: str | None = None
    #: E.164.
    msisdn: str | None = None
    activation_code: str | None = field(default=None, repr=False)
    pin: str | None = field(default=None, repr=False)
    last_use_date: date | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class StockLine:
    """One line after the headings: a card, or a problem, or neither: then it is blank."""

    number: int
    card: StockCard | None = None
    problem: Problem | None = None


@dataclass(frozen=True)
class StockFormat:
    """How the file was understood. `columns` has None where a heading is not known, `ignored` the words of those."""

    encoding: Encoding
    delimiter: str
    heading_line: int
    columns: tuple[Column | None, ...]
    ignored: tuple[str, ...]


class _LineRefused(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


def read_stock(file: BinaryIO) -> tuple[StockFormat, Iterator[StockLine]]:
    """Understands the file, then reads it line by line as the lines are asked for. The file must be able to seek.

    Raises StockFileRefused when it has no headings, not all of those it needs, or one of them twice.
    """
    stock_format = _understand(file)
    return stock_format, _lines(file, stock_format)


def _understand(file: BinaryIO) -> StockFormat:
    encodings = possible_encodings(file)
    readings = [_find_headings(file, encoding) for encoding in encodings]
    # The first of those that know the most headings.
    found = max((reading for reading in readings if reading), key=_known_columns, default=None)
    if found is not None:
        return _checked(found)
    raise StockFileRefused(
        reason=_("There are no headings in the first %(lines)d lines (read as %(encoding)s). One must say %(heading)s.")
        % {"lines": HEADING_WITHIN_LINES, "encoding": encodings[0].name, "heading": _spelled(Column.ICCID)}
    )


def _find_headings(file: BinaryIO, encoding: Encoding) -> StockFormat | None:
    """The first line that names the card numbers, split by whichever sign makes the most of it."""
    for line in islice(physical_lines(file, encoding), HEADING_WITHIN_LINES):
        readings = [_headings(line.text or "", line.number, delimiter, encoding) for delimiter in DELIMITERS]
        best = max(readings, key=_known_columns)
        if Column.ICCID in best.columns:
            return best
    return None


def _known_columns(reading: StockFormat) -> int:
    return sum(column is not None for column in reading.columns)


def _headings(text: str, number: int, delimiter: str, encoding: Encoding) -> StockFormat:
    headings = split_cells(text, delimiter)
    columns = tuple(column_of(heading) for heading in headings)
    ignored = tuple(
        heading.strip()
        for heading, column in zip(headings, columns, strict=True)
        if not column and not is_blank(heading)
    )
    return StockFormat(encoding, delimiter, number, columns, ignored)


def _checked(found: StockFormat) -> StockFormat:
    missing = [column for column in REQUIRED if column not in found.columns]
    if missing:
        raise StockFileRefused(
            reason=_("Headings are missing on line %(line)d (read as %(encoding)s): %(headings)s.")
            % {
                "line": found.heading_line,
                "encoding": found.encoding.name,
                "headings": "; ".join(_spelled(column) for column in missing),
            }
        )
    twice = [column for column in Column if found.columns.count(column) > 1]
    if twice:
        raise StockFileRefused(
            reason=_("Headings stand twice on line %(line)d: %(headings)s.")
            % {"line": found.heading_line, "headings": "; ".join(_spelled(column) for column in twice)}
        )
    return found


def _spelled(column: Column) -> str:
    """A column by the ways in which people head it, the first few."""
    return " / ".join(SPELLINGS[column][:4])


def _lines(file: BinaryIO, stock_format: StockFormat) -> Iterator[StockLine]:
    seen = NumberSet()
    below = islice(physical_lines(file, stock_format.encoding), stock_format.heading_line, None)
    width = len(stock_format.columns)
    places = {column: place for place, column in enumerate(stock_format.columns) if column is not None}
    for record in records(below, delimiter=stock_format.delimiter, width=width):
        if record.cells is not None and is_blank("".join(record.cells)):
            yield StockLine(record.line)
            continue
        try:
            card = _read_card(record, places, width)
            if not seen.add(int(card.iccid)):
                raise _LineRefused(Problem.ICCID_DUPLICATE)
        except _LineRefused as refused:
            yield StockLine(record.line, problem=refused.problem)
        else:
            yield StockLine(record.line, card=card)


def _read_card(record: Record, places: Mapping[Column, int], width: int) -> StockCard:
    if record.cells is None:
        raise _LineRefused(Problem.LINE_TOO_LONG)
    if len(record.cells) != width:
        raise _LineRefused(Problem.COLUMNS_MALFORMED)
    cells = {column: _clean(record.cells[place]) for column, place in places.items()}
    if any("\ufffd" in cell for cell in cells.values()):
        raise _LineRefused(Problem.TEXT_MALFORMED)
    return StockCard(
        iccid=_iccid(cells[Column.ICCID]),
        imsi=_imsi(cells.get(Column.IMSI, "")),
        msisdn=_phone(cells.get(Column.PHONE, "")),
        kind=_kind(cells[Column.KIND]),
        activation_code=_activation_code(cells.get(Column.ACTIVATION_CODE, "")),
        pin=_pin(cells[Column.PIN]),
        last_use_date=_last_use_date(cells.get(Column.LAST_USE_DATE, "")),
        group=_group(cells.get(Column.GROUP, "")),
    )


#: A formula whose only content is a text, with which exports keep a spreadsheet from rounding a number: ="8981…".
_TEXT_FORMULA = re.compile(r'="([^"]*)"')
#: How people write that there is nothing.
_NOTHING_WORDS = frozenset({"-", "--", "ー", "―", "—", "なし", "無し", "無", "无", "null", "none", "n/a"})


def _clean(cell: str) -> str:
    """The text of a cell without what spreadsheets and full-width keyboards leave around it."""
    text = cell if cell.isascii() else unicodedata.normalize("NFKC", cell)
    text = text.strip()
    if wrapped := _TEXT_FORMULA.fullmatch(text):
        text = wrapped[1].strip()
    text = text.lstrip("'\u2019").strip()
    return "" if text.lower() in _NOTHING_WORDS else text


def _iccid(text: str) -> Iccid:
    try:
        return parse_iccid(text)
    except IccidMalformed as malformed:
        # The codes of the kernel's errors are this file's own.
        raise _LineRefused(Problem(malformed.code)) from None


_IMSI = re.compile(r"\d{14,15}", re.ASCII)


def _imsi(text: str) -> str | None:
    if not text:
        return None
    digits = text.replace(" ", "").replace("-", "")
    if _IMSI.fullmatch(digits) is None:
        raise _LineRefused(Problem.IMSI_MALFORMED)
    return digits


#: What most files have; the library that knows every country takes fifty times longer to say the same.
_JAPANESE_E164 = re.compile(r"\+81[1-9]\d{8,9}", re.ASCII)
#: The library would find a number inside any text.
_PHONE_LETTERS = re.compile(r"\+?[\d ().\-\u2010-\u2015\u2212]+", re.ASCII)


def _phone(text: str) -> str | None:
    if not text:
        return None
    if _JAPANESE_E164.fullmatch(text):
        return text
    try:
        if _PHONE_LETTERS.fullmatch(text) is None:
            raise _LineRefused(Problem.PHONE_MALFORMED)
        number = phonenumbers.parse(text, "JP")
    except phonenumbers.NumberParseException:
        raise _LineRefused(Problem.PHONE_MALFORMED) from None
    # Possible, not valid: a new range of numbers is in use before it is in the library.
    if not phonenumbers.is_possible_number(number):
        raise _LineRefused(Problem.PHONE_MALFORMED)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


_KINDS = {
    **dict.fromkeys(
        ("sim", "psim", "usim", "nanosim", "microsim", "simカード", "simcard", "物理sim", "物理", "プラスチック",
         "カード", "card", "plastic", "physical", "physicalsim", "实体", "实体卡", "實體", "實體卡", "物理卡"),
        CardKind.SIM,
    ),
    **dict.fromkeys(("esim", "euicc", "embedded", "組込", "组込", "电子", "电子卡", "電子", "電子卡"), CardKind.ESIM),
}  # fmt: skip


def _kind(text: str) -> CardKind:
    kind = _KINDS.get(re.sub(r"[\s\-_]+", "", text.casefold()))
    if kind is None:
        raise _LineRefused(Problem.KIND_UNKNOWN)
    return kind


#: GSMA SGP.22, 4.1: 1$<address of the SM-DP+>$<matching id>, then optionally $<OID> and $<confirmation code wanted>.
_ACTIVATION_CODE = re.compile(
    r"(?:LPA:)?(1\$[a-z0-9.\-]+(?::\d+)?\$[a-z0-9\-]*(?:\$[0-9.]*(?:\$[01]?)?)?)", re.IGNORECASE | re.ASCII
)
_ACTIVATION_CODE_LENGTH_MAX = 255


def _activation_code(text: str) -> str | None:
    if not text:
        return None
    if begins_like_formula(text):
        raise _LineRefused(Problem.FORMULA_IN_TEXT)
    found = _ACTIVATION_CODE.fullmatch(text)
    if found is None or len(text) > _ACTIVATION_CODE_LENGTH_MAX:
        raise _LineRefused(Problem.ACTIVATION_CODE_MALFORMED)
    return f"LPA:{found[1]}"


_PIN = re.compile(r"\d{4,8}", re.ASCII)


def _pin(text: str) -> str | None:
    if not text:
        return None
    if _PIN.fullmatch(text) is None:
        raise _LineRefused(Problem.PIN_MALFORMED)
    return text


def _last_use_date(text: str) -> date | None:
    if not text:
        return None
    try:
        return parse_last_date(text)
    except ValueError:
        raise _LineRefused(Problem.DATE_MALFORMED) from None


def _group(text: str) -> str | None:
    if not text:
        return None
    if begins_like_formula(text):
        raise _LineRefused(Problem.FORMULA_IN_TEXT)
    if len(text) > GROUP_LENGTH_MAX or not is_one_line(text):
        raise _LineRefused(Problem.GROUP_MALFORMED)
    return text
