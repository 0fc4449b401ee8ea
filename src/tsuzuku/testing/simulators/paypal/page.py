# SPDX-License-Identifier: Apache-2.0
"""What payers see: one page on which to agree, with cards that do what their names say in place of an account."""

from decimal import Decimal
from html import escape
from http import HTTPStatus
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from tsuzuku.testing.simulators.object_books import Json
from tsuzuku.testing.simulators.pay_page import shell, unknown_page
from tsuzuku.testing.simulators.paypal.funding import Funding
from tsuzuku.testing.simulators.paypal.objects import page_address
from tsuzuku.testing.simulators.paypal.page_texts import TEXTS, Texts
from tsuzuku.testing.simulators.server import Request, Response

__all__ = ["next_page", "order_page", "unknown_page"]

_BRAND = "PayPal"


def order_page(request: Request, order: Json, *, merchant: str) -> Response:
    """The page of an order as it is now."""
    context = order["_context"]
    texts = TEXTS["zh" if context.get("locale", "").lower() in {"zh-cn", "zh-hans", "zh"} else "en"]
    title = texts.title.format(merchant=merchant)
    if order["status"] == "COMPLETED":
        body = _end(texts, texts.paid, "", order, merchant=merchant)
    elif order["status"] == "APPROVED" and not order["_declined"]:
        body = _end(texts, texts.agreed, texts.agreed_more, order, merchant=merchant)
    else:
        body = _form(texts, order, title=title, merchant=merchant)
    back = urlsplit(context["return_url"])
    origin = f"{back.scheme}://{back.netloc}"
    return shell(request, body, lang=texts.lang, title=title, brand=_BRAND, form_action=origin)


def next_page(order: Json, *, url: str) -> Response:
    """Where a button leads: back to the merchant once the payer has agreed, else to the page again."""
    address = page_address(order, url=url) if order["status"] == "PAYER_ACTION_REQUIRED" else return_url(order)
    return Response(HTTPStatus.SEE_OTHER, b"", {"Location": address, "Cache-Control": "no-store"})


def return_url(order: Json) -> str:
    """Back to the merchant, with what PayPal adds for its own scripts."""
    parts = urlsplit(order["_context"]["return_url"])
    query = [*parse_qsl(parts.query, keep_blank_values=True), ("token", order["id"]), ("PayerID", "QYR5Z8XDVJNXQ")]
    return str(urlunsplit(parts._replace(query=urlencode(query))))


def _form(texts: Texts, order: Json, *, title: str, merchant: str) -> str:
    unit = order["_unit"]
    amount = _amount(unit["amount"])
    rows = (
        (texts.merchant, merchant),
        (texts.order, unit.get("invoice_id", "")),
        (texts.item, unit.get("description", "")),
    )
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows)
    groups = "".join(
        f"<h3>{heading}</h3>" + "".join(_button("do", funding.value, label) for funding, label in choices)
        for heading, choices in texts.groups
    )
    troubles = "".join(_button("trouble", trouble.value, label) for trouble, label in texts.troubles)
    declined = ""
    if order["_declined"]:
        declined = f'<p class="warn" role="status">{texts.declined} <code>{escape(order["_declined"])}</code></p>'
    good = Funding.GOOD.value
    return (
        f'<h1>{escape(title)}</h1><p class="sum">{escape(amount)}</p>{declined}<dl>{listed}</dl>'
        f'<form method="post"><button class="pay" name="do" value="{good}">'
        f'{escape(texts.pay.format(amount=amount))}</button><p class="note">{texts.test}</p>'
        f'<section aria-labelledby="choose"><h2 id="choose">{texts.choose}</h2>'
        f'<p class="note">{texts.choose_more}</p>{groups}</section></form>'
        f'<form method="post"><input type="hidden" name="do" value="{good}">'
        f"<section><h3>{texts.trouble}</h3>{troubles}</section></form>"
        f'<section><a href="{escape(_cancel_url(order))}">{texts.leave}</a></section>'
    )


def _button(name: str, value: str, label: str) -> str:
    return f'<button name="{name}" value="{value}">{label}</button>'


def _cancel_url(order: Json) -> str:
    return str(order["_context"]["cancel_url"])


def _end(texts: Texts, heading: str, more: str, order: Json, *, merchant: str) -> str:
    return (
        f'<h1 class="sum">{heading}</h1><p>{more}</p><a class="back" href="{escape(return_url(order))}">'
        f'{escape(texts.back.format(merchant=merchant))}</a><p class="note">{texts.test}</p>'
    )


def _amount(amount: Json) -> str:
    value, currency = Decimal(amount["value"]), str(amount["currency_code"])
    return f"¥{value:,}" if currency == "JPY" else f"{currency} {value:,}"
