# SPDX-License-Identifier: Apache-2.0
"""Stripe as far as Tsuzuku needs it, in Stripe's own words on the wire: its package cannot tell the difference.

wire     forms in brackets, errors, expanding     objects  sessions, intents, charges, refunds, events as JSON
books    what is on disk                          till     what merchants ask for and payers do
cards    test numbers and what they come to       page     Checkout, the bank's page, the sheet of a wallet
views    what merchants may look at                sandbox  the process

Described at https://docs.stripe.com/api in version 2026-10-28.endive; testing cards at https://docs.stripe.com/testing.
Checked: 2026-11-21, with the package stripe 16.1.
"""
