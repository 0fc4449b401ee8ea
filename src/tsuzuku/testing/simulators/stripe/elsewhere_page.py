# SPDX-License-Identifier: Apache-2.0
"""Where payers go who do not pay on Checkout: a wallet's page, a wallet's app, a store. Whoever looks plays them."""

from datetime import UTC, datetime, timedelta, timezone
from html import escape
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from tsuzuku.testing.simulators.pay_page import format_amount, shell
from tsuzuku.testing.simulators.server import Request, Response
from tsuzuku.testing.simulators.stripe.intents import waits
from tsuzuku.testing.simulators.stripe.next_actions import STORES
from tsuzuku.testing.simulators.stripe.objects import Json
from tsuzuku.testing.simulators.stripe.page_texts import TEXTS, Texts

#: The first part of the address, by the method.
PLACES = {"alipay": "authorize", "paypay": "authorize", "wechat_pay": "wechat", "konbini": "konbini"}
_JAPAN = timezone(timedelta(hours=9))


def elsewhere_page(request: Request, intent: Json, *, merchant: str) -> Response:
    """The place where a PaymentIntent is paid, as it is now. A PaymentIntent knows no language, so the browser's."""
    texts = TEXTS["zh" if request.headers.get("accept-language", "").lower().startswith("zh") else "en"]
    kind = intent["payment_method_types"][0]
    title = texts.title.format(merchant=merchant)
    amount = format_amount(intent["amount"], intent["currency"].upper())
    heading = f'<h1>{escape(title)}</h1><p class="sum">{escape(amount)}</p>'
    if not waits(intent):
        body = _end(texts, intent, merchant=merchant)
    elif kind == "konbini":
        body = heading + _store(texts, intent)
    else:
        body = heading + _wallet(texts, intent, kind)
    back = urlsplit(intent["_return_url"] or "")
    origin = f"{back.scheme}://{back.netloc}" if back.netloc else ""
    body += f'<p class="note">{texts.test}</p>'
    return shell(request, body, lang=texts.lang, title=title, brand=texts.methods[kind], form_action=origin)


def next_page(intent: Json, *, here: str) -> Response:
    """Where a button leads: a wallet's page back to the merchant, the others on to what they say now."""
    leads_back = PLACES[intent["payment_method_types"][0]] == "authorize" and not waits(intent)
    headers = {"Location": return_url(intent) if leads_back else here, "Cache-Control": "no-store"}
    return Response(HTTPStatus.SEE_OTHER, b"", headers)


def return_url(intent: Json) -> str:
    """Back to the merchant, with what Stripe adds to the address. It proves nothing."""
    told = {
        "payment_intent": intent["id"],
        "payment_intent_client_secret": intent["client_secret"],
        "redirect_status": "succeeded" if intent["status"] == "succeeded" else "failed",
    }
    url = str(intent["_return_url"])
    return f"{url}{'&' if '?' in url else '?'}{urlencode(told)}"


def _wallet(texts: Texts, intent: Json, kind: str) -> str:
    """What stands here for the wallet's own page or app: Stripe's test mode too asks only whether to pay."""
    leave = intent["_return_url"] if PLACES[kind] == "authorize" else ""
    last = (
        f'<section><a href="{escape(leave)}">{texts.leave}</a></section>'
        if leave
        else f'<button name="do" value="run-out">{texts.run_out}</button>'
    )
    buttons = f'<button class="pay" name="do" value="pay">{texts.wallet_yes}</button><section>'
    buttons += f'<button name="do" value="refuse">{texts.wallet_no}</button>'
    form = f"{buttons}</section></form>{last}" if leave else f"{buttons}{last}</section></form>"
    return f'<p class="warn">{texts.wallet.format(method=texts.methods[kind])}</p><form method="post">{form}'


def _store(texts: Texts, intent: Json) -> str:
    details = intent["next_action"]["konbini_display_details"]
    until = datetime.fromtimestamp(details["expires_at"], UTC).astimezone(_JAPAN)
    slips = "".join(_slip(texts, store, details["stores"][store]) for store in STORES)
    tills = "".join(
        f'<button name="do" value="pay">{texts.till_pay.format(store=texts.stores[store])}</button>' for store in STORES
    )
    return (
        f"<p>{texts.until.format(moment=until.strftime('%Y-%m-%d %H:%M'))}</p>{slips}"
        f'<p class="warn">{texts.till}</p><form method="post"><section>{tills}'
        f'<button name="do" value="run-out">{texts.run_out}</button></section></form>'
    )


def _slip(texts: Texts, store: str, numbers: Json) -> str:
    return (
        f"<h2>{texts.stores[store]}</h2><dl><dt>{texts.payment_code}</dt><dd>{numbers['payment_code']}</dd>"
        f"<dt>{texts.confirmation_number}</dt><dd>{numbers['confirmation_number']}</dd></dl>"
    )


def _end(texts: Texts, intent: Json, *, merchant: str) -> str:
    heading = texts.paid if intent["status"] == "succeeded" else texts.over
    if intent["_return_url"] is None or PLACES[intent["payment_method_types"][0]] != "authorize":
        return f'<h1 class="sum">{heading}</h1><p>{texts.go_back}</p>'
    back = texts.back.format(merchant=merchant)
    return f'<h1 class="sum">{heading}</h1><a class="back" href="{escape(return_url(intent))}">{escape(back)}</a>'
