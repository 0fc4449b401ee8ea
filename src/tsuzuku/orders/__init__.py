# SPDX-License-Identifier: Apache-2.0
"""One sale: its number, payer, price, expiry and payment state. What it pays for points to it from another room."""
