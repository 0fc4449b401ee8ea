# SPDX-License-Identifier: Apache-2.0
"""Alipay's open API as far as Tsuzuku needs it, in its own words: another's package cannot tell the difference.

keys     both sides' keys, and changing theirs     wire     signatures, answers, refusals
objects  trades, refunds, notifications            till     what merchants ask for and payers do
sandbox  the process; the page that stands for the payer's app is in tsuzuku.testing.simulators.wallets

Described at https://opendocs.alipay.com/open/194. Checked: 2026-11-21, with python-alipay-sdk 3.4.

A code holds an address, as there, but of this simulator instead of qr.alipay.com: opening it is scanning it.
"""
