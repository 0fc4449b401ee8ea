# SPDX-License-Identifier: Apache-2.0
"""Proof of a sale: receipts with a number, a signature and five languages, as a page's words, a mail and a PDF.

Owns numbering, what a receipt says, copies, and telling a genuine one from a changed one. Knows orders and what they
paid for, and decides nothing about either.
"""
