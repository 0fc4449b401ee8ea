# SPDX-License-Identifier: Apache-2.0
"""What stands here for the payer's app, in the browser's language: the payment of a code, and a list of open codes."""

from collections.abc import Sequence
from html import escape
from http import HTTPStatus

from tsuzuku.testing.simulators.object_books import Json
from tsuzuku.testing.simulators.pay_page import format_amount, shell, unknown_page
from tsuzuku.testing.simulators.server import Request, Response
from tsuzuku.testing.simulators.wechat_pay.page_texts import TEXTS, Texts

__all__ = ["after_press", "code_page", "codes_page", "unknown_page"]

_BRAND = "WeChat Pay"


def code_page(request: Request, found: Json, *, merchant: str) -> Response:
    """The payment of a code as it is now."""
    texts = _texts(request)
    title = texts.title.format(merchant=merchant)
    amount = format_amount(found["amount"]["total"], found["amount"]["currency"])
    if found["trade_state"] == "CLOSED":
        body = _end(texts, texts.closed, texts.closed_more)
    elif found["trade_state"] != "NOTPAY":
        body = _end(texts, texts.paid, texts.paid_more)
    else:
        body = (
            f'<h1>{escape(title)}</h1><p class="sum">{escape(amount)}</p>'
            f"{_form(texts, found, amount=amount, merchant=merchant)}"
        )
    return shell(request, body, lang=texts.lang, title=title, brand=_BRAND)


def codes_page(request: Request, found: Sequence[Json], *, merchant: str) -> Response:
    """The codes that can be paid, newest first."""
    texts = _texts(request)
    rows = "".join(
        f'<dt><a href="/pay?pr={each["_code"]}">{escape(each["attach"] or each["out_trade_no"])}</a></dt>'
        f"<dd>{escape(format_amount(each['amount']['total'], each['amount']['currency']))}</dd>"
        for each in reversed(found)
    )
    listed = f"<dl>{rows}</dl>" if rows else f"<p>{texts.nobody_waits}</p>"
    body = f'<h1>{texts.waiting}</h1>{listed}<p class="note">{texts.test}</p>'
    return shell(request, body, lang=texts.lang, title=texts.title.format(merchant=merchant), brand=_BRAND)


def after_press(code: str) -> Response:
    """Back to the payment, as it is then."""
    return Response(HTTPStatus.SEE_OTHER, b"", {"Location": f"/pay?pr={code}", "Cache-Control": "no-store"})


def _form(texts: Texts, found: Json, *, amount: str, merchant: str) -> str:
    rows = (
        (texts.merchant, merchant),
        (texts.order, found["attach"]),
        (texts.item, found["_asked"]["description"]),
    )
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows)
    declined = ""
    if found["_declines"]:
        why = texts.declines[found["_declines"][-1]]
        declined = f'<p class="warn" role="status">{texts.declined} {why}</p>'
    declines = "".join(
        f'<button name="decline" value="{reason}">{label}</button>' for reason, label in texts.declines.items()
    )
    troubles = "".join(
        f'<button name="trouble" value="{trouble.value}">{label}</button>' for trouble, label in texts.troubles
    )
    return (
        f'{declined}<p class="note">{texts.app}</p><dl>{listed}</dl><form method="post">'
        f'<button class="pay" name="trouble" value="none">{escape(texts.pay.format(amount=amount))}</button>'
        f'<p class="note">{texts.leave}</p><p class="note">{texts.test}</p>'
        f"<section><h3>{texts.declines_heading}</h3>{declines}</section>"
        f"<section><h3>{texts.trouble}</h3>{troubles}</section></form>"
    )


def _end(texts: Texts, heading: str, more: str) -> str:
    return f'<h1 class="sum">{heading}</h1><p>{more}</p><p class="note">{texts.test}</p>'


def _texts(request: Request) -> Texts:
    """WeChat knows its payer's language; here it is the browser's."""
    return TEXTS["zh" if request.headers.get("accept-language", "").lower().startswith("zh") else "en"]
