# SPDX-License-Identifier: Apache-2.0
"""What payers see on Checkout: test cards instead of a field for numbers, the bank's page, the sheet of Apple Pay."""

from collections.abc import Mapping
from html import escape
from http import HTTPStatus
from urllib.parse import urlsplit

from tsuzuku.testing.simulators.pay_page import format_amount, shell, unknown_page
from tsuzuku.testing.simulators.server import Request, Response
from tsuzuku.testing.simulators.stripe.cards import APPLE_PAY
from tsuzuku.testing.simulators.stripe.objects import Json
from tsuzuku.testing.simulators.stripe.page_texts import TEXTS, Texts

__all__ = ["checkout_page", "next_page", "unknown_page"]

_BRAND = "Checkout"
_GOOD = "4242424242424242"
#: Real phones show their wallet by themselves. Whose payer has chosen it begins with it here, as far as the merchant's
#: note on the session tells.
_WANTED = "tsuzuku_method"


def checkout_page(request: Request, found: Json, intent: Json | None, *, step: str, merchant: str) -> Response:
    """The page of a session as it is now."""
    texts = TEXTS["zh" if (found["locale"] or "").startswith("zh") else "en"]
    amount = format_amount(found["amount_total"], found["currency"].upper())
    title = texts.title.format(merchant=merchant)
    heading = f'<h1>{escape(title)}</h1><p class="sum">{escape(amount)}</p>'
    if found["status"] == "complete":
        body = _end(texts, texts.paid, texts.back.format(merchant=merchant), success_url(found))
    elif found["status"] == "expired":
        body = _end(texts, texts.expired, texts.back.format(merchant=merchant), found["cancel_url"])
    elif intent is not None and intent["status"] == "requires_action":
        body = heading + _bank(texts)
    elif step == "apple-pay" or (step == "" and intent is None and found["metadata"].get(_WANTED) == APPLE_PAY):
        body = heading + _apple_pay(texts, amount)
    else:
        body = heading + _card_form(texts, found, intent, amount=amount, merchant=merchant)
    back = urlsplit(found["success_url"])
    origin = f"{back.scheme}://{back.netloc}"
    return shell(request, body, lang=texts.lang, title=title, brand=_BRAND, form_action=origin)


def next_page(found: Json, intent: Json | None, *, here: str, pressed: Mapping[str, str]) -> Response:
    """Where a button leads: back to the merchant when all is paid, else on to the next page."""
    address = here
    if found["status"] == "complete":
        address = success_url(found)
    elif pressed.get("do") == "apple-pay":
        address = f"{here}?step=apple-pay"
    return Response(HTTPStatus.SEE_OTHER, b"", {"Location": address, "Cache-Control": "no-store"})


def success_url(found: Json) -> str:
    """Back to the merchant, who may have asked for the session's id in the address."""
    return str(found["success_url"]).replace("{CHECKOUT_SESSION_ID}", found["id"])


def _card_form(texts: Texts, found: Json, intent: Json | None, *, amount: str, merchant: str) -> str:
    rows = ((texts.merchant, merchant), (texts.order, found["client_reference_id"] or ""), (texts.item, found["_name"]))
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows)
    groups = "".join(
        f"<h3>{heading}</h3>" + "".join(_card(number, label) for number, label in cards)
        for heading, cards in texts.groups
    )
    troubles = "".join(
        f'<button name="trouble" value="{trouble.value}">{label}</button>' for trouble, label in texts.troubles
    )
    return (
        f"{_declined(texts, intent)}<dl>{listed}</dl>"
        f'<form method="post"><button name="do" value="apple-pay" class="wallet">{texts.apple_pay}</button></form>'
        f'<form method="post"><input type="hidden" name="do" value="pay">'
        f'<button class="pay" name="card" value="{_GOOD}">{escape(texts.pay.format(amount=amount))}</button>'
        f'<p class="note">{texts.test}</p>'
        f'<section aria-labelledby="choose"><h2 id="choose">{texts.choose}</h2>'
        f'<p class="note">{texts.choose_more}</p>{groups}</section></form>'
        f'<form method="post"><input type="hidden" name="do" value="pay">'
        f'<input type="hidden" name="card" value="{_GOOD}"><section><h3>{texts.trouble}</h3>{troubles}</section></form>'
        f'<section><a href="{escape(found["cancel_url"])}">{texts.leave}</a></section>'
    )


def _card(number: str, label: str) -> str:
    spaced = " ".join(number[at : at + 4] for at in range(0, len(number), 4))
    return f'<button name="card" value="{number}">{spaced}<br>{label}</button>'


def _bank(texts: Texts) -> str:
    return (
        f'<p class="warn">{texts.bank}</p><form method="post">'
        f'<button class="pay" name="do" value="bank-yes">{texts.bank_yes}</button>'
        f'<section><button name="do" value="bank-no">{texts.bank_no}</button></section></form>'
        f'<p class="note">{texts.test}</p>'
    )


def _apple_pay(texts: Texts, amount: str) -> str:
    return (
        f"<h2>{texts.apple_pay}</h2>"
        f"<dl><dt>{texts.card}</dt><dd>Visa ···· 4242</dd><dt>{texts.total}</dt><dd>{escape(amount)}</dd></dl>"
        f'<form method="post"><input type="hidden" name="do" value="pay">'
        f'<button class="pay" name="card" value="{APPLE_PAY}">{texts.apple_pay_yes}</button></form>'
        f'<section><form method="get"><button name="step" value="card">{texts.apple_pay_no}</button></form></section>'
        f'<p class="note">{texts.test}</p>'
    )


def _declined(texts: Texts, intent: Json | None) -> str:
    error = intent["last_payment_error"] if intent else None
    if error is None:
        return ""
    why = error.get("decline_code") or error["code"]
    return f'<p class="warn" role="status">{texts.declined} <code>{escape(why)}</code></p>'


def _end(texts: Texts, heading: str, back: str, address: str) -> str:
    return (
        f'<h1 class="sum">{heading}</h1><a class="back" href="{escape(address)}">{escape(back)}</a>'
        f'<p class="note">{texts.test}</p>'
    )
