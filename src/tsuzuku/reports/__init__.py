# SPDX-License-Identifier: Apache-2.0
"""Figures for each door, and reconciliation: our books held against what providers say that they settled.

Owns settlement files, what was matched of them and what was not. Reads orders and payments, and changes neither.
"""
