# SPDX-License-Identifier: Apache-2.0
"""What a payer has to do who pays elsewhere than on Checkout. The places are pages of the simulator's."""

import secrets
from datetime import datetime, time, timedelta, timezone

from tsuzuku.testing.simulators.stripe.objects import Json

STORES = ("familymart", "lawson", "ministop", "seicomart")
_JAPAN = timezone(timedelta(hours=9))
_SLIP_DAYS = 3
#: Stripe does not say how long a code lives; WeChat's own lives for two hours.
CODE_SECONDS = 2 * 60 * 60


def alipay(intent: Json, *, url: str) -> Json:
    """To the wallet's page, and back."""
    kind = "alipay_handle_redirect"
    page = f"{url}/authorize/{intent['id']}"
    return {
        "type": kind,
        kind: {"native_data": None, "native_url": None, "return_url": intent["_return_url"], "url": page},
    }


def paypay(intent: Json, *, url: str) -> Json:
    """The same, as Stripe tells it of every wallet without words of its own."""
    kind = "redirect_to_url"
    return {"type": kind, kind: {"return_url": intent["_return_url"], "url": f"{url}/authorize/{intent['id']}"}}


def wechat_pay(intent: Json, *, url: str) -> Json:
    """A code to scan. What stands in it is the address of the page that plays WeChat, so any phone may scan it."""
    kind = "wechat_pay_display_qr_code"
    page = f"{url}/wechat/{intent['id']}"
    return {
        "type": kind,
        kind: {
            "data": page,
            "hosted_instructions_url": page,
            # Merchants draw the code themselves; no picture of it is made here.
            "image_data_url": "data:,",
            "image_url_png": f"{page}.png",
            "image_url_svg": f"{page}.svg",
        },
    }


def konbini(intent: Json, *, url: str, expires_at: int) -> Json:
    """Numbers for the machines and tills of stores, and a page that explains them."""
    kind = "konbini_display_details"
    asked = intent["payment_method_options"].get("konbini", {}).get("confirmation_number")
    number = asked or _digits(10)
    return {
        "type": kind,
        kind: {
            "expires_at": expires_at,
            "hosted_voucher_url": f"{url}/konbini/{intent['id']}",
            "stores": {store: {"confirmation_number": number, "payment_code": _digits(6)} for store in STORES},
        },
    }


def slip_expires_at(*, days: int = _SLIP_DAYS, now: datetime) -> int:
    """The last second of a day in Japan."""
    last_day = now.astimezone(_JAPAN).date() + timedelta(days=days)
    return int(datetime.combine(last_day, time(23, 59, 59), _JAPAN).timestamp())


def _digits(count: int) -> str:
    """Numbers as stores print them: no leading zero that somebody would leave out."""
    return str(secrets.randbelow(9 * 10 ** (count - 1)) + 10 ** (count - 1))
