# SPDX-License-Identifier: Apache-2.0
"""PayPal as far as Tsuzuku needs it, in PayPal's own words on the wire: its package cannot tell the difference.

wire     amounts, links, errors        objects  orders, captures, refunds, disputes, events as JSON
funding  what the payer pays with, and what comes of it          till  what merchants ask for and payers do
signing  certificates and signatures   page     PayPal's page          sandbox  the process

Described at https://developer.paypal.com/docs/api/orders/v2/, payments/v2/ and https://developer.paypal.com/api/rest/.
Checked: 2026-11-21, with the package paypal-server-sdk 2.4.
"""
