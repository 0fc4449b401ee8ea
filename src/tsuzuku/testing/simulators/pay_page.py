# SPDX-License-Identifier: Apache-2.0
"""The page on which a payer pays: one file, no scripts, nothing from elsewhere."""

import gzip
import secrets
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from urllib.parse import urlsplit

from tsuzuku.testing.simulators.provider_books import Behaviour, Payment, Status
from tsuzuku.testing.simulators.server import Request, Response

#: Currencies without smaller units (ISO 4217); the others that are tried here have hundredths.
WHOLE_CURRENCIES = frozenset({"JPY", "KRW"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Texts:
    """What the page says in one language. Places in braces are filled in."""

    lang: str
    title: str
    test: str
    merchant: str
    order: str
    item: str
    pay: str
    choose: str
    choose_more: str
    groups: tuple[tuple[str, tuple[tuple[Behaviour, str], ...]], ...]
    declined: str
    done: str
    done_more: str
    under_way: str
    under_way_more: str
    back: str


_ENGLISH = Texts(
    lang="en",
    title="Pay {merchant}",
    test="Test page: no real money moves here.",
    merchant="Merchant",
    order="Order",
    item="For",
    pay="Pay {amount}",
    choose="What should happen",
    choose_more="This is a test page: try what a bank, a payer or a network can do.",
    groups=(
        (
            "The bank says no",
            (
                (Behaviour.DECLINE_NETWORK, "Decline: the bank cannot be reached"),
                (Behaviour.DECLINE_LIMIT, "Decline: over the card's limit"),
                (Behaviour.DECLINE_REFUSED, "Decline: refused"),
            ),
        ),
        (
            "The payer takes another way",
            (
                (Behaviour.LEAVE, "Go back without paying"),
                (Behaviour.PAY_SLOWLY, "Pay, and the money comes slowly"),
                (Behaviour.PAY_TWICE, "Pay twice"),
            ),
        ),
        (
            "Pay, but the messages go wrong",
            (
                (Behaviour.WEBHOOK_LATE, "Pay, and the message comes late"),
                (Behaviour.WEBHOOK_TWICE, "Pay, and the message comes twice"),
                (Behaviour.WEBHOOK_OUT_OF_ORDER, "Pay, and messages change places"),
            ),
        ),
    ),
    declined="The last try was declined. Nothing was taken; you can try again.",
    done="Paid",
    done_more="This payment is complete. Nothing more is taken.",
    under_way="Payment under way",
    under_way_more="The bank is working on it. You need not do anything.",
    back="Back to {merchant}",
)

_CHINESE = Texts(
    lang="zh-Hans",
    title="向 {merchant} 付款",
    test="这是测试页面，不会产生真实扣款。",
    merchant="商户",
    order="订单号",
    item="内容",
    pay="支付 {amount}",
    choose="接下来会发生什么",
    choose_more="这是测试页面：可以试试银行、付款人或网络可能出现的各种情况。",
    groups=(
        (
            "银行拒绝",
            (
                (Behaviour.DECLINE_NETWORK, "拒绝：连不上银行"),
                (Behaviour.DECLINE_LIMIT, "拒绝：超出限额"),
                (Behaviour.DECLINE_REFUSED, "拒绝：其他原因"),
            ),
        ),
        (
            "付款人另有打算",
            (
                (Behaviour.LEAVE, "不付款，直接返回"),
                (Behaviour.PAY_SLOWLY, "付款，但到账很慢"),
                (Behaviour.PAY_TWICE, "付两次款"),
            ),
        ),
        (
            "付款，但通知出了问题",
            (
                (Behaviour.WEBHOOK_LATE, "付款，通知来得很晚"),
                (Behaviour.WEBHOOK_TWICE, "付款，通知来了两次"),
                (Behaviour.WEBHOOK_OUT_OF_ORDER, "付款，通知顺序颠倒"),
            ),
        ),
    ),
    declined="上一次付款被拒绝，没有扣款，可以再试一次。",
    done="已付款",
    done_more="这笔付款已经完成，不会再次扣款。",
    under_way="正在处理付款",
    under_way_more="银行正在处理，请稍候，无需任何操作。",
    back="返回 {merchant}",
)

_STYLE = """
:root{color-scheme:light dark;--paper:#faf9f6;--card:#fff;--ink:#16202e;--quiet:#5b6675;--hair:#e4e1d9;--ai:#1d3b72;
--kaki:#c43d12;--soft:#fdeee7;font:16px/1.5 system-ui,"PingFang SC","Hiragino Sans","Noto Sans CJK SC",
"Microsoft YaHei",sans-serif}
@media(prefers-color-scheme:dark){:root{--paper:#11161e;--card:#1a212c;--ink:#eceef2;--quiet:#a5afbd;--hair:#333d4b;
--ai:#a9c1f0;--soft:#3a2219}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink)}
main{max-width:440px;margin:0 auto;padding:0 20px 40px}
header{max-width:440px;margin:0 auto;padding:20px;display:flex;gap:8px;align-items:center;color:var(--ai);
font-weight:700}
svg{flex:none}
h1{font-size:16px;font-weight:600;margin:8px 0 0;color:var(--quiet)}
.sum{color:var(--ink);font-size:44px;line-height:1.2;font-weight:700;letter-spacing:-.02em;font-variant-numeric:tabular-nums;margin:0}
.sum small{font-size:16px;font-weight:600;letter-spacing:0;color:var(--quiet);margin-left:8px}
dl{background:var(--card);border:1px solid var(--hair);border-radius:16px;padding:16px;margin:16px 0;display:grid;
grid-template-columns:auto 1fr;gap:8px 16px}
dt{color:var(--quiet)}dd{margin:0;text-align:right;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
button,.back{font:inherit;cursor:pointer;width:100%;min-height:48px;border-radius:12px;padding:12px 16px}
.pay,.back{display:block;border:0;background:var(--kaki);color:#fff;font-size:18px;font-weight:600;min-height:56px;
border-radius:14px;text-align:center;text-decoration:none;line-height:32px}
.wallet{border:0;background:#000;color:#fff;font-weight:600;margin-bottom:12px}
a{color:var(--ai)}a.back{color:#fff}
:focus-visible{outline:3px solid var(--ai);outline-offset:2px}
.note{color:var(--quiet);font-size:14px;margin:12px 0 0}
.warn{background:var(--soft);border-radius:12px;padding:12px 16px;margin:16px 0 0}
.warn+form{margin-top:16px}code{overflow-wrap:anywhere}
section{border-top:1px solid var(--hair);margin-top:32px;padding-top:20px}
h2{font-size:16px;margin:0}h3{font-size:14px;font-weight:600;color:var(--quiet);margin:20px 0 8px}
section button{background:var(--card);color:var(--ink);border:1px solid var(--hair);text-align:left;margin:0 0 8px}
"""

_MARK = (
    '<svg width="28" height="28" viewBox="0 0 28 28" aria-hidden="true"><rect width="28" height="28" rx="8" '
    'fill="currentColor"/><path d="M6 11h16M6 17h7" stroke="#fff" stroke-opacity=".9" stroke-width="3" '
    'stroke-linecap="round"/></svg>'
)


def pay_page(request: Request, payment: Payment, *, merchant: str, back_url: str) -> Response:
    """The page of a payment as it is now: to be paid, under way or paid."""
    texts = _texts(payment.language)
    if payment.status is Status.CAPTURED:
        body = _end(texts, texts.done, texts.done_more, merchant=merchant, back_url=back_url)
    elif payment.status is Status.PROCESSING:
        body = _end(texts, texts.under_way, texts.under_way_more, merchant=merchant, back_url=back_url)
    else:
        body = _form(texts, payment, merchant=merchant)
    title = texts.title.format(merchant=merchant)
    back = urlsplit(back_url)
    return shell(request, body, lang=texts.lang, title=title, form_action=f"{back.scheme}://{back.netloc}")


def unknown_page(request: Request) -> Response:
    """For an address that is no payment's."""
    body = "".join(
        f'<p lang="{lang}">{text}</p>'
        for lang, text in (("zh-Hans", "没有这笔付款。"), ("en", "There is no such payment."))
    )
    title = "404"
    return shell(request, f"<h1>{title}</h1>{body}", lang="en", title=title, status=HTTPStatus.NOT_FOUND)


def shell(
    request: Request,
    body: str,
    *,
    lang: str,
    title: str,
    brand: str = "Sandbox Pay",
    form_action: str = "",
    status: int = HTTPStatus.OK,
) -> Response:
    """A page with this body; its forms may lead to `form_action`."""
    nonce = secrets.token_urlsafe(16)
    html = (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f'<title>{escape(title)}</title><link rel="icon" href="data:,"><style nonce="{nonce}">{_STYLE}</style></head>'
        f"<body><header>{_MARK}<span>{escape(brand)}</span></header><main>{body}</main></body></html>"
    ).encode()
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        # A browser holds the redirect that follows a form to form-action, so the merchant must be named.
        "Content-Security-Policy": f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; "
        f"form-action 'self' {form_action}; base-uri 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "Vary": "Accept-Encoding",
    }
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(status, gzip.compress(html, mtime=0), {**headers, "Content-Encoding": "gzip"})
    return Response(status, html, headers)


def format_amount(amount_minor: int, currency: str) -> str:
    """An amount as payers read it."""
    number = f"{amount_minor:,}" if currency in WHOLE_CURRENCIES else f"{amount_minor / 100:,.2f}"
    return f"¥{number}" if currency == "JPY" else f"{currency} {number}"


def _form(texts: Texts, payment: Payment, *, merchant: str) -> str:
    amount = format_amount(payment.amount_minor, payment.currency)
    code = f"<small>{payment.currency}</small>" if payment.currency not in amount else ""
    rows = ((texts.merchant, merchant), (texts.order, payment.order_number), (texts.item, payment.description))
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows)
    declined = f'<p class="warn" role="status">{texts.declined}</p>' if payment.status is Status.DECLINED else ""
    groups = "".join(
        f"<h3>{heading}</h3>" + "".join(_choice(behaviour, label) for behaviour, label in choices)
        for heading, choices in texts.groups
    )
    return (
        f"<h1>{escape(texts.title.format(merchant=merchant))}</h1>"
        f'<p class="sum">{escape(amount)}{code}</p>{declined}<dl>{listed}</dl>'
        f'<form method="post"><button class="pay" name="behaviour" value="{Behaviour.PAY.value}">'
        f'{escape(texts.pay.format(amount=amount))}</button><p class="note">{texts.test}</p>'
        f'<section aria-labelledby="choose"><h2 id="choose">{texts.choose}</h2>'
        f'<p class="note">{texts.choose_more}</p>{groups}</section></form>'
    )


def _choice(behaviour: Behaviour, label: str) -> str:
    return f'<button name="behaviour" value="{behaviour.value}">{label}</button>'


def _end(texts: Texts, heading: str, more: str, *, merchant: str, back_url: str) -> str:
    return (
        f'<h1 class="sum">{heading}</h1><p>{more}</p>'
        f'<a class="back" href="{escape(back_url)}">{escape(texts.back.format(merchant=merchant))}</a>'
        f'<p class="note">{texts.test}</p>'
    )


def _texts(language: str) -> Texts:
    """Simplified Chinese for those who read it, English for everybody else."""
    is_simplified = language.lower() in {"zh", "zh-hans", "zh-cn", "zh-sg", "zh-hans-cn"}
    return _CHINESE if is_simplified else _ENGLISH
