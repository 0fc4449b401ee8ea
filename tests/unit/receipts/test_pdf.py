# SPDX-License-Identifier: Apache-2.0
"""The PDF as a reader's program sees it: its letters, its fonts, and the QR in its picture.

The fonts come with the browser of the tests (bin/browser).
"""

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

import pypdfium2
import pypdfium2.raw as pdfium
import pytest
import zxingcpp

from tests.unit.receipts.conftest import PLAN_NAMES
from tsuzuku.kernel import clock

if TYPE_CHECKING:
    from tsuzuku.receipts.models import Receipt

LANGUAGES = ("zh-hans", "zh-hant", "ja", "en", "ko")
FACES = {"zh-hans": "SC", "zh-hant": "TC", "ja": "JP", "en": "JP", "ko": "KR"}
#: What only this language's receipt says.
SAID = {
    "zh-hans": ["收据", "订单号", "其中消费税（10%）", "登记号 T1234567890123"],
    "zh-hant": ["收據", "訂單編號", "其中消費稅（10%）", "登記號碼 T1234567890123"],
    "ja": ["領収書", "注文番号", "うち消費税（10%）", "登録番号 T1234567890123"],
    "en": ["Receipt", "Order number", "Consumption tax in it (10%)", "Registration number T1234567890123"],
    "ko": ["영수증", "주문 번호", "그중 소비세(10%)", "등록 번호 T1234567890123"],
}


def printed(receipt: "Receipt", language: str) -> bytes:
    from tsuzuku.receipts.handing_out import print_receipt

    return print_receipt(receipt, language=language, key=uuid.uuid4(), actor="customer:1", now=clock.now())


def fonts_of(page: pypdfium2.PdfPage) -> dict[str, bool]:
    """The fonts of a page by name, and whether each is embedded."""
    found = {}
    for thing in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_TEXT]):
        font = pdfium.FPDFTextObj_GetFont(thing)
        length = pdfium.FPDFFont_GetBaseFontName(font, None, 0)
        name = (pdfium.c_char * length)()
        pdfium.FPDFFont_GetBaseFontName(font, name, length)
        found[name.value.decode()] = pdfium.FPDFFont_GetIsEmbedded(font) == 1
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_is_printed_in_letters_of_its_own(make_receipt: "Callable[[], Receipt]", language: str) -> None:
    receipt = make_receipt()
    file = printed(receipt, language)
    pages = pypdfium2.PdfDocument(file)
    assert len(pages) == 1
    page = pages[0]
    # Between kanji and digits the sheet has a narrow gap, which programs take for a blank.
    text = "".join(page.get_textpage().get_text_range().split())
    names = {tag.lower(): name for tag, name in PLAN_NAMES.items()}
    for said in (*SAID[language], names[language], receipt.number, receipt.order.number, "¥1,180", "¥107"):
        assert "".join(said.split()) in text
    assert "株式会社つづく通信" in text
    fonts = fonts_of(page)
    assert all(fonts.values()), "a font is not in the file"
    assert all(f"NotoSansCJK{FACES[language].lower()}" in name for name in fonts), fonts


def picture_of(file: bytes) -> memoryview:
    """The first page in grey, rows by columns."""
    seen = pypdfium2.PdfDocument(file)[0].render(scale=3, grayscale=True)
    rows = [bytes(seen.buffer[at : at + seen.width]) for at in range(0, seen.height * seen.stride, seen.stride)]
    return memoryview(b"".join(rows)).cast("B", shape=[seen.height, seen.width])


def test_the_qr_on_the_sheet_is_found_genuine(make_receipt: "Callable[[], Receipt]") -> None:
    from tsuzuku.receipts.queries import find_genuine

    receipt = make_receipt()
    (qr,) = zxingcpp.read_barcodes(picture_of(printed(receipt, "ja")))
    assert qr.text == f"https://sim.example/verify?r={receipt.token}"
    signed, found = find_genuine(qr.text)
    assert (found, signed.number, signed.amount.amount_minor) == (receipt, receipt.number, 1180)
