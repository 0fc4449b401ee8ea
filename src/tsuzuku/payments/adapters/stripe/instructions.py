# SPDX-License-Identifier: Apache-2.0
"""What a PaymentIntent wants its payer to do next: go somewhere, scan a code, or show a slip to a store."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tsuzuku.payments.ports import Instructions, StoreSlip

#: In the order in which travellers meet them.
_STORES = ("familymart", "lawson", "ministop", "seicomart")
#: Stripe does not say how long a code of WeChat's lives. WeChat itself gives two hours to the code of a web page
#: (`code_url`, https://pay.weixin.qq.com/doc/v3/merchant/4012791877), and others who sell by Stripe tell of codes that
#: end with the day in China (https://docs.chinapaymentsplugin.com/faqs/how-long-are-wechat-pay-qr-codes-valid). Nobody
#: shall scan one in vain: ours is shown for an hour. An end that comes sooner is told; money that comes later counts.
_CODE_LIVES = timedelta(hours=1)


def redirect_of(intent: Mapping[str, Any]) -> str:
    """Where the payer goes next; empty if nowhere. Raises KeyError, TypeError or AttributeError."""
    action = intent["next_action"] or {}
    match action.get("type"):
        case "alipay_handle_redirect" | "redirect_to_url" as kind:
            return str(action[kind]["url"])
    return ""


def instructions_of(intent: Mapping[str, Any]) -> Instructions | None:
    """What the payer scans or shows; None if nothing. Raises KeyError, ValueError, TypeError or OverflowError."""
    action = intent["next_action"] or {}
    match action.get("type"):
        case "konbini_display_details" as kind:
            return _slips(action[kind])
        case "wechat_pay_display_qr_code" as kind:
            return Instructions(
                expires_at=datetime.fromtimestamp(intent["created"], UTC) + _CODE_LIVES,
                qr_text=str(action[kind]["data"]),
                page_url=str(action[kind]["hosted_instructions_url"]),
            )
    return None


def _slips(details: Mapping[str, Any]) -> Instructions:
    stores = details["stores"]
    return Instructions(
        expires_at=datetime.fromtimestamp(details["expires_at"], UTC),
        slips=tuple(
            StoreSlip(
                store=store,
                payment_number=str(stores[store]["payment_code"]),
                confirmation_number=str(stores[store].get("confirmation_number") or ""),
            )
            for store in _STORES
            if stores.get(store)
        ),
        page_url=str(details.get("hosted_voucher_url") or ""),
    )
