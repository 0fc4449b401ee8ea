# SPDX-License-Identifier: Apache-2.0
"""One sale: its number, payer, price, expiry and payment state. What it pays for is a row of another room that points to it."""
