# SPDX-License-Identifier: Apache-2.0
"""The headings of carriers' stock files, in Japanese, English and Chinese, and which column each names."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from enum import StrEnum


class Column(StrEnum):
    """What a column holds."""

    ICCID = "iccid"
    IMSI = "imsi"
    PHONE = "phone"
    KIND = "kind"
    ACTIVATION_CODE = "activation code"
    PIN = "pin"
    LAST_USE_DATE = "last date of use"
    GROUP = "group"


#: Without these a card can neither be known, nor be delivered the right way, nor be opened. The others may be left out.
REQUIRED = (Column.ICCID, Column.KIND, Column.PIN)

#: The spellings met so far. Blanks, signs, capitals and width do not matter, nor does what stands in brackets.
SPELLINGS: Mapping[Column, Sequence[str]] = {
    Column.ICCID: (
        "ICCID", "ICCID番号", "SIM番号", "SIMカード番号", "SIM ID", "SIM製造番号", "製造番号", "カード番号",
        "ICCID number", "card number", "SIM number", "SIM card number",
        "卡号", "卡號", "SIM卡号", "SIM卡號", "ICCID号", "ICCID號",
    ),
    Column.IMSI: ("IMSI", "IMSI番号", "IMSI number", "IMSI号", "IMSI號"),
    Column.PHONE: (
        "電話番号", "携帯電話番号", "回線番号", "TEL", "MSISDN", "phone", "phone number", "telephone",
        "telephone number", "mobile number",
        "手机号", "手机号码", "电话", "电话号码", "手機號碼", "電話號碼", "電話", "号码", "號碼",
    ),
    Column.KIND: (
        "種別", "種類", "SIM種別", "SIM種類", "カード種別", "kind", "type", "card type", "SIM type",
        "类型", "卡类型", "卡片类型", "类别", "類型", "卡類型", "類別",
    ),
    Column.ACTIVATION_CODE: (
        "アクティベーションコード", "アクティベーション", "QRコード", "activation code", "LPA", "LPA code",
        "LPA string", "激活码", "启用码", "啟用碼", "啟動碼", "激活碼",
    ),
    Column.PIN: ("暗証番号", "PIN", "PIN番号", "PINコード", "PIN code", "PIN number", "密码", "密碼", "PIN码", "PIN碼"),
    Column.LAST_USE_DATE: (
        "有効期限", "利用期限", "使用期限", "最終利用日", "最終使用日", "最終利用期限", "開通期限",
        "expiry", "expiry date", "expires", "expiration date", "valid until", "last date of use", "last use date",
        "use by", "有效期", "有效期限", "有效期至", "截止日期", "到期日", "最后使用日期", "最後使用日期",
    ),
    Column.GROUP: ("グループ", "カードグループ", "group", "card group", "分组", "分組", "卡组", "卡組", "卡群組"),
}  # fmt: skip


_BRACKETS = re.compile(r"[(\[【〔].*?[)\]】〕]")


def _folded(heading: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", heading).casefold())


_BY_SPELLING = {_folded(spelling): column for column, spellings in SPELLINGS.items() for spelling in spellings}


def column_of(heading: str) -> Column | None:
    """The column that a heading names, or None."""
    without_brackets = _BRACKETS.sub("", unicodedata.normalize("NFKC", heading))
    return _BY_SPELLING.get(_folded(heading)) or _BY_SPELLING.get(_folded(without_brackets))
