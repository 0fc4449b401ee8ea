# SPDX-License-Identifier: Apache-2.0
"""An SMS centre that speaks SMPP 3.4: takes messages, joins their parts, and tells in receipts what became of them.

It takes any password, and keeps its messages while it runs. Checked: 2026-11-22.
"""
