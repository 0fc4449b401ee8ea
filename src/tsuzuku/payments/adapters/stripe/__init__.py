# SPDX-License-Identifier: Apache-2.0
"""Stripe: cards, the wallets that hold them, and Asian wallets, all on Stripe's own page (Checkout).

API version: 2026-10-28.endive, which the `stripe` package (16.1, the extra `tsuzuku[stripe]`) names in its calls.
Described at https://docs.stripe.com/api. Checked: 2026-11-21, against `tsuzuku.testing.simulators.stripe`.

Three names of Stripe's meet here. A Checkout Session is what we start, and our payment's reference; the PaymentIntent
that it makes when the payer pays is our capture's; a Refund has one of its own. Only sessions know sessions, so we
write our keys into the metadata of the other two, and read them there.
"""

from tsuzuku.payments.adapters.stripe.adapter import StripeProvider
from tsuzuku.payments.adapters.stripe.config import METHODS, RealAccount, SimulatedAccount

__all__ = ["METHODS", "RealAccount", "SimulatedAccount", "StripeProvider"]
