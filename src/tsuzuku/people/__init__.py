# SPDX-License-Identifier: Apache-2.0
"""Everybody who logs in: customers and staff, their verified addresses, and where a request comes from.

Owns no page (the web channel has them) and no card: which cards somebody holds is known to `cards`.
"""
