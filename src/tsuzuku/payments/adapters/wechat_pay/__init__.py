# SPDX-License-Identifier: Apache-2.0
"""WeChat Pay with a contract of one's own: a QR code on our page, scanned in the payer's app (Native Pay).

API v3 as merchants outside mainland China have it (`/v3/global/` on apihk.mch.weixin.qq.com), for merchants with a
contract of their own, not through an institution. Only there are prices in yen, and a payment's refunds are listed.
Described at https://pay.weixin.qq.com/doc/global/v3/en/ and https://pay.weixin.qq.com/wiki/doc/api_external/en/.
Checked: 2026-11-21, against `tsuzuku.testing.simulators.wechat_pay`; signatures against the package wechatpayv3 2.0.4.

Our key without hyphens is their `out_trade_no` and our payment's reference, or a refund's `out_refund_no`; their
transaction's id is our capture's reference. Why there is no SDK here: docs/decisions/0017.
"""

from tsuzuku.payments.adapters.wechat_pay.adapter import WeChatPayProvider
from tsuzuku.payments.adapters.wechat_pay.config import (
    API_URL,
    Merchant,
    RealAccount,
    SimulatedAccount,
    api_v3_key,
    read_platform_keys,
)

__all__ = [
    "API_URL",
    "Merchant",
    "RealAccount",
    "SimulatedAccount",
    "WeChatPayProvider",
    "api_v3_key",
    "read_platform_keys",
]
