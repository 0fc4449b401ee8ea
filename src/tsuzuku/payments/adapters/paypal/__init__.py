# SPDX-License-Identifier: Apache-2.0
"""PayPal: the payer agrees on PayPal's page, and we take the money afterwards.

API versions: Orders v2 and Payments v2, described at https://developer.paypal.com/docs/api/orders/v2/ and payments/v2/;
webhooks at https://developer.paypal.com/api/rest/webhooks/rest/. Checked: 2026-11-21, against
`tsuzuku.testing.simulators.paypal`, which PayPal's own package paypal-server-sdk 2.4 takes for PayPal.

An Order is what we start, and our payment's reference; a Capture takes its money, a Refund gives some back. Captures
and refunds know their order only by links, so they carry our keys in `custom_id`.

calls  tokens, and refusals told apart      certificates  who signed a webhook      webhook  what it tells
"""

from tsuzuku.payments.adapters.paypal.adapter import PayPalProvider
from tsuzuku.payments.adapters.paypal.config import RealAccount, SimulatedAccount

__all__ = ["PayPalProvider", "RealAccount", "SimulatedAccount"]
