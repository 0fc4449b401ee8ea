# SPDX-License-Identifier: Apache-2.0
"""Stripe: cards and the wallets that hold them on Stripe's own page (Checkout); konbini, Alipay, WeChat Pay and PayPay.

API version: 2026-10-28.endive, which the `stripe` package (16.1, the extra `tsuzuku[stripe]`) names in its calls.
Described at https://docs.stripe.com/api, konbini at https://docs.stripe.com/payments/konbini, the wallets at
https://docs.stripe.com/payments/{alipay,wechat-pay,paypay}, disputes at https://docs.stripe.com/disputes. Checked:
2026-11-21, against `tsuzuku.testing.simulators.stripe` and the types of the package.

adapter   which call for what         checkout      a payment on Stripe's page
calls     the calls and their ends    intents       a payment without it, and a charge of a method that was kept
config    the account                 instructions  what a payer is told: where to go, what to scan, what to show a shop
webhook   verify, then a table        objects       Stripe's objects, read as events

Three names of Stripe's meet here. What we start is a Checkout Session (`cs_`) or a PaymentIntent (`pi_`), and one of
them is our payment's reference. A session makes a PaymentIntent when its payer pays; our capture's reference is always
that of the PaymentIntent. A Refund and a Dispute have their own. Only sessions know sessions, so we write our keys into
the metadata of the others, and read them there; a Dispute has no metadata of ours, and names the PaymentIntent.
"""

from tsuzuku.payments.adapters.stripe.adapter import StripeProvider
from tsuzuku.payments.adapters.stripe.config import (
    KONBINI_DAYS_MAX,
    KONBINI_DAYS_MIN,
    METHODS,
    RealAccount,
    SimulatedAccount,
)

__all__ = ["KONBINI_DAYS_MAX", "KONBINI_DAYS_MIN", "METHODS", "RealAccount", "SimulatedAccount", "StripeProvider"]
