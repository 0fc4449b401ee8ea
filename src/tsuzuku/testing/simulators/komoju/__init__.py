# SPDX-License-Identifier: Apache-2.0
"""KOMOJU as far as Tsuzuku needs it, in KOMOJU's own words on the wire: sessions, slips for stores, refunds by hand.

wire     errors, ids, moments       objects  sessions, payments, refunds, events as JSON
till     what merchants ask for, what payers do on the page and at the store, what the back office does
page     the choice of a store, and the slip                   sandbox  the process

Described at https://doc.komoju.com/. Checked: 2026-11-21, with the models of KOMOJU's own packages for Node and Ruby.
"""
