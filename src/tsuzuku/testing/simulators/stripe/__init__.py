# SPDX-License-Identifier: Apache-2.0
"""Stripe as far as Tsuzuku needs it, in Stripe's own words on the wire: its package cannot tell the difference.

wire      forms in brackets, errors, expanding   objects         sessions, intents, charges, refunds ... as JSON
books     what is on disk                        till            sessions and refunds, and what payers do with them
cards     test numbers and what they come to     intents         what is confirmed from a merchant's server
taking    how a try to pay ends                  next_actions    where payers go next: a wallet, a code, a store
disputes  banks that take charges back           page            Checkout, the bank's page, the sheet of a wallet
views     what merchants may look at             elsewhere_page  a wallet's page, its app, a store's till
sandbox   the process                            page_texts      what all of them say
settlement  its books as the report that the dashboard downloads

Described at https://docs.stripe.com/api in version 2026-10-28.endive; testing cards at https://docs.stripe.com/testing.
Checked: 2026-11-21, with the package stripe 16.1.
"""
