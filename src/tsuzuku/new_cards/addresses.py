# SPDX-License-Identifier: Apache-2.0
"""Postal addresses of the countries that cards are sent to: their parts in the order in which they are written there.

Whatever keyboard they are typed with: codes and phone numbers are read in full-width digits, too. Pure.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tsuzuku.new_cards import address_lists as lists
from tsuzuku.new_cards.errors import PostalAddressMalformed
from tsuzuku.people.errors import PhoneCountryNotOffered, PhoneMalformed
from tsuzuku.people.phone_numbers import read_any_number, read_number

#: No part of an address is longer; a label would not hold it.
LENGTH_MAX: Final = 80
#: What is written between the digits of a postal code: blanks, every kind of dash, the long vowel's sign.
_BETWEEN: Final = re.compile(r"[\s\-‐‑‒–—―−ー〒]+")

_EMPTY: Final = _("Please fill this in.")
_UNREADABLE: Final = _("Please write this on one line, with at most 80 characters.")
_NOT_LISTED: Final = _("Please choose one of the list.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of an address."""

    name: str
    label: Promise
    #: What it is called where the address is.
    local: str
    #: What is kept of what was typed; raises ValueError.
    read: Callable[[str], str]
    #: What is said of one that cannot be read.
    mistake: Promise
    example: str = ""
    choices: lists.Choices = ()
    is_required: bool = True
    is_number: bool = False
    autocomplete: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """A country with the parts of its addresses."""

    code: str
    name: Promise
    #: In which its parts are called what they are there.
    language: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """Where a card is sent to. Nothing of it may be logged."""

    country: str
    #: By the names of its country's parts, in their order.
    parts: Mapping[str, str] = field(repr=False)

    def written(self) -> str:
        """The address as one text, to be sealed."""
        return json.dumps({"country": self.country, "parts": dict(self.parts)}, ensure_ascii=False)

    def lines(self) -> list[tuple[str, str]]:
        """What its parts are called there, and what they say; empty ones left out."""
        return [(part.local, self.parts[part.name]) for part in COUNTRIES[self.country].parts if self.parts[part.name]]


def address_of(written: str) -> PostalAddress:
    """The address that was written as one text."""
    found = json.loads(written)
    return PostalAddress(found["country"], found["parts"])


def read_address(country: str, typed: Mapping[str, str]) -> PostalAddress:
    """An address as it is kept. Raises PostalAddressMalformed, with what is wrong by the name of each part."""
    parts: dict[str, str] = {}
    mistakes: dict[str, Promise] = {}
    for part in COUNTRIES[country].parts:
        text = _tidy(typed.get(part.name, ""))
        parts[part.name] = text
        if not text:
            if part.is_required:
                mistakes[part.name] = _EMPTY
        elif not _is_printable(text):
            mistakes[part.name] = _UNREADABLE
        else:
            try:
                parts[part.name] = part.read(text)
            except (ValueError, PhoneMalformed, PhoneCountryNotOffered):
                mistakes[part.name] = part.mistake
    if mistakes:
        raise PostalAddressMalformed(mistakes=mistakes)
    return PostalAddress(country, parts)


def _tidy(text: str) -> str:
    """One blank where there were several, also the wide one of East Asia."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def _is_printable(text: str) -> bool:
    """Whether a label can show it: no signs that steer, or that turn the direction of others."""
    return len(text) <= LENGTH_MAX and not any(unicodedata.category(sign) in {"Cc", "Cf", "Co", "Cs"} for sign in text)


def _code(*lengths: int, dash_after: int = 0) -> Callable[[str], str]:
    """Reads a postal code of so many digits."""

    def read(text: str) -> str:
        digits = _BETWEEN.sub("", unicodedata.normalize("NFKC", text))
        if not (digits.isascii() and digits.isdecimal() and len(digits) in lengths):
            raise ValueError
        return f"{digits[:dash_after]}-{digits[dash_after:]}" if dash_after else digits

    return read


def _one_of(choices: lists.Choices) -> Callable[[str], str]:
    known = {name for name, _latin in choices}

    def read(text: str) -> str:
        if text not in known:
            raise ValueError
        return text

    return read


def _phone_in(country: str) -> Callable[[str], str]:
    return lambda text: read_any_number(text, region=country)


def _mobile_in(country: str) -> Callable[[str], str]:
    return lambda text: read_number(text, region=country, offered=(country,))


def _postal_code(example: str, mistake: Promise, *lengths: int, local: str, dash_after: int = 0) -> Part:
    return Part(
        name="postal_code",
        label=_("Postal code"),
        local=local,
        read=_code(*lengths, dash_after=dash_after),
        mistake=mistake,
        example=example,
        is_number=True,
        autocomplete="shipping postal-code",
    )


def _chosen(name: str, label: Promise, choices: lists.Choices, *, local: str) -> Part:
    return Part(
        name=name,
        label=label,
        local=local,
        read=_one_of(choices),
        mistake=_NOT_LISTED,
        choices=choices,
        autocomplete="shipping address-level1",
    )


def _text(
    name: str, label: Promise, *, local: str, example: str = "", is_required: bool = True, autocomplete: str = ""
) -> Part:
    return Part(
        name=name,
        label=label,
        local=local,
        read=str,
        mistake=_UNREADABLE,
        example=example,
        is_required=is_required,
        autocomplete=autocomplete,
    )


def _name(local: str) -> Part:
    return _text("name", _("Name of who receives it"), local=local, autocomplete="shipping name")


def _phone(read: Callable[[str], str], *, local: str, example: str, mistake: Promise | None = None) -> Part:
    return Part(
        name="phone",
        label=_("Phone for the delivery"),
        local=local,
        read=read,
        mistake=mistake or _("Please write a phone number of this country, or one with + and its country’s code."),
        example=example,
        is_number=True,
        autocomplete="shipping tel",
    )


_JAPAN = Country(
    code="JP",
    name=_("Japan"),
    language="ja",
    parts=(
        _postal_code("100-0001", _("A postal code of Japan has 7 digits."), 7, local="郵便番号", dash_after=3),
        _chosen("prefecture", _("Prefecture"), lists.PREFECTURES_OF_JAPAN, local="都道府県"),
        _text("city", _("City or ward"), local="市区町村", example="千代田区", autocomplete="shipping address-level2"),
        _text(
            "street",
            _("Area and number"),
            local="町名・番地",
            example="千代田1-1",
            autocomplete="shipping address-line1",
        ),
        _text(
            "building",
            _("Building and room"),
            local="建物名・部屋番号",
            is_required=False,
            autocomplete="shipping address-line2",
        ),
        _name("お名前"),
        _phone(_phone_in("JP"), local="電話番号", example="090-1234-5678"),
    ),
)
_CHINA = Country(
    code="CN",
    name=_("Mainland China"),
    language="zh-hans",
    parts=(
        _chosen("province", _("Province"), lists.PROVINCES_OF_CHINA, local="省份"),
        _text("city", _("City"), local="城市", example="深圳市", autocomplete="shipping address-level2"),
        _text(
            "district", _("District or county"), local="区县", example="南山区", autocomplete="shipping address-level3"
        ),
        _text(
            "street", _("Street, number, building and room"), local="详细地址", autocomplete="shipping street-address"
        ),
        _postal_code("518000", _("A postal code of mainland China has 6 digits."), 6, local="邮政编码"),
        _name("收件人"),
        _phone(
            _mobile_in("CN"),
            local="手机号码",
            example="138 0013 8000",
            mistake=_("Please write a mobile number of mainland China: 11 digits that begin with 1."),
        ),
    ),
)
_TAIWAN = Country(
    code="TW",
    name=_("Taiwan"),
    language="zh-hant",
    parts=(
        _postal_code("100", _("A postal code of Taiwan has 3, 5 or 6 digits."), 3, 5, 6, local="郵遞區號"),
        _chosen("county", _("County or city"), lists.COUNTIES_OF_TAIWAN, local="縣市"),
        _text("district", _("District"), local="鄉鎮市區", example="中正區", autocomplete="shipping address-level2"),
        _text("street", _("Street, number, floor"), local="街道門牌", autocomplete="shipping street-address"),
        _name("收件人姓名"),
        _phone(_phone_in("TW"), local="聯絡電話", example="0912 345 678"),
    ),
)
_HONG_KONG = Country(
    code="HK",
    name=_("Hong Kong"),
    language="zh-hant",
    parts=(
        _chosen("region", _("Region"), lists.REGIONS_OF_HONG_KONG, local="區域"),
        _text("district", _("District"), local="地區", example="旺角", autocomplete="shipping address-level2"),
        _text("street", _("Street and number"), local="街道及門牌", autocomplete="shipping address-line1"),
        _text(
            "building",
            _("Building or estate"),
            local="大廈／屋苑",
            is_required=False,
            autocomplete="shipping address-line2",
        ),
        _text(
            "flat", _("Floor and flat"), local="樓層及單位", is_required=False, autocomplete="shipping address-line3"
        ),
        _name("收件人姓名"),
        _phone(_phone_in("HK"), local="聯絡電話", example="5123 4567"),
    ),
)
_KOREA = Country(
    code="KR",
    name=_("South Korea"),
    language="ko",
    parts=(
        _postal_code("03187", _("A postal code of South Korea has 5 digits."), 5, local="우편번호"),
        _chosen("province", _("Province or metropolitan city"), lists.PROVINCES_OF_KOREA, local="시·도"),
        _text(
            "city",
            _("City, county or ward"),
            local="시·군·구",
            example="종로구",
            autocomplete="shipping address-level2",
        ),
        _text("street", _("Street name and number"), local="도로명 주소", autocomplete="shipping address-line1"),
        _text(
            "detail",
            _("Building and room"),
            local="상세 주소",
            is_required=False,
            autocomplete="shipping address-line2",
        ),
        _name("받는 분"),
        _phone(_phone_in("KR"), local="전화번호", example="010-1234-5678"),
    ),
)
#: Every country whose addresses can be read, by its code (ISO 3166).
COUNTRIES: Final[Mapping[str, Country]] = {each.code: each for each in (_JAPAN, _CHINA, _TAIWAN, _HONG_KONG, _KOREA)}
