# SPDX-License-Identifier: Apache-2.0
"""The console: where staff see orders, money, cards and partners, and act on them under their own names.

Owns roles and what they may do, the second factor's pages and the trail. Writes no row of another room: it calls their
actions.
"""
