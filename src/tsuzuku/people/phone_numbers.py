# SPDX-License-Identifier: Apache-2.0
"""Phone numbers as people write them, as E.164: mobile ones only, of the countries that are offered.

Full-width digits, spaces, dashes, brackets and dots are no matter; nor is whether a number begins with 0, 00, + or its
country's code. Where it names no country, the region that is suggested counts. Pure Python.
"""

import re
import unicodedata
from collections.abc import Collection, Sequence

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType

from tsuzuku.people.errors import PhoneCountryNotOffered, PhoneMalformed

#: Nobody writes one longer, and a parser should not be given a book.
_LENGTH_MAX = 40
_MOBILE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}
_SIGNS = re.compile(r"[^0-9+]")
#: The regions of languages that are mostly written in one.
_REGION_OF_LANGUAGE = {"zh-hans": "CN", "zh-hant": "TW", "zh": "CN", "ja": "JP", "ko": "KR"}


def read_number(text: str, *, region: str, offered: Sequence[str]) -> str:
    """The E.164 form of a number. `region` is the country (as in ISO 3166) of one that names none.

    Raises PhoneMalformed for what is no mobile number, PhoneCountryNotOffered for one of a country that is not offered.
    """
    digits = _digits(text)
    for number, its_region in _readings(digits, region):
        if its_region not in offered:
            raise PhoneCountryNotOffered
        return number
    raise PhoneMalformed


def read_any_number(text: str, *, region: str) -> str:
    """The E.164 form of a number of any kind and country; one that names no country is of `region`.

    Raises PhoneMalformed.
    """
    digits = _digits(text)
    for number, _its_region in _readings(digits, region, kinds=None):
        return number
    raise PhoneMalformed


def possible_numbers(text: str, *, regions: Sequence[str]) -> tuple[str, ...]:
    """Every number that a text may mean, for looking one up; the likeliest first, none twice, none for rubbish."""
    digits = _digits(text)
    found = [number for region in regions for number, _its_region in _readings(digits, region)]
    return tuple(dict.fromkeys(found))


def suggested_region(*, accept_language: str, language: str, offered: Sequence[str]) -> str:
    """Which country a number without one is of: the browser's, else that of the language, else the first offered."""
    wished = re.findall(r"\b[a-z]{2,3}(?:-[A-Za-z]{4})?-([A-Za-z]{2})\b", accept_language[:200])
    wished += [_REGION_OF_LANGUAGE.get(language.lower(), ""), _REGION_OF_LANGUAGE.get(language[:2].lower(), "")]
    return next((each.upper() for each in wished if each.upper() in offered), offered[0])


def country_code(region: str) -> int:
    """The code that numbers of a country begin with after the plus sign."""
    return phonenumbers.country_code_for_region(region)


def shown_number(number: str) -> str:
    """A number as it is written with its country, in groups."""
    return phonenumbers.format_number(phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def veiled_number(number: str) -> str:
    """A number of which only the end can be read, to be known again by whoever knows it."""
    return f"…{number[-4:]}"


def _digits(text: str) -> str:
    # Japanese keyboards write the long vowel's sign for a dash.
    plain = unicodedata.normalize("NFKC", text).replace("ー", "-").strip()
    if len(plain) > _LENGTH_MAX or re.search(r"[^\W\d_]", plain):
        return ""
    digits = _SIGNS.sub("", plain)
    # A plus sign counts at the beginning only; two zeros stand for it.
    digits = digits[:1] + digits[1:].replace("+", "")
    return f"+{digits[2:]}" if digits.startswith("00") else digits


def _readings(digits: str, region: str, kinds: Collection[int] | None = _MOBILE) -> list[tuple[str, str]]:
    """What the digits mean with this region: the number as it stands, else with its country's code but no plus."""
    for written in (digits, f"+{digits}"):
        try:
            parsed = phonenumbers.parse(written, region)
        except NumberParseException:
            continue
        if phonenumbers.is_valid_number(parsed) and (kinds is None or phonenumbers.number_type(parsed) in kinds):
            its_region = phonenumbers.region_code_for_number(parsed) or ""
            return [(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164), its_region)]
    return []
