# SPDX-License-Identifier: Apache-2.0
"""What stands for the payer's app, in the browser's language: the payment of a code, and a list of open codes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from http import HTTPStatus

from tsuzuku.testing.simulators.pay_page import shell, unknown_page
from tsuzuku.testing.simulators.server import Request, Response
from tsuzuku.testing.simulators.wallets.texts import TEXTS, Texts

__all__ = ["DECLINES", "App", "Code", "State", "after_press", "code_page", "codes_page", "unknown_page"]

#: What the payer's bank can say no for.
DECLINES = frozenset(TEXTS["en"].declines)


class State(StrEnum):
    """What can be done with a code."""

    OPEN = "open"
    PAID = "paid"
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True, slots=True)
class App:
    """Names by language: of what takes the money, and of the app that holds it."""

    service: Mapping[str, str]
    name: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """A code as the app shows it. `declined`: why the last try was, one of DECLINES or empty."""

    path: str
    order: str
    item: str
    #: As payers read it.
    amount: str
    state: State
    declined: str


def code_page(request: Request, app: App, code: Code, *, merchant: str) -> Response:
    """The payment of a code as it is now."""
    language = _language(request)
    texts = TEXTS[language]
    title = texts.title.format(merchant=merchant)
    test = texts.test.format(service=app.service[language])
    if code.state is State.CLOSED:
        body = _end(texts.closed, texts.closed_more, test)
    elif code.state is State.PAID:
        body = _end(texts.paid, texts.paid_more, test)
    else:
        body = _form(texts, app.name[language], code, title=title, test=test, merchant=merchant)
    return shell(request, body, lang=texts.lang, title=title, brand=app.service["en"])


def codes_page(request: Request, app: App, codes: Sequence[Code], *, merchant: str) -> Response:
    """The codes that can be paid, newest first."""
    language = _language(request)
    texts = TEXTS[language]
    rows = "".join(
        f'<dt><a href="{escape(code.path)}">{escape(code.order)}</a></dt><dd>{escape(code.amount)}</dd>'
        for code in reversed(codes)
    )
    listed = f"<dl>{rows}</dl>" if rows else f"<p>{texts.nobody_waits}</p>"
    test = texts.test.format(service=app.service[language])
    body = f'<h1>{texts.waiting}</h1>{listed}<p class="note">{test}</p>'
    title = texts.title.format(merchant=merchant)
    return shell(request, body, lang=texts.lang, title=title, brand=app.service["en"])


def after_press(code: Code) -> Response:
    """Back to the payment, as it is then."""
    return Response(HTTPStatus.SEE_OTHER, b"", {"Location": code.path, "Cache-Control": "no-store"})


def _form(texts: Texts, app: str, code: Code, *, title: str, test: str, merchant: str) -> str:
    rows = ((texts.merchant, merchant), (texts.order, code.order), (texts.item, code.item))
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows)
    declined = ""
    if code.declined:
        declined = f'<p class="warn" role="status">{texts.declined} {texts.declines[code.declined]}</p>'
    declines = "".join(
        f'<button name="decline" value="{reason}">{label}</button>' for reason, label in texts.declines.items()
    )
    troubles = "".join(
        f'<button name="trouble" value="{trouble.value}">{label}</button>' for trouble, label in texts.troubles
    )
    return (
        f'<h1>{escape(title)}</h1><p class="sum">{escape(code.amount)}</p>{declined}'
        f'<p class="note">{texts.app.format(app=app)}</p><dl>{listed}</dl><form method="post">'
        f'<button class="pay" name="trouble" value="none">{escape(texts.pay.format(amount=code.amount))}</button>'
        f'<p class="note">{texts.leave}</p><p class="note">{test}</p>'
        f"<section><h3>{texts.declines_heading.format(app=app)}</h3>{declines}</section>"
        f"<section><h3>{texts.trouble}</h3>{troubles}</section></form>"
    )


def _end(heading: str, more: str, test: str) -> str:
    return f'<h1 class="sum">{heading}</h1><p>{more}</p><p class="note">{test}</p>'


def _language(request: Request) -> str:
    """An app knows its payer's language; here it is the browser's."""
    return "zh" if request.headers.get("accept-language", "").lower().startswith("zh") else "en"
