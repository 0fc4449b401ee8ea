# SPDX-License-Identifier: Apache-2.0
"""Alipay with a contract of one's own: a code on our page for another device's camera, a link for the payer's phone.

The open API, version 1.0, signed by RSA2: alipay.trade.precreate, .query, .refund, .fastpay.refund.query. Described at
https://opendocs.alipay.com/open/194 and, for merchants outside mainland China, https://docs.antom.com/ac/solution_api/.
Checked: 2026-11-21, against `tsuzuku.testing.simulators.alipay`; signatures against the package python-alipay-sdk 3.4.

Our key without hyphens is their `out_trade_no`, or a refund's `out_request_no`; their `trade_no` is our capture's
reference. A trade comes into being only when its code is scanned, so our payment's reference also says until when not
to have heard of it means nothing. Why a code and no page: docs/decisions/0018.
"""

from tsuzuku.payments.adapters.alipay.adapter import AlipayProvider
from tsuzuku.payments.adapters.alipay.config import App, RealAccount, SimulatedAccount

__all__ = ["AlipayProvider", "App", "RealAccount", "SimulatedAccount"]
