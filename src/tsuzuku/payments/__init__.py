# SPDX-License-Identifier: Apache-2.0
"""Taking and returning money: the port of providers, an adapter for each, and the ledger.

What is paid for is an opaque id here; orders and renewals know what it means.
"""
