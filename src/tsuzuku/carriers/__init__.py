# SPDX-License-Identifier: Apache-2.0
"""Asking an upstream network for things: the port, the registry of carriers, and an adapter for each.

Owns no tables and decides nothing: when to ask, and what an answer means for a card, is decided in `renewals`.
"""
