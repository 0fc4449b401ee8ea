# SPDX-License-Identifier: Apache-2.0
"""The ICCID, the number printed on a SIM card (ITU-T E.118): 19 digits, the last a Luhn check digit."""

import re
import unicodedata
from typing import NewType

from tsuzuku.kernel.errors import DomainError
from tsuzuku.kernel.luhn import luhn_digit

Iccid = NewType("Iccid", str)
"""Always the 19 digits."""

# Blanks, hyphens of every width (a Japanese keyboard gives U+30FC for one), the invisible marks of copied text.
_SEPARATORS = re.compile(r"[\s\-\u2010-\u2015\u2212\u30fc\u200b-\u200f\u2060\ufeff]+")
#: Far more than a number with all its separators; longer texts are not worth folding.
_TEXT_LENGTH_MAX = 100
_LENGTHS = re.compile(r"(?P<body>\d{18})(?P<check>\d)?F?", re.IGNORECASE | re.ASCII)


class IccidMalformed(DomainError):
    """Not 19 digits, 18 without the check digit, or 19 with a filler F."""

    code = "iccid-malformed"


class IccidCheckDigit(IccidMalformed):
    """The right length, but the check digit does not fit: a digit was mistyped."""

    code = "iccid-check-digit"


def parse_iccid(text: str) -> Iccid:
    """Reads an ICCID as people and files write it.

    Taken: 19 digits; 20 characters ending in the filler F; 18 digits as printed without the check digit. Spaces,
    hyphens, invisible marks, full-width digits and a spreadsheet's leading apostrophe are folded.

    Raises IccidMalformed or IccidCheckDigit. Never echoes the number, which may end up in a log.
    """
    if len(text) > _TEXT_LENGTH_MAX:
        raise IccidMalformed
    folded = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).lstrip("'\u2019")
    found = _LENGTHS.fullmatch(folded)
    if found is None or (found["check"] is None and len(folded) != 18):
        raise IccidMalformed
    check = luhn_digit(found["body"])
    if found["check"] not in (None, check):
        raise IccidCheckDigit
    return Iccid(found["body"] + check)


def masked(iccid: str) -> str:
    """The last four digits, the only part that pages of strangers and logs may show."""
    return f"…{iccid[-4:]}"
