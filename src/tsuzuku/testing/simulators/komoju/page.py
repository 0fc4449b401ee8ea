# SPDX-License-Identifier: Apache-2.0
"""What payers see: the choice of a store, then the slip with what one can do about it."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from html import escape
from http import HTTPStatus
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from tsuzuku.testing.simulators.komoju.objects import STORES, Trouble
from tsuzuku.testing.simulators.object_books import Json
from tsuzuku.testing.simulators.pay_page import format_amount, shell, unknown_page
from tsuzuku.testing.simulators.server import Request, Response

__all__ = ["leave", "return_url", "session_page", "slip_page", "unknown_page"]

_BRAND = "KOMOJU"
_JAPAN = timezone(timedelta(hours=9))


@dataclass(frozen=True, kw_only=True, slots=True)
class Texts:
    """What the pages say in one language. Places in braces are filled in."""

    lang: str
    title: str
    test: str
    merchant: str
    order: str
    choose: str
    stores: tuple[str, ...]
    wrong: str
    refuse: str
    cancel: str
    slip: str
    number: str
    code: str
    until: str
    pay: str
    choices: tuple[tuple[str, str], ...]
    expire: str
    states: tuple[tuple[str, str], ...]
    back: str


_ENGLISH = Texts(
    lang="en",
    title="Pay {merchant} at a store",
    test="Simulator of KOMOJU: no real money moves here.",
    merchant="Merchant",
    order="Order",
    choose="Where will you pay?",
    stores=("7-Eleven", "FamilyMart", "Lawson", "Ministop", "Seicomart"),
    wrong="What can go wrong",
    refuse="The store's system issues no slip",
    cancel="Cancel and go back",
    slip="Slip for {store}",
    number="Payment slip number",
    code="Confirmation number",
    until="Pay until",
    pay="Pay {amount} at the till",
    choices=(
        (Trouble.LATE.value, "Pay, and the message comes late"),
        (Trouble.TWICE.value, "Pay, and the message comes twice"),
        (Trouble.OUT_OF_ORDER.value, "Pay, and messages change places"),
        (Trouble.LOST.value, "Pay, and no message comes"),
    ),
    expire="Let it run out",
    states=(
        ("captured", "Paid"),
        ("refunded", "Paid, and given back"),
        ("expired", "Nobody paid in time"),
        ("cancelled", "Cancelled"),
    ),
    back="Back to {merchant}",
)

_CHINESE = Texts(
    lang="zh-Hans",
    title="到便利店向 {merchant} 付款",
    test="这是 KOMOJU 的模拟页面，不会产生真实扣款。",
    merchant="商户",
    order="订单号",
    choose="您要在哪家便利店付款？",
    stores=("7-Eleven", "全家 FamilyMart", "罗森 Lawson", "Ministop", "Seicomart"),
    wrong="可能出现的问题",
    refuse="便利店系统无法开出缴费单",
    cancel="取消并返回",
    slip="{store} 缴费单",
    number="払込票番号",
    code="确认号码",
    until="付款截止时间",
    pay="在收银台支付 {amount}",
    choices=(
        (Trouble.LATE.value, "付款，通知来得很晚"),
        (Trouble.TWICE.value, "付款，通知来了两次"),
        (Trouble.OUT_OF_ORDER.value, "付款，通知顺序颠倒"),
        (Trouble.LOST.value, "付款，没有通知"),
    ),
    expire="不付款，等它过期",
    states=(
        ("captured", "已付款"),
        ("refunded", "已付款，并已退款"),
        ("expired", "已过期，没有付款"),
        ("cancelled", "已取消"),
    ),
    back="返回 {merchant}",
)


def session_page(request: Request, session: Json, *, merchant: str) -> Response:
    """The page of a session on which a store can be chosen, or no longer."""
    texts = _texts(session)
    title = texts.title.format(merchant=merchant)
    amount = format_amount(session["amount"], session["currency"])
    rows = ((texts.merchant, merchant), (texts.order, session["payment_data"].get("external_order_num") or ""))
    body = f'<h1>{escape(title)}</h1><p class="sum">{escape(amount)}</p>{_listed(rows)}'
    if session["status"] == "pending" and not session["expired"]:
        named = list(zip(STORES, texts.stores, strict=True))
        stores = "".join(f'<button name="issue" value="{store}">{label}</button>' for store, label in named[1:])
        body += (
            f'<form method="post"><h2>{texts.choose}</h2>'
            f'<p><button class="pay" name="issue" value="{named[0][0]}">{named[0][1]}</button></p>'
            f'<p class="note">{texts.test}</p><section>{stores}</section>'
            f'<section><h3>{texts.wrong}</h3><button name="refuse" value="{STORES[0]}">{texts.refuse}</button>'
            f'<button name="cancel" value="yes">{texts.cancel}</button></section></form>'
        )
    else:
        status = "expired" if session["expired"] else session["status"]
        body += _end(texts, status, session, merchant=merchant)
    return _shell(request, body, texts, title, session)


def slip_page(request: Request, session: Json, payment: Json, *, merchant: str) -> Response:
    """The slip, and what one can do about it."""
    texts = _texts(session)
    details = payment["payment_details"]
    store = texts.stores[STORES.index(details["store"])]
    title = texts.slip.format(store=store)
    amount = format_amount(payment["amount"], payment["currency"])
    until = datetime.fromisoformat(payment["payment_deadline"]).astimezone(_JAPAN)
    rows = [
        (texts.number, details["receipt"]),
        (texts.code, details["confirmation_code"] or ""),
        (texts.until, f"{until:%Y-%m-%d %H:%M} JST"),
    ]
    listed = _listed([row for row in rows if row[1]])
    body = f'<h1>{escape(title)}</h1><p class="sum">{escape(amount)}</p>{listed}'
    if payment["status"] == "authorized":
        choices = "".join(f'<button name="pay" value="{value}">{label}</button>' for value, label in texts.choices)
        back = texts.back.format(merchant=merchant)
        body += (
            f'<form method="post"><button class="pay" name="pay" value="none">'
            f'{escape(texts.pay.format(amount=amount))}</button><p class="note">{texts.test}</p>'
            f"<section><h3>{texts.wrong}</h3>{choices}"
            f'<button name="expire" value="yes">{texts.expire}</button></section></form>'
            f'<section><a href="{escape(return_url(session))}">{escape(back)}</a></section>'
        )
    else:
        body += _end(texts, payment["status"], session, merchant=merchant)
    return _shell(request, body, texts, title, session)


def leave(address: str) -> Response:
    """Where a button leads."""
    return Response(HTTPStatus.SEE_OTHER, b"", {"Location": address, "Cache-Control": "no-store"})


def return_url(session: Json) -> str:
    """Back to the merchant, with the session's id behind it."""
    parts = urlsplit(session["return_url"])
    query = [*parse_qsl(parts.query, keep_blank_values=True), ("session_id", session["id"])]
    return str(urlunsplit(parts._replace(query=urlencode(query))))


def _texts(session: Json) -> Texts:
    return _CHINESE if session["default_locale"] in {"zh_CN", "zh-CN", "zh"} else _ENGLISH


def _listed(rows: list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> str:
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows) + "</dl>"


def _end(texts: Texts, status: str, session: Json, *, merchant: str) -> str:
    heading = dict(texts.states).get(status, "")
    return (
        f'<h2>{heading}</h2><p><a class="back" href="{escape(return_url(session))}">'
        f'{escape(texts.back.format(merchant=merchant))}</a></p><p class="note">{texts.test}</p>'
    )


def _shell(request: Request, body: str, texts: Texts, title: str, session: Json) -> Response:
    back = urlsplit(session["return_url"])
    origin = f"{back.scheme}://{back.netloc}"
    return shell(request, body, lang=texts.lang, title=title, brand=_BRAND, form_action=origin)
