# SPDX-License-Identifier: Apache-2.0
"""A receipt as PDF, by Typst.

It is written as PDF/A-2u, under which Typst refuses a letter that no font has: rather no PDF than one with boxes.
"""

import json
import logging
from functools import cache
from pathlib import Path
from threading import Lock

import segno
import typst
from django.conf import settings

from tsuzuku.receipts.document import Document
from tsuzuku.receipts.errors import ReceiptNotPrintable
from tsuzuku.receipts.fonts import FAMILIES, fonts

_SHEET = Path(__file__).with_name("receipt.typ")
#: Typst's language and region, by our tag.
_LANGUAGES = {
    "zh-hans": ("zh", "cn"),
    "zh-hant": ("zh", "tw"),
    "ja": ("ja", "jp"),
    "en": ("en", "jp"),
    "ko": ("ko", "kr"),
}
#: A compiler is made once, which finds the fonts, and works for one thread at a time.
_at_work = Lock()
log = logging.getLogger(__name__)


@cache
def _compiler(folders: tuple[str, ...]) -> typst.Compiler:
    return typst.Compiler(_SHEET, root=_SHEET.parent, font_paths=fonts(folders))


def receipt_pdf(document: Document) -> bytes:
    """The file. Raises ReceiptNotPrintable if a letter is in none of the fonts of this machine."""
    sheet = json.dumps(_sheet(document), ensure_ascii=False)
    try:
        with _at_work:
            made = _compiler(tuple(settings.FONT_FOLDERS)).compile(
                format="pdf", sys_inputs={"sheet": sheet}, pdf_standards=["a-2u"]
            )
    except typst.TypstError as problem:
        log.error("no PDF of receipt %s: %s (tsuzuku doctor tells of fonts)", document.number, problem.message)  # noqa: TRY400  # its traceback tells nothing
        raise ReceiptNotPrintable from problem
    if not isinstance(made, bytes):
        raise TypeError("one sheet makes one file")
    return made


def _sheet(document: Document) -> dict[str, object]:
    """What receipt.typ reads."""
    lang, region = _LANGUAGES[document.language]
    return {
        "lang": lang,
        "region": region,
        "fonts": [FAMILIES[document.language]],
        "title": document.title,
        "subtitle": document.subtitle,
        "mark": document.mark,
        "number": document.number,
        "facts": document.facts,
        "total": document.total,
        "received": document.received,
        "columns": document.columns,
        "lines": document.lines,
        "sums": document.sums,
        "returned": document.returned,
        "issuer": {"label": document.issuer, "name": document.issuer_name, "rest": document.issuer_rest},
        "check": document.check,
        "qr": qr_svg(document),
    }


def qr_svg(document: Document) -> str:
    """The QR as an SVG, black on white with the quiet zone that scanners need (ISO/IEC 18004)."""
    made = segno.make(document.verify_address, error="m", micro=False)
    return made.svg_inline(
        title=document.check, border=4, dark="#000", light="#fff", omitsize=True, svgclass=None, lineclass=None
    )
